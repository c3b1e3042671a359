"""Images on disk, read and written piece by piece, so that memory does not grow with their number.

What holds images is a folder (in folders as deep as they come), one image, or an `.npy` or `.npz` file of arrays.
"""

import contextlib
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfdvae import files
from tfdvae.data import image_files

ARRAYS = (".npy", ".npz")
_MOST, _BYTES = 256, 2**24  # images in a piece


@dataclass(frozen=True)
class Piece:
    """Images of one type and size.

    Attributes:
        names: path of each below the folder, or `array/row`.
        images: uint8, uint16 or floats (n, H, W, C).
    """

    names: list[str]
    images: np.ndarray


@dataclass
class Tally:
    """What became of the images.

    Attributes:
        done: how many were processed.
        kept: how many were left alone, for their result was there.
        failed: a message for each that could not be read or processed.
    """

    done: int = 0
    kept: int = 0
    failed: list[str] = field(default_factory=list)


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
        found = {file.relative_to(path).as_posix(): file for file in image_files.below(path, argument)}
        if not found:
            raise ValueError(f"`{argument}` {path} holds no images ({', '.join(image_files.SUFFIXES)}).")
        return found
    if path.suffix.lower() not in image_files.SUFFIXES:
        raise ValueError(
            f"`{argument}` {path} must be a folder, an image ({', '.join(image_files.SUFFIXES)}), or an .npy or .npz file of arrays."
        )
    return {path.name: path}


@contextlib.contextmanager
def arrays(path: Path, argument: str = "input") -> Iterator[dict[str, np.ndarray]]:
    """Yield the arrays of an `.npy` or `.npz` file, memory-mapped; the one of an `.npy` file is named as the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a damaged file, or Python objects in it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"`{argument}` {path} does not exist.")
    with contextlib.ExitStack() as stack:
        try:
            if path.suffix.lower() == ".npy":
                yield {path.stem: np.load(path, mmap_mode="r", allow_pickle=False)}
                return
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tfdvae-")))
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder, [name for name in archive.namelist() if name.endswith(".npy")])
            found = sorted(folder.rglob("*.npy"))
            opened = {file.relative_to(folder).with_suffix("").as_posix(): np.load(file, mmap_mode="r") for file in found}
        except (ValueError, EOFError, zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ValueError(f"`{argument}` {path} is no file of NumPy arrays, or a damaged one: {reason}") from None
        yield opened


def _as_images(array: np.ndarray, channels: int, alone: bool) -> np.ndarray | None:
    """Return an array as images (N, H, W, C), or None where it holds none.

    Args:
        array: (N, H, W) or (N, H, W, C), or if it is `alone` in its file also (H, W), and for three channels (H, W, 3).
        channels: of the model.
        alone: in an `.npy` file.
    """
    if array.dtype not in (np.uint8, np.uint16) and array.dtype.kind != "f":
        return None
    if alone and array.ndim == (2 if channels == 1 else 3):
        array = array[None]
    if array.ndim == 3 and channels == 1:
        array = array[..., None]
    return array if array.ndim == 4 and 0 not in array.shape else None


def pieces(
    path: Path, channels: int, title: str, tally: Tally, argument: str = "input", skip: Callable[[str], bool] | None = None
) -> Iterator[Piece]:
    """Yield all images of a folder, an image or a file of arrays, in order, with a progress bar on standard error.

    Args:
        path: what holds the images.
        channels: of the model; gray files are repeated to three channels by no one here.
        title: of the progress bar.
        tally: gets a message for each file that cannot be read.
        argument: name used in messages.
        skip: tells by their names the files to leave alone.

    Raises:
        FileNotFoundError, ValueError: there is nothing that can be read.
    """
    if is_array(path):
        with arrays(path, argument) as found:
            images = {
                name: shaped
                for name, array in found.items()
                if (shaped := _as_images(array, channels, path.suffix.lower() == ".npy")) is not None
            }
            if not images:
                listed = ", ".join(f"{name} {array.dtype} {array.shape}" for name, array in found.items()) or "nothing"
                raise ValueError(
                    f"`{argument}` {path} must hold images, uint8, uint16 or floats (H, W), (N, H, W) or (N, H, W, C); it holds {listed}."
                )
            with _bar(title, sum(map(len, images.values()))) as bar:
                for name, array in images.items():
                    rows = min(_MOST, max(1, _BYTES // array[0].nbytes))
                    for start in range(0, len(array), rows):
                        part = np.array(array[start : start + rows])
                        yield Piece([f"{name}/{row}" for row in range(start, start + len(part))], part)
                        bar.update(len(part))
        return
    listed = list_files(path, argument)
    todo = {name: file for name, file in listed.items() if skip is None or not skip(name)}
    tally.kept += len(listed) - len(todo)
    with _bar(title, len(todo)) as bar, image_files.quiet():
        for piece in _ahead(_read(todo, tally)):
            yield piece
            bar.update(len(piece.names))


def _bar(title: str, total: int) -> tqdm:
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


def _ahead(items: Iterator[Piece]) -> Iterator[Piece]:
    """Yield items, of which the next is made in another thread meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item


