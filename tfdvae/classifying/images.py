"""The images that a classifier learns from, and those that are only measured."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfdvae._utils import chunks, room, text
from tfdvae.classifying import copies
from tfdvae.config.classify import ClassifyConfig
from tfdvae.data import sources, splits
from tfdvae.data.image_dataset import ImageDataset, Split, to_unit
from tfdvae.data.sources import folder_listing, folder_stacks
from tfdvae.image_io.reading import level


@dataclass(frozen=True)
class Labelled:
    """Images with their labels.

    Attributes:
        images: float32 (N, H, W, C) in [0, 1].
        labels: int64 (N,).
        names: of each image: its path below the folder, or its place in the arrays.
        groups: int64 (N,), what is never in two parts of the cross-validation: the user's groups,
            and among the images to learn from also equal ones; or None.
        equal_only: whether groups are of equal images alone, and the user gave none.
    """

    images: np.ndarray
    labels: np.ndarray
    names: list[str]
    groups: np.ndarray | None
    equal_only: bool = False

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
        dataset = sources.load(
            config.dataset, config.data_dir, **config.own_images, cross_validated=True
        )
    elif not given.class_names:
        raise ValueError("`dataset` must have labels; got images without them.")
    else:
        dataset = dataclasses.replace(given, fingerprint=_fingerprint(given))
    names = _names(config if given is None else None, dataset)
    splits_ = (dataset.train, dataset.test)
    rows = _in_order(splits_) if dataset.held_out else np.arange(len(dataset.train.labels))
    labels = np.concatenate([split.labels for split in splits_])[rows]
    notice = [_notice(dataset)]
    count = config.chosen("n_train")
    if count is not None and (config.n_train is not None or count < len(rows)):
        notice.append(_left_out(labels, count, dataset))
        rows = rows[splits.stratified_subset(labels, count, config.seed)]
    train = _read(splits_, names, rows)
    groups, copied = copies.together(train.images, train.groups)
    train = dataclasses.replace(train, groups=groups, equal_only=train.groups is None)
    notice += [copies.describe(copied), _of_one_group(train, dataset.class_names)]
    of_test = np.arange(len(dataset.train.labels), len(names))
    dtype = dataset.train.images.dtype
    return Images(
        Path(dataset.name).name,
        dataset.class_names,
        train,
        None if dataset.held_out else _read(splits_, names, of_test),
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
    lines = [line for line in dataset.notice.splitlines() if line != absent]
    return "\n".join(filter(None, map(copies.without_test_images, lines)))


def _left_out(labels: np.ndarray, count: int, dataset: ImageDataset) -> str:
    if count > len(labels):
        return ""  # `stratified_subset` refuses it
    return splits.describe_subset(labels, count, dataset.class_names)


def _of_one_group(train: Labelled, class_names: Sequence[str]) -> str:
    """Say which classes have all their images, two or more, in one group."""
    if train.groups is None:
        return ""
    of_classes = [train.groups[train.labels == label] for label in range(len(class_names))]
    found = [
        text.name(name)
        for name, groups in zip(class_names, of_classes, strict=True)
        if len(groups) > 1 and len(np.unique(groups)) == 1
    ]
    if not found:
        return ""
    return (
        f"all images of {', '.join(found)} are of one group: where they are measured, nothing was "
        "learned of the class, so that they are never found. Images of other groups would tell."
    )


def _in_order(parts: tuple[Split, Split]) -> np.ndarray:
    """Return where all images are, one split after the other, in the order they were found in."""
    train, test = (part.rows for part in parts)
    if train is None or test is None:
        return np.arange(sum(len(part.labels) for part in parts))
    return np.argsort(np.concatenate([train, test]))


def _read(parts: tuple[Split, Split], names: list[str], rows: np.ndarray) -> Labelled:
    """Return images as floats in memory, if they fit.

    Args:
        parts: of the dataset.
        names: of all images, one split after the other.
        rows: of the images among them.
    """
    shape = (len(rows), *parts[0].images.shape[1:])
    needed = 2 * np.dtype(np.float32).itemsize * math.prod(shape)  # with what is made of them
    hint = " A smaller `n_train` or `image_size` needs less."
    room.check_memory("n_train", len(rows), needed, hint)
    images, groups = np.empty(shape, np.float32), np.zeros(len(rows), np.int64)
    start, grouped = 0, True
    for part in parts:
        places = np.flatnonzero((start <= rows) & (rows < start + len(part.labels)))
        for piece in chunks.pieces(len(places), images[:1].nbytes):
            images[places[piece]] = to_unit(part.images[rows[places[piece]] - start])
        if part.groups is not None:
            groups[places] = part.groups[rows[places] - start]
        elif len(places):
            grouped = False
        start += len(part.labels)
    labels = np.concatenate([part.labels for part in parts])[rows]
    return Labelled(images, labels, [names[row] for row in rows], groups if grouped else None)


def _fingerprint(dataset: ImageDataset) -> str:
    """Return a hash of all that is learned from."""
    digest = hashlib.sha256()
    digest.update(json.dumps([dataset.class_names, dataset.white, dataset.held_out]).encode())
    for part in (dataset.train, dataset.test):
        for array in (part.images, part.labels, part.groups):
            known = None if array is None else (str(array.dtype), array.shape)
            digest.update(json.dumps(known).encode())
            if array is not None:
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _names(config: ClassifyConfig | None, dataset: ImageDataset) -> list[str]:
    """Return the names of all images, those of the training images first."""
    path = None if config is None else sources.local(config.dataset)
    parts = (dataset.train, dataset.test)
    if path is not None and path.is_dir() and all(part.rows is not None for part in parts):
        names = folder_stacks.spread(folder_listing.list_classes(path)).names(path)
        return [names[row] for part in parts for row in np.asarray(part.rows)]
    if dataset.held_out and all(part.rows is not None for part in parts):
        return [f"train/{row}" for part in parts for row in np.asarray(part.rows)]
    return [
        f"{title}/{row}"
        for title, part in zip(("train", "test"), parts, strict=True)
        for row in range(len(part.labels))
    ]
