"""The arrays of an `.npz` file, read with errors that name the file."""

import contextlib
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfdvae._utils import disk, limits, room
from tfdvae.image_io import archives


@contextlib.contextmanager
def damage_reported(path: Path) -> Iterator[None]:
    """Name the file in errors about damage, of which each way of packing has its own kinds."""
    try:
        yield
    except (ValueError, TypeError, MemoryError):
        raise
    except Exception as error:
        if disk.full(error) or (isinstance(error, OSError) and error.errno is not None):
            raise
        raise ValueError(
            f"`dataset` {path} is no .npz file, or a truncated or damaged one: "
            f"{str(error) or type(error).__name__}"
        ) from None


def array_names(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of all arrays in the archive."""
    return list(archives.array_members(archive))


def read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Return an array of numbers or text; pickled Python objects are never loaded.

    Raises:
        ValueError: it would take more memory than this machine has.
    """
    needed, there = archive.getinfo(f"{name}.npy").file_size, limits.memory()
    path = Path(str(archive.filename))
    room.check_unpacked("dataset", path, needed, there, "of memory of this machine")
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def read_header(
    archive: zipfile.ZipFile, path: Path, name: str, objects: bool = False
) -> tuple[np.dtype, tuple[int, ...]]:
    """Return type and shape of an array, and see that it is complete.

    Args:
        archive: the opened file.
        path: of the file, for messages.
        name: of the array.
        objects: do not refuse Python objects.

    Raises:
        ValueError: it is no array, it is cut, or it holds Python objects.
    """
    with archive.open(f"{name}.npy") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(file)
        except Exception as error:  # Python's parser reads the header, and raises anything
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ValueError(f"`dataset` {path}: {name} is no array of NumPy's: {reason}") from None
        if dtype.hasobject:
            if objects:
                return dtype, shape
            raise ValueError(
                f"`dataset` {path}: {name} holds pickled Python objects, which are never loaded; "
                "numbers are needed."
            )
        end = file.tell() + math.prod(shape) * dtype.itemsize
        if end != archive.getinfo(f"{name}.npy").file_size:
            raise ValueError(
                f"`dataset` {path}: {name} is truncated: it says {dtype} {shape}, "
                "and holds something else."
            )
    return dtype, shape