def check_output(path: Path, output: Path, overwrite: bool) -> None:
    """Refuse an output that does not fit the input or that is there and may not be replaced.

    Raises:
        FileExistsError: a file that is there, without `overwrite`; a folder where a file is needed or the other way round.
        FileNotFoundError: there is no input.
        ValueError: the output is the input or lies in it, or has another suffix than its kind.
    """
    if not path.exists():
        raise FileNotFoundError(f"`input` {path} does not exist.")
    if path.is_dir():
        if output.exists() and not output.is_dir():
            raise FileExistsError(f"`output` {output} is a file; a folder is needed, as `input` is one.")
        if output.resolve().is_relative_to(path.resolve()):
            raise ValueError(f"`output` {output} must lie outside of `input` {path}.")
        return
    wanted = (path.suffix.lower(),) if is_array(path) else image_files.SUFFIXES
    check_file(output, wanted, overwrite)
    if output.exists() and output.samefile(path):
        raise ValueError(f"`output` must be another file than `input`; got {output} for both.")


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


def rewrite(path: Path, output: Path, channels: int, function: Callable[[Piece], np.ndarray], title: str, overwrite: bool = False) -> Tally:
    """Write `function` of all images to `output`, in kind: files of the same names, types and bits, or arrays of the same names, types and shapes.

    A file that is there is kept without `overwrite`, so that what was stopped goes on. Arrays that hold no images are copied.

    Args:
        path: folder, image or file of arrays.
        output: folder, image or file of arrays.
        channels: of the model.
        function: takes a piece and returns images of its type and shape.
        title: of the progress bar.
        overwrite: replace files that are there.

    Raises:
        FileNotFoundError, FileExistsError, ValueError: as in `pieces` and `check_output`; images in an array that do not fit the model.
    """
    check_output(path, output, overwrite)
    tally = Tally()
    if is_array(path):
        _rewrite_arrays(path, output, channels, function, title, tally)
        return tally
    target = (lambda name: output / name) if path.is_dir() else (lambda name: output)
    skip = None if overwrite else lambda name: target(name).exists()

    def write(piece: Piece, made: np.ndarray) -> None:
        for name, pixels in zip(piece.names, made, strict=True):
            image_files.write(target(name), pixels)

    with ThreadPoolExecutor(1) as pool:
        writing = None
        for piece in pieces(path, channels, title, tally, skip=skip):
            try:
                made = function(piece)
            except (ValueError, TypeError) as error:
                tally.failed += [f"the image {name} cannot be processed: {error}" for name in piece.names]
                continue
            if writing is not None:
                writing.result()
            writing = pool.submit(write, piece, made)
            tally.done += len(made)
        if writing is not None:
            writing.result()
    return tally


def _rewrite_arrays(path: Path, output: Path, channels: int, function: Callable, title: str, tally: Tally) -> None:
    with tempfile.TemporaryDirectory(prefix="tfdvae-") as folder, contextlib.ExitStack() as stack:
        writers: dict[str, Callable] = {}
        for piece in pieces(path, channels, title, tally):
            name = piece.names[0].rpartition("/")[0]
            if name not in writers:
                writers[name] = stack.enter_context(files.array_writer(Path(folder) / f"{len(writers)}.npy"))
            writers[name](function(piece))
            tally.done += len(piece.names)
        stack.close()
        made = {name: np.load(Path(folder) / f"{number}.npy", mmap_mode="r") for number, name in enumerate(writers)}
        with arrays(path) as found, files.replacing(output) as temporary:
            result = {name: made[name].reshape(array.shape) if name in made else array for name, array in found.items()}
            write_arrays(temporary, output.suffix.lower(), result)
        del made


def write_arrays(path: Path, suffix: str, found: dict[str, np.ndarray]) -> None:
    """Write arrays to an `.npz` file, or the single one to an `.npy` file, whatever the name of the file."""
    with open(path, "wb") as file:
        if suffix == ".npy":
            np.save(file, next(iter(found.values())))
        else:
            np.savez(file, **found)
