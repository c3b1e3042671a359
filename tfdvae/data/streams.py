"""Images on disk, read and written piece by piece, so that memory does not grow with their number.

What holds images is a folder (in folders as deep as they come), one image, or an `.npy` or `.npz` file of arrays.
"""

import collections
import contextlib
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfdvae import files
from tfdvae.data import image_files

ARRAYS = (".npy", ".npz")
_SCRATCH = ".tmp-tfdvae-"
_MOST, _BYTES = 256, 2**24  # images in a piece


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
        return Piece([self.names[row]], self.images[row : row + 1], self.array, self.first + row, self.count, self.whole)


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
        self.failed.append(f"the image {image_files.shown(name)} cannot be processed: {error}")


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
        found = {file.as_posix().removeprefix(start): file for file in image_files.below(path, argument)}
        if not found:
            raise ValueError(f"`{argument}` {path} holds no images ({', '.join(image_files.SUFFIXES)}).")
        return found
    if path.suffix.lower() not in image_files.SUFFIXES:
        raise ValueError(
            f"`{argument}` {path} must be a folder, an image ({', '.join(image_files.SUFFIXES)}), or an .npy or .npz file of arrays."
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
                folder = stack.enter_context(scratch_folder(scratch))
                with zipfile.ZipFile(path) as archive:
                    archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".npy")])
                unpacked = sorted(folder.rglob("*.npy"))
                found = {file.relative_to(folder).with_suffix("").as_posix(): np.load(file, mmap_mode="r") for file in unpacked}
        except Exception as error:  # each way of packing has its own errors
            if isinstance(error, OSError) and error.errno is not None:
                raise
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ValueError(f"`{argument}` {path} is no file of NumPy arrays, or a damaged one: {reason}") from None
        yield found


def is_scratch(path: Path) -> bool:
    """Tell whether a path is a `scratch_folder`, also one that a killed process left."""
    return path.name.startswith(_SCRATCH)


