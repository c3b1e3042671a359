"""Pixels, bit depth and orientation of an image file that Pillow has opened.

8-bit images are decoded by Pillow. 16-bit PNG files are decoded by imagecodecs, since Pillow keeps
8 bits of those in color. Palettes are expanded, and the orientation that a camera noted is applied.
"""

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
        dtype: uint8, uint16, or float32 in [0, 1].
        loose: the type that the values of the file were found to fit, where the file's own type
            does not say what white is, as 32-bit integers do not; otherwise None.
    """

    height: int
    width: int
    gray: bool
    dtype: np.dtype
    loose: np.dtype | None = None

    @property
    def bytes(self) -> int:
        """Of the pixels of one image."""
        return self.height * self.width * (1 if self.gray else 3) * self.dtype.itemsize


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
    check_size(height, width)
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
    return ImageKind(height, width, gray, np.dtype(np.uint16 if bits == 16 else np.uint8))


def check_size(height: int, width: int) -> None:
    """Refuse an image of more pixels than the limit.

    Raises:
        Unsupported: it has more.
    """
    most = limits.current().image_pixels
    if width * height > most:
        raise Unsupported(f"has {width}x{height} pixels, more than {most:,}")


def bit_depth(image: Image.Image, header: bytes) -> tuple[int, bool]:
    """Return the bits a channel in the file, and whether it is gray.

    Pillow's modes do not tell: they have 8 bits for any image in color.
    """
    if image.mode == "P" and image.palette is not None:
        order, colors = image.palette.getdata()
        palette = np.frombuffer(colors, np.uint8)
        # All red values first, or color by color, in any order.
        palette = palette.reshape(3, -1).T if ";L" in order else palette.reshape(-1, len(order))
        return 8, bool((palette[:, :3] == palette[:, :1]).all())
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


def turned(pixels: np.ndarray, turn: int) -> np.ndarray:
    """Return pixels (H, W, C) turned as an orientation of 1 to 8 says."""
    return _TURNS.get(turn, _TURNS[1])(pixels)


def orientation(image: Image.Image) -> int:
    """Return the orientation that is left to apply, 1 to 8 as in EXIF; 1 where it is none of these.

    Pillow turns TIFF files by itself.
    """
    if image.format == "TIFF":
        return 1
    found = Image.Image.getexif(image).get(_ORIENTATION, 1)  # PNG's own method decodes the image
    return found if found in range(1, 9) else 1


def decode(
    image: Image.Image, data: bytes, sixteen_bit: bool, gray: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the pixels of an image and its alpha, turned as it is meant to be seen.

    Args:
        image: opened.
        data: the bytes of its file.
        sixteen_bit: its file has 16 bits a channel.
        gray: its file is gray.

    Returns:
        uint8 or uint16 (H, W, 1) or (H, W, 3), not multiplied by alpha, and alpha of that type
        (H, W), None where there is none.
    """
    if sixteen_bit:
        pixels = _decode_sixteen_bit(data)
    else:
        mode = "L" if gray else "RGB"
        pixels = np.asarray(image.convert(f"{mode}A" if image.has_transparency_data else mode))
    found = turned(pixels if pixels.ndim == 3 else pixels[..., None], orientation(image))
    if found.shape[-1] in (1, 3):
        return found, None
    pixels, alpha = found[..., :-1], found[..., -1]
    # Many programs leave the fourth byte of BMP files at 0 without meaning anything by it.
    return pixels, None if image.format == "BMP" and not alpha.any() else alpha


def _decode_sixteen_bit(data: bytes) -> np.ndarray:
    """Return the uint16 pixels of a PNG file, (H, W) or (H, W, C), alpha last."""
    import imagecodecs

    pixels = imagecodecs.png_decode(data)
    if pixels.dtype != np.uint16 or pixels.ndim not in (2, 3):
        raise ValueError(f"unsigned 16-bit pixels expected; got {pixels.dtype} {pixels.shape}")
    return pixels


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
    """Return pixels (H, W, C) at another size.

    Each channel is resized by Pillow's antialiased bilinear filter in floating point; integers are
    rounded.
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
    if pixels.dtype.kind == "f":
        return np.stack(resized, axis=-1).clip(0, 1)
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
