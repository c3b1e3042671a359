"""What a job keeps to go on with: files that are checked as they are read, never trusted.

A file that is damaged is refused with its name, what is wrong, and what to do next.
"""

import errno
import importlib.metadata
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from packaging import version

from tfdvae._utils import files, limits

Kinds = Mapping[str, type | tuple[type, ...]]
NUMBER: tuple[type, ...] = (int, float)
SUMS = "SHA256SUMS"
"""The checksums of the other files of a folder, as `sha256sum -c` reads them."""
_NAMES = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
_READ = 2**20
_OF_CONTENT = (None, errno.EINVAL, errno.EISDIR, errno.ENOENT)
"""Numbers of errors of what is no whole file; all others are of the machine."""


def read(path: Path, kinds: Kinds, remedy: str, optional: Kinds | None = None) -> dict[str, Any]:
    """Return the object that a JSON file holds.

    Args:
        path: of the file.
        kinds: keys that it must have, and the types of their values.
        remedy: what to do where it is damaged, a sentence.
        optional: keys that it may have.

    Raises:
        ValueError: it is no JSON, or not of that shape.
        FileNotFoundError: it is missing.

    Example:
        >>> read(folder / "stages.json", {}, "Delete it: the stages are then done again.")
        {'data': {'seconds': 0.1, 'summary': '60 of 1,438 training images'}}
    """
    found = _json(path, remedy)
    check(found, kinds, path, remedy, optional)
    return found


def read_list(
    path: Path, kinds: Kinds, remedy: str, optional: Kinds | None = None
) -> list[dict[str, Any]]:
    """Return the list of objects that a JSON file holds; arguments and errors as of `read`.

    Example:
        >>> read_list(folder / "history.json", {"epoch": int, "loss": NUMBER}, "Begin a new run.")
        [{'epoch': 1, 'loss': 0.5}]
    """
    found = _json(path, remedy)
    if not isinstance(found, list):
        raise _damaged(path, f"it must hold a list; got {_kind(found)}", remedy)
    for entry in found:
        check(entry, kinds, path, remedy, optional)
    return found


def read_number(path: Path, remedy: str) -> float:
    """Return the number that a JSON file holds; arguments and errors as of `read`.

    Example:
        >>> read_number(folder / "steps.json", "Delete it: the time is then measured again.")
        4000
    """
    found = _json(path, remedy)
    if not isinstance(found, (int, float)) or isinstance(found, bool):
        raise _damaged(path, f"it must hold a number; got {_kind(found)}", remedy)
    return found


def check(
    found: object, kinds: Kinds, path: Path, remedy: str, optional: Kinds | None = None
) -> None:
    """Refuse what is no object of some shape; arguments and errors as of `read`."""
    if not isinstance(found, dict):
        raise _damaged(path, f"it must hold an object; got {_kind(found)}", remedy)
    if missing := [key for key in kinds if key not in found]:
        raise _damaged(path, f"it lacks `{missing[0]}`", remedy)
    for key, kind in {**(optional or {}), **kinds}.items():
        value = found.get(key)
        wanted = kind if isinstance(kind, tuple) else (kind,)
        if key in found and (not isinstance(value, wanted) or _is_switch(value, wanted)):
            expected = " or ".join(dict.fromkeys(map(_kind_name, wanted)))
            reason = f"its `{key}` must be {expected}; got {_kind(value)}"
            raise _damaged(path, reason, remedy)


def damage(path: Path) -> str:
    """Return what is wrong with an `.npy` or `.npz` file of NumPy's; empty where it is whole.

    A file that is missing is damaged too.

    Args:
        path: of the file.

    Raises:
        OSError: it cannot be read, which says nothing about what it holds.
        MemoryError: memory ran out.

    Example:
        >>> damage(Path("cells/a-seed0.npz"))
        'File is not a zip file'
    """
    if path.suffix != ".npy":
        return archive_damage(path)
    try:
        np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        return _reason(error)
    return ""


