"""Disks that are full, or that can be read alone."""

import contextlib
import errno
import os
import resource
import sys


@contextlib.contextmanager
def full_disk(most=20_000):
    """No file can have more bytes while the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


_CHANGES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink")
_read_only = []  # folders
_hooked = []  # a hook of Python's cannot be taken away again


def _refuse(event, given):
    writes = event == "open" and given[2] & (os.O_ACCMODE | os.O_CREAT)
    if not _read_only or not (writes or event in _CHANGES):
        return
    for path in given[: 1 if writes else 2]:
        if isinstance(path, (str, bytes, os.PathLike)):
            full = os.path.realpath(os.fsdecode(path))
            if any(full == folder or full.startswith(folder + os.sep) for folder in _read_only):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)


@contextlib.contextmanager
def read_only_disks():
    """Yield a function that makes a folder one that nothing can be written to, also by root, until
    the block ends. Files that are open stay so.

    It is for this process alone, and refuses what Python does as a read-only disk would: mounting
    one needs rights that few containers have.
    """
    if _refuse not in _hooked:
        sys.addaudithook(_refuse)
        _hooked.append(_refuse)
    try:
        yield lambda folder: _read_only.append(os.path.realpath(folder))
    finally:
        _read_only.clear()
