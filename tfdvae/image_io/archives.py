"""Which members of an `.npz` file are arrays, and how they are unpacked."""

import contextlib
import shutil
import zipfile
from pathlib import Path

from tfdvae._utils import room
from tfdvae.image_io import listing


def array_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the arrays of an `.npz` file by name, each name as it is: `x` is not `./x`.

    What macOS adds to archives is left out.

    Raises:
        zipfile.BadZipFile: two arrays have one name.

    Example:
        >>> with zipfile.ZipFile("images.npz") as archive:
        ...     list(array_members(archive))
        ['x_train', 'y_train']
    """
    found: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name == member.filename or any(map(listing.is_litter, name.split("/"))):
            continue
        if name in found:
            raise zipfile.BadZipFile(f"two of its arrays are called {name!r}")
        found[name] = member
    return found


def unpack_arrays(archive: zipfile.ZipFile, folder: Path) -> dict[str, Path]:
    """Write the arrays of an `.npz` file into a folder, and return their `.npy` files by name.

    The files are numbered: whatever an array is called, it is written into that folder alone.

    Raises:
        zipfile.BadZipFile: a damaged file, or two arrays of one name.
    """
    unpacked = {}
    for number, (name, member) in enumerate(sorted(array_members(archive).items())):
        unpacked[name] = folder / f"{number}.npy"
        with archive.open(member) as packed, open(unpacked[name], "wb") as file:
            shutil.copyfileobj(packed, file, 2**20)
    return unpacked


def check_room(path: Path, folder: Path, argument: str) -> None:
    """Refuse an `.npz` file whose arrays do not fit on the disk once they are unpacked.

    Of a damaged file nothing is said.

    Args:
        path: of the file.
        folder: where they would be unpacked; it need not exist.
        argument: name used in messages.

    Raises:
        ValueError: saying how much they would take, and what is there.
    """
    with contextlib.suppress(zipfile.BadZipFile):
        with zipfile.ZipFile(path) as archive:
            needed = sum(member.file_size for member in array_members(archive).values())
        room.check_unpacked(argument, path, needed, room.free(folder), f"free in {folder}")
