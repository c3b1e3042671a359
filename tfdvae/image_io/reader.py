"""Reads images piece by piece, so that memory does not grow with their number.

They come from a folder and the folders below it, from one image file, or from an `.npy` or `.npz`
file of arrays.
"""

import contextlib
import itertools
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tfdvae._utils import files, limits
from tfdvae._utils.progress import bar
from tfdvae.image_io import archives, codec, listing, overlap
from tfdvae.image_io.pieces import Piece as Piece
from tfdvae.image_io.pieces import Tally as Tally
from tfdvae.image_io.pieces import file_pieces
from tfdvae.image_io.pieces import process as process
from tfdvae.image_io.reading import Reading

ARRAYS = (".npy", ".npz")
"""Suffixes of files of arrays."""


def is_array(path: Path) -> bool:
    """Return whether the suffix is that of a file of arrays."""
    return path.suffix.lower() in ARRAYS


def list_files(path: Path, argument: str = "input") -> dict[str, Path]:
    """Return the images of a folder by their paths below it, or one image by its name.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ValueError: a folder without images, a file that is no image, or something else.
    """
    if not path.exists():
        raise FileNotFoundError(f"`{argument}` {path} does not exist.")
    if path.is_dir():
        start = f"{path.as_posix().rstrip('/')}/"
        found = {
            file.as_posix().removeprefix(start): file
            for file in listing.images_below(path, argument)
        }
        if not found:
            raise ValueError(f"`{argument}` {path} {listing.without_images(path, argument)}.")
        return found
    if path.suffix.lower() not in listing.SUFFIXES and not path.is_file():
        raise ValueError(f"`{argument}` {path} must be a folder or a file; it is neither.")
    if path.suffix.lower() not in listing.SUFFIXES:
        suffixes = ", ".join(listing.SUFFIXES)
        raise ValueError(
            f"`{argument}` {path} must be a folder, an image ({suffixes}), "
            "or an .npy or .npz file of arrays."
        )
    return {path.name: path}


def part_of(listed: Mapping[str, Path], part: tuple[int, int]) -> dict[str, Path]:
    """Return the files of one part of a listed folder."""
    number, count = part
    return dict(itertools.islice(listed.items(), number - 1, None, count))


@contextlib.contextmanager
def arrays(path: Path, scratch: Path, argument: str = "input") -> Iterator[dict[str, np.ndarray]]:
    """Yield the arrays of an `.npy` or `.npz` file, memory-mapped, by name.

    Args:
        path: of the file; the array of an `.npy` file has the file's name without suffix.
        scratch: folder in which an `.npz` file is unpacked for as long as the block lasts.
        argument: name used in messages.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a folder or a pipe, a damaged file, Python objects in it, or one that the disk
            has no room for once it is unpacked.
    """
    if not path.exists():
        raise FileNotFoundError(f"`{argument}` {path} does not exist.")
    if not path.is_file():
        raise ValueError(f"`{argument}` {path} must be a file of arrays; it is no file.")
    if path.suffix.lower() == ".npz":
        archives.check_room(path, scratch, argument)
    with contextlib.ExitStack() as stack:
        try:
            if path.suffix.lower() == ".npy":
                found = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False)}
            else:
                folder = stack.enter_context(files.scratch_folder(scratch))
                found = _unpack(path, folder)
        except Exception as error:  # each way of packing has its own errors
            if isinstance(error, OSError) and error.errno is not None:
                raise
            reason = str(error).partition("\n")[0] or type(error).__name__
            if "allow_pickle" in reason or "Python objects" in reason:  # NumPy's advice is unsafe
                reason = "it begins as no such file does, or holds Python objects."
            raise ValueError(
                f"`{argument}` {path} is no file of NumPy arrays, or a damaged one: {reason}"
            ) from None
        yield found


