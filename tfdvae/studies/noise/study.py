"""The noise study: how much, and what noise is best for a denoising autoencoder?

Source: "CS 307 Final Project - Denoise Autoencoder". As published, images are scaled to [-1, 1] while the decoder ends in a
sigmoid, and the corrupted image is the target. So the loss has a floor, E[min(x, 0)^2], to which Gaussian noise of level s adds
s^2; what is left is the model's own error.
"""

from pathlib import Path

import keras
import numpy as np
import sklearn.linear_model
import sklearn.metrics
import sklearn.model_selection
import sklearn.neighbors
import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import csv_rows, files
from tfdvae.data import image_dataset, pipelines, sources
from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE
from tfdvae.studies import runner as cell_runner
from tfdvae.studies.noise import report
from tfdvae.studies.noise.report import NOISES
from tfdvae.studies.noise.settings import NoiseStudyConfig

BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY, LATENT_DIM = 256, 1e-3, 1e-5, 4

PROBE_IMAGES, NEIGHBOURS = 10_000, 10


@keras.saving.register_keras_serializable(package="tfdvae", name="L2Adam")
class L2Adam(keras.optimizers.Adam):
    """Adam with `weight_decay` times the weights added to the gradient, as torch.optim.Adam has it, and absent from the loss.

    Args:
        learning_rate: step size.
        l2: factor of the weights.
        **kwargs: as for `keras.optimizers.Adam`.
    """

    def __init__(self, learning_rate=1e-3, l2=0.0, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.l2 = l2

    def apply(self, grads, trainable_variables=None):
        decayed = [
            gradient + self.l2 * variable
            for gradient, variable in zip(grads, trainable_variables, strict=True)
        ]
        return super().apply(decayed, trainable_variables)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}


def scaled(images: np.ndarray) -> np.ndarray:
    """Return unsigned integer images as float32 in [-1, 1]."""
    return image_dataset.to_unit(images) * 2 - 1


def floor(images: np.ndarray, noise: str, target: str, seed: int) -> float:
    """Return the part of the loss that no output in [0, 1] avoids: E[min(x, 0)^2] of the target x in [-1, 1].

    With target `corrupted` x is the erased image for random erasing; for Gaussian noise, which adds its variance besides, the clean one.
    """
    corruption = corruptions.parse(noise)
    if corruption.kind == "random_erasing" and target == "corrupted":
        images = pipelines.freeze_noise(images, np.arange(len(images)), corruption, seed, "floor")
    return float(np.mean(np.square(np.minimum(images, 0)), dtype=np.float64))


