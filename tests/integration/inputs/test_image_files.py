"""Image files of odd sizes, with palettes, and with what libraries warn of."""

import contextlib
import logging
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.helpers.cases import Case, table
from tfdvae.data import sources

RANDOM = np.random.default_rng(0)
GRAY = RANDOM.integers(0, 256, (28, 28), np.uint8)
HUGE = 30 * 10**9


def chunk(name, content):
    """A chunk of a PNG file."""
    whole = name + content
    return struct.pack(">I", len(content)) + whole + struct.pack(">I", zlib.crc32(whole))


def png(pixels, *chunks):
    """A PNG file with further chunks behind its header."""
    whole = imagecodecs.png_encode(pixels)
    return whole[:33] + b"".join(chunks) + whole[33:]


def images(folder, count=6):
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.fromarray(GRAY).save(folder / f"{number}.png")
    return folder


def odd(name, write, *messages):
    """A folder with an odd file, which is named, while the six others are denoised."""

    def check(folder, command):
        write(images(folder / "in") / name)
        done = command("denoise", "clothing-denoiser", "in", "out")
        assert done.returncode == 1
        assert done.stderr.count("tfdvae: ") == 1
        for message in (name, *messages):
            assert message in done.stderr
        assert len(list((folder / "out").iterdir())) == 6
        with pytest.raises(ValueError, match=name):
            sources.load(str(folder / "in"), labelled=False)

    return check


def sparse(content):
    """Write a file of 30 GB that takes no place on the disk."""

    def write(path):
        path.write_bytes(content)
        with open(path, "r+b") as file:
            file.truncate(HUGE)

    return write


def encoded(path, **options):
    Image.fromarray(GRAY).save(path, **options)
    return path.read_bytes()


def sparse_image(path):
    sparse(encoded(path))(path)


def moderate(path):
    """Of 100 MB, which is read as a whole where the header allows it."""
    encoded(path)
    with open(path, "r+b") as file:
        file.truncate(100 * 10**6)


def promising_frames(path):
    """A stack of three frames whose header says nine."""
    tifffile.imwrite(path, np.stack([GRAY] * 3), truncate=True, photometric="minisblack")
    content = path.read_bytes()
    assert b"[3, 28, 28]" in content
    path.write_bytes(content.replace(b"[3, 28, 28]", b"[9, 28, 28]"))


def promising(height, width):
    """Write a BMP file whose header says another size."""

    def write(path):
        content = bytearray(encoded(path))
        content[18:26] = struct.pack("<ii", width, height)
        path.write_bytes(content)

    return write


BYTES = "has 30,000,000,000 bytes, more than one of 50,000,000 pixels can have"


@table(
    Case("30 GB of zeros as PNG", "named", odd("a.png", sparse(b""), BYTES)),
    Case("a PNG image of 30 GB", "named", odd("a.png", sparse_image, BYTES)),
    Case("a JPEG image of 30 GB", "named", odd("a.jpg", sparse_image, BYTES)),
    Case("a BMP image of 30 GB", "named", odd("a.bmp", sparse_image, BYTES)),
    Case("a WebP image of 30 GB", "named", odd("a.webp", sparse_image, BYTES)),
    Case("a GIF image of 30 GB", "named", odd("a.gif", sparse_image, BYTES)),
    Case("a TIFF image of 30 GB", "named", odd("a.tif", sparse_image, BYTES)),
    Case("a PNG image of 28x28 in 100 MB", "named", odd(
        "a.png", moderate, "has 100,000,000 bytes, more than one of 28x28 pixels can have")),
    Case("a header of 60000x60000", "named", odd(
        "a.bmp", promising(60_000, 60_000), "has 3,600,000,000 pixels, more than 50,000,000")),
    Case("a header of 7000x7000", "named", odd("a.bmp", promising(7_000, 7_000), "cannot be read")),
    Case("a TIFF header of more frames", "named", odd("a.tif", promising_frames, "ends too early")),
    Case("text called TIFF", "named", odd(
        "a.tif", lambda path: path.write_text("hello"), "it is no PNG, JPEG", "ends too early")),
)  # fmt: skip
def test_sizes(case, tmp_path, command):
    case.check(tmp_path, command)


