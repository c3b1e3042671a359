"""The images of a cell: the training subset as observed, and the images to measure on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from tfdvae import corruptions
from tfdvae.config import DEFAULT_N_TRAIN
from tfdvae.data import pipelines, sources, splits
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.studies.augmentation.settings import OBSERVED_NOISE, AugmentationStudyConfig

QUICK_IMAGES = 200
QUICK_PIXELS = 32  # of the longer side, at most, so that `--quick` takes a minute
MAX_VALIDATION_IMAGES = 10_000


@dataclass(frozen=True)
class Images:
    """What all cells of a condition and seed share.

    Attributes:
        train: float32 (N, H, W, C), as observed.
        clean: the same before any noise, for `ceiling` sets alone.
        noise: of `train`; `none` of the clean condition.
        train_labels: int64 (N,).
        held_out: (M, H, W, C), test images, float32 in [0, 1] or unsigned integers; in development
            validation images, as observed.
        held_out_labels: int64 (M,).
        held_out_groups: int64 (M,), or None where images have none.
        classes: number of classes.
    """

    train: np.ndarray
    clean: np.ndarray
    noise: corruptions.Corruption
    train_labels: np.ndarray
    held_out: np.ndarray
    held_out_labels: np.ndarray
    held_out_groups: np.ndarray | None
    classes: int


def prepare(
    config: AugmentationStudyConfig,
    dataset: ImageDataset,
    condition: str,
    seed: int,
    train_noise: str = OBSERVED_NOISE,
) -> Images:
    """Return the images of a condition and seed.

    In development the validation images are the dataset's own, where it has any. Otherwise they are
    training images outside the subset. Where these are fewer than a fifth, or images have groups, a
    fifth is held out first, in whole groups if there are any, and the subset is taken from the
    rest.

    Args:
        config: settings of the study.
        dataset: all images.
        condition: `clean`, or `noisy` for training images that are corrupted once.
        seed: root seed of subset and noise.
        train_noise: of the condition `noisy`.
    """
    labels = np.asarray(dataset.train.labels)
    count = train_count(config, len(labels))
    own = dataset.validation if config.development else None
    available = others = np.arange(len(labels))
    if (config.development and own is None) and (
        dataset.train.groups is not None or len(labels) - count < len(labels) // 5
    ):
        available, others = splits.hold_out(labels, dataset.train.groups, seed=seed)
    index = available[splits.stratified_subset(labels[available], min(count, len(available)), seed)]
    others = np.setdiff1d(others, index)
    noise = corruptions.parse(observed_noise(condition, train_noise))

    def observed(chosen: np.ndarray) -> np.ndarray:
        clean = to_unit(dataset.train.images[chosen])
        return pipelines.freeze_noise(clean, chosen, noise, seed, "observed")

    if own is not None:
        order = np.random.default_rng(seed).permutation(len(own.labels))
        shown = np.sort(order[:MAX_VALIDATION_IMAGES])
        held_out_labels, groups = own.labels[shown], None
        held_out = pipelines.freeze_noise(
            to_unit(own.images[shown]), shown, noise, seed, "observed validation"
        )
    elif config.development:
        others = np.sort(np.random.default_rng(seed).permutation(others)[:MAX_VALIDATION_IMAGES])
        splits.check_classes(
            labels[index],
            labels[others],
            dataset.class_names,
            held_out=True,
            grouped=dataset.train.groups is not None,
        )
        held_out, held_out_labels = observed(others), labels[others]
        groups = None if dataset.train.groups is None else dataset.train.groups[others]
    else:
        held_out, groups = dataset.test.images, dataset.test.groups
        held_out_labels = np.asarray(dataset.test.labels)
    return Images(
        observed(index),
        to_unit(dataset.train.images[index]),
        noise,
        labels[index],
        held_out,
        held_out_labels,
        groups,
        len(dataset.class_names),
    )


def train_count(config: AugmentationStudyConfig, available: int) -> int:
    """Return the number of training images, of those that the dataset has."""
    default = QUICK_IMAGES if config.quick else DEFAULT_N_TRAIN
    return config.n_train or min(default, available)


def quick_images(
    config: AugmentationStudyConfig, dataset: ImageDataset
) -> tuple[AugmentationStudyConfig, ImageDataset] | None:
    """Return the settings of a first look at smaller images, and these.

    None where it is none, the size was chosen, images are small, or their source cannot resize.

    Args:
        config: settings of the study.
        dataset: all images, as large as they are.
    """
    height, width = dataset.train.images.shape[1:3]
    shrunk = QUICK_PIXELS / max(height, width)
    resizes = "image_size" in sources.find(config.dataset).options
    if not (config.quick and resizes and config.image_size is None and shrunk < 1):
        return None
    size = tuple(max(2, round(shrunk * length)) for length in (height, width))
    config = dataclasses.replace(config, image_size=size)
    options = config.own_images | {"n_train": config.n_train}
    return config, sources.load(config.dataset, config.data_dir, **options)


def observed_noise(condition: str, train_noise: str) -> str:
    """Return the corruption of the training images of a condition."""
    return train_noise if condition == "noisy" else "none"