@contextlib.contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Yield a folder for files that are needed for a while, in `beside`, which is made: where results go there is room for them.

    Those of processes that were killed, which hold no lock any more, are removed once they are a minute old.
    """
    beside.mkdir(parents=True, exist_ok=True)
    for left in beside.glob(f"{_SCRATCH}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > 60:
                with files.locked(left):
                    files.remove(left)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=beside) as folder, files.locked(Path(folder)):
        yield Path(folder)


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
    tally.others += image_files.of_other_formats(path) if path.is_dir() else []
    with bar(title, len(listed)) as progress, image_files.quiet(), ThreadPoolExecutor(1) as thread:
        for piece in _ahead(_read(listed, tally), thread):
            yield piece
            progress.update(len(piece.names))


def _array_pieces(found: dict[str, np.ndarray], path: Path, title: str, argument: str = "input") -> Iterator[Piece]:
    alone = path.suffix.lower() == ".npy"
    images = {name: shaped for name, array in found.items() if (shaped := _as_images(array, alone)) is not None}
    if not images:
        listed = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in found.items()) or "nothing"
        shapes = "(H, W), (N, H, W) or (N, H, W, C)" if alone else "(N, H, W) or (N, H, W, C)"
        raise ValueError(f"`{argument}` {path} must hold images, uint8, uint16 or floats {shapes}; it holds {listed}.")
    with bar(title, sum(map(len, images.values()))) as progress:
        for name, array in images.items():
            rows = min(_MOST, max(1, _BYTES // array[0].nbytes))
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


def bar(title: str, total: int) -> tqdm:
    return tqdm(desc=title, total=total, unit="image", dynamic_ncols=True, mininterval=0.5)


def _read(listed: dict[str, Path], tally: Tally) -> Iterator[Piece]:
    names: list[str] = []
    images: list[np.ndarray] = []
    for name, file in listed.items():
        try:
            pixels = image_files.read(file)
        except image_files.Unreadable as error:
            tally.failed.append(str(error))
            continue
        full = len(images) == _MOST or (images and len(images) * images[0].nbytes >= _BYTES)
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


def _overlapped(items: Iterable, function: Callable, pool: ThreadPoolExecutor, ahead: int) -> Iterator:
    """Yield `function` of each item, in order, computed in a pool, with up to `ahead` later ones in flight."""
    running = collections.deque()
    for item in items:
        running.append(pool.submit(function, item))
        if len(running) > ahead:
            yield running.popleft().result()
    while running:
        yield running.popleft().result()


def attempts(piece: Piece, function: Callable[[Piece], np.ndarray], tally: Tally) -> Iterator[tuple[Piece, np.ndarray]]:
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


def check_output(path: Path, output: Path, overwrite: bool) -> None:
    """Refuse an output that does not fit the input in kind, or that is there and may not be replaced.

    Raises:
        FileExistsError: a file that is there, without `overwrite`; a folder where a file is needed or the other way round.
        FileNotFoundError: there is no input.
        ValueError: another suffix than the input's kind.
    """
    if not path.exists():
        raise FileNotFoundError(f"`input` {path} does not exist.")
    if not path.is_dir():
        check_file(output, (path.suffix.lower(),) if is_array(path) else image_files.SUFFIXES, overwrite)
    elif output.exists() and not output.is_dir():
        raise FileExistsError(f"`output` {output} is a file; a folder is needed, as `input` is one.")


def check_file(output: Path, suffixes: tuple[str, ...], overwrite: bool) -> None:
    """Refuse a file to be written that has another suffix, or that is there and may not be replaced.

    Raises:
        FileExistsError: it is there, or a folder is.
        ValueError: another suffix.
    """
    if output.suffix.lower() not in suffixes:
        raise ValueError(f"`output` {output} must have the suffix {' or '.join(suffixes)}.")
    if output.is_dir():
        raise FileExistsError(f"`output` {output} is a folder; a file is needed.")
    if output.exists() and not overwrite:
        raise FileExistsError(f"`output` {output} exists; --overwrite replaces it.")


def check_apart(output: Path, nested: bool, **inputs: str | None) -> None:
    """Refuse an output that is one of the inputs or, unless `nested` ones are welcome, lies in one or holds one.

    Raises:
        ValueError: naming the two.
    """
    for argument, text in inputs.items():
        if text is not None:
            path, place = Path(text).expanduser().resolve(), output.resolve()
            if place == path or (not nested and (place.is_relative_to(path) or path.is_relative_to(place))):
                raise ValueError(f"`output` must lie apart from `{argument}`; got {output} and {text}.")


def rewrite(path: Path, output: Path, function: Callable[[Piece], np.ndarray], title: str, overwrite: bool = False) -> Tally:
    """Write `function` of all images to `output`, in kind: files of the same names, types and bits, or arrays of the same names, types and shapes.

    A file that is there is kept without `overwrite`, so that what was stopped goes on. Arrays that hold no images are copied.

    Args:
        path: folder, image or file of arrays.
        output: folder, image or file of arrays.
        function: takes a piece and returns images of its type and shape.
        title: of the progress bar.
        overwrite: replace files that are there.

    Raises:
        FileNotFoundError, FileExistsError, ValueError: as in `pieces` and `check_output`; images in an array that do not fit the model.
    """
    check_output(path, output, overwrite)
    tally = Tally()
    if is_array(path):
        _rewrite_arrays(path, output, function, title, tally)
        return tally
    listed = list_files(path)
    tally.others += image_files.of_other_formats(path) if path.is_dir() else []
    target = (lambda name: output / name) if path.is_dir() else (lambda name: output)
    keep = output.exists() and not overwrite
    todo = {name: file for name, file in listed.items() if not (keep and target(name).exists())}
    tally.kept = len(listed) - len(todo)
    one_large = threading.Lock()

    def compute(read: Piece) -> tuple[int, list[tuple[Piece, np.ndarray]]]:
        with one_large if read.images.nbytes > 2 * _BYTES else contextlib.nullcontext():
            return len(read.names), list(attempts(read, function, tally))

    def write(computed: tuple[int, list[tuple[Piece, np.ndarray]]]) -> int:
        count, results = computed
        for piece, made in results:
            for folder in {target(name).parent for name in piece.names}:
                folder.mkdir(parents=True, exist_ok=True)
            for name, pixels in zip(piece.names, made, strict=True):
                try:
                    image_files.write(target(name), pixels)
                    tally.done += 1
                except ValueError as error:
                    tally.fail(name, error)
        return count

    with bar(title, len(todo)) as progress, image_files.quiet():
        # One thread reads and writes: two would mostly wait for each other's lock of the interpreter.
        # Two compute: while one waits for the slowest core to finish an operation, the other cores go on with the second one's.
        disk, computing = ThreadPoolExecutor(1), ThreadPoolExecutor(2)
        try:
            computed = _overlapped(_ahead(_read(todo, tally), disk), compute, computing, 2)
            for count in _overlapped(computed, write, disk, 1):
                progress.update(count)
        finally:
            for pool in (computing, disk):
                pool.shutdown(cancel_futures=True)
    tally.failed.sort()
    return tally


def _rewrite_arrays(path: Path, output: Path, function: Callable, title: str, tally: Tally) -> None:
    with arrays(path, output.parent) as found, ArraysWriter(output, found, compressed(path)) as writer:
        for piece in _array_pieces(found, path, title):
            for _, made in attempts(piece, function, tally):
                writer.append(piece.array, made)
            tally.done += len(piece.names)
        tally.copied += [name for name in found if name not in writer.names]


def compressed(path: Path) -> bool:
    """Tell whether an `.npz` file is compressed."""
    if path.suffix.lower() != ".npz":
        return False
    with zipfile.ZipFile(path) as archive:
        return any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist())


class ArraysWriter:
    """Writes an `.npy` or `.npz` file in the end, from rows appended to arrays that may be larger than memory.

    Args:
        output: the file, replaced in one step when the block ends without error.
        others: arrays that are in the file besides those appended to; of one that is appended to the shape, and its place.
        compressed: an `.npz` file is.
    """

    def __init__(self, output: Path, others: dict[str, np.ndarray] | None = None, compressed: bool = False):
        self._output, self._others, self._compressed = output, {} if others is None else others, compressed
        self._writers: dict[str, tuple[Path, Callable]] = {}

    def __enter__(self) -> "ArraysWriter":
        self._stack = contextlib.ExitStack()
        self._folder = self._stack.enter_context(scratch_folder(self._output.parent))
        self._open = self._stack.enter_context(contextlib.ExitStack())
        return self

    @property
    def names(self) -> list[str]:
        """Of the arrays appended to."""
        return list(self._writers)

    def append(self, name: str, rows: np.ndarray) -> None:
        """Append rows to an array; a single array in an `.npy` file may have any name."""
        if name not in self._writers:
            path = self._folder / f"{len(self._writers)}.npy"
            self._writers[name] = path, self._open.enter_context(files.array_writer(path))
        self._writers[name][1](rows)

    def __exit__(self, kind, error, trace) -> None:
        with self._stack:
            self._open.close()
            if kind is not None:
                return
            made = {name: np.load(path, mmap_mode="r") for name, (path, _) in self._writers.items()}
            shapes = {name: array.shape for name, array in self._others.items() if name in made and array.size == made[name].size}
            made = {name: array.reshape(shapes.get(name, array.shape)) for name, array in made.items()}
            result = self._others | made
            with files.replacing(self._output) as temporary, open(temporary, "wb") as file:
                if self._output.suffix.lower() == ".npy":
                    np.save(file, next(iter(result.values())))
                    return
                with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if self._compressed else zipfile.ZIP_STORED) as archive:
                    for name, array in result.items():  # numpy.savez would take an array called `file` for its own argument
                        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                            np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
