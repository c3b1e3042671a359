"""The images of the study on few labels: all as observed, and the labels that are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfdvae import corruptions
from tfdvae.data import pipelines, splits
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.studies.few_labels.settings import FewLabelsStudyConfig

MAX_VALIDATION = 5000


@dataclass(frozen=True)
class Images:
    """What a method sees.

    Attributes:
        observed: float32 (N, H, W, C), all training images with their noise.
        labelled: int64 (M,), which of them have a label.
        labels: int64 (M,), theirs.
        classes: number of classes.
        level: standard deviation of the noise.
        seed: root seed.
    """

    observed: np.ndarray
    labelled: np.ndarray
    labels: np.ndarray
    classes: int
    level: float
    seed: int


def prepare(
    config: FewLabelsStudyConfig, dataset: ImageDataset, n_labels: int, seed: int
) -> tuple[Images, np.ndarray, np.ndarray]:
    """Return the training images, and images (K, H, W, C) and labels (K,) to measure on.

    The latter are test images or, in development, other training images; both without noise.

    Args:
        config: settings of the study.
        dataset: all images.
        n_labels: images that have a label.
        seed: root seed of subset, noise and labels.
    """
    labels = np.asarray(dataset.train.labels)
    index = splits.stratified_subset(labels, config.n_train, seed)
    noise = corruptions.parse(config.train_noise)
    clean = to_unit(dataset.train.images[index])
    observed = pipelines.freeze_noise(clean, index, noise, seed, "observed")
    known = splits.stratified_subset(labels[index], n_labels, seed)
    images = Images(
        observed, known, labels[index[known]], len(dataset.class_names), noise.level, seed
    )
    if not config.development:
        return images, dataset.test.images, np.asarray(dataset.test.labels)
    others = np.setdiff1d(np.arange(len(labels)), index)
    others = np.sort(np.random.default_rng(seed).permutation(others)[:MAX_VALIDATION])
    return images, dataset.train.images[others], labels[others]
