"""Images on disk, read and written piece by piece, so that memory does not grow with their number.

What holds images is a folder (in folders as deep as they come), one image, or an `.npy` or `.npz` file of arrays.
"""

import contextlib
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tfdvae._utils import chunks, files, limits
from tfdvae._utils.progress import bar
from tfdvae.image_io import codec, listing
from tfdvae.image_io.reader import (
    Piece,
    Tally,
    _ahead,
    _array_pieces,
    _overlapped,
    _read,
    arrays,
    attempts,
    is_array,
    list_files,
)


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
        check_file(
            output, (path.suffix.lower(),) if is_array(path) else listing.SUFFIXES, overwrite
        )
    elif output.exists() and not output.is_dir():
        raise FileExistsError(
            f"`output` {output} is a file; a folder is needed, as `input` is one."
        )


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
            if place == path or (
                not nested and (place.is_relative_to(path) or path.is_relative_to(place))
            ):
                raise ValueError(
                    f"`output` must lie apart from `{argument}`; got {output} and {text}."
                )


def rewrite(
    path: Path,
    output: Path,
    function: Callable[[Piece], np.ndarray],
    title: str,
    overwrite: bool = False,
) -> Tally:
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
    tally.others += listing.of_other_formats(path) if path.is_dir() else []
    target = (lambda name: output / name) if path.is_dir() else (lambda name: output)
    keep = output.exists() and not overwrite
    todo = {name: file for name, file in listed.items() if not (keep and target(name).exists())}
    tally.kept = len(listed) - len(todo)
    one_large = threading.Lock()

    def compute(read: Piece) -> tuple[int, list[tuple[Piece, np.ndarray]]]:
        large = read.images.nbytes > 2 * limits.current().file_bytes
        with one_large if large else contextlib.nullcontext():
            return len(read.names), list(attempts(read, function, tally))

    def write(computed: tuple[int, list[tuple[Piece, np.ndarray]]]) -> int:
        count, results = computed
        for piece, made in results:
            for folder in {target(name).parent for name in piece.names}:
                folder.mkdir(parents=True, exist_ok=True)
            for name, pixels in zip(piece.names, made, strict=True):
                try:
                    codec.write(target(name), pixels)
                    tally.done += 1
                except ValueError as error:
                    tally.fail(name, error)
        return count

    with bar(title, len(todo)) as progress, codec.quiet():
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
    with (
        arrays(path, output.parent) as found,
        ArraysWriter(output, found, compressed(path)) as writer,
    ):
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

    def __init__(
        self, output: Path, others: dict[str, np.ndarray] | None = None, compressed: bool = False
    ):
        self._output, self._others, self._compressed = (
            output,
            {} if others is None else others,
            compressed,
        )
        self._writers: dict[str, tuple[Path, Callable]] = {}

    def __enter__(self) -> "ArraysWriter":
        self._stack = contextlib.ExitStack()
        self._folder = self._stack.enter_context(files.scratch_folder(self._output.parent))
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
            self._writers[name] = path, self._open.enter_context(chunks.array_writer(path))
        self._writers[name][1](rows)

    def __exit__(self, kind, error, trace) -> None:
        with self._stack:
            self._open.close()
            if kind is not None:
                return
            made = {name: np.load(path, mmap_mode="r") for name, (path, _) in self._writers.items()}
            shapes = {
                name: array.shape
                for name, array in self._others.items()
                if name in made and array.size == made[name].size
            }
            made = {
                name: array.reshape(shapes.get(name, array.shape)) for name, array in made.items()
            }
            result = self._others | made
            with files.replacing(self._output) as temporary, open(temporary, "wb") as file:
                if self._output.suffix.lower() == ".npy":
                    np.save(file, next(iter(result.values())))
                    return
                with zipfile.ZipFile(
                    file, "w", zipfile.ZIP_DEFLATED if self._compressed else zipfile.ZIP_STORED
                ) as archive:
                    for (
                        name,
                        array,
                    ) in (
                        result.items()
                    ):  # numpy.savez would take an array called `file` for its own argument
                        with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                            np.lib.format.write_array(
                                member, np.asanyarray(array), allow_pickle=False
                            )
