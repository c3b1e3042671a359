"""Writes what a function makes of images, piece by piece, in the kind of the input.

The input is a folder and the folders below it, one image file, or an `.npy` or `.npz` file of
arrays.
"""

import contextlib
import math
import threading
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from tfdvae._utils import chunks, disk, file_names, files, limits
from tfdvae._utils.progress import bar
from tfdvae.image_io import codec, listing, overlap, reader
from tfdvae.image_io.likeness import Likeness
from tfdvae.image_io.pieces import Piece, Tally, file_pieces
from tfdvae.image_io.reader import is_array
from tfdvae.image_io.reading import Reading
from tfdvae.image_io.stacks import StackWriter


def check_output(path: Path, output: Path, overwrite: bool) -> None:
    """Refuse an output of another kind than the input, or one that exists and may not be replaced.

    Raises:
        FileExistsError: a file that exists, without `overwrite`; a folder where a file is needed or
            the other way round.
        FileNotFoundError: there is no input.
        ValueError: another suffix than the input's kind.
    """
    if not path.exists():
        raise FileNotFoundError(f"`input` {path} does not exist.")
    if not path.is_dir():
        suffixes = (path.suffix.lower(),) if is_array(path) else listing.SUFFIXES
        check_file(output, suffixes, overwrite)
    else:
        files.check_folder("output", output, ", as `input` is one")


def check_file(output: Path, suffixes: tuple[str, ...], overwrite: bool) -> None:
    """Refuse an output file with another suffix, or one that exists and may not be replaced.

    Raises:
        FileExistsError: it exists, or what is no file has that name.
        ValueError: another suffix.
    """
    if output.suffix.lower() not in suffixes:
        raise ValueError(f"`output` {output} must have the suffix {' or '.join(suffixes)}.")
    files.check_plain("output", output)
    if output.exists() and not overwrite:
        raise FileExistsError(f"`output` {output} exists; --overwrite replaces it.")


def check_apart(
    place: Path, nested: bool, inputs: Mapping[str, str | None], argument: str = "output"
) -> None:
    """Refuse an output that is one of the inputs.

    Args:
        place: the path to write to.
        nested: the output may lie in an input or hold one; otherwise that is refused too.
        inputs: paths by the names of their arguments; None where one is not given.
        argument: name of the output in messages.

    Raises:
        ValueError: naming the two.
    """
    for name, text in inputs.items():
        if text is None:
            continue
        path, output = Path(text).expanduser().resolve(), place.resolve()
        if output == path or (
            not nested and (output.is_relative_to(path) or path.is_relative_to(output))
        ):
            raise ValueError(f"`{argument}` must lie apart from `{name}`; got {place} and {text}.")


def rewrite(
    path: Path,
    output: Path,
    function: Callable[[Piece], np.ndarray],
    title: str,
    overwrite: bool = False,
    reading: Reading | None = None,
    part: tuple[int, int] = (1, 1),
) -> Tally:
    """Write `function` of all images to `output`, in the kind of the input.

    Files get the same names, types and bits, stacks the same shape and metadata, arrays the same
    names, types and shapes. Arrays that
    hold no images are copied. Existing files are kept without `overwrite`, so that an interrupted
    call can be repeated and goes on.

    Args:
        path: folder, image or file of arrays.
        output: folder, image or file of arrays.
        function: takes a piece and returns images of its type and shape; called in two threads.
        title: of the progress bar.
        overwrite: replace existing files.
        reading: how image files are read.
        part: which files of a folder, of how many parts: (2, 4) is every fourth from the second.

    Raises:
        FileNotFoundError, FileExistsError, ValueError: as in `reader.pieces` and `check_output`;
            images in an array that `function` refuses.

    Example:
        >>> rewrite(Path("in"), Path("out"), lambda piece: 255 - piece.images, "Inverting").done
        3
    """
    check_output(path, output, overwrite)
    tally = Tally()
    with disk.naming(output):
        if is_array(path):
            _rewrite_arrays(path, output, function, title, tally)
        else:
            _rewrite_files(path, output, function, title, overwrite, reading, part, tally)
    return tally


