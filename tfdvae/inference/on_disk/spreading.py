"""Maps on disk of how uncertain denoised images are, pixel by pixel."""

import itertools
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import tifffile
from tqdm import tqdm

from tfdvae._utils import chunks, disk, files
from tfdvae._utils.progress import bar
from tfdvae.config.tasks import SAMPLES
from tfdvae.image_io import codec, reader, writer
from tfdvae.image_io.listing import printable_path
from tfdvae.image_io.pieces import file_pieces
from tfdvae.inference.on_disk.channels import to_input_channels, to_model_channels
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.models import posterior

logger = logging.getLogger(__name__)

Work = Callable[[reader.Piece], np.ndarray]

_TITLE = "Uncertainty"


def uncertainty(
    model: TrainedModel,
    source: Path,
    folder: Path,
    samples: int = SAMPLES,
    overwrite: bool = False,
) -> None:
    """Write the standard deviation of draws of the posterior, for each image of an input.

    Values are float32, in units of the pixel range: 0.1 is a tenth of white. An image gets a TIFF
    file of its name, and a stack one stack; an `.npy` or `.npz` file gets a file of its name with
    arrays of the same shapes. Images that cannot be used are left out.

    Args:
        model: of a VAE or DVAE.
        source: a folder, an image or a file of arrays.
        folder: where the maps go.
        samples: draws of each image, at least 2.
        overwrite: replace files that are there; they are kept otherwise.

    Raises:
        FileNotFoundError, ValueError: as in `reader.pieces`; a model without a posterior, or two
            images whose maps would have one name.
    """
    posterior.require(model.core)

    def work(piece: reader.Piece) -> np.ndarray:
        spread = model.uncertainty(to_model_channels(piece, model), samples)
        return to_input_channels(spread, piece.images.astype(np.float32))

    with disk.naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not reader.is_array(source):
            _of_files(model, work, source, folder, overwrite)
        elif overwrite or not (folder / source.name).exists():
            _of_arrays(work, source, folder / source.name)
        else:
            logger.warning("NOTE: %s is kept; --overwrite replaces it.", folder / source.name)


def check(source: Path, folder: Path) -> None:
    """Refuse images whose maps would have one name.

    Args:
        source: a folder, an image or a file of arrays.
        folder: where the maps go.

    Raises:
        FileNotFoundError, ValueError: there are none, or two would have one name.
    """
    if not reader.is_array(source):
        _targets(reader.list_files(source), folder)


def _of_arrays(work: Work, source: Path, output: Path) -> None:
    with (
        reader.arrays(source, output.parent) as found,
        writer.ArraysWriter(output) as sheet,
    ):
        for piece in reader.array_pieces(found, source, _TITLE):
            for part, made in reader.process(piece, work, reader.Tally()):
                name = str(part.array)
                sheet.append(name, made.reshape(-1, *found[name].shape[1:]))


def _of_files(model: TrainedModel, work: Work, source: Path, folder: Path, overwrite: bool) -> None:
    listed = reader.list_files(source)
    targets = _targets(listed, folder)
    todo = {name: file for name, file in listed.items() if overwrite or not targets[name].exists()}
    if kept := len(listed) - len(todo):
        logger.warning("NOTE: %s maps that were there are kept; --overwrite replaces them.", kept)
    tally = reader.Tally()  # of images whose errors are told with the denoised ones
    with bar(_TITLE, len(todo)) as progress, codec.decoder_warnings_hidden():
        read = file_pieces(todo, tally, model.reading)
        for name, group in itertools.groupby(read, key=lambda piece: piece.stack):
            made = _processed(group, work, tally, progress)
            if name is not None:
                _write_stack(targets[name], made)
                continue
            for piece, maps in made:
                for image, values in zip(piece.names, maps, strict=True):
                    targets[image].parent.mkdir(parents=True, exist_ok=True)
                    codec.write(targets[image], values)


def _processed(
    read: Iterable[reader.Piece], work: Work, tally: reader.Tally, progress: tqdm
) -> Iterator[tuple[reader.Piece, np.ndarray]]:
    for piece in read:
        yield from reader.process(piece, work, tally)
        progress.update(piece.files)


def _write_stack(path: Path, made: Iterable[tuple[reader.Piece, np.ndarray]]) -> None:
    """Write the maps of all frames of a stack; of one that lacks a frame nothing is written."""
    count = wanted = 0
    with files.scratch_folder(path.parent) as scratch:
        frames = scratch / "maps.npy"
        with chunks.array_writer(frames) as append:
            for piece, maps in made:
                append(maps[..., 0] if maps.shape[-1] == 1 else maps)
                count, wanted = count + len(maps), piece.count
        if 0 < count == wanted:
            stack = np.load(frames, mmap_mode="r")
            kind = "rgb" if stack.ndim == 4 else "minisblack"
            tifffile.imwrite(scratch / "maps.tif", stack, photometric=kind)
            os.replace(scratch / "maps.tif", path)


def _targets(listed: Iterable[str], folder: Path) -> dict[str, Path]:
    """Return the file of the map of each image."""
    targets = {name: (folder / name).with_suffix(".tif") for name in listed}
    owners: dict[Path, str] = {}
    for name, path in targets.items():
        if (other := owners.setdefault(path, name)) != name:
            raise ValueError(
                f"`uncertainty` needs images that differ in more than the suffix; got "
                f"{printable_path(other)} and {printable_path(name)}."
            )
    return targets