def archive_damage(path: Path) -> str:
    """Return what is wrong with a zip file, all of which is read; empty where it is whole.

    It is read a piece at a time, so that one of any size may be given. Errors are as of `damage`.

    Args:
        path: of the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as file:
                    while file.read(_READ):
                        pass
    except Exception as error:  # each way of packing has its own errors
        return _reason(error)
    return ""


def archive_excess(path: Path) -> str:
    """Return by how much a zip file of somebody else is too large, or else what is wrong with it.

    It is too large where it would fill more than half of the memory once it is unpacked, and is
    then not read. Empty where nothing is wrong. Errors are as of `damage`.

    Args:
        path: of the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except Exception as error:
        return _reason(error)
    if size <= limits.memory() / 2:
        return ""
    return (
        f"it would take {size / 2**30:,.1f} GiB once it is unpacked; this machine has "
        f"{limits.memory() / 2**30:,.1f} GiB of memory, and half of it is allowed"
    )


def seal(folder: Path) -> None:
    """Write the checksums of the files in a folder into it, as `SUMS`."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    lines = [f"{files.sha256(path)}  {path.name}\n" for path in paths]
    files.write_text(folder / SUMS, "".join(lines))


def check_seal(folder: Path, needed: Collection[str], remedy: str) -> None:
    """Refuse a folder whose files are not those that `seal` saw; one without checksums passes.

    Args:
        folder: of the files.
        needed: names of files that must have a checksum, where there are any.
        remedy: what to do where it is damaged, a sentence.

    Raises:
        ValueError: naming the file.
    """
    if not (folder / SUMS).exists():
        return  # as earlier versions left it
    lines = (folder / SUMS).read_text(errors="replace").splitlines()
    sums = {name: sum_ for sum_, _, name in (line.partition("  ") for line in lines)}
    if lacking := [name for name in needed if name not in sums]:
        raise _damaged(folder / SUMS, f"it lacks {lacking[0]}", remedy)
    for name, sum_ in sums.items():
        path = folder / Path(name).name
        if not path.is_file() or files.sha256(path) != sum_:
            raise _damaged(path, f"it is not what {SUMS} beside it says", remedy)


def check_version(found: object, path: Path) -> None:
    """Refuse what a newer version of tfdvae has written.

    Args:
        found: the version that wrote it; where it is no text, nothing is known.
        path: of what it wrote, for the message.

    Raises:
        ValueError: naming both versions.

    Example:
        >>> check_version("0.1.0", Path("saved_models/dvae"))
    """
    here = importlib.metadata.version("tfdvae")
    try:
        newer = isinstance(found, str) and version.Version(found) > version.Version(here)
    except version.InvalidVersion:
        return
    if newer:
        raise ValueError(
            f"{path} was made by tfdvae {found}; this is tfdvae {here}, which may read it wrongly. "
            "Install that version."
        )


def check_maker(folder: Path) -> None:
    """Refuse a run folder that a newer version of tfdvae has made.

    Where its `environment.json` is missing or damaged, nothing is known.

    Raises:
        ValueError: naming both versions.
    """
    try:
        found = files.read_json(folder / "environment.json")
    except (OSError, ValueError):
        return
    packages = found.get("packages") if isinstance(found, dict) else None
    check_version(packages.get("tfdvae") if isinstance(packages, dict) else None, folder)


def _reason(error: Exception) -> str:
    """Return what is wrong with a file, from the error of reading it.

    Raises:
        OSError, MemoryError: the error, where it says nothing about what the file holds.
    """
    if isinstance(error, MemoryError):
        raise error
    if isinstance(error, OSError) and error.errno not in _OF_CONTENT:
        raise error
    return str(error).partition("\n")[0] or type(error).__name__


def _json(path: Path, remedy: str) -> Any:
    try:
        return files.read_json(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing. {remedy}") from None
    except ValueError as error:
        raise ValueError(f"{error} {remedy}") from None


def _damaged(path: Path, reason: str, remedy: str) -> ValueError:
    return ValueError(f"{path} is damaged: {reason}. {remedy}")


def _kind(value: object) -> str:
    return _kind_name(type(value))


def _kind_name(kind: type) -> str:
    return _NAMES.get(kind, "a number" if kind in NUMBER else f"{kind.__name__}")


def _is_switch(value: object, wanted: tuple[type, ...]) -> bool:
    """Tell whether a value is True or False, which Python takes for numbers."""
    return isinstance(value, bool) and bool not in wanted
