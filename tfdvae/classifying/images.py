"""The images that a classifier learns from, and those that are only measured."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfdvae._utils import room
from tfdvae.config.classify import ClassifyConfig
from tfdvae.data import sources, splits
from tfdvae.data.image_dataset import ImageDataset, Split, to_unit
from tfdvae.data.sources import folder_listing, folder_stacks
from tfdvae.image_io.reading import level


@dataclass(frozen=True)
class Labelled:
    """Images with their labels.

    Attributes:
        images: float32 (N, H, W, C) in [0, 1]; while they are loaded, as the dataset has them.
        labels: int64 (N,).
        names: of each image: its path below the folder, or its place in the arrays.
        groups: int64 (N,), or None.
    """

    images: np.ndarray
    labels: np.ndarray
    names: list[str]
    groups: np.ndarray | None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def units(self) -> int:
        """How many images there are, or groups of them, which are independent of one another."""
        return len(self) if self.groups is None else len(np.unique(self.groups))


@dataclass(frozen=True)
class Images:
    """All images of the user's.

    Attributes:
        title: of the dataset.
        class_names: one a class.
        train: to learn from.
        test: only measured, with the dataset's own test split; None where it has none.
        dtype: of the images as they were read, `uint8`, `uint16` or `float32`.
        scale: the value that stands for white in the files.
        white: as `Reading` takes it; None: the largest value of the files' type.
        fingerprint: changes where files do; empty where that is not known.
        notice: what the user must know of the images, lines.
    """

    title: str
    class_names: tuple[str, ...]
    train: Labelled
    test: Labelled | None
    dtype: str
    scale: float
    white: float | None
    fingerprint: str
    notice: str


def load(config: ClassifyConfig, given: ImageDataset | None = None) -> Images:
    """Return the images that settings name.

    Where the dataset has no test split of its own, all images are there to learn from.

    Args:
        config: settings.
        given: a dataset in memory in the place of the one that is named.

    Raises:
        ValueError, TypeError, FileNotFoundError: as of `data.sources.load`; a dataset in memory
            that has no labels.
    """
    if given is None:
        dataset = sources.load(config.dataset, config.data_dir, **config.own_images)
    elif not given.class_names:
        raise ValueError("`dataset` must have labels; got images without them.")
    else:
        mark = given.fingerprint or _fingerprint(given)
        dataset = dataclasses.replace(given, fingerprint=mark)
    names = _names(config if given is None else None, dataset)
    train, test = (
        _labelled(split, part_names)
        for split, part_names in zip((dataset.train, dataset.test), names, strict=True)
    )
    if dataset.held_out:
        train = _together(train, test, (dataset.train.rows, dataset.test.rows))
    notice = [_notice(dataset)]
    count = config.chosen("n_train")
    if count is not None and (config.n_train is not None or count < len(train)):
        notice.append(_left_out(train, count, dataset))
        train = _subset(train, splits.stratified_subset(train.labels, count, config.seed))
    dtype = dataset.train.images.dtype
    return Images(
        Path(dataset.name).name,
        dataset.class_names,
        _in_memory(train),
        None if dataset.held_out else _in_memory(test),
        dtype.name,
        float(level(dtype) if dataset.white is None else dataset.white),
        dataset.white,
        dataset.fingerprint,
        "\n".join(filter(None, notice)),
    )


def _notice(dataset: ImageDataset) -> str:
    """Return the notice of a dataset; where all images are learned from, test images are none."""
    if not dataset.held_out:
        return dataset.notice
    labels = (dataset.train.labels, dataset.test.labels)
    absent = splits.describe_absent(*labels, dataset.class_names)
    return "\n".join(line for line in dataset.notice.splitlines() if line != absent)


def _left_out(train: Labelled, count: int, dataset: ImageDataset) -> str:
    if count > len(train):
        return ""  # `stratified_subset` refuses it
    return splits.describe_subset(train.labels, count, dataset.class_names)


def _labelled(split: Split, names: list[str]) -> Labelled:
    return Labelled(split.images, np.asarray(split.labels), names, split.groups)


def _in_memory(images: Labelled) -> Labelled:
    """Return images as floats in memory, if they fit."""
    needed = 2 * np.dtype(np.float32).itemsize * images.images.size  # with what is made of them
    hint = " A smaller `n_train` or `image_size` needs less."
    room.check_memory("n_train", len(images), needed, hint)
    return dataclasses.replace(images, images=to_unit(np.asarray(images.images)))


def _together(
    train: Labelled, test: Labelled, rows: tuple[np.ndarray | None, np.ndarray | None]
) -> Labelled:
    """Return the images of both, in the order in which they were found where that is known."""
    groups = None
    if train.groups is not None and test.groups is not None:
        groups = np.concatenate([train.groups, test.groups])
    both = Labelled(
        np.concatenate([train.images, test.images]),
        np.concatenate([train.labels, test.labels]),
        train.names + test.names,
        groups,
    )
    if rows[0] is None or rows[1] is None:
        return both
    return _subset(both, np.argsort(np.concatenate([rows[0], rows[1]])))


def _subset(images: Labelled, index: np.ndarray) -> Labelled:
    return Labelled(
        images.images[index],
        images.labels[index],
        [images.names[row] for row in index],
        None if images.groups is None else images.groups[index],
    )


def _fingerprint(dataset: ImageDataset) -> str:
    """Return a hash of all images and labels."""
    digest = hashlib.sha256()
    for part in (dataset.train, dataset.test):
        for array in (part.images, part.labels):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _names(config: ClassifyConfig | None, dataset: ImageDataset) -> tuple[list[str], list[str]]:
    """Return the names of the training and of the test images."""
    path = None if config is None else sources.local(config.dataset)
    parts = (dataset.train, dataset.test)
    if path is not None and path.is_dir() and all(part.rows is not None for part in parts):
        names = folder_stacks.spread(folder_listing.list_classes(path)).names(path)
        found = [[names[row] for row in np.asarray(part.rows)] for part in parts]
        return found[0], found[1]
    train, test = (
        [f"{title}/{row}" for row in range(len(part.labels))]
        for title, part in zip(("train", "test"), parts, strict=True)
    )
    return train, test
