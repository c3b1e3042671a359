"""Images of an input as a model takes them: frames of stacks with their neighbors, for some."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tfdvae.image_io import codec, frames, reader
from tfdvae.inference.on_disk.channels import in_channels, to_model_channels
from tfdvae.inference.trained_model import TrainedModel

Images = Callable[[reader.Piece], np.ndarray]


@contextlib.contextmanager
def of_model(model: TrainedModel, source: Path, output: Path) -> Iterator[Images]:
    """Yield a function from a piece of an input to its images as the model takes them.

    For a model of several frames these are (n, H, W, frames x C): each frame of a stack with its
    neighbors, which are read again where they are in another piece.

    Args:
        model: what `tfdvae.load` returns.
        source: the input: a folder, an image or a file of arrays.
        output: what is written; archives are unpacked beside it.
    """
    if model.core.frames is None:
        yield partial(to_model_channels, model=model)
    elif reader.is_array(source):
        with reader.arrays(source, output.parent) as found:
            yield lambda piece: _windows(piece, model, partial(_rows, found, piece))
    else:
        yield lambda piece: _windows(piece, model, partial(_frames, source, piece, model))


def _windows(
    piece: reader.Piece,
    model: TrainedModel,
    read: Callable[[Sequence[int]], Mapping[int, np.ndarray]],
) -> np.ndarray:
    count = model.core.frames or 1
    near = [
        frames.neighbors(piece.first + row, max(piece.count, 1), count)
        for row in range(len(piece.names))
    ]
    known = dict(enumerate(piece.images, piece.first))
    others = sorted({number for each in near for number in each} - known.keys())
    known |= read(others)
    place = {number: row for row, number in enumerate(known)}
    images = in_channels(np.stack(list(known.values())), model.image_shape[-1] // count)
    parts = [images[[place[each[offset]] for each in near]] for offset in range(count)]
    return np.concatenate(parts, axis=-1)


def _frames(
    source: Path, piece: reader.Piece, model: TrainedModel, numbers: Sequence[int]
) -> dict[int, np.ndarray]:
    """Return frames of the stack that a piece belongs to, by their numbers."""
    path = source / str(piece.stack) if source.is_dir() else source
    with codec.ImageFile(path, model.reading) as file:
        return {number: file.read(number) for number in numbers}


def _rows(
    found: Mapping[str, np.ndarray], piece: reader.Piece, numbers: Sequence[int]
) -> dict[int, np.ndarray]:
    """Return rows of the array that a piece belongs to, by their numbers."""
    array = found[str(piece.array)]
    shape, dtype = piece.images.shape[1:], piece.images.dtype
    return {number: np.array(array[number], dtype).reshape(shape) for number in numbers}
