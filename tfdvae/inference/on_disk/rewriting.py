"""New versions of the images of an input: denoised, or with missing pixels filled in."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tfdvae._utils import disk
from tfdvae.image_io import codec, frames, listing, reader, writer
from tfdvae.image_io.listing import printable_path
from tfdvae.image_io.reading import Reading
from tfdvae.inference.on_disk import stack_frames
from tfdvae.inference.on_disk.channels import to_input_channels, to_model_channels
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.models import posterior

logger = logging.getLogger(__name__)

Masks = Callable[[reader.Piece], np.ndarray]


def denoise(
    model: TrainedModel,
    source: Path,
    output: Path,
    overwrite: bool = False,
    samples: int | None = None,
    part: tuple[int, int] = (1, 1),
) -> reader.Tally:
    """Write the denoised images of an input to `output`, with the same names and types.

    Args:
        model: what `tfdvae.load` returns.
        source: a folder, an image or a file of arrays.
        output: the same kind of thing.
        overwrite: replace files that are there; they are kept otherwise.
        samples: as for `TrainedModel.denoise`.
        part: as for `writer.rewrite`.

    Raises:
        FileNotFoundError, FileExistsError, ValueError: as in `writer.rewrite`; draws of a model
            that is not variational.
    """
    if samples is not None:
        posterior.require(model.core)
    model.record.say_harm()  # before there is a progress bar
    with stack_frames.of_model(model, source, output) as images_of:

        def work(piece: reader.Piece) -> np.ndarray:
            made = model.denoise(images_of(piece), samples)
            return to_input_channels(frames.own(made, model.core.frames or 1), piece.images)

        return writer.rewrite(source, output, work, "Denoising", overwrite, model.reading, part)


def impute(
    model: TrainedModel,
    source: Path,
    output: Path,
    mask: Path | None = None,
    overwrite: bool = False,
) -> reader.Tally:
    """Write the images of an input to `output`, with their missing pixels filled in.

    Args:
        model: what `tfdvae.load` returns.
        source: a folder, an image or a file of arrays.
        output: the same kind of thing.
        mask: what marks missing pixels by values other than 0: one image for all, a folder with a
            mask for each image, or a file of arrays. None where missing pixels are NaN.
        overwrite: replace files that are there; they are kept otherwise.

    Raises:
        FileNotFoundError, FileExistsError, ValueError: as in `writer.rewrite`; masks that do not
            fit the images.
    """
    lacking = False
    model.record.say_empty_code()
    with disk.naming(output), _masks(mask, source, output) as mask_of:

        def work(piece: reader.Piece) -> np.ndarray:
            nonlocal lacking
            missing = None if mask_of is None else mask_of(piece)
            images = to_model_channels(piece, model)
            if missing is None and images.dtype.kind == "f" and not np.isnan(images).any():
                model.batch(images)  # which is to fit, as in other pieces
                return piece.images
            lacking = True
            try:
                made = model.impute(images, missing)
            except ValueError as error:
                raise ValueError(str(error).replace("`missing`", "`mask`")) from None
            return to_input_channels(made, piece.images)

        tally = writer.rewrite(source, output, work, "Imputing", overwrite, model.reading)
    if tally.done and not lacking:
        logger.warning(
            f"NOTE: no pixel of {source} is NaN, so none was filled in; --mask marks missing ones."
        )
    return tally


@contextlib.contextmanager
def _masks(path: Path | None, source: Path, output: Path) -> Iterator[Masks | None]:
    """Yield a function from a piece to its masks, bool (n, H, W) or (H, W); None for NaN."""
    if path is None:
        if not reader.is_array(source):
            raise ValueError("`mask` is needed for image files, whose pixels cannot be NaN.")
        yield None
        return
    if reader.is_array(path) != reader.is_array(source):
        raise ValueError(
            "`mask` must be arrays where `input` is, and images where it is; got "
            f"{path} for {source}."
        )
    if reader.is_array(path):
        with reader.arrays(path, output.parent, "mask") as found:
            yield lambda piece: _mask_rows(found, piece, path)
    elif path.is_file() and codec.count(path) > 1:
        yield lambda piece: _frame_masks(path, piece)
    elif path.is_file():
        everywhere = _read_mask(path)
        if not everywhere.any():
            raise ValueError(
                f"`mask` {path} marks no pixel; missing ones must be other than 0, and "
                "transparency does not count."
            )
        yield lambda piece: everywhere
    else:
        yield _masks_by_name(path, source)


def _masks_by_name(folder: Path, source: Path) -> Masks:
    """Return a function from a piece to its masks, found by name without suffix."""
    named: dict[str, Path] = {}
    for name, file in reader.list_files(folder, "mask").items():
        if (other := named.setdefault(Path(name).with_suffix("").as_posix(), file)) is not file:
            raise ValueError(
                f"`mask` {folder} must hold one mask for an image; it holds "
                f"{printable_path(file.name)} and {printable_path(other.name)}."
            )

    images = [Path(name).with_suffix("").as_posix() for name in reader.list_files(source)]
    same = listing.same_names(images, named)

    def masks(piece: reader.Piece) -> np.ndarray:
        files = piece.names if piece.stack is None else [piece.stack]
        plain = [Path(name).with_suffix("").as_posix() for name in files]
        chosen = [named[same[name]] for name in plain if name in same]
        if len(chosen) < len(plain):
            raise ValueError(f"`mask` {folder} has no image of that name.")
        if piece.stack is not None:
            return _frame_masks(chosen[0], piece)
        return np.stack([_read_mask(file) for file in chosen])

    return masks


def _frame_masks(path: Path, piece: reader.Piece) -> np.ndarray:
    """Return the masks of frames from one image for all or a stack, bool (H, W) or (n, H, W)."""
    with codec.ImageFile(path, Reading(background=None)) as file:
        if file.count == 1:
            return _read_mask(path)
        if file.count != piece.count:
            frames = f" or a stack of {piece.count:,}" if piece.count else ""
            raise ValueError(
                f"`mask` {printable_path(path.name)} must hold one image{frames}; got a stack of "
                f"{file.count:,}"
            )
        numbers = range(piece.first, piece.first + len(piece.names))
        return np.stack([(file.read(number) != 0).any(axis=-1) for number in numbers])


def _read_mask(path: Path) -> np.ndarray:
    """Return where a mask, an image, is not 0, bool (H, W)."""
    if (lossy := listing.FORMATS.get(path.suffix.lower())) in ("JPEG", "WEBP"):
        raise ValueError(
            f"`mask` {printable_path(path.name)} must be a PNG, TIFF or BMP file: {lossy} changes "
            "pixels beside the marked ones."
        )
    return (codec.read(path, Reading(background=None)) != 0).any(axis=-1)


def _mask_rows(found: dict[str, np.ndarray], piece: reader.Piece, path: Path) -> np.ndarray:
    """Return the masks of a piece from a file of arrays, bool (n, H, W) or (H, W)."""
    alone = path.suffix.lower() == ".npy"
    array = next(iter(found.values())) if alone else found.get(piece.array or "")
    if array is None:
        raise ValueError(
            f"`mask` {path} must hold an array {printable_path(piece.array or '')}; it holds "
            f"{', '.join(map(printable_path, found))}."
        )
    array = array[..., 0] if array.ndim == 4 and array.shape[-1] == 1 else array
    if array.ndim == 2:
        if not array.any():
            raise ValueError(f"`mask` {path} marks no pixel; missing ones must be other than 0.")
        return array != 0
    if array.ndim != 3 or len(array) != piece.count:
        raise ValueError(
            f"`mask` {path} must have shape ({piece.count}, H, W) or (H, W); got {array.shape}."
        )
    return array[piece.first : piece.first + len(piece.images)] != 0
