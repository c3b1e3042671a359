"""Does augmentation help my classifier? A small study with arrays and a classifier of one's own.

python examples/does_it_help.py
"""

# %% My classifier: a function of this module that returns a compiled Keras model.
import keras
import numpy as np


def my_classifier(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return a small CNN."""
    model = keras.Sequential(
        [
            keras.Input(image_shape),
            keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(32, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(classes),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss)
    return model


# %% My images: (N, H, W) or (N, H, W, C), and a class number for each.
def my_images() -> tuple[np.ndarray, np.ndarray]:
    """Return noisy digits, and their labels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).repeat(2, axis=1).repeat(2, axis=2) / 16
    noise = np.random.default_rng(0).normal(0, 0.1, images.shape)
    return np.clip(images + noise, 0, 1).astype(np.float32), labels


# %% The study: the images alone, plain augmentation, and synthetic images of a DVAE.
def main() -> None:
    """Run the study and print its verdict."""
    import tfdvae

    folder = tfdvae.study(
        "augmentation",
        dataset=tfdvae.ImageDataset.from_arrays(*my_images()),
        sets=("limited", "classical+gaussian", "dvae"),
        protocols=("equal_steps",),
        classifier="does_it_help:my_classifier",
        n_train=400,
        seeds=(0, 1),
        epochs=10,
        classifier_steps=60,
        test_noise=("0", "0.1"),
        other_noise=("salt_and_pepper:0.1",),
        quick=True,  # in this process
        output="does_it_help",  # for other images name another folder
    )
    print((folder / "report.md").read_text().partition("## Verdict")[2].partition("\n## ")[0])
    print(f"See {folder / 'report.html'}")


if __name__ == "__main__":
    main()
