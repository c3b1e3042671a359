"""Names of files that a file system does not take because of their length."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from tfdvae._utils import checks

_TEMPORARY = 32  # bytes of the longest temporary name that stands in for a name meanwhile


def too_long(folder: Path, names: Iterable[str], room: int = 0) -> dict[str, str]:
    """Return the reason for each file that cannot be written because its name is too long.

    Args:
        folder: of the files; it need not exist.
        names: their paths below it.
        room: bytes of what stands between folder and name while files are written.

    Example:
        >>> too_long(Path("out"), ["a.png", "b" * 252 + ".png"]).values()
        dict_values(['the name of its output would have 256 bytes; at most 255 are possible'])
    """
    longest = _limit(folder, "PC_NAME_MAX", checks.MAX_NAME)
    longest_path = _limit(folder, "PC_PATH_MAX", checks.MAX_PATH + 1) - 1
    start = len(os.fsencode(folder)) + 1 + room
    found = {}
    for name in names:
        parts = os.fsencode(name).split(b"/")
        size, path = max(map(len, parts)), start + sum(len(part) + 1 for part in parts[:-1])
        path += max(len(parts[-1]), _TEMPORARY)
        if size > longest:
            found[name] = _reason("name", size, longest)
        elif path > longest_path:
            found[name] = _reason("path", path, longest_path)
    return found


def _reason(what: str, size: int, most: int) -> str:
    return f"the {what} of its output would have {size:,} bytes; at most {most:,} are possible"


def _limit(folder: Path, name: str, default: int) -> int:
    """Return a limit of the file system of a folder, or of the nearest one above that exists."""
    for place in (folder, *folder.absolute().parents):
        try:
            return os.pathconf(place, name)
        except (OSError, ValueError, AttributeError):  # missing; unknown to this system
            continue
    return default


def short(name: str, most: int = 160) -> str:
    """Return a name as it is, or a shorter one of its start, a hash of it and its suffix.

    Args:
        name: of a file or folder.
        most: bytes that it may have; 40 at least.

    Example:
        >>> short("n" * 300 + ".npz", 40)
        'nnnnnnnnnnnnnnnnnnn-41e3ce782ea8db52.npz'
    """
    if len(os.fsencode(name)) <= most:
        return name
    suffix = Path(name).suffix if len(os.fsencode(Path(name).suffix)) <= 8 else ""
    end = f"-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}{suffix}"
    return os.fsencode(name)[: most - len(end)].decode(errors="ignore") + end
