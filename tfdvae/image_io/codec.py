"""Reads and writes one image file: 8 bits, of PNG and TIFF also 16, gray or RGB."""

import contextlib
import io
import logging
import os
import re
import secrets
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from tfdvae._utils import files, limits
from tfdvae.image_io import decoder_messages, decoding, opening, values
from tfdvae.image_io.decoding import ImageKind
from tfdvae.image_io.likeness import Likeness
from tfdvae.image_io.listing import FORMAT_NAMES, FORMATS, SUFFIXES, frame_name, printable_path
from tfdvae.image_io.reading import Reading, to_full_range

NO_COLOR_GIF = "GIF files hold 256 colors alone; PNG, WebP and BMP files hold all"
"""Why no GIF file is written in color."""

_OPTIONS: dict[str, dict[str, Any]] = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}


class Unreadable(ValueError):
    """A file that is no image, or one that cannot be read; the message names it."""


class ImageFile:
    """An image file that is open: one image, or a stack of them in a TIFF file.

    Args:
        path: of the file.
        reading: what white is and what transparent parts are put on. Default: `Reading()`.

    Raises:
        Unreadable: no image or stack that can be read.

    Example:
        >>> with codec.ImageFile(Path("stack.tif")) as file:
        ...     file.count, file.read(0).shape
        (10, (28, 28, 1))
    """

    def __init__(self, path: Path, reading: Reading | None = None):
        self._path = path
        self._as = reading or Reading()
        with _reading(path):
            self._images = opening.open_images(path, self._as.white)

    def __enter__(self) -> "ImageFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._images.close()

    @property
    def count(self) -> int:
        """How many images the file holds."""
        return self._images.count

    @property
    def kind(self) -> ImageKind:
        """Size and type of each image, mostly from the header.

        Raises:
            Unreadable: images of other types than are read.
        """
        with _reading(self._path):
            return self._images.kind

    def read(self, index: int = 0) -> np.ndarray:
        """Return the pixels of an image, in its own type and size.

        Returns:
            uint8, uint16, or float32 in [0, 1], of files with another white up to that, (H, W, 1)
            or (H, W, 3).

        Raises:
            Unreadable: the image cannot be read.
        """
        with _reading(self._path, index if self.count > 1 else None):
            return self._as.finish(self._path, *self._images.read(index))

    def read_as(self, kind: ImageKind, resized: bool, index: int = 0) -> np.ndarray:
        """Return the pixels of an image in a given type and size, white the largest value of it.

        8-bit values become 16-bit ones times 257. Gray images get three equal channels where color
        is asked for; the other way round is not needed.

        Args:
            kind: what the pixels shall be; `kind.loose` is the type of images whose files do not
                say it.
            resized: resize the image; otherwise it must have the size already.
            index: of the image.

        Returns:
            uint8, uint16, or float32 in [0, 1], (H, W, 1) or (H, W, 3).

        Raises:
            Unreadable: the image cannot be read, has another size, or values above white.
        """
        with _reading(self._path, index if self.count > 1 else None):
            found = self._as.finish(self._path, *self._images.read_as(index, kind.loose))
            pixels = values.rescale(to_full_range(found, self._as.white), kind.dtype)
            if resized:
                pixels = decoding.resize(pixels, kind.height, kind.width)
            elif pixels.shape[:2] != (kind.height, kind.width):
                height, width = pixels.shape[:2]
                raise decoding.Unsupported(
                    f"has {height}x{width} pixels, and its header says otherwise"
                )
            if pixels.shape[-1] == 1 and not kind.gray:
                return np.repeat(pixels, 3, axis=-1)
            return pixels


def count(path: Path) -> int:
    """Return how many images a file holds: more than one in a stack; 1 where it cannot be read."""
    try:
        with ImageFile(path) as file:
            return file.count
    except Unreadable:
        return 1


def read(path: Path, reading: Reading | None = None) -> np.ndarray:
    """Return the pixels of a file of one image, in its own type and size.

    Args:
        path: of the file.
        reading: what white is and what transparent parts are put on. Default: `Reading()`.

    Returns:
        As `ImageFile.read`.

    Raises:
        Unreadable: no image that can be read, or a stack of several.

    Example:
        >>> codec.read(Path("scan.tif")).shape
        (480, 640, 1)
    """
    with ImageFile(path, reading) as file:
        if file.count > 1:
            raise Unreadable(
                f"the image {printable_path(path)} must hold one image; got a stack of "
                f"{file.count:,}."
            )
        return file.read()


