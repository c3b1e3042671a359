"""What all tasks on disk share: they go through the images of an input, a piece at a time."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from tfdvae._utils import disk, progress
from tfdvae.image_io import reader
from tfdvae.inference.on_disk.channels import to_model_channels
from tfdvae.inference.trained_model import TrainedModel


def each(
    path: Path,
    model: TrainedModel,
    function: Callable[[np.ndarray], np.ndarray],
    title: str,
    tally: reader.Tally,
    output: Path,
    argument: str = "input",
) -> Iterator[tuple[reader.Piece, np.ndarray]]:
    """Yield the pieces of an input with what a function of their images returns.

    Args:
        path: a folder, an image or a file of arrays.
        model: its channels are those of the images that the function gets.
        function: takes images (n, H, W, C).
        title: of the progress bar.
        tally: counts the images; gets a message for each file that cannot be used.
        output: what is written; archives are unpacked beside it.
        argument: name of `path` in messages.

    Raises:
        FileNotFoundError, ValueError: as in `reader.pieces`; a row of an array that does not fit.
    """
    with disk.naming(output):
        for read in reader.pieces(path, title, tally, output.parent, argument, model.reading):
            for piece, made in reader.process(
                read, lambda piece: function(to_model_channels(piece, model)), tally
            ):
                tally.done += len(piece.names)
                yield piece, made


def with_progress(parts: Iterable[np.ndarray], title: str, total: int) -> Iterator[np.ndarray]:
    """Yield arrays, with a progress bar over their rows."""
    with progress.bar(title, total) as bar:
        for part in parts:
            yield part
            bar.update(len(part))
