"""Images from folders, decoded once into the user's cache folder and memory-mapped from there.

PNG, JPEG, BMP and TIFF, of 8 and 16 bit, gray or in colour, in folders as deep as they come; hidden files and other files are left
alone. Where one image has 16 bits, all become uint16 (8-bit values times 257), otherwise uint8. Where one is in colour, all have three
channels, otherwise one. Alpha is dropped, palettes are expanded, and the orientation that a camera noted is applied.
"""

import contextlib
import io
import logging
import math
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from tfdvae._utils import limits
from tfdvae.image_io.listing import _FORMAT, SUFFIXES, shown

_FORMATS = tuple(dict.fromkeys(_FORMAT.values()))

_GRAY = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L")

_ORIENTATION = 0x0112

_HEAD = 26  # bytes of a PNG file up to its depth and colour


class Unreadable(ValueError):
    """A file that is no image that can be read."""


@dataclass(frozen=True)
class _Kind:
    """Size and kind of one image, or of all decoded ones."""

    height: int
    width: int
    gray: bool
    sixteen: bool


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Name the file whatever a decoder raises: damaged files make them raise almost anything."""
    name = shown(path)
    try:
        if not path.is_file():
            raise Unreadable(
                f"the image {name} cannot be read: it is no file, or a link to nothing."
            )
        yield
    except (Unreadable, MemoryError):
        raise
    except UnidentifiedImageError:
        raise Unreadable(
            f"the image {name} cannot be read: it is no PNG, JPEG, BMP or TIFF file, or it ends too early."
        ) from None
    except Image.DecompressionBombError:
        most = limits.current().image_pixels
        raise Unreadable(f"the image {name} has more than {most:,} pixels.") from None
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise Unreadable(f"the image {name} cannot be read: {reason.rstrip('.')}.") from None


def _probe(path: Path) -> _Kind:
    """Return size and kind of an image from its header."""
    with _reading(path), open(path, "rb") as file:
        head = file.read(_HEAD)
        with Image.open(path, formats=_FORMATS) as image:
            return _kind_of(path, image, head)


def _kind_of(path: Path, image: Image.Image, head: bytes) -> _Kind:
    width, height = image.size
    most = limits.current().image_pixels
    if width * height > most:
        raise Unreadable(
            f"the image {shown(path)} has {width}x{height} pixels, more than {most:,}."
        )
    if image.format in ("PNG", "TIFF") and image.n_frames > 1:
        raise Unreadable(f"{shown(path)} must hold one image; got {image.n_frames}.")
    bits, gray = _depth(image, head)
    if (
        bits > 16
        or image.mode in ("I", "F", "I;16S", "I;16BS")
        or (bits not in (8, 16) and image.mode.startswith("I;16"))
    ):
        raise Unreadable(
            f"the image {shown(path)} must have 8 or 16 bits a channel; got {bits} of mode {image.mode}."
        )
    if _turn(image) >= 5:
        width, height = height, width
    return _Kind(height, width, gray, bits == 16)


def read(path: Path) -> np.ndarray:
    """Return the pixels of an image as they are: uint8 or uint16 (H, W, 1) or (H, W, 3).

    Raises:
        Unreadable: no image of 8 or 16 bits that can be read, with the file's name.
    """
    with _reading(path):
        data = path.read_bytes()
        if (pixels := _decode_plain_png(data)) is not None:
            return pixels
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            kind = _kind_of(path, image, data[:_HEAD])
            return _pixels(image, data, kind.sixteen, kind.gray)


def _decode_plain_png(data: bytes) -> np.ndarray | None:
    """Return the pixels, uint8 (H, W, 1) or (H, W, 3), of a PNG file that is not interlaced and holds one block of them and nothing else, or None.

    Small images without metadata are such files, which take less than half as long without Pillow. What is damaged is left to it.
    """
    if data[:16] != b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" or data[24:29] not in (
        b"\x08\x00\0\0\0",
        b"\x08\x02\0\0\0",
    ):
        return None
    end = 41 + int.from_bytes(data[33:37])
    if (
        data[37:41] != b"IDAT"
        or data[end : end + 4] != zlib.crc32(data[37:end]).to_bytes(4)
        or data[end + 8 : end + 12] != b"IEND"
    ):
        return None
    if math.prod(struct.unpack(">2I", data[16:24])) > limits.current().image_pixels:
        return None
    import imagecodecs

    try:
        pixels = imagecodecs.png_decode(data)
    except imagecodecs.PngError:
        return None
    return pixels if pixels.ndim == 3 else pixels[..., None]


def write(path: Path, pixels: np.ndarray) -> None:
    """Write an image in the format that the suffix names, in one step; JPEG with quality 95.

    Args:
        path: its suffix is one of `SUFFIXES`; its folder is there.
        pixels: uint8 or uint16 (H, W, 1) or (H, W, 3).

    Raises:
        ValueError: uint16 pixels for a format that has none, or more than it can hold, no suffix of an image, or a folder of that name.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or (
        pixels.dtype == np.uint16 and _FORMAT[suffix] not in ("PNG", "TIFF")
    ):
        wanted = ", ".join(SUFFIXES) if suffix not in SUFFIXES else ".png or .tif for 16 bits"
        raise ValueError(f"the image {shown(path)} must have the suffix {wanted}.")
    temporary = path.with_name(
        f".tmp-{os.getpid()}-{threading.get_ident()}"
    )  # short, and no image to anybody who lists the folder
    try:
        _encode(temporary, pixels[..., 0] if pixels.shape[-1] == 1 else pixels, _FORMAT[suffix])
        os.replace(temporary, path)
    except IsADirectoryError:
        temporary.unlink()
        raise ValueError(
            f"the image {shown(path)} cannot be written: there is a folder of that name."
        ) from None
    except RuntimeError as error:  # of imagecodecs, whose PNG files end at a million pixels a side
        temporary.unlink(missing_ok=True)
        raise ValueError(f"the image {shown(path)} cannot be written: {error}.") from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _encode(path: Path, pixels: np.ndarray, kind: str) -> None:
    if kind == "PNG":
        import imagecodecs

        path.write_bytes(
            imagecodecs.png_encode(np.ascontiguousarray(pixels))
        )  # Pillow is slower, and keeps 8 bits of more in colour
    elif pixels.dtype == np.uint8:
        encoded = io.BytesIO()  # Pillow opens files to read them too, which takes longer
        Image.fromarray(pixels).save(encoded, kind, **({"quality": 95} if kind == "JPEG" else {}))
        path.write_bytes(encoded.getvalue())
    else:
        import tifffile

        tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")


