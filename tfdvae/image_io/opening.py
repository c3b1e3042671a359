"""Opens an image file: by tifffile where it is TIFF, and by Pillow otherwise."""

import io
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from tfdvae._utils import limits
from tfdvae.image_io import decoder_messages, decoding
from tfdvae.image_io.decoding import ImageKind
from tfdvae.image_io.listing import FORMATS

if TYPE_CHECKING:
    from tfdvae.image_io.tiff import TiffImages

_FORMAT_NAMES = tuple(dict.fromkeys(FORMATS.values()))
_SPARE_BYTES = 2**26  # for what cameras and editors add to an image
_TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class StillImage:
    """One image, of any format but TIFF, or in a TIFF file of at most 8 bits."""

    count = 1

    def __init__(self, path: Path):
        self._path = path
        _check_bytes(path)

    def close(self) -> None:
        """Do nothing: the file is open only while it is read."""

    @property
    def kind(self) -> ImageKind:
        """Size and type, from the header.

        Raises:
            Unsupported: an image of another kind than is read.
        """
        with open(self._path, "rb") as file:
            header = file.read(decoding.HEADER_BYTES)
        with Image.open(self._path, formats=_FORMAT_NAMES) as image:
            return decoding.inspect(image, header)

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the pixels, uint8 or uint16 (H, W, 1) or (H, W, 3), and alpha (H, W), if any.

        Raises:
            Unsupported: an image of another kind than is read.
        """
        data = self._path.read_bytes()
        if (pixels := decoding.decode_plain_png(data)) is not None:
            return pixels, None
        with Image.open(io.BytesIO(data), formats=_FORMAT_NAMES) as image:
            kind = decoding.inspect(image, data[: decoding.HEADER_BYTES])
            return decoding.decode(image, data, kind.dtype == np.uint16, kind.gray)

    def read_as(self, index: int, loose: np.dtype | None) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the pixels of an image whose kind was found to be read, and alpha, if any."""
        # Not by its path: Pillow scrambles TIFF files that it maps from the disk and has to turn.
        data = self._path.read_bytes()
        with Image.open(io.BytesIO(data), formats=_FORMAT_NAMES) as image:
            bits, gray = decoding.bit_depth(image, data[: decoding.HEADER_BYTES])
            return decoding.decode(image, data, bits == 16, gray)


def is_tiff(path: Path) -> bool:
    """Return whether a file starts as TIFF files do, whatever its name is."""
    with open(path, "rb") as file:
        return file.read(4) in _TIFF_MARKS


def open_images(path: Path, white: float | None = None) -> "TiffImages | StillImage":
    """Return the images of a file, which are open until they are closed.

    Args:
        path: of the file; it must be there.
        white: the value that stands for white, so that floats may be above 1; None: the largest
            value of their type.

    Raises:
        Unsupported: images of another kind than are read.
        Exception: of the libraries, for files that are damaged or no images.

    Example:
        >>> images = open_images(Path("stack.tif"))
        >>> images.count
        10
    """
    if not is_tiff(path):
        return StillImage(path)
    from tfdvae.image_io.tiff import TiffImages

    try:
        with decoder_messages.kept() as records:
            images = TiffImages(path, white)
    except decoding.Unsupported:
        raise
    except Exception:  # of what tifffile cannot read, Pillow may read one image
        return StillImage(path)
    try:
        _check_whole(records)
        if images.is_plain:
            with Image.open(path, formats=_FORMAT_NAMES):
                images.close()
                return StillImage(path)
    except UnidentifiedImageError:  # a kind of compression that Pillow does not know
        return images
    except BaseException:
        images.close()
        raise
    return images


def _check_whole(records: list[logging.LogRecord]) -> None:
    """Refuse a TIFF file whose pages cannot all be found, of which tifffile would read the rest.

    Tags and descriptions that cannot be understood hide no page.
    """
    harmless = ("TiffTag", "series raised ParseError")
    for record in records:
        text = record.getMessage()
        if record.levelno >= logging.ERROR and not any(name in text for name in harmless):
            raise ValueError(text.rpartition("> ")[2])


def _check_bytes(path: Path) -> None:
    """Refuse a file with more bytes than its image can have, before it is read.

    Raises:
        Unsupported: saying so.
    """
    size, pixels = path.stat().st_size, limits.current().image_pixels
    of = f"{pixels:,}"
    if _SPARE_BYTES < size <= _most_bytes(pixels):
        with Image.open(path, formats=_FORMAT_NAMES) as image:
            width, height = image.size
        pixels, of = width * height, f"{width}x{height}"
    if size > _most_bytes(pixels):
        raise decoding.Unsupported(f"has {size:,} bytes, more than one of {of} pixels can have")


def _most_bytes(pixels: int) -> int:
    """Return how large a file of so many pixels may be: four channels of 16 bits, twice."""
    return _SPARE_BYTES + 2 * 8 * pixels
