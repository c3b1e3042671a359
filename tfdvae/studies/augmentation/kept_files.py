"""Files of arrays that cells share: each is made once, and belongs to what its digest tells."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import filelock
import numpy as np

from tfdvae._utils import files

T = TypeVar("T")


def once(path: Path, read: Callable[[], T | None], make: Callable[[], T]) -> T:
    """Return what is kept in a file, made where it is not: one process makes it, others wait.

    Args:
        path: of the file; its lock lies beside it.
        read: returns what is kept, or None.
        make: makes it, writes it, and returns it.

    Example:
        >>> once(path, lambda: read(path, digest), lambda: made(path, digest))
    """
    if (kept := read()) is not None:
        return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(path.with_suffix(".lock")):
        kept = read()
        return make() if kept is None else kept


def digest_of(settings: Mapping[str, object], arrays: Iterable[np.ndarray]) -> str:
    """Return a digest of settings and of the values of arrays of images."""
    images = [hashlib.sha256(np.ascontiguousarray(each).data).hexdigest() for each in arrays]
    return hashlib.sha256(json.dumps({**settings, "images": images}).encode()).hexdigest()


def write(path: Path, arrays: Mapping[str, np.ndarray], digest: str) -> None:
    """Write arrays by name to a file, with the digest of what they belong to.

    Example:
        >>> write(path, {"images": images}, digest_of({"seed": 0}, [images]))
    """
    files.write_npz(path, {**arrays, "digest": np.array(digest)})


def read(path: Path, digest: str, *names: str) -> dict[str, np.ndarray] | None:
    """Return arrays of a file by name; None where it, or one of them, is missing or damaged.

    Args:
        path: of the file.
        digest: of what they belong to; None is returned too where it is another one.
        names: of the arrays.

    Example:
        >>> read(path, digest, "images")["images"].shape
        (5000, 1, 28, 28, 1)
    """
    try:
        with open(path, "rb") as file, np.load(file) as arrays:  # which np.load may not close
            if str(arrays["digest"]) == digest:
                return {name: arrays[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        pass
    return None