def _depth(image: Image.Image, head: bytes) -> tuple[int, bool]:
    """Return the bits a channel in the file and whether it is gray; Pillow's own modes have 8 bits for any image in colour."""
    if image.format == "PNG":
        bits, colour = head[24:26]
        return bits, colour in (0, 4)
    bits = max(image.tag_v2.get(258, (1,))) if image.format == "TIFF" else 8
    return bits, image.mode in _GRAY


def _turn(image: Image.Image) -> int:
    """Return the orientation that is left to apply, 1 where it is none of EXIF's: Pillow turns TIFF files by itself."""
    if image.format == "TIFF":
        return 1
    turn = Image.Image.getexif(image).get(
        _ORIENTATION, 1
    )  # PNG's own method would decode the image
    return turn if turn in range(1, 9) else 1


def _pixels(image: Image.Image, data: bytes, sixteen: bool, gray: bool) -> np.ndarray:
    """Return the pixels of an image, turned as it is meant: uint8 or uint16 (H, W, 1) or (H, W, 3)."""
    if sixteen:
        pixels, turn = _decode_sixteen(image, data)
    else:
        pixels, turn = np.asarray(image.convert("L" if gray else "RGB")), _turn(image)
    return _TURNS.get(turn, _TURNS[1])(pixels if pixels.ndim == 3 else pixels[..., None])


def _decode_sixteen(image: Image.Image, data: bytes) -> tuple[np.ndarray, int]:
    """Return uint16 pixels (H, W) or (H, W, 3), of which Pillow would keep 8 bits where they are in colour, and their orientation."""
    import imagecodecs
    import tifffile

    turn = _turn(image)
    if image.format == "PNG":
        pixels = imagecodecs.png_decode(data)
    else:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            pixels = np.moveaxis(page.asarray(), 0, -1) if page.axes == "SYX" else page.asarray()
            turn = page.tags[_ORIENTATION].value if _ORIENTATION in page.tags else 1
            if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
                pixels = ~pixels
            elif page.photometric not in (
                tifffile.PHOTOMETRIC.MINISBLACK,
                tifffile.PHOTOMETRIC.RGB,
            ):
                raise ValueError(f"16-bit pixels must be gray or RGB; got {page.photometric.name}")
    if pixels.dtype != np.uint16 or pixels.ndim not in (2, 3):
        raise ValueError(f"unsigned 16-bit pixels expected; got {pixels.dtype} {pixels.shape}")
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., 0]
    return pixels, turn


_TURNS = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Pillow and tifffile warn of files that then cannot be read; the message about the file is enough."""
    logger = logging.getLogger("tifffile")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
