"""Disks that are full."""

import contextlib
import resource


@contextlib.contextmanager
def full_disk(most=20_000):
    """No file can have more bytes while the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
