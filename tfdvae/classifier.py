"""The downstream classifier of the augmentation study."""

import keras

from tfdvae import checks, seeds

BATCH_SIZE, LEARNING_RATE = 128, 1e-3


def cnn(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    seed: int = 0,
    dtype: str = "float32",
) -> keras.Model:
    """Return the published CNN, compiled with Adam and cross-entropy from logits.

    Two 3x3 convolutions (32 and 64 channels, reflect padding, ReLU), max-pooling by 2, three dense layers of 128 ReLU units,
    logits. 1,658,890 parameters for 28x28x1 images and 10 classes.

    Args:
        image_shape: (H, W, C), at least 2x2.
        classes: number of classes.
        seed: root seed of the initial weights.
        dtype: Keras dtype policy; the logits are float32.
    """
    model = layers(image_shape, classes, seed=seed, dtype=dtype)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    if dtype == "mixed_float16":  # Keras scales the loss by itself only where the whole model has this policy
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def layers(image_shape: tuple[int, int, int], classes: int, *, seed: int = 0, dtype: str = "float32") -> keras.Model:
    """Return what `cnn` does, not compiled."""
    for size in image_shape[:2]:
        checks.integer("image height and width", size, 2)

    def start(name):
        return {
            "name": name,
            "kernel_initializer": keras.initializers.GlorotUniform(seed=seeds.stream(seed, f"classifier weights/{name}")),
            "dtype": dtype,
        }

    hidden = images = keras.Input(image_shape, name="images")
    for number, channels in enumerate((32, 64), start=1):
        hidden = keras.ops.pad(hidden, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        hidden = keras.layers.Conv2D(channels, 3, activation="relu", **start(f"conv_{number}"))(hidden)
    hidden = keras.layers.Flatten(dtype=dtype)(keras.layers.MaxPooling2D(dtype=dtype)(hidden))
    for number in range(1, 4):
        hidden = keras.layers.Dense(128, "relu", **start(f"dense_{number}"))(hidden)
    logits = keras.layers.Dense(classes, **start("logits") | {"dtype": "float32"})(hidden)
    return keras.Model(images, logits, name="cnn")
