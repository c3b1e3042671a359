"""Images on disk, read and written piece by piece, so that memory does not grow with their number.

What holds images is a folder (in folders as deep as they come), one image, or an `.npy` or `.npz` file of arrays.
"""

import collections
import contextlib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfdvae._utils import files, limits
from tfdvae._utils.progress import bar
from tfdvae.image_io import codec, listing

ARRAYS = (".npy", ".npz")


@dataclass(frozen=True)
class Piece:
    """Images of one type and size.

    Attributes:
        names: path of each below the folder, or `array/row`.
        images: uint8, uint16 or floats (n, H, W, C).
        array: name of the array that they are rows of; none for files.
        first: row of the first of them.
        count: rows of the whole array.
        whole: the array is taken for one image.
    """

    names: list[str]
    images: np.ndarray
    array: str | None = None
    first: int = 0
    count: int = 0
    whole: bool = False

    def one(self, row: int) -> "Piece":
        return Piece(
            [self.names[row]],
            self.images[row : row + 1],
            self.array,
            self.first + row,
            self.count,
            self.whole,
        )


@dataclass
class Tally:
    """What became of the images.

    Attributes:
        done: how many were processed.
        kept: how many were left alone, for their result was there.
        failed: a message for each that could not be read, processed or written.
        copied: names of the arrays that hold no images.
        others: images in formats that are not read.
    """

    done: int = 0
    kept: int = 0
    failed: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    def fail(self, name: str, error: Exception) -> None:
        self.failed.append(f"the image {listing.shown(name)} cannot be processed: {error}")


def is_array(path: Path) -> bool:
    return path.suffix.lower() in ARRAYS


def list_files(path: Path, argument: str = "input") -> dict[str, Path]:
    """Return the images of a folder by their paths below it, or one image by its name.

    Raises:
        FileNotFoundError: there is nothing.
        ValueError: a folder without images, or a file that is none.
    """
    if not path.exists():
        raise FileNotFoundError(f"`{argument}` {path} does not exist.")
    if path.is_dir():
        start = f"{path.as_posix().rstrip('/')}/"
        found = {
            file.as_posix().removeprefix(start): file for file in listing.below(path, argument)
        }
        if not found:
            raise ValueError(
                f"`{argument}` {path} holds no images ({', '.join(listing.SUFFIXES)})."
            )
        return found
    if path.suffix.lower() not in listing.SUFFIXES:
        raise ValueError(
            f"`{argument}` {path} must be a folder, an image ({', '.join(listing.SUFFIXES)}), or an .npy or .npz file of arrays."
        )
    return {path.name: path}


