"""Cells of the noise study: a denoising autoencoder for each training noise, target and seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import sklearn.linear_model
import sklearn.metrics
import sklearn.model_selection
import sklearn.neighbors

from tfdvae import corruptions, csv_rows
from tfdvae._utils import files
from tfdvae.data import pipelines
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.metrics import image
from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE
from tfdvae.studies import training
from tfdvae.studies.noise.settings import NOISES

BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY, LATENT_DIM = 256, 1e-3, 1e-5, 4
PROBE_IMAGES, NEIGHBORS, PARTS, SHOWN_IMAGES = 10_000, 10, 5, 10


@keras.saving.register_keras_serializable(package="tfdvae", name="L2Adam")
class L2Adam(keras.optimizers.Adam):
    """Adam with `l2` times the weights added to the gradient, which is no part of the loss.

    That is the `weight_decay` of torch.optim.Adam.

    Args:
        learning_rate: step size.
        l2: factor of the weights.
        **kwargs: as for `keras.optimizers.Adam`.
    """

    def __init__(self, learning_rate: float = 1e-3, l2: float = 0.0, **kwargs: Any):
        super().__init__(learning_rate, **kwargs)
        self.l2 = l2

    def apply(self, grads: list, trainable_variables: list | None = None) -> None:
        """Update variables by gradients, to which the weights are added."""
        assert trainable_variables is not None
        decayed = [
            gradient + self.l2 * variable
            for gradient, variable in zip(grads, trainable_variables, strict=True)
        ]
        return super().apply(decayed, trainable_variables)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "l2": self.l2}


def scaled(images: np.ndarray) -> np.ndarray:
    """Return unsigned integer images as float32 in [-1, 1]."""
    return to_unit(images) * 2 - 1


def floor(images: np.ndarray, noise: str, target: str, seed: int) -> float:
    """Return the part of the loss that no output in [0, 1] avoids, E[min(x, 0)^2].

    x is the target in [-1, 1]. With the target `corrupted` it is the erased image for random
    erasing; for Gaussian noise, which adds its variance besides, the clean one.
    """
    corruption = corruptions.parse(noise)
    if corruption.kind == "random_erasing" and target == "corrupted":
        images = pipelines.freeze_noise(images, np.arange(len(images)), corruption, seed, "floor")
    return float(np.mean(np.square(np.minimum(images, 0)), dtype=np.float64))


def run_cell(
    dataset: ImageDataset, noise: str, target: str, seed: int, epochs: int, path: Path
) -> None:
    """Train one model and write its rows, and reconstructions and codes beside them.

    Args:
        dataset: all of its training images are used.
        noise: injected corruption, in units of the images scaled to [-1, 1].
        target: `corrupted`, as published, or `observed`.
        seed: root seed.
        epochs: of training; reconstructions are kept after the first and the last.
        path: of the CSV file.

    Raises:
        FloatingPointError: the loss became infinite or NaN.
    """
    train, test = scaled(dataset.train.images), scaled(dataset.test.images)
    encoder, decoder = networks.strided_conv(
        train.shape[1:], LATENT_DIM, variational=False, seed=seed
    )
    model = DAE(encoder, decoder, corruption=noise, objective=target, likelihood="mse", seed=seed)
    model.compile(optimizer=L2Adam(LEARNING_RATE, WEIGHT_DECAY))
    shown = _noisy(test, noise, seed)[:SHOWN_IMAGES]
    pictures: dict[str, np.ndarray] = {}
    batches = pipelines.training_batches(
        (train,), BATCH_SIZE, seed, "noise study", drop_remainder=False
    )
    history = model.fit(
        batches,
        epochs=epochs,
        steps_per_epoch=pipelines.steps_per_epoch(len(train), BATCH_SIZE, drop_remainder=False),
        validation_data=(test,),
        validation_batch_size=1000,
        verbose=0,
        callbacks=[_pictures_of(shown, epochs, pictures)],
    ).history
    training.check_finite(history["loss"])
    fixed = {
        "study": "noise",
        "run": path.stem,
        "dataset": dataset.name,
        "n_train": len(train),
        "condition": "clean",
        "model": "ae" if noise == "none" else "dae",
        "network": "strided_conv",
        "corruption": noise,
        "target": target,
        "seed": seed,
    }
    rows = [
        fixed
        | {"split": split, "epoch": epoch, "metric": "loss", "value": float(losses[epoch - 1])}
        for epoch in range(1, epochs + 1)
        for split, losses in (("train", history["loss"]), ("test", history["val_loss"]))
    ]
    for split, images in (("train", train), ("test", test)):
        value = floor(images, noise, target, seed)
        rows.append(fixed | {"split": split, "metric": "floor", "value": value})
    rows += [
        fixed | {"split": "test", "epoch": epochs} | measured
        for measured in _measure(model, dataset, train, test, seed)
    ]
    arrays = {"noisy": shown, "codes": model.encode(test), "labels": dataset.test.labels}
    files.write_npz(path.with_suffix(".npz"), arrays | pictures)
    path.with_suffix(".tsne.npy").unlink(missing_ok=True)
    csv_rows.write_rows(path, rows)


def _noisy(images: np.ndarray, noise: str, seed: int) -> np.ndarray:
    corruption = corruptions.parse(noise)
    return pipelines.freeze_noise(images, np.arange(len(images)), corruption, seed, "test")


def _pictures_of(
    shown: np.ndarray, epochs: int, pictures: dict[str, np.ndarray]
) -> keras.callbacks.Callback:
    """Return a callback that keeps reconstructions after the first and the last epoch."""

    class Pictures(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            if epoch + 1 in (1, epochs):
                pictures[f"epoch_{epoch + 1}"] = self.model.denoise(shown)

    return Pictures()


def _measure(
    model: DAE, dataset: ImageDataset, train: np.ndarray, test: np.ndarray, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield metrics on common inputs: each test noise, whatever the model was trained with.

    `psnr`: peak 2, against the uncorrupted image in [-1, 1]. `psnr_reachable`: peak 1, against what
    a sigmoid can give of it, max(x, 0). `probe_accuracy`: a logistic regression fitted to codes of
    uncorrupted training images. `knn_accuracy`, `silhouette`: how well the codes of the test images
    separate the classes.
    """
    chosen = np.arange(len(train))
    if len(train) > PROBE_IMAGES:
        chosen = np.random.default_rng(seed).choice(len(train), PROBE_IMAGES, replace=False)
    probe = sklearn.linear_model.LogisticRegression(max_iter=2000).fit(
        model.encode(train[chosen]), np.asarray(dataset.train.labels)[chosen]
    )
    labels = np.asarray(dataset.test.labels)
    for noise in NOISES:
        noisy = _noisy(test, noise, seed)
        output, codes = model.denoise(noisy), model.encode(noisy)
        values = {
            "psnr": np.mean(image.psnr(output, test, peak=2, best=None)),
            "psnr_reachable": np.mean(image.psnr(output, np.maximum(test, 0), best=None)),
            "probe_accuracy": probe.score(codes, labels),
        }
        if noise == "none":
            neighbors = sklearn.neighbors.KNeighborsClassifier(NEIGHBORS)
            values["knn_accuracy"] = np.mean(
                sklearn.model_selection.cross_val_score(neighbors, codes, labels, cv=PARTS)
            )
            values["silhouette"] = sklearn.metrics.silhouette_score(codes, labels)
        for metric, value in values.items():
            yield {"test_corruption": noise, "metric": metric, "value": float(value)}
