import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.helpers.image_files import (
    BITS,
    COLOUR,
    COLOUR16,
    GRAY,
    GRAY16,
    PALETTE,
    both,
    huge_png,
    pillow,
    png16,
    tiff,
    unlabelled,
    write,
)
from tfdvae._utils import limits
from tfdvae.image_io import codec, decoding


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


OPAQUE, OPAQUE16 = np.full((6, 8), 255, np.uint8), np.full((6, 8), 65535, np.uint16)
FORMATS = {
    "gray.png": (pillow(GRAY), GRAY),
    "colour.png": (pillow(COLOUR), COLOUR),
    "alpha.png": (pillow(np.dstack([COLOUR, OPAQUE])), COLOUR),
    "gray_alpha.png": (pillow(Image.fromarray(np.dstack([GRAY, OPAQUE]), "LA")), GRAY),
    "bits.png": (pillow(BITS), BITS * np.uint8(255)),
    "palette.png": (pillow(PALETTE), np.asarray(PALETTE.convert("RGB"))),
    "gray16.png": (png16(GRAY16), GRAY16),
    "colour16.png": (png16(COLOUR16), COLOUR16),
    "alpha16.png": (png16(np.dstack([COLOUR16, OPAQUE16])), COLOUR16),
    "gray_alpha16.png": (png16(np.dstack([GRAY16, OPAQUE16])), GRAY16),
    "gray.bmp": (pillow(GRAY), GRAY),
    "colour.BMP": (pillow(COLOUR), COLOUR),
    "gray.webp": (pillow(GRAY, lossless=True), GRAY),
    "colour.WebP": (pillow(COLOUR, format="WEBP", lossless=True), COLOUR),
    "palette.gif": (pillow(PALETTE), np.asarray(PALETTE.convert("RGB"))),
    "gray.pgm": (pillow(GRAY), GRAY),
    "colour.ppm": (pillow(COLOUR), COLOUR),
    "bits.pbm": (pillow(BITS), BITS * np.uint8(255)),
    "gray.tif": (pillow(GRAY), GRAY),
    "colour.tiff": (pillow(COLOUR, compression="tiff_lzw"), COLOUR),
    "white_is_0.tif": (tiff(GRAY, photometric="miniswhite"), 255 - GRAY),
    "white_is_0_16.tif": (tiff(GRAY16, photometric="miniswhite"), 65535 - GRAY16),
    "gray16.tif": (tiff(GRAY16), GRAY16),
    "gray16_lzw.tif": (tiff(GRAY16, compression="lzw"), GRAY16),
    "big_endian.tif": (tiff(GRAY16, byteorder=">"), GRAY16),
    "colour16.tif": (tiff(COLOUR16, photometric="rgb"), COLOUR16),
    "colour16_lzw.tif": (tiff(COLOUR16, photometric="rgb", compression="lzw"), COLOUR16),
    "planes16.tif": (
        tiff(np.moveaxis(COLOUR16, -1, 0).copy(), photometric="rgb", planarconfig="separate"),
        COLOUR16,
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_keeps_every_value(name, tmp_path):
    save, expected = FORMATS[name]
    folder = tmp_path / "images"
    folder.mkdir()
    for copy in "ab":
        save(folder / f"{copy}_{name}")
    found = both(unlabelled(folder))
    assert found.dtype == expected.dtype
    assert np.array_equal(found, np.stack([expected.reshape(6, 8, -1)] * 2))
    assert np.array_equal(codec.read(folder / f"a_{name}"), found[0])


def test_a_plain_png_is_read_without_pillow(tmp_path, monkeypatch):
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    monkeypatch.setattr(codec.Image, "open", None)
    assert np.array_equal(codec.read(tmp_path / "a.png")[..., 0], GRAY)


def with_checksums(png):
    """A PNG file of three chunks whose checksums fit what is in them."""
    end = len(png) - 16  # of the second chunk
    for start, stop in ((12, 29), (37, end), (len(png) - 8, len(png) - 4)):
        png = png[:stop] + struct.pack(">I", zlib.crc32(png[start:stop])) + png[stop + 4 :]
    return png


def read_or_none(path):
    try:
        return codec.read(path)
    except codec.Unreadable:
        return None


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("image", [GRAY, COLOUR], ids=["gray", "colour"])
def test_a_damaged_png_gives_what_pillow_makes_of_it(image, tmp_path, monkeypatch):
    """Each byte is changed, with and without the checksum that fits, and the file is cut anywhere.

    Plain files alone are read without Pillow.
    """
    path = tmp_path / "a.png"
    Image.fromarray(image).save(path)
    whole = path.read_bytes()
    assert np.array_equal(decoding.decode_plain_png(whole), image.reshape(6, 8, -1))
    damaged = [
        whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :]
        for place in range(len(whole))
        for change in (1, 255)
    ]
    damaged += [with_checksums(content) for content in damaged]
    damaged += [whole[:end] for end in range(len(whole))] + [whole + b"more"]

    def results():
        found = []
        for content in damaged:
            path.write_bytes(content)
            found.append(read_or_none(path))
        return found

    found = results()
    monkeypatch.setattr(decoding, "decode_plain_png", lambda data: None)
    for content, ours, pillows in zip(damaged, found, results(), strict=True):
        assert (ours is None) == (pillows is None), content
        assert ours is None or np.array_equal(ours, pillows), content


def test_jpeg(tmp_path):
    """Lossy: a smooth image of quality 95 is within 3 of 255."""
    smooth = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)
    for name in ("a.jpg", "b.JPEG"):
        write_to = tmp_path / "images" / name
        write_to.parent.mkdir(exist_ok=True)
        Image.fromarray(smooth).save(write_to, "JPEG", quality=95)
    assert np.abs(both(unlabelled(tmp_path / "images"))[..., 0].astype(int) - smooth).max() <= 3


