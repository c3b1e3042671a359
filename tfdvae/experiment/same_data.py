"""Whether a run that goes on has the images and labels that it began with.

The fingerprint of a dataset tells whether its files are the same. Another version of tfdvae may
read the same files in another way: hold out other images, number classes otherwise, decode what is
transparent to other pixels.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfdvae._utils import chunks
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import prepare
from tfdvae.experiment.run import Run

_LOOKED_AT = 100  # training images whose pixels are compared
_FAR = 0.02  # root mean square difference; decoders of JPEG differ by less from each other


def marks(dataset: ImageDataset) -> dict[str, Any]:
    """Return what a run records of its dataset, for `environment.json`.

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
    }


def check(run: Run, recorded: Mapping[str, Any]) -> None:
    """Refuse to go on with a run whose images or labels are read otherwise than when it began.

    Compared are the `marks` of that time, which runs of 0.1.0 lack, and the labels and up to 100
    of the training images that the run keeps.

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
    }
    differs = what[differing[0]] if differing else _kept_differs(run)
    if differs:
        version = recorded.get("packages", {}).get("tfdvae", "unknown")
        raise ValueError(
            f"`dataset` {run.dataset.name} is read otherwise than when the run was begun by tfdvae "
            f"{version}: {differs} are others. Begin a new run."
        )


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
    count = chunks.batch_rows(4 * train.images[0].size, _LOOKED_AT)
    places = np.unique(np.linspace(0, len(index) - 1, count).astype(int))
    for name, images in prepare.stored_images(run).items():
        kept = run.data[name][places]
        read = prepare.observe(run, images, index[places])
        if kept.shape != read.shape or _distances(kept, read).max() > _FAR:
            return "the pixels of its training images"
    return ""


def _distances(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(images - others).mean(axis=(1, 2, 3)))
