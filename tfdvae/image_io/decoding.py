"""Pixels, bit depth and orientation of an image file that Pillow has opened.

8-bit images are decoded by Pillow. 16-bit images are decoded by imagecodecs (PNG) and tifffile
(TIFF), since Pillow keeps 8 bits of those in color. Alpha is dropped, palettes are expanded, and
the orientation that a camera noted is applied.
"""

import io
import math
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from tfdvae._utils import limits

HEADER_BYTES = 26
"""The first bytes of a PNG file, up to its bit depth and color type."""

_SEVERAL = ("PNG", "TIFF", "WEBP", "GIF")  # formats whose files may hold several images
_GRAY_MODES = ("1", "L", "LA", "La", "I;16", "I;16B", "I;16L")
_ORIENTATION = 0x0112  # tag of EXIF and TIFF
_BITS_PER_SAMPLE = 258  # tag of TIFF


class Unsupported(ValueError):
    """An image of a kind that is not read; the message goes on after the name of the file."""


@dataclass(frozen=True)
class ImageKind:
    """Size and type of an image, or those that all images of a dataset get.

    Attributes:
        height: in pixels.
        width: in pixels.
        gray: one channel; otherwise three.
        sixteen_bit: values are uint16; otherwise uint8.
    """

    height: int
    width: int
    gray: bool
    sixteen_bit: bool

    @property
    def bytes(self) -> int:
        """Of the pixels of one image."""
        return self.height * self.width * (1 if self.gray else 3) * (1 + self.sixteen_bit)


def inspect(image: Image.Image, header: bytes) -> ImageKind:
    """Return the kind of an image, turned as it is meant to be seen, from its header.

    Args:
        image: opened, not decoded.
        header: the first `HEADER_BYTES` of its file.

    Raises:
        Unsupported: too many pixels, several images in the file, or another depth than 8 or 16
            bits.
    """
    width, height = image.size
    most = limits.current().image_pixels
    if width * height > most:
        raise Unsupported(f"has {width}x{height} pixels, more than {most:,}")
    frames = getattr(image, "n_frames", 1) if image.format in _SEVERAL else 1
    if frames > 1:
        raise Unsupported(f"must hold one image; got {frames}")
    if image.format == "PPM" and _has_sixteen_bits(image):
        raise Unsupported("must have 8 bits a channel, being a PNM file; PNG and TIFF may have 16")
    bits, gray = bit_depth(image, header)
    if (
        bits > 16
        or image.mode in ("I", "F", "I;16S", "I;16BS")
        or (bits not in (8, 16) and image.mode.startswith("I;16"))
    ):
        raise Unsupported(f"must have 8 or 16 bits a channel; got {bits} of mode {image.mode}")
    if orientation(image) >= 5:
        width, height = height, width
    return ImageKind(height, width, gray, bits == 16)


def bit_depth(image: Image.Image, header: bytes) -> tuple[int, bool]:
    """Return the bits a channel in the file, and whether it is gray.

    Pillow's modes do not tell: they have 8 bits for any image in color.
    """
    if image.format == "PNG":
        bits, color_type = header[24:26]
        return bits, color_type in (0, 4)
    bits = 8
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,)))
    return bits, image.mode in _GRAY_MODES or (image.format == "WEBP" and _is_gray(image))


def _is_gray(image: Image.Image) -> bool:
    """Return whether colors are gray, as WebP files store it: compressed ones are off by 1."""
    colors = np.asarray(image.convert("RGB")).astype(np.int16)
    return bool((np.ptp(colors, axis=-1) <= 1).all())


def _has_sixteen_bits(image: Image.Image) -> bool:
    """Return whether a PNM file has more than 8 bits a channel, which Pillow's mode may hide."""
    opened: Any = image
    options = opened.tile[0].args
    return options == "I;16B" or (isinstance(options, tuple) and options[-1] > 255)


def orientation(image: Image.Image) -> int:
    """Return the orientation that is left to apply, 1 to 8 as in EXIF; 1 where it is none of these.

    Pillow turns TIFF files by itself.
    """
    if image.format == "TIFF":
        return 1
    found = Image.Image.getexif(image).get(_ORIENTATION, 1)  # PNG's own method decodes the image
    return found if found in range(1, 9) else 1


def decode(image: Image.Image, data: bytes, sixteen_bit: bool, gray: bool) -> np.ndarray:
    """Return the pixels of an image, turned as it is meant to be seen.

    Args:
        image: opened.
        data: the bytes of its file.
        sixteen_bit: its file has 16 bits a channel.
        gray: its file is gray.

    Returns:
        uint8 or uint16 (H, W, 1) or (H, W, 3).
    """
    if sixteen_bit:
        pixels, turn = _decode_sixteen_bit(image, data)
    else:
        pixels, turn = np.asarray(image.convert("L" if gray else "RGB")), orientation(image)
    return _TURNS.get(turn, _TURNS[1])(pixels if pixels.ndim == 3 else pixels[..., None])


def _decode_sixteen_bit(image: Image.Image, data: bytes) -> tuple[np.ndarray, int]:
    """Return uint16 pixels, (H, W) or (H, W, 3), and their orientation."""
    import imagecodecs

    if image.format == "PNG":
        pixels, turn = imagecodecs.png_decode(data), orientation(image)
    else:
        pixels, turn = _decode_tiff(data)
    if pixels.dtype != np.uint16 or pixels.ndim not in (2, 3):
        raise ValueError(f"unsigned 16-bit pixels expected; got {pixels.dtype} {pixels.shape}")
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if pixels.shape[-1] >= 3 else pixels[..., 0]
    return pixels, turn


def _decode_tiff(data: bytes) -> tuple[np.ndarray, int]:
    """Return the pixels of the first image of a TIFF file, 0 black, and their orientation."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        pixels = np.moveaxis(page.asarray(), 0, -1) if page.axes == "SYX" else page.asarray()
        turn = page.tags[_ORIENTATION].value if _ORIENTATION in page.tags else 1
        kind = tifffile.PHOTOMETRIC
        if page.photometric == kind.MINISWHITE:
            pixels = ~pixels
        elif page.photometric not in (kind.MINISBLACK, kind.RGB):
            raise ValueError(f"16-bit pixels must be gray or RGB; got {page.photometric.name}")
    return pixels, turn


def decode_plain_png(data: bytes) -> np.ndarray | None:
    """Return the pixels of a plain PNG file, or None where it is not plain.

    A plain file is 8-bit gray or RGB, not interlaced, and holds one block of pixels and nothing
    else, as small images without metadata do. It is decoded in less than half the time that Pillow
    takes. A damaged file is not plain, so Pillow reports it.

    Returns:
        uint8 (H, W, 1) or (H, W, 3), or None.
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


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return integer pixels (H, W, C) at another size.

    Each channel is resized by Pillow's antialiased bilinear filter in floating point, and rounded.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    channels = (
        Image.fromarray(channel.astype(np.float32)) for channel in np.moveaxis(pixels, -1, 0)
    )
    resized = [
        np.asarray(channel.resize((width, height), Image.Resampling.BILINEAR))
        for channel in channels
    ]
    highest = np.iinfo(pixels.dtype).max
    return np.rint(np.stack(resized, axis=-1)).clip(0, highest).astype(pixels.dtype)


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
