"""Decoded datasets in the user's cache folder, as memory-mapped arrays.

The folder is `$XDG_CACHE_HOME/tfdvae`, or what the platform uses instead. A dataset is a folder in
it: `info.json`, and for each split its arrays (`train_images.npy`, `train_labels.npy`, ...).
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import platformdirs

from tfdvae._utils import file_names, files
from tfdvae.data.image_dataset import Split

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decoded:
    """A dataset in the cache.

    Attributes:
        info: what `info.json` holds.
        train: training images.
        test: test images.
    """

    info: dict[str, Any]
    train: Split
    test: Split


def folder(name: str) -> Path:
    """Return the folder of a decoded dataset, which need not exist; the folder above it is made."""
    short = file_names.short(re.sub(r"[^\w.-]", "-", name))
    path = platformdirs.user_cache_path("tfdvae") / "datasets" / short
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def lock(path: Path) -> filelock.BaseFileLock:
    """Return the lock of a dataset's folder: one process decodes, others wait for it."""
    return filelock.FileLock(path.with_name(f"{path.name}.lock"))


def read(path: Path, arrays: tuple[str, ...] = ("images", "labels")) -> Decoded | None:
    """Return a decoded dataset, or None where it is missing or damaged.

    Args:
        path: its folder.
        arrays: attributes of `Split` that are kept for each split.
    """

    def split(part: str) -> Split:
        return Split(
            **{name: np.load(path / f"{part}_{name}.npy", mmap_mode="r") for name in arrays}
        )

    try:
        info = files.read_json(path / "info.json")
        return Decoded(info, split("train"), split("test"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.warning(
            "NOTE: the decoded dataset in %s is damaged (%s); it is made again.", path, error
        )
        return None


def read_back(path: Path, arrays: tuple[str, ...] = ("images", "labels")) -> Decoded:
    """Return a decoded dataset that was just written, as `read` does.

    Raises:
        OSError: it is missing or damaged.
    """
    found = read(path, arrays)
    if found is None:
        raise OSError(f"the decoded dataset in {path} cannot be read back.")
    return found


def remove_left(path: Path) -> None:
    """Remove what interrupted writers of the dataset's folder left behind."""
    for left in path.parent.glob(".tmp-*"):
        if re.fullmatch(rf"\.tmp-(\d+-(old-)?|\w+=){re.escape(path.name)}", left.name):
            files.remove(left)


def load_or_build(
    name: str, build: Callable[[Path], dict[str, Any]], arrays: tuple[str, ...]
) -> Decoded:
    """Return a decoded dataset; build it first where it is missing or damaged.

    Args:
        name: of its folder; it must change where the dataset does.
        build: writes the arrays of both splits into a folder (`train_images.npy`, ...) and returns
            what `info.json` is to hold.
        arrays: attributes of `Split` that are kept for each split.
    """
    path = folder(name)
    with lock(path):
        if (found := read(path, arrays)) is not None:
            return found
        remove_left(path)
        with files.replacing(path) as temporary:
            temporary.mkdir()
            files.write_json(temporary / "info.json", build(temporary))
        return read_back(path, arrays)