def gray_palette(path, **options):
    """An image whose colors are all gray, in another order than their numbers."""
    image = Image.fromarray(255 - GRAY).convert("P")
    image.putpalette(np.repeat(255 - np.arange(256, dtype=np.uint8), 3).tobytes())
    assert image.mode == "P"
    image.save(path, **options)


def gray_stack(path):
    colors = np.repeat((65535 - 257 * np.arange(256))[None], 3, axis=0).astype(np.uint16)
    tifffile.imwrite(path, np.stack([255 - GRAY] * 5), photometric="palette", colormap=colors)


def palette(name, write):
    def check(folder, command):
        (folder / "in").mkdir()
        (folder / "plain").mkdir()
        write(folder / "in" / name)
        Image.fromarray(GRAY).save(folder / "plain" / "a.png")
        for given in ("in", "plain"):
            done = command("denoise", "clothing-denoiser", given, f"{given}-out")
            assert done.returncode == 0, done.stderr
        if name.endswith(".tif"):
            made = tifffile.imread(folder / "in-out" / name)
        else:
            made = np.asarray(Image.open(folder / "in-out" / name))
        expected = np.asarray(Image.open(folder / "plain-out" / "a.png"))
        assert np.array_equal(made, np.broadcast_to(expected, made.shape))
        assert made.shape[-2:] == (28, 28)

    return check


def _colors_stay(folder, command):
    (folder / "in").mkdir()
    image = Image.fromarray(GRAY).convert("P")
    image.putpalette(RANDOM.integers(0, 256, 768).tolist())
    image.save(folder / "in" / "a.png")
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.returncode == 2
    assert "1 channel, as the model has; got 3" in done.stderr


@table(
    Case("PNG with a palette of grays", "gray", palette("a.png", gray_palette)),
    Case("BMP with a palette of grays", "gray", palette("a.bmp", gray_palette)),
    Case("TIFF with a palette of grays", "gray", palette("a.tif", gray_palette)),
    Case("a TIFF stack with a palette of grays", "gray", palette("a.tif", gray_stack)),
    Case("PNG with a palette of colors", "in color", _colors_stay),
)
def test_palettes(case, tmp_path, command):
    case.check(tmp_path, command)


SIXTEEN = GRAY.astype(np.uint16) * 257
NO_PROFILE = chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(bytes(200)))


LIBRARIES = ("imagecodecs", "tifffile", "PIL")


@contextlib.contextmanager
def reaching_root():
    """A list of what is logged: where nobody listens, Python prints it."""
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger().addHandler(handler)
    try:
        yield records
    finally:
        logging.getLogger().removeHandler(handler)


def silent(name, write):
    def check(folder, command):
        (folder / "in").mkdir()
        write(folder / "in" / name)
        arguments = [
            ("denoise", "clothing-denoiser", "in", "out"),
            ("encode", "clothing-dvae", "in", "out.npz"),
            ("impute", "clothing-dvae", "in", "imputed", "--mask", f"in/{name}"),
        ]
        with reaching_root() as records:
            for each in arguments:
                done = command(*each, "--quiet")
                assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert not [record.name for record in records if record.name in LIBRARIES]

    return check


def extra_data(path):
    whole = imagecodecs.png_encode(SIXTEEN)
    length = int.from_bytes(whole[33:37])
    path.write_bytes(
        whole[:33] + chunk(b"IDAT", whole[41 : 41 + length] + b"more") + chunk(b"IEND", b"")
    )


def unknown_tag(path):
    tifffile.imwrite(path, GRAY, compression="lzw", extratags=[(65001, 2, 5, "what", True)])


@table(
    Case("16-bit PNG with a wrong color profile", "no word of libpng", silent(
        "a.png", lambda path: path.write_bytes(png(SIXTEEN, NO_PROFILE)))),
    Case("8-bit PNG with a wrong color profile", "no word of libpng", silent(
        "a.png", lambda path: path.write_bytes(png(GRAY, NO_PROFILE)))),
    Case("16-bit PNG with data behind its pixels", "no word of libpng", silent(
        "a.png", extra_data)),
    Case("TIFF with an unknown tag", "no word of libtiff", silent("a.tif", unknown_tag)),
)  # fmt: skip
def test_what_libraries_warn_of(case, tmp_path, command):
    case.check(tmp_path, command)
