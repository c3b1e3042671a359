"""The images of the study on uses, and models trained on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import sklearn.decomposition

from tfdvae._utils import seeds
from tfdvae.data import splits
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.metrics import image
from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE
from tfdvae.studies.uses.recipes import Recipe

MAX_VALIDATION = 2000
BATCH_SIZE, LEARNING_RATE = 128, 2e-3

Rows = list[dict[str, Any]]
Measured = tuple[Rows, dict[str, np.ndarray]]  # rows, and pictures if any


@dataclass(frozen=True)
class Images:
    """Images float32 (N, H, W, C) in [0, 1] to train on, and those to measure on, with labels.

    Attributes:
        pool: images to train on are taken from these.
        pool_labels: int64.
        measured: test or validation images.
        measured_labels: int64.
        seed: root seed.
        split: `test` or `validation`.
    """

    pool: np.ndarray
    pool_labels: np.ndarray
    measured: np.ndarray
    measured_labels: np.ndarray
    seed: int
    split: str

    def train(self, count: int, classes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return so many random training images, or all if fewer, and their labels.

        Args:
            count: of images.
            classes: the only ones that images are taken from.
        """
        available = np.arange(len(self.pool))
        if classes is not None:
            available = np.flatnonzero(np.isin(self.pool_labels, classes))
        labels = self.pool_labels[available]
        chosen = available[splits.stratified_subset(labels, min(count, len(labels)), self.seed)]
        return self.pool[chosen], self.pool_labels[chosen]


def load(dataset: ImageDataset, seed: int, split: str) -> Images:
    """Return the images of a seed.

    Args:
        dataset: all images.
        seed: root seed of subsets.
        split: `test` measures on test images, `validation` on training images that are held out.
    """
    images, labels = to_unit(dataset.train.images), np.asarray(dataset.train.labels)
    if split == "test":
        test = to_unit(dataset.test.images)
        return Images(images, labels, test, np.asarray(dataset.test.labels), seed, split)
    held_out = splits.stratified_subset(labels, min(MAX_VALIDATION, len(labels) // 5), seed)
    pool = np.setdiff1d(np.arange(len(labels)), held_out)
    return Images(images[pool], labels[pool], images[held_out], labels[held_out], seed, split)


def trained(recipe: Recipe, images: np.ndarray, seed: int) -> DAE:
    """Return a denoising autoencoder, trained with Adam and a learning rate that falls to 0."""
    keras.backend.clear_session()
    encoder, decoder = networks.build(
        recipe.network, images.shape[1:], recipe.latent_dim, variational=False, seed=seed
    )
    model = DAE(
        encoder, decoder, corruption=recipe.corruption, likelihood=recipe.likelihood, seed=seed
    )
    batch_size = min(BATCH_SIZE, len(images))
    steps = recipe.epochs * (len(images) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(optimizer=keras.optimizers.Adam(schedule))
    model.fit(images, batch_size=batch_size, epochs=recipe.epochs, verbose=0)
    return model


def flat(images: np.ndarray) -> np.ndarray:
    """Return images as rows, (N, pixels)."""
    return images.reshape(len(images), -1)


def fitted_pca(dim: int, images: np.ndarray, seed: int) -> sklearn.decomposition.PCA:
    """Return principal components of images."""
    state = seeds.of_32_bits(seed)
    pca = sklearn.decomposition.PCA(dim, svd_solver="randomized", random_state=state)
    return pca.fit(flat(images))


def mean_psnr(images: np.ndarray, reference: np.ndarray) -> float:
    """Return the mean over images of the peak signal-to-noise ratio in dB, peak 1."""
    return float(np.mean(image.psnr(np.clip(images, 0, 1), reference, best=None)))
