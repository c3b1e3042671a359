"""Disks that are full, or can be read alone: told alike, whoever finds it out."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tfdvae._utils import text

# The disk is full, a user's share of it is, or a file would be larger than files may be.
_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REASONS = tuple(os.strerror(number) for number in _ERRORS)


class DiskFull(OSError):
    """A file cannot be written because there is no room for it; the message names it."""


def full(error: BaseException) -> str:
    """Return why there was no room on a disk, or an empty text where an error has another cause.

    Args:
        error: of Python, or of a library such as TensorFlow or HDF5, whose message says it.

    Example:
        >>> full(OSError(errno.ENOSPC, "No space left on device"))
        'No space left on device'
    """
    if isinstance(error, OSError) and error.errno in _ERRORS:
        return os.strerror(error.errno)
    message = str(error)
    return next((reason for reason in _REASONS if reason in message), "")


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name a file or folder where the block finds that the disk it is on is full, or cannot be
    written.

    Of blocks within blocks the outermost one says the name.

    Raises:
        DiskFull: saying so.
        OSError: saying so of a disk that can be read alone, with its number.

    Example:
        >>> with naming(Path("result.csv")), open("result.csv", "w") as file:
        ...     file.write("a,b")
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EROFS:
            told = OSError(_cannot(path, os.strerror(errno.EROFS)))
            told.errno = errno.EROFS
            raise told from error
        if not (reason := full(error)):
            raise
        raise DiskFull(f"the disk is full: {_cannot(path, reason)}") from error


def _cannot(path: Path, reason: str) -> str:
    return f"{text.printable(str(path))} cannot be written ({reason})."


def require(path: Path, size: int) -> None:
    """Find out whether a file can be written, before a library does that would not end well.

    Args:
        path: of the file, which is not there.
        size: of the file in bytes, at most.

    Raises:
        OSError: there is no room.
    """
    if not hasattr(os, "posix_fallocate"):
        if shutil.disk_usage(path.parent).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return
    with open(path, "wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno in _ERRORS:
                raise
        finally:
            path.unlink()