@contextlib.contextmanager
def _reading(path: Path, frame: int | None = None) -> Iterator[None]:
    """Name the file in whatever a decoder raises: damaged files make them raise almost anything."""
    name = printable_path(path) if frame is None else frame_name(printable_path(path), frame)
    try:
        if not path.is_file():
            raise Unreadable(
                f"the image {name} cannot be read: it is no file, or a link to nothing."
            )
        with decoder_messages.kept():
            yield
    except Unreadable:
        raise
    except decoding.Unsupported as error:
        raise Unreadable(f"the image {name} {error}.") from None
    except MemoryError:
        raise Unreadable(f"the image {name} cannot be read: memory ran out.") from None
    except UnidentifiedImageError:
        raise Unreadable(
            f"the image {name} cannot be read: it is no {FORMAT_NAMES} file, or it ends too early."
        ) from None
    except Image.DecompressionBombError as error:  # its first number is that of the pixels
        most, found = limits.current().image_pixels, re.search(r"\d+", str(error))
        pixels = f"{int(found[0]):,}" if found else "too many"
        raise Unreadable(f"the image {name} has {pixels} pixels, more than {most:,}.") from None
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise Unreadable(f"the image {name} cannot be read: {reason.rstrip('.')}.") from None


def write(path: Path, pixels: np.ndarray, like: Likeness | None = None) -> None:
    """Write an image in the format of the suffix, in one step.

    All formats keep each value, but for JPEG, of quality 95.

    Args:
        path: its suffix is one of `listing.SUFFIXES`; its folder exists.
        pixels: uint8, uint16 or float32 (H, W, 1) or (H, W, 3).
        like: of a file whose type and metadata the new one gets where both are TIFF files.

    Raises:
        ValueError: a suffix of no image; 16 bits, floats or colors for a format that has none; more
            pixels than the format can hold; or a folder or pipe of that name.

    Example:
        >>> codec.write(Path("gray.png"), np.zeros((28, 28, 1), np.uint8))
    """
    suffix = path.suffix.lower()
    name = printable_path(path)
    if suffix not in SUFFIXES:
        raise ValueError(f"the image {name} must have the suffix {', '.join(SUFFIXES)}.")
    if pixels.dtype.kind == "f" and FORMATS[suffix] != "TIFF":
        raise ValueError(f"the image {name} must have the suffix .tif for floats.")
    if pixels.dtype == np.uint16 and FORMATS[suffix] not in ("PNG", "TIFF"):
        raise ValueError(f"the image {name} must have the suffix .png or .tif for 16 bits.")
    if kind := files.other_kind(path):
        raise ValueError(f"the image {name} cannot be written: there is {kind} of that name.")
    if FORMATS[suffix] == "GIF":
        if (pixels != pixels[..., :1]).any():
            raise ValueError(f"the image {name} cannot be written: {NO_COLOR_GIF}.")
        pixels = pixels[..., :1]
    # Short, no image to anybody who lists the folder, and no other process's, on no other machine.
    temporary = path.with_name(f".tmp-{secrets.token_hex(12)}")
    try:
        tiff = like.tiff if like is not None and FORMATS[suffix] == "TIFF" else None
        if tiff is not None:
            tiff.write(temporary, tiff.rows(pixels[None]))
        else:
            _encode(temporary, pixels[..., 0] if pixels.shape[-1] == 1 else pixels, FORMATS[suffix])
        os.replace(temporary, path)
        if like is not None:
            like.note()
    except (RuntimeError, ValueError, OverflowError) as error:
        # PNG files end at a million pixels a side, those of WebP and GIF sooner.
        temporary.unlink(missing_ok=True)
        raise ValueError(f"the image {name} cannot be written: {error}.") from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _encode(path: Path, pixels: np.ndarray, image_format: str) -> None:
    if image_format == "PNG":
        import imagecodecs

        # Pillow is slower, and keeps 8 bits of 16 in color.
        path.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels)))
    elif pixels.dtype == np.uint8:
        encoded = io.BytesIO()  # Pillow opens files to read them too, which takes longer
        Image.fromarray(pixels).save(encoded, image_format, **_OPTIONS.get(image_format, {}))
        path.write_bytes(encoded.getvalue())
    else:
        import tifffile

        tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")


@contextlib.contextmanager
def decoder_warnings_hidden() -> Iterator[None]:
    """Hide the warnings of Pillow and tifffile: the error that names the file is enough."""
    logger = logging.getLogger("tifffile")

    def hide(record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(hide)  # not by its level: what it logs tells whether a file is whole
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeFilter(hide)