def _unpack(path: Path, folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file, unpacked into a folder and memory-mapped from there."""
    with zipfile.ZipFile(path) as archive:
        unpacked = archives.unpack_arrays(archive, folder)
    return {name: np.load(file, mmap_mode="r") for name, file in unpacked.items()}


def pieces(
    path: Path,
    title: str,
    tally: Tally,
    scratch: Path,
    argument: str = "input",
    reading: Reading | None = None,
) -> Iterator[Piece]:
    """Yield all images of a folder, an image or a file of arrays, in order, with a progress bar.

    Args:
        path: of the folder or file.
        title: of the progress bar.
        tally: gets a message for each file that cannot be read, and notes what was read.
        scratch: folder in which an `.npz` file is unpacked meanwhile.
        argument: name used in messages.
        reading: how image files are read.

    Raises:
        FileNotFoundError, ValueError: there is nothing that can be read.

    Example:
        >>> for piece in pieces(Path("scans"), "Reading", tally := Tally(), Path("scratch")):
        ...     print(piece.names, piece.images.shape)
    """
    if is_array(path):
        with arrays(path, scratch, argument) as found:
            for piece in array_pieces(found, path, title, argument):
                yield tally.note(piece)
        return
    listed = list_files(path, argument)
    tally.others += listing.images_of_other_formats(path, argument) if path.is_dir() else []
    with (
        bar(title, len(listed)) as progress,
        codec.decoder_warnings_hidden(),
        ThreadPoolExecutor(1) as thread,
    ):
        for piece in overlap.one_ahead(file_pieces(listed, tally, reading), thread):
            yield tally.note(piece)
            progress.update(piece.files)


def array_pieces(
    found: dict[str, np.ndarray], path: Path, title: str, argument: str = "input"
) -> Iterator[Piece]:
    """Yield the images in arrays, in order, with a progress bar.

    Args:
        found: the arrays of a file by name; those that hold no images are left out.
        path: of the file. The one array of an `.npy` file may be one image.
        title: of the progress bar.
        argument: name used in messages.

    Raises:
        ValueError: no array holds images.
    """
    alone = path.suffix.lower() == ".npy"
    images = {
        name: shaped
        for name, array in found.items()
        if (shaped := _as_images(array, alone)) is not None
    }
    if not images:
        held = [
            f"{listing.printable_path(name)} {array.dtype} {array.shape}"
            for name, array in found.items()
        ]
        shapes = "(H, W), (N, H, W) or (N, H, W, C)" if alone else "(N, H, W) or (N, H, W, C)"
        raise ValueError(
            f"`{argument}` {path} must hold images, uint8, uint16 or floats {shapes}; "
            f"it holds {', '.join(held) or 'nothing'}."
        )
    with bar(title, sum(map(len, images.values()))) as progress:
        for name, array in images.items():
            limit = limits.current()
            rows = min(limit.file_images, max(1, limit.file_bytes // array[0].nbytes))
            for start in range(0, len(array), rows):
                part = array[start : start + rows]
                part = np.array(part, part.dtype.newbyteorder("="))
                names = [f"{name}/{row}" for row in range(start, start + len(part))]
                single = alone and _is_one_image(found[name])
                yield Piece(names, part, name, start, len(array), single)
                progress.update(len(part))


def _as_images(array: np.ndarray, alone: bool) -> np.ndarray | None:
    """Return an array as images (N, H, W, C), or None where it holds none.

    Args:
        array: (N, H, W) or (N, H, W, C); if it is alone in its file also (H, W), (H, W, 1) and
            (H, W, 3).
        alone: it comes from an `.npy` file.
    """
    if array.dtype.newbyteorder("=") not in (np.uint8, np.uint16) and array.dtype.kind != "f":
        return None
    if alone and _is_one_image(array):
        array = array[None]
    if array.ndim == 3:
        array = array[..., None]
    return array if array.ndim == 4 and 0 not in array.shape else None


def _is_one_image(array: np.ndarray) -> bool:
    return array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (1, 3))