@contextlib.contextmanager
def arrays(path: Path, scratch: Path, argument: str = "input") -> Iterator[dict[str, np.ndarray]]:
    """Yield the arrays of an `.npy` or `.npz` file, memory-mapped; the one of an `.npy` file is named as the file.

    Args:
        path: of the file.
        scratch: folder in which an `.npz` file is unpacked meanwhile.
        argument: name used in messages.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a damaged file, or Python objects in it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"`{argument}` {path} does not exist.")
    with contextlib.ExitStack() as stack:
        try:
            if path.suffix.lower() == ".npy":
                found = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False)}
            else:
                folder = stack.enter_context(files.scratch_folder(scratch))
                with zipfile.ZipFile(path) as archive:
                    archive.extractall(
                        folder, [name for name in archive.namelist() if name.endswith(".npy")]
                    )
                unpacked = sorted(folder.rglob("*.npy"))
                found = {
                    file.relative_to(folder).with_suffix("").as_posix(): np.load(
                        file, mmap_mode="r"
                    )
                    for file in unpacked
                }
        except Exception as error:  # each way of packing has its own errors
            if isinstance(error, OSError) and error.errno is not None:
                raise
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ValueError(
                f"`{argument}` {path} is no file of NumPy arrays, or a damaged one: {reason}"
            ) from None
        yield found


def _as_images(array: np.ndarray, alone: bool) -> np.ndarray | None:
    """Return an array as images (N, H, W, C), or None where it holds none.

    Args:
        array: (N, H, W) or (N, H, W, C), or if it is `alone` in its file also (H, W), (H, W, 1) and (H, W, 3).
        alone: in an `.npy` file.
    """
    if array.dtype.newbyteorder("=") not in (np.uint8, np.uint16) and array.dtype.kind != "f":
        return None
    if alone and _is_one(array):
        array = array[None]
    if array.ndim == 3:
        array = array[..., None]
    return array if array.ndim == 4 and 0 not in array.shape else None


def _is_one(array: np.ndarray) -> bool:
    return array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (1, 3))


def pieces(
    path: Path,
    title: str,
    tally: Tally,
    scratch: Path,
    argument: str = "input",
) -> Iterator[Piece]:
    """Yield all images of a folder, an image or a file of arrays, in order, with a progress bar on standard error.

    Args:
        path: what holds the images.
        title: of the progress bar.
        tally: gets a message for each file that cannot be read.
        scratch: folder in which an `.npz` file is unpacked meanwhile.
        argument: name used in messages.

    Raises:
        FileNotFoundError, ValueError: there is nothing that can be read.
    """
    if is_array(path):
        with arrays(path, scratch, argument) as found:
            yield from _array_pieces(found, path, title, argument)
        return
    listed = list_files(path, argument)
    tally.others += listing.of_other_formats(path) if path.is_dir() else []
    with bar(title, len(listed)) as progress, codec.quiet(), ThreadPoolExecutor(1) as thread:
        for piece in _ahead(_read(listed, tally), thread):
            yield piece
            progress.update(len(piece.names))


def _array_pieces(
    found: dict[str, np.ndarray], path: Path, title: str, argument: str = "input"
) -> Iterator[Piece]:
    alone = path.suffix.lower() == ".npy"
    images = {
        name: shaped
        for name, array in found.items()
        if (shaped := _as_images(array, alone)) is not None
    }
    if not images:
        listed = (
            ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in found.items())
            or "nothing"
        )
        shapes = "(H, W), (N, H, W) or (N, H, W, C)" if alone else "(N, H, W) or (N, H, W, C)"
        raise ValueError(
            f"`{argument}` {path} must hold images, uint8, uint16 or floats {shapes}; it holds {listed}."
        )
    with bar(title, sum(map(len, images.values()))) as progress:
        for name, array in images.items():
            limit = limits.current()
            rows = min(limit.file_images, max(1, limit.file_bytes // array[0].nbytes))
            for start in range(0, len(array), rows):
                part = array[start : start + rows]
                part = np.array(part, part.dtype.newbyteorder("="))
                yield Piece(
                    [f"{name}/{row}" for row in range(start, start + len(part))],
                    part,
                    name,
                    start,
                    len(array),
                    alone and _is_one(found[name]),
                )
                progress.update(len(part))


def _read(listed: dict[str, Path], tally: Tally) -> Iterator[Piece]:
    names: list[str] = []
    images: list[np.ndarray] = []
    for name, file in listed.items():
        try:
            pixels = codec.read(file)
        except codec.Unreadable as error:
            tally.failed.append(str(error))
            continue
        limit = limits.current()
        full = len(images) >= limit.file_images or (
            images and len(images) * images[0].nbytes >= limit.file_bytes
        )
        if images and (full or (pixels.shape, pixels.dtype) != (images[0].shape, images[0].dtype)):
            yield Piece(names, np.stack(images))
            names, images = [], []
        names.append(name)
        images.append(pixels)
    if images:
        yield Piece(names, np.stack(images))


def _ahead(items: Iterator[Piece], thread: ThreadPoolExecutor) -> Iterator[Piece]:
    """Yield items, of which the next is made in another thread meanwhile."""
    following = thread.submit(next, items, None)
    while (item := following.result()) is not None:
        following = thread.submit(next, items, None)
        yield item


def _overlapped(
    items: Iterable, function: Callable, pool: ThreadPoolExecutor, ahead: int
) -> Iterator:
    """Yield `function` of each item, in order, computed in a pool, with up to `ahead` later ones in flight."""
    running = collections.deque()
    for item in items:
        running.append(pool.submit(function, item))
        if len(running) > ahead:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


def attempts(
    piece: Piece, function: Callable[[Piece], np.ndarray], tally: Tally
) -> Iterator[tuple[Piece, np.ndarray]]:
    """Yield a piece with `function` of it; of files that do not fit each is told of, and the others are yielded one by one.

    Raises:
        ValueError, TypeError: a row of an array does not fit, or the array as it is.
    """
    try:
        yield piece, function(piece)
        return
    except (ValueError, TypeError) as error:
        if len(piece.names) == 1:
            if piece.array is not None:
                row = "" if piece.whole else f", row {piece.first:,}"
                raise type(error)(f"{piece.array}{row}: {error}") from None
            tally.fail(piece.names[0], error)
            return
    for row in range(len(piece.names)):
        yield from attempts(piece.one(row), function, tally)
