"""Image files of all kinds, and folders of them."""

import struct
import zlib

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from tfdvae.data.sources.folder import load_folder

RANDOM = np.random.default_rng(0)
GRAY, COLOUR = (
    RANDOM.integers(0, 256, (6, 8), np.uint8),
    RANDOM.integers(0, 256, (6, 8, 3), np.uint8),
)
GRAY16, COLOUR16 = (
    RANDOM.integers(0, 65536, (6, 8), np.uint16),
    RANDOM.integers(0, 65536, (6, 8, 3), np.uint16),
)
BITS = GRAY > 127
PALETTE = Image.fromarray(COLOUR).quantize(16)


def pillow(image, **options):
    return lambda path: (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        path, **options
    )


def png16(pixels):
    return lambda path: path.write_bytes(imagecodecs.png_encode(pixels))


def tiff(pixels, **options):
    return lambda path: tifffile.imwrite(path, pixels, **options)


def huge_png(width, height, pixels=b""):
    """A whole PNG file whose header says that it is huge; without pixels it has a few bytes."""

    def chunk(name, content):
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


def write(folder, **images):
    """Write images by name: an array is saved by Pillow, a function writes the file itself.

    `__` stands for `/`, the suffix is .png.
    """
    for name, image in images.items():
        path = folder / f"{name.replace('__', '/')}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        (image if callable(image) else pillow(image))(path)
    return folder


def unlabelled(folder, **options):
    return load_folder(folder, labelled=False, **options)


def both(found):
    return np.concatenate([found.train.images, found.test.images])