def _rewrite_files(
    path: Path,
    output: Path,
    function: Callable[[Piece], np.ndarray],
    title: str,
    overwrite: bool,
    reading: Reading | None,
    part: tuple[int, int],
    tally: Tally,
) -> None:
    listed = reader.part_of(reader.list_files(path), part)
    tally.others += listing.images_of_other_formats(path, "input") if path.is_dir() else []
    for name, reason in file_names.too_long(output, listed).items() if path.is_dir() else ():
        del listed[name]
        tally.fail(name, ValueError(f"{reason}."))
    targets = {name: output / name if path.is_dir() else output for name in listed}
    keep = output.exists() and not overwrite
    todo = {name: file for name, file in listed.items() if not (keep and targets[name].is_file())}
    tally.kept = len(listed) - len(todo)
    one_large = threading.Lock()

    def compute(read: Piece) -> tuple[int, list[tuple[Piece, np.ndarray]]]:
        large = read.images.nbytes > 2 * limits.current().file_bytes
        with one_large if large else contextlib.nullcontext():
            return read.files, list(reader.process(read, function, tally))

    def write(computed: tuple[int, list[tuple[Piece, np.ndarray]]]) -> int:
        count, results = computed
        for piece, made in results:
            if piece.stack is not None:
                stacks.append(piece, made)
                continue
            for folder in {targets[name].parent for name in piece.names}:
                folder.mkdir(parents=True, exist_ok=True)
            for name, pixels in zip(piece.names, made, strict=True):
                try:
                    codec.write(targets[name], pixels, Likeness(todo[name], tally.lost))
                    tally.done += 1
                except ValueError as error:
                    tally.fail(name, error)
        return count

    with (
        bar(title, len(todo)) as progress,
        codec.decoder_warnings_hidden(),
        StackWriter(todo, targets, tally) as stacks,
    ):
        # One thread reads and writes: two would mostly wait for each other's interpreter lock. Two
        # compute: while one waits for the slowest core to finish an operation, the other cores go
        # on with the second one's.
        disk, computing = ThreadPoolExecutor(1), ThreadPoolExecutor(2)
        try:
            pieces = map(tally.note, file_pieces(todo, tally, reading))
            read = overlap.one_ahead(pieces, disk)
            computed = overlap.map_ahead(read, compute, computing, 2)
            for count in overlap.map_ahead(computed, write, disk, 1):
                progress.update(count)
        finally:
            for pool in (computing, disk):
                pool.shutdown(cancel_futures=True)
    tally.failed.sort()


def _rewrite_arrays(
    path: Path,
    output: Path,
    function: Callable[[Piece], np.ndarray],
    title: str,
    tally: Tally,
) -> None:
    with (
        reader.arrays(path, output.parent) as found,
        ArraysWriter(output, found, compressed(path)) as writer,
    ):
        for piece in reader.array_pieces(found, path, title):
            for part, made in reader.process(tally.note(piece), function, tally):
                writer.append(str(part.array), made)
            tally.done += len(piece.names)
        tally.copied += [name for name in found if name not in writer.names]


def compressed(path: Path) -> bool:
    """Return whether a file is an `.npz` file that is compressed."""
    if path.suffix.lower() != ".npz":
        return False
    with zipfile.ZipFile(path) as archive:
        return any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist())


class ArraysWriter:
    """Writes an `.npy` or `.npz` file from rows that are appended to its arrays.

    The arrays may be larger than memory. The file is written in one step when the block ends
    without error.

    Args:
        output: the file.
        others: arrays that the file gets besides those appended to, as they are when the block
            ends. Where rows are appended to one of them, it says the shape and the place in the
            file.
        compressed: compress an `.npz` file.

    Example:
        >>> with ArraysWriter(Path("codes.npz")) as writer:
        ...     for piece in pieces:
        ...         writer.append("codes", encode(piece))
    """

    def __init__(
        self,
        output: Path,
        others: Mapping[str, npt.ArrayLike] | None = None,
        compressed: bool = False,
    ):
        self._output = output
        self._others = {} if others is None else others
        self._compressed = compressed
        self._writers: dict[str, tuple[Path, Callable[[np.ndarray], None]]] = {}

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with disk.naming(self._output), self._stack:
            self._open.close()
            if error is not None and disk.full(error):
                raise error
            if kind is None:
                made = {name: self._load(name, path) for name, (path, _) in self._writers.items()}
                self._write({**self._others, **made})

    def _load(self, name: str, path: Path) -> np.ndarray:
        """Return the rows that were appended, in the shape of the array they replace."""
        array = np.load(path, mmap_mode="r")
        replaced = np.shape(self._others.get(name, array))
        return array.reshape(replaced) if math.prod(replaced) == array.size else array

    def _write(self, arrays: dict[str, npt.ArrayLike]) -> None:
        with files.replacing(self._output) as temporary, open(temporary, "wb") as file:
            if self._output.suffix.lower() == ".npy":
                np.save(file, next(iter(arrays.values())))
                return
            packing = zipfile.ZIP_DEFLATED if self._compressed else zipfile.ZIP_STORED
            with zipfile.ZipFile(file, "w", packing) as archive:
                # Not by numpy.savez, which takes an array called `file` for its own argument.
                for name, array in arrays.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
