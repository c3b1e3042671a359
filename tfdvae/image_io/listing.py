"""Images from folders, decoded once into the user's cache folder and memory-mapped from there.

PNG, JPEG, BMP and TIFF, of 8 and 16 bit, gray or in colour, in folders as deep as they come; hidden files and other files are left
alone. Where one image has 16 bits, all become uint16 (8-bit values times 257), otherwise uint8. Where one is in colour, all have three
channels, otherwise one. Alpha is dropped, palettes are expanded, and the orientation that a camera noted is applied.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

_FORMAT = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}

SUFFIXES = tuple(_FORMAT)

_PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"}

_OTHER_PARTS = {"dev", "val", "valid", "validation"}


def shown(path: Path | str) -> str:
    """Return a path as it can be printed and written, also where its name is no UTF-8."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _visible(folder: Path) -> dict[Path, bool]:
    """Return folders and images right in a folder, by name, without the hidden ones, and whether each is a folder."""
    with os.scandir(folder) as entries:
        found = sorted(
            (entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith(".")
        )
    return {
        folder / name: is_folder
        for name, is_folder in found
        if is_folder or os.path.splitext(name)[1].lower() in SUFFIXES
    }


def below(folder: Path, argument: str = "dataset", above: tuple[Path, ...] = ()) -> list[Path]:
    """Return all images below a folder, by name, also behind links.

    Raises:
        ValueError: a link leads to one of the folders that it is in.
        OSError: a folder cannot be read.
    """
    return sorted(_walk(folder, argument, above), key=Path.as_posix)


def of_other_formats(folder: Path) -> list[Path]:
    """Return the images below a folder that `below` leaves out, for they are in formats that are not read here."""
    formats = set(Image.registered_extensions()) - set(SUFFIXES)
    found = (
        Path(root, name)
        for root, _, names in os.walk(folder)
        for name in names
        if os.path.splitext(name)[1].lower() in formats
    )
    return sorted(
        path
        for path in found
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _walk(folder: Path, argument: str, above: tuple[Path, ...]) -> Iterator[Path]:
    real = folder.resolve()
    if real in above:
        raise ValueError(
            f"`{argument}` must hold no link to a folder that the link is in; got {shown(folder)}."
        )
    for path, is_folder in _visible(folder).items():
        if is_folder:
            yield from _walk(path, argument, (*above, real))
        else:
            yield path


def find_parts(folder: Path, argument: str = "dataset") -> dict[str, Path]:
    """Return the folders with training and with test images by the names `train` and `test`, nothing where there are none.

    Raises:
        ValueError: the folder holds one of them with nothing else, or both with what belongs to neither, or one twice.
    """
    inside = _visible(folder)
    found: dict[str, Path] = {}
    others = []
    for path in inside:
        part = _PARTS.get(path.name.lower()) if path.is_dir() else None
        if part in found:
            raise ValueError(
                f"`{argument}` {shown(folder)} must hold one folder for {part}; got {found[part].name} and {path.name}."
            )
        if part is not None:
            found[part] = path
        elif not (path.is_dir() and path.name.lower() in _OTHER_PARTS):
            others.append(path)
    if len(found) == 2 and others:
        raise ValueError(
            f"`{argument}` {shown(folder)} must hold nothing beside train and test; got {shown(others[0].name)}."
        )
    if len(found) == 2 or not inside:
        return found
    if not others:
        names = ", ".join(shown(path.name) for path in inside)
        raise ValueError(
            f"`{argument}` {shown(folder)} must hold train and test, or a folder for each class; got {names} alone."
        )
    return {}
