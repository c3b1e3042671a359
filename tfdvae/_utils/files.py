"""Writing files in one step, and folders that one process at a time may write."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from tfdvae._utils import disk, file_names

_TEMPORARY = ".tmp-"
_SCRATCH = ".tmp-tfdvae-"


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends without error, rename it to `path`.

    The block writes a file or makes a folder there. A file at `path` is replaced in one step; a
    folder is moved aside first and removed last, so that `path` is the old one, the new one or
    absent, and never half-written.

    Args:
        path: of the file or folder; folders above it are made.

    Example:
        >>> with replacing("result.csv") as temporary:
        ...     temporary.write_text("a,b")
    """
    path = Path(path)
    with disk.naming(path):
        yield from _replacing(path)


def _replacing(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, old = (
        path.with_name(f"{_TEMPORARY}{os.getpid()}-{use}{file_names.short(path.name)}")
        for use in ("", "old-")
    )
    try:
        yield temporary
        if path.is_dir():
            os.replace(path, old)
        try:
            os.replace(temporary, path)
        except OSError:
            if old.exists():
                os.replace(old, path)
            raise
        remove(old)
    finally:
        remove(temporary)


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def damaged_name(path: Path) -> Path:
    """Return where a damaged file is kept: `NAME.damaged` beside it, numbered where that exists.

    Example:
        >>> damaged_name(Path("rows.csv"))
        PosixPath('rows.csv.damaged')
    """
    aside, number = path.with_name(f"{path.name}.damaged"), 1
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{path.name}.damaged-{number}")
    return aside


def remove_at_once(path: Path) -> None:
    """Remove a folder so that it is never there in part: where this is interrupted, it is left
    under a temporary name.
    """
    if path.exists():
        aside = path.with_name(f"{_TEMPORARY}{os.getpid()}-old-{file_names.short(path.name)}")
        os.replace(path, aside)
        remove(aside)


def is_temporary(path: Path) -> bool:
    """Tell whether a path is what a write in progress, or one that was interrupted, has made."""
    return path.name.startswith(_TEMPORARY)


def completed_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files in a folder that match a pattern, sorted; half-written ones are left out."""
    return sorted(path for path in folder.glob(pattern) if not is_temporary(path))


def remove_temporary(folder: Path) -> None:
    """Remove what interrupted writes left behind, anywhere below `folder`."""
    for left in sorted(folder.rglob(f"{_TEMPORARY}*")):
        remove(left)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as indented JSON to `path` in one step."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def write_npz(path: str | Path, arrays: Mapping[str, np.ndarray], compressed: bool = False) -> None:
    """Write arrays by name to the `.npz` file `path` in one step.

    Example:
        >>> write_npz("codes.npz", {"codes": codes, "labels": labels})
    """
    save: Any = np.savez_compressed if compressed else np.savez
    with replacing(path) as temporary, open(temporary, "wb") as file:
        save(file, **arrays)


def read_json(path: str | Path) -> Any:
    """Return what the JSON file holds.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is not JSON; the file is named.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None


def absolute(path: str | Path) -> Path:
    """Return an absolute path; links in it are followed, but not the last one to a file.

    A file keeps its own name, as the name that a link leads to may lack the suffix.
    """
    path = Path(path).expanduser()
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; it is freed when the block or the process ends in any way.

    Raises:
        BlockingIOError: another process holds it.
    """
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise BlockingIOError(f"another process is writing to {folder}.") from None
    try:
        yield
    finally:
        lock.release()


def check_held(folder: Path) -> None:
    """Refuse to go on in a folder that is `locked`, but that somebody removed or emptied.

    Raises:
        FileNotFoundError: saying so.
    """
    if not (folder / ".lock").exists():
        raise FileNotFoundError(f"{folder} was removed, or emptied, while it was written to.")


def check_plain(argument: str, path: Path) -> None:
    """Refuse a path for a file at which there is something else, such as a folder or a pipe.

    Args:
        argument: name used in messages.
        path: of the file, which need not exist.

    Raises:
        FileExistsError: saying what it is.
    """
    if kind := other_kind(path):
        raise FileExistsError(f"`{argument}` {path} is {kind}; a file is needed.")


def check_folder(argument: str, path: Path, reason: str = "") -> None:
    """Refuse a path for a folder at which there is something else, such as a file or a pipe.

    Args:
        argument: name used in messages.
        path: of the folder, which need not exist.
        reason: why a folder is needed, as the message goes on.

    Raises:
        FileExistsError: saying what it is.
    """
    if path.exists() and not path.is_dir():
        kind = other_kind(path) or "a file"
        raise FileExistsError(f"`{argument}` {path} is {kind}; a folder is needed{reason}.")


def other_kind(path: Path) -> str:
    """Return what is at a path that is no file, in words; empty where a file or nothing is there.

    Example:
        >>> other_kind(Path("/dev/null"))
        'a pipe or a device'
    """
    if path.is_file() or not path.exists():
        return ""
    return "a folder" if path.is_dir() else "a pipe or a device"


def check_writable(argument: str, path: Path) -> None:
    """Refuse a path at which nothing can be written, before any work is done.

    Args:
        argument: name used in messages.
        path: of a file or folder, which need not exist, nor the folders above it.

    Raises:
        OSError: saying why.
    """
    above = next(parent for parent in path.absolute().parents if parent.exists())
    try:
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=path if path.is_dir() else above):
            pass
    except OSError as error:
        raise OSError(f"`{argument}` {path} cannot be written: {error.strerror}.") from None


def is_scratch(path: Path) -> bool:
    """Tell whether a path is a `scratch_folder`, also one that a killed process left."""
    return path.name.startswith(_SCRATCH)


@contextlib.contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Yield a new folder within `beside`, so that temporary files are on the disk of the results.

    `beside` is made if missing. Such folders that killed processes left there, whose locks nobody
    holds, are removed once they are a minute old.
    """
    beside.mkdir(parents=True, exist_ok=True)
    for left in beside.glob(f"{_SCRATCH}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 60:
                with locked(left):
                    remove(left)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=beside) as folder, locked(Path(folder)):
        yield Path(folder)
