"""Decoded datasets in the user's cache folder, as memory-mapped arrays.

The folder is `$XDG_CACHE_HOME/tfdvae`, or what the platform uses instead. A dataset is a folder in
it: `info.json`, and for each split its arrays (`train_images.npy`, `train_labels.npy`, ...).
"""

import atexit
import errno
import functools
import logging
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import filelock
import numpy as np
import platformdirs

from tfdvae._utils import disk, file_names, files
from tfdvae.data.image_dataset import Split

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


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


def use(name: str, work: Callable[[Path], Result]) -> Result:
    """Return what a function makes of the folder of a decoded dataset.

    One process has it at a time, others wait. Where the user's cache folder cannot be written or is
    full, a NOTE says so, and a temporary folder stands in until this process ends.

    Args:
        name: of the dataset; it must change where the dataset does.
        work: takes the folder, which need not exist; reads the dataset or builds it first.

    Raises:
        OSError: neither the cache nor a temporary folder can hold the dataset.
    """
    root = platformdirs.user_cache_path("tfdvae") / "datasets"
    short = file_names.short(re.sub(r"[^\w.-]", "-", name))
    problem = _why_not(root)
    try:
        if not problem:
            with filelock.FileLock(root / f"{short}.lock"):
                return work(root / short)
        if (root / short / "info.json").is_file():
            return work(root / short)  # where nobody can write, a lock is not needed
    except OSError as error:
        if not problem and not disk.full(error) and error.errno != errno.EROFS:
            raise
        problem = problem or disk.full(error) or os.strerror(errno.EROFS)
    try:
        place = _temporary() / short
    except OSError as error:
        raise OSError(_nowhere(root, problem, str(error))) from None
    _note(root, problem)
    try:
        return work(place)
    except OSError as error:
        if not (reason := disk.full(error)):
            raise
        files.remove(place)
        raise disk.DiskFull(_nowhere(root, problem, f"{place.parent}: {reason}")) from error


def _why_not(root: Path) -> str:
    """Return why nothing can be written to a folder, or an empty text."""
    if not root.is_absolute() and root.parts[0] == "~":
        return "there is no home folder"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            return ""
    except OSError as error:
        return str(error.strerror)


@functools.cache
def _temporary() -> Path:
    """Return a folder that is removed when this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="tfdvae-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return Path(folder.name)


@functools.cache
def _note(root: Path, problem: str) -> None:
    logger.warning(
        "NOTE: the cache of decoded datasets, %s, cannot be written (%s); a temporary folder "
        "stands in for it until the end. XDG_CACHE_HOME names another place for the cache.",
        root,
        problem,
    )


def _nowhere(root: Path, problem: str, other: str) -> str:
    return (
        f"there is no place for the decoded dataset: neither the cache, {root} ({problem}), nor a "
        f"temporary folder ({other}). XDG_CACHE_HOME and TMPDIR name other places."
    )


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

    def work(path: Path) -> Decoded:
        if (found := read(path, arrays)) is not None:
            return found
        remove_left(path)
        with files.replacing(path) as temporary:
            temporary.mkdir()
            files.write_json(temporary / "info.json", build(temporary))
        return read_back(path, arrays)

    return use(name, work)
