"""Images on disk that are drawn: from the prior, or from the posterior of an image."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tfdvae._utils import room
from tfdvae.image_io import codec, manifest, reader, writer
from tfdvae.inference import image_arrays
from tfdvae.inference.on_disk.channels import to_input_channels, to_model_channels
from tfdvae.inference.on_disk.pieces import with_progress
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.models import posterior


def sample(
    model: TrainedModel, output: Path, count: int, seed: int = 0, overwrite: bool = False
) -> None:
    """Draw images from the prior: a folder of PNG files, or an `.npy` or `.npz` file.

    Args:
        model: of a VAE or DVAE.
        output: the folder or file.
        count: how many images.
        seed: the same seed gives the same images.
        overwrite: replace what an earlier call made in the folder, or the file.

    Raises:
        FileExistsError: `output` is there and may not be replaced.
        ValueError: a model without a prior, or images that the disk has no room for.
    """
    _check(output, count, math.prod(model.image_shape), overwrite)
    model.record.say_empty_code()
    codes = model.core.prior_codes(count, seed)
    if reader.is_array(output):
        _write_arrays(output, map(model.decode, with_progress(codes, "Sampling", count)))
        return
    drawn = (
        image_arrays.to_dtype(model.decode(each), np.dtype(np.uint8))
        for each in with_progress(codes, "Sampling", count)
    )
    _write_files(output, drawn, count, ("", seed, "prior"), overwrite)


def sample_around(
    model: TrainedModel,
    image: Path,
    output: Path,
    count: int,
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Draw clean images that a noisy one may show: a folder, or an `.npy` or `.npz` file.

    Files are PNG files with the bits of the image, and TIFF files where it holds floats.

    Args:
        model: of a VAE or DVAE.
        image: the file of the noisy image.
        output: the folder or file.
        count: how many.
        seed: the same seed gives the same images.
        overwrite: replace what an earlier call made in the folder, or the file.

    Raises:
        FileExistsError: `output` is there and may not be replaced.
        ValueError: a model without a posterior, an image that does not fit, or images that the disk
            has no room for.
    """
    posterior.require(model.core)
    pixels = codec.read(image, model.reading)[None]
    _check(output, count, pixels.size, overwrite)
    model.record.say_empty_code()
    try:
        piece = reader.Piece([image.name], pixels)
        batch = model.batch(to_model_channels(piece, model), larger=model.any_size)
    except (TypeError, ValueError) as error:
        raise ValueError(str(error).replace("`images`", "`around`")) from None
    drawn = with_progress(model.sampler.draws(batch, count, seed), "Sampling", count)
    if reader.is_array(output):
        _write_arrays(output, drawn)
        return
    made = (
        to_input_channels(image_arrays.to_dtype(each, pixels.dtype, model.white), pixels)
        for each in drawn
    )
    _write_files(output, made, count, (image.name, seed, "posterior"), overwrite)


def _check(output: Path, count: int, values: int, overwrite: bool) -> None:
    """Refuse an output that is there, or that the disk has no room for.

    Rows of arrays are gathered in a file of their own first. PNG halves images, about.
    """
    if reader.is_array(output):
        writer.check_file(output, reader.ARRAYS, overwrite)
    size = 8 * values if reader.is_array(output) else room.on_disk(values // 2, output)
    room.check_disk("count", count, output, count * size)


def _write_arrays(output: Path, drawn: Iterable[np.ndarray]) -> None:
    with writer.ArraysWriter(output) as sheet:
        for images in drawn:
            sheet.append("images", images)


def _write_files(
    output: Path,
    drawn: Iterable[np.ndarray],
    count: int,
    origin: tuple[str, int, str],
    overwrite: bool,
) -> None:
    """Write images (n, H, W, C) as files, with their source, seed and method in a manifest."""
    digits, (source, seed, method) = max(6, len(str(count - 1))), origin
    with manifest.write(output, overwrite) as add:
        number = 0
        for images in drawn:
            suffix = "tif" if images.dtype.kind == "f" else "png"
            for image in images:
                name = f"sample-{number:0{digits}d}.{suffix}"
                codec.write(add(name, source, "", seed, method), image)
                number += 1
