"""Which files of a folder are images, which are litter, and how paths are printed."""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from PIL import Image

from tfdvae._utils import text

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pbm": "PPM",
    ".pnm": "PPM",
}
"""The format of each suffix, as Pillow names it."""

SUFFIXES = tuple(FORMATS)

FORMAT_NAMES = "PNG, JPEG, BMP, TIFF, WebP, GIF or PNM"
"""The formats as messages list them."""

_UNKNOWN_TO_PILLOW = {
    ".arw", ".avif", ".cr2", ".cr3", ".czi", ".dcm", ".dng", ".exr", ".heic", ".heif", ".jxl",
    ".lif", ".mrc", ".nd2", ".nef", ".nii", ".nrrd", ".oib", ".oif", ".raf", ".rw2", ".svg", ".svs",
}  # fmt: skip

_LITTER = re.compile(
    r"__macosx|\._.*|\.ds_store|\.appledouble|\.spotlight-v100|\.trash.*|\.fseventsd"
    r"|\.temporaryitems|temporary items|network trash folder|icon\r"
    r"|thumbs\.db|ehthumbs(_vista)?\.db|desktop\.ini|\$recycle\.bin|system volume information"
    r"|found\.\d{3}|lost\+found|\.directory|\.thumbnails|\.ipynb_checkpoints|__pycache__"
    r"|@eadir|@recycle|@recently-snapshot|@tmp|#recycle|#snapshot",
    re.IGNORECASE,
)


def printable_path(path: Path | str) -> str:
    r"""Return a path as messages and reports show it: see `tfdvae._utils.text.name`."""
    return text.name(path)


def is_litter(name: str) -> bool:
    """Return whether systems leave files or folders of that name which no user means as data.

    They are those of macOS, Windows and desktops of Linux, of network drives and of notebooks:
    previews, waste baskets, indices, what zipping adds.

    Example:
        >>> [is_litter(name) for name in ("__MACOSX", "Thumbs.db", "@eaDir", "cats")]
        [True, True, True, False]
    """
    return _LITTER.fullmatch(name) is not None


def is_ignored(name: str) -> bool:
    """Return whether a file or folder is never read, as it is hidden or litter."""
    return name.startswith(".") or is_litter(name)


def frame_name(name: str, frame: int) -> str:
    """Return the name of a frame of a stack, counted from 0: `scans/a.tif[3]`."""
    return f"{name}[{frame}]"


def split_frame(name: str) -> tuple[str, str]:
    """Return the file of an image and its frame, which is empty where the file is one image.

    Example:
        >>> split_frame("scans/a.tif[3]"), split_frame("scans/b[3].png")
        (('scans/a.tif', '3'), ('scans/b[3].png', ''))
    """
    match = re.fullmatch(r"(.*)\[(\d+)\]", name, re.DOTALL)
    return (match[1], match[2]) if match else (name, "")


def visible_entries(folder: Path) -> dict[Path, bool]:
    """Return the folders and images directly in a folder, by name, and whether each is a folder.

    Hidden files and folders, litter, and files of other types are left out.
    """
    return _entries(folder, SUFFIXES.__contains__)


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
    return sorted(_walk(folder, SUFFIXES.__contains__, argument, parents), key=Path.as_posix)


def images_of_other_formats(folder: Path, argument: str = "dataset") -> list[Path]:
    """Return the images below a folder that `images_below` leaves out because of their format.

    Arguments and errors are those of `images_below`.
    """
    others = (Image.registered_extensions().keys() | _UNKNOWN_TO_PILLOW) - FORMATS.keys()
    return sorted(_walk(folder, others.__contains__, argument, ()), key=Path.as_posix)


def describe_links(folder: Path) -> str:
    """Return which links below a folder lead out of it, a sentence; empty where none does.

    Folders that links lead to are not looked into.
    """
    root = folder.resolve()
    found = [path for path in _links(folder) if not path.resolve().is_relative_to(root)]
    if not found:
        return ""
    first = f"{printable_path(found[0])} to {printable_path(found[0].resolve())}"
    if len(found) == 1:
        return f"A link leads out of {printable_path(folder)}: {first}. What is there is read."
    return (
        f"{len(found):,} links lead out of {printable_path(folder)}, the first {first}. What is "
        "there is read."
    )


def _links(folder: Path) -> Iterator[Path]:
    """Yield the links to images and folders below a folder, by name."""
    with os.scandir(folder) as entries:
        found = sorted((entry for entry in entries if not is_ignored(entry.name)), key=_name)
    for entry in found:
        is_image = os.path.splitext(entry.name)[1].lower() in FORMATS
        if entry.is_symlink() and (is_image or entry.is_dir()):
            yield folder / entry.name
        elif entry.is_dir():
            yield from _links(folder / entry.name)


def _name(entry: os.DirEntry) -> str:
    return entry.name


def without_images(folder: Path, argument: str = "dataset") -> str:
    """Return what is wrong with a folder without images, as a message goes on after its name."""
    others = images_of_other_formats(folder, argument)
    more = f"; it holds {len(others):,} of other formats, such as " if others else ""
    first = printable_path(others[0].name) if others else ""
    return f"holds no images ({', '.join(SUFFIXES)}){more}{first}"


def _entries(folder: Path, is_wanted: Callable[[str], bool]) -> dict[Path, bool]:
    """Return the folders in a folder, and the files whose suffix, in small letters, is wanted."""
    with os.scandir(folder) as entries:
        found = sorted(
            (entry.name, entry.is_dir()) for entry in entries if not is_ignored(entry.name)
        )
    return {
        folder / name: is_folder
        for name, is_folder in found
        if is_folder or is_wanted(os.path.splitext(name)[1].lower())
    }


def _walk(
    folder: Path, is_wanted: Callable[[str], bool], argument: str, parents: tuple[Path, ...]
) -> Iterator[Path]:
    real = folder.resolve()
    if real in parents:
        raise ValueError(
            f"`{argument}` must hold no link to a folder that the link is in; "
            f"got {printable_path(folder)}."
        )
    for path, is_folder in _entries(folder, is_wanted).items():
        if is_folder:
            yield from _walk(path, is_wanted, argument, (*parents, real))
        else:
            yield path


def same_names(names: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Return which name of `others` each name of `names` is; those that are none are absent.

    Systems write one name in several ways: an accented letter may be one character or two (NFC and
    NFD of Unicode). Names that are equal as they are belong together first. The rest belong
    together where their NFC is one and nothing else in the same group has it.

    Example:
        >>> same_names(["Gr\u00f6\u00dfe", "b"], ["Gro\u0308\u00dfe"])
        {'Gr\u00f6\u00dfe': 'Gro\u0308\u00dfe'}
    """
    names, others = list(dict.fromkeys(names)), set(others)
    found = {name: name for name in names if name in others}
    left = [_by_nfc(group) for group in ((n for n in names if n not in found), others - {*found})]
    return found | {
        mine[0]: left[1][key][0]
        for key, mine in left[0].items()
        if len(mine) == len(left[1].get(key, ())) == 1
    }


def _by_nfc(names: Iterable[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name in names:
        grouped.setdefault(unicodedata.normalize("NFC", name), []).append(name)
    return grouped
