"""Decoded datasets in the user's cache folder (`$XDG_CACHE_HOME/tfdvae` or what the platform uses instead), as memory-mapped arrays."""

import logging
import re
from collections.abc import Callable
from pathlib import Path

import filelock
import numpy as np
import platformdirs

from tfdvae._utils import files

logger = logging.getLogger(__name__)

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")

OWN_ARRAYS = (
    *ARRAYS,
    "train_rows",
    "test_rows",
)  # where in the dataset, as it was found, each image is


def folder(name: str) -> Path:
    """Return the folder of a decoded dataset, which need not be there; the folder above it is made."""
    path = platformdirs.user_cache_path("tfdvae") / "datasets" / re.sub(r"[^\w.-]", "-", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def lock(path: Path) -> filelock.FileLock:
    """Return the lock of a dataset's folder: one process decodes, others wait for it."""
    return filelock.FileLock(path.with_name(f"{path.name}.lock"))


def read(path: Path, arrays: tuple[str, ...] = ARRAYS) -> dict | None:
    """Return what `info.json` and the named arrays of a decoded dataset hold, or None where it is missing or damaged."""
    try:
        info = files.read_json(path / "info.json")
        return info | {name: np.load(path / f"{name}.npy", mmap_mode="r") for name in arrays}
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.warning(
            "NOTE: the decoded dataset in %s is damaged (%s); it is made again.", path, error
        )
        return None


def remove_left(path: Path) -> None:
    """Remove what interrupted writers of the dataset's folder left behind."""
    for left in path.parent.glob(".tmp-*"):
        if re.fullmatch(rf"\.tmp-(\d+-(old-)?|\w+=){re.escape(path.name)}", left.name):
            files.remove(left)


def kept(name: str, make: Callable[[Path], dict], arrays: tuple[str, ...] = ARRAYS) -> dict:
    """Return a decoded dataset as `read` does; decode it first where it is not there.

    Args:
        name: of its folder; it must change where the dataset does.
        make: writes the arrays into a folder and returns what `info.json` is to hold.
        arrays: their names.
    """
    path = folder(name)
    with lock(path):
        if (found := read(path, arrays)) is not None:
            return found
        remove_left(path)
        with files.replacing(path) as temporary:
            temporary.mkdir()
            files.write_json(temporary / "info.json", make(temporary))
        return read(path, arrays)
