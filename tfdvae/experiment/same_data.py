"""Whether a run that goes on has the images and labels that it began with.

The fingerprint of a dataset tells whether its files are the same. Another version of tfdvae may
read the same files in another way: hold out other images, number classes otherwise, decode what is
transparent to other pixels. Another version of Pillow may decode JPEG to other pixels.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfdvae._utils import chunks
from tfdvae.data.image_dataset import ImageDataset, Split
from tfdvae.experiment import prepare, provenance
from tfdvae.experiment.run import Run

DIGESTED = 2**28
"""Bytes of the training images, and of the test images, that a run records a digest of."""

_COMPARED = 100  # training images of a run without digests whose pixels are compared
# Root mean square difference, in standard deviations of an image, that images of a run without
# digests may have: decoders of JPEG differ by less. What has a digest must be the same bit by bit.
_FAR = 0.05
_ROUNDING = 1e-6


def marks(dataset: ImageDataset) -> dict[str, Any]:
    """Return what a run records of its dataset, for `environment.json`.

    The digests are of all pixels where these are at most `DIGESTED` bytes, otherwise of so many
    images, spread evenly.

    Example:
        >>> marks(sources.load("digits"))["train"], marks(sources.load("digits"))["test"]
        (1438, 359)
    """
    labels = [np.asarray(part.labels, "<i8").tobytes() for part in (dataset.train, dataset.test)]
    return {
        "train": len(dataset.train.labels),
        "test": len(dataset.test.labels),
        "class_names": list(dataset.class_names),
        "labels": hashlib.sha256(b"".join(labels)).hexdigest(),
        "train_pixels": _digest(dataset.train),
        "test_pixels": _digest(dataset.test),
    }


def _digest(split: Split) -> str:
    found = hashlib.sha256()
    for images in (split.images, split.noisy):
        if images is not None:
            found.update(f"{images.dtype} {images.shape}".encode())
            for places in _spread(len(images), DIGESTED // images[0].nbytes, images[0].nbytes):
                found.update(np.ascontiguousarray(images[places]).data)
    return found.hexdigest()


def _spread(count: int, most: int, row_bytes: int) -> Iterator[np.ndarray]:
    """Yield at most so many of the numbers below a count, one at least, evenly spread, in pieces.

    Args:
        count: of images.
        most: how many are wanted.
        row_bytes: of an image; a piece of them fits into memory.
    """
    places = np.linspace(0, count - 1, min(count, max(1, most))).astype(int)
    for piece in chunks.pieces(len(places), row_bytes):
        yield places[piece]


def check(run: Run, recorded: Mapping[str, Any]) -> None:
    """Refuse to go on with a run whose images or labels are read otherwise than when it began.

    Compared are the `marks` of that time, which must be the same bit by bit: images of JPEG files
    that another version of Pillow decodes a little otherwise are others. Runs of 0.1.0 have no
    marks; of these and of others the labels and up to 100 of the training images that the run keeps
    are compared, and pixels may differ by 5% of the standard deviation of an image.

    Args:
        run: with the dataset as it is read now.
        recorded: what `environment.json` holds.

    Raises:
        ValueError: naming what differs.
    """
    before, now = recorded.get("decoded", {}), marks(run.dataset)
    differing = [name for name in now if before.get(name, now[name]) != now[name]]
    what = {
        "train": "its training images",
        "test": "its test images",
        "class_names": "the names of its classes",
        "labels": "its labels",
        "train_pixels": "the pixels of its training images",
        "test_pixels": "the pixels of its test images",
    }
    differs = what[differing[0]] if differing else _kept_differs(run)
    if differs:
        raise ValueError(
            f"`dataset` {run.dataset.name} is read differently than when the run began "
            f"({_readers(recorded.get('packages', {}))}; now "
            f"{_readers(provenance.environment()['packages'])}): {differs} differ. "
            "Begin a new run."
        )


def _readers(packages: Mapping[str, str]) -> str:
    """Return the versions of what reads images."""
    names = {"tfdvae": "tfdvae", "pillow": "Pillow"}
    found = [f"{shown} {packages[name]}" for name, shown in names.items() if name in packages]
    return ", ".join(found) or "with unknown versions"


def _kept_differs(run: Run) -> str:
    """Return what differs of the training images that a run keeps; empty where nothing does."""
    if not (run.data_folder / "index.npy").exists():
        return ""  # nothing was made of them yet
    index, labels = run.data["index"], run.data["labels"]
    train = run.dataset.train
    if index.max() >= len(train.labels):
        return "its training images"
    if not np.array_equal(labels, np.asarray(train.labels)[index]):
        return "the labels of its training images"
    for name, images in prepare.stored_images(run).items():
        for places in _spread(len(index), _COMPARED, 4 * images[0].size):
            kept = run.data[name][places]
            read = prepare.observe(run, images, index[places])
            if kept.shape != read.shape or (_distances(kept, read) > _limits(kept)).any():
                return "the pixels of its training images"
    return ""


def _distances(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(images - others).mean(axis=(1, 2, 3)))


def _limits(images: np.ndarray) -> np.ndarray:
    return _FAR * images.std(axis=(1, 2, 3)) + _ROUNDING