def run_cell(
    source: image_dataset.ImageDataset, noise: str, target: str, seed: int, epochs: int, path: Path
) -> None:
    """Train one model and write its rows to `path`; reconstructions and codes go beside it, to `path`.npz.

    Args:
        source: dataset; all of its training images are used.
        noise: injected corruption, in units of the images scaled to [-1, 1].
        target: `corrupted`, as published, or `observed`.
        seed: root seed.
        epochs: of training; pictures are taken after the first and the last.
        path: CSV file.
    """
    train, test = scaled(source.train.images), scaled(source.test.images)
    fixed = {
        "study": "noise", "run": path.stem, "dataset": source.name, "n_train": len(train), "condition": "clean", "model": "ae" if noise == "none" else "dae",
        "network": "strided_conv", "corruption": noise, "target": target, "seed": seed,
    }  # fmt: skip
    pair = networks.strided_conv(train.shape[1:], LATENT_DIM, variational=False, seed=seed)
    model = DAE(*pair, corruption=noise, target=target, likelihood="mse", seed=seed)
    model.compile(optimizer=L2Adam(LEARNING_RATE, WEIGHT_DECAY))
    per_epoch = pipelines.steps_per_epoch(len(train), BATCH_SIZE, drop_remainder=False)
    batches = pipelines.training_batches(
        (train,), BATCH_SIZE, seed, "noise study", drop_remainder=False
    )
    pictures = {}

    class Pictures(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch + 1 in (1, epochs):
                pictures[f"epoch_{epoch + 1}"] = model.denoise(noisy[:10])

    noisy = pipelines.freeze_noise(
        test, np.arange(len(test)), corruptions.parse(noise), seed, "test"
    )
    history = model.fit(batches, epochs=epochs, steps_per_epoch=per_epoch, validation_data=(test,), validation_batch_size=1000, verbose=0,
                        callbacks=[Pictures()]).history  # fmt: skip
    if not np.isfinite(history["loss"][-1]):
        raise FloatingPointError(f"the loss became {history['loss'][-1]}.")
    rows = []
    for epoch in range(1, epochs + 1):
        for split, key in (("train", "loss"), ("test", "val_loss")):
            rows.append(
                fixed
                | {
                    "split": split,
                    "epoch": epoch,
                    "metric": "loss",
                    "value": float(history[key][epoch - 1]),
                }
            )
    for split, images in (("train", train), ("test", test)):
        rows.append(
            fixed | {"split": split, "metric": "floor", "value": floor(images, noise, target, seed)}
        )
    rows += [
        fixed | {"split": "test", "epoch": epochs} | measured
        for measured in _measure(model, source, train, test, seed)
    ]
    with files.replacing(path.with_suffix(".npz")) as temporary, open(temporary, "wb") as file:
        np.savez(
            file, noisy=noisy[:10], codes=model.encode(test), labels=source.test.labels, **pictures
        )
    path.with_suffix(".tsne.npy").unlink(missing_ok=True)
    csv_rows.write_rows(path, rows)


def _measure(
    model: DAE, source: image_dataset.ImageDataset, train: np.ndarray, test: np.ndarray, seed: int
):
    """Answer the study's question on common inputs: each test noise against the uncorrupted image, and codes at each.

    `psnr`: peak 2, against the uncorrupted image in [-1, 1]. `psnr_reachable`: peak 1, against what a sigmoid can give of
    it, max(x, 0). `probe_accuracy`: a logistic regression fitted to codes of uncorrupted training images. `knn_accuracy` and
    `silhouette`: how well the codes of the test images keep the classes apart.
    """
    chosen = (
        np.random.default_rng(seed).choice(len(train), PROBE_IMAGES, replace=False)
        if len(train) > PROBE_IMAGES
        else np.arange(len(train))
    )
    probe = sklearn.linear_model.LogisticRegression(max_iter=2000).fit(
        model.encode(train[chosen]), np.asarray(source.train.labels)[chosen]
    )
    labels = np.asarray(source.test.labels)
    for noise in NOISES:
        noisy = pipelines.freeze_noise(
            test, np.arange(len(test)), corruptions.parse(noise), seed, "test"
        )
        output, codes = model.denoise(noisy), model.encode(noisy)
        values = {
            "psnr": np.mean(tf.image.psnr(output, test, 2.0)),
            "psnr_reachable": np.mean(tf.image.psnr(output, np.maximum(test, 0), 1.0)),
            "probe_accuracy": probe.score(codes, labels),
        }
        if noise == "none":
            neighbours = sklearn.neighbors.KNeighborsClassifier(NEIGHBOURS)
            values["knn_accuracy"] = np.mean(
                sklearn.model_selection.cross_val_score(neighbours, codes, labels, cv=5)
            )
            values["silhouette"] = sklearn.metrics.silhouette_score(codes, labels)
        for metric, value in values.items():
            yield {"test_corruption": noise, "metric": metric, "value": float(value)}


def run(config: NoiseStudyConfig) -> Path:
    """Compute the cells of the study that are missing, or the one that `config.cell` names, then write its report.

    Without noise both targets are one, so that these models are trained for the first target alone.

    Raises:
        ValueError: no such cell; results of another number of epochs, of threads or another dataset in the folder.
    """
    cells = {
        f"{target}-{noise.replace(':', '-')}-seed{seed}": (noise, target, seed)
        for seed in config.seeds
        for target in config.targets
        for noise in NOISES
        if noise != "none" or target == config.targets[0]
    }

    def compute(cell: str, path: Path) -> None:
        run_cell(sources.load(config.dataset, config.data_dir), *cells[cell], config.epochs, path)

    return cell_runner.study("noise", config, cells, {"epochs": config.epochs}, compute, report.write)
