"""Which files of a folder are images, and how paths are printed."""

import os
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""The format of each suffix, as Pillow names it."""

SUFFIXES = tuple(FORMATS)


def printable_path(path: Path | str) -> str:
    r"""Return a path as it can be printed and written: bytes that are no UTF-8 become `\xNN`."""
    return os.fsencode(path).decode(errors="backslashreplace")


def visible_entries(folder: Path) -> dict[Path, bool]:
    """Return the folders and images directly in a folder, by name, and whether each is a folder.

    Hidden files and folders, and files of other types, are left out.
    """
    with os.scandir(folder) as entries:
        found = sorted(
            (entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith(".")
        )
    return {
        folder / name: is_folder
        for name, is_folder in found
        if is_folder or os.path.splitext(name)[1].lower() in SUFFIXES
    }


def images_below(
    folder: Path, argument: str = "dataset", parents: tuple[Path, ...] = ()
) -> list[Path]:
    """Return all images below a folder, sorted by path; links are followed.

    Args:
        folder: the folder.
        argument: name used in messages.
        parents: resolved folders that contain this one, to which no link may lead.

    Raises:
        ValueError: a link leads to a folder that contains it.
        OSError: a folder cannot be read.
    """
    return sorted(_walk(folder, argument, parents), key=Path.as_posix)


def _walk(folder: Path, argument: str, parents: tuple[Path, ...]) -> Iterator[Path]:
    real = folder.resolve()
    if real in parents:
        raise ValueError(
            f"`{argument}` must hold no link to a folder that the link is in; "
            f"got {printable_path(folder)}."
        )
    for path, is_folder in visible_entries(folder).items():
        if is_folder:
            yield from _walk(path, argument, (*parents, real))
        else:
            yield path


def images_of_other_formats(folder: Path) -> list[Path]:
    """Return the images below a folder that `images_below` leaves out because of their format."""
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
