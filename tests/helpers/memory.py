"""Memory that runs out."""

import contextlib
import resource
from pathlib import Path

from tests.helpers.requirements import lacking


@contextlib.contextmanager
def little_memory(more):
    """This process can get so many bytes more, and no others, while the block runs."""
    if not Path("/proc/self/statm").exists():
        lacking("/proc, where Linux tells what memory a process has, is missing")
    had = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (had + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