TURNS = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: np.rot90(image, 2),
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(image, 2).swapaxes(0, 1),
    8: np.rot90,
    9: lambda image: image,
}


def turned_png(pixels, turn, path):
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(pixels).save(path, exif=exif)


@pytest.mark.parametrize("turn", TURNS)
def test_orientation_of_the_camera(turn, tmp_path):
    """Expected by the EXIF standard: 6 is to be turned 90 degrees clockwise, 8 anticlockwise.

    There is no 9.
    """
    expected = np.ascontiguousarray(TURNS[turn](COLOUR))
    turned_png(COLOUR, turn, tmp_path / "a.png")
    Image.fromarray(expected).save(tmp_path / "b.png")
    assert np.array_equal(both(unlabelled(tmp_path)), np.stack([expected] * 2))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize(
    "pixels", [GRAY, COLOUR, GRAY16, COLOUR16], ids=["gray", "colour", "gray16", "colour16"]
)
def test_orientation_of_tiff(pixels, compression, turn, tmp_path):
    """Images that are not square, also with a name that says they were of another format."""
    photometric = "rgb" if pixels.ndim == 3 else "minisblack"
    for name in ("a.tif", "b.png"):
        tifffile.imwrite(
            tmp_path / name,
            pixels,
            photometric=photometric,
            compression=compression,
            extratags=[(274, 3, 1, turn, True)],
        )
    expected = TURNS[turn](pixels)
    found = both(unlabelled(tmp_path))
    assert found.dtype == pixels.dtype
    assert np.array_equal(found, np.stack([expected.reshape(*expected.shape[:2], -1)] * 2))


def test_a_header_that_says_another_size(tmp_path, monkeypatch):
    """A decoder that gives another shape than the header names the file.

    It never gets into an array of that shape.
    """
    folder = write(tmp_path / "a", a=GRAY, b=GRAY)
    turns = iter((1, 1, 6, 6))
    monkeypatch.setattr(decoding, "orientation", lambda image: next(turns))
    with pytest.raises(
        codec.Unreadable, match=r"[ab]\.png has 8x6 pixels, and its header says otherwise"
    ):
        unlabelled(folder)


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a.pgm", "a.pnm", "a.bmp", "a.png"])
def test_gray_images_are_written_without_loss(name, tmp_path):
    codec.write(tmp_path / name, GRAY[..., None])
    assert np.array_equal(codec.read(tmp_path / name)[..., :1], GRAY[..., None])


def test_a_gray_image_of_lossy_webp_stays_gray(tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "a.webp")
    with codec.ImageFile(tmp_path / "a.webp") as file:
        assert file.kind.gray
    assert codec.read(tmp_path / "a.webp").shape == (6, 8, 1)


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("a.gif", COLOUR, "GIF files hold 256 colors alone; PNG, WebP and BMP files hold all"),
        ("a.webp", np.zeros((1, 16384, 3), np.uint8), "limit of 16383 pixels"),
        ("a.gif", np.zeros((1, 65536, 1), np.uint8), "cannot be written"),
        ("a.webp", GRAY16[..., None], "suffix .png or .tif for 16 bits"),
    ],
)
def test_what_a_format_cannot_hold(name, pixels, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        codec.write(tmp_path / name, pixels)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a16.tif", "a.webp"])
def test_an_image_has_at_most_so_many_pixels(name, tmp_path):
    (tiff(GRAY16) if name == "a16.tif" else pillow(GRAY))(tmp_path / name)
    with limits.use(image_pixels=48):
        assert codec.read(tmp_path / name).shape[:2] == (6, 8)
    message = rf"the image .*{name} has 8x6 pixels, more than 47\.$"
    with limits.use(image_pixels=47), pytest.raises(codec.Unreadable, match=message):
        codec.read(tmp_path / name)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (10_000, 5_001, "10000x5001 pixels"),
        (10_000, 10_000, "10000x10000 pixels"),  # of which Pillow warns
        (100_000, 100_000, "10,000,000,000 pixels"),  # which Pillow refuses
    ],
)
def test_a_huge_image_is_refused_by_what_its_header_says(width, height, size, tmp_path):
    (tmp_path / "a.png").write_bytes(huge_png(width, height))
    with pytest.raises(codec.Unreadable, match=f"a.png has {size}, more than 50,000,000\\.$"):
        codec.read(tmp_path / "a.png")
