"""Whether results have room on the disk or in memory, told before any work."""

import os
import shutil
from pathlib import Path

from tfdvae._utils import limits

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")


def check_disk(argument: str, value: int, folder: Path, needed: int) -> None:
    """Refuse what would not fit on the disk.

    Args:
        argument: what asks for that much, for the message.
        value: that it has.
        folder: where the results go; it need not exist.
        needed: bytes, about.

    Raises:
        ValueError: saying how much it would take, and what is there.

    Example:
        >>> check_disk("count", 16, Path("out"), 16 * 4096)
    """
    if needed > free(folder):
        raise ValueError(
            f"`{argument}` {value:,} would take about {size(needed)} in {folder}, where "
            f"{size(free(folder))} are free."
        )


def free(folder: Path) -> int:
    """Return the bytes that are free on the disk of a folder, which need not exist."""
    return shutil.disk_usage(_existing(folder)).free


def check_unpacked(argument: str, path: Path, needed: int, there: float, where: str) -> None:
    """Refuse a packed file that would take more than there is once it is unpacked.

    Args:
        argument: name used in messages.
        path: of the file.
        needed: bytes that it says that it unpacks to.
        there: bytes that there are.
        where: these are, for the message: `more than the 22 GB free in out`.

    Raises:
        ValueError: saying how much it would take, and what is there.
    """
    if needed > there:
        raise ValueError(
            f"`{argument}` {path} would take {size(needed)} once it is unpacked, more than the "
            f"{size(there)} {where}."
        )


def check_memory(argument: str, value: int, needed: int, hint: str = "") -> None:
    """Refuse what would not fit into the memory of this machine.

    Args:
        argument: what asks for that much, for the message.
        value: that it has.
        needed: bytes.
        hint: what needs less.

    Raises:
        ValueError: saying how much it would take, and what is there.
    """
    if needed > limits.memory():
        raise ValueError(
            f"`{argument}` {value:,} would take {size(needed)} of memory; this machine has "
            f"{size(limits.memory())}.{hint}"
        )


def on_disk(bytes_: int, folder: Path) -> int:
    """Return the bytes that a file takes in a folder: whole blocks, at least one."""
    block = os.statvfs(_existing(folder)).f_frsize if hasattr(os, "statvfs") else 4096
    return max(1, -(-bytes_ // block)) * block


def size(bytes_: float) -> str:
    """Return a number of bytes in a unit that makes it short.

    Example:
        >>> size(70_861_402_112)
        '70.9 GB'
    """
    power = 0
    while bytes_ >= 999.5 and power < len(_UNITS) - 1:
        bytes_, power = bytes_ / 1000, power + 1
    return f"{bytes_:.3g} {_UNITS[power]}"


def _existing(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())
