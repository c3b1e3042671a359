"""Disks that are full, or that can be read alone."""

import contextlib
import resource
import subprocess

import pytest


@contextlib.contextmanager
def full_disk(most=20_000):
    """No file can have more bytes while the block runs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def read_only_disks():
    """Yield a function that makes a folder one that nothing can be written to, also by root, until
    the block ends. Files that are open stay so. A test is skipped where it may not mount, as in
    most containers.
    """
    made = []

    def make(folder):
        for options in (["--bind", folder, folder], ["-o", "remount,bind,ro", folder]):
            done = subprocess.run(["mount", *options], capture_output=True, check=False)
            if done.returncode:
                pytest.skip("a folder that root cannot write to needs the right to mount")
            made.append(folder)

    try:
        yield make
    finally:
        for folder in made[::2]:
            subprocess.run(["umount", "-l", folder], check=True)
