import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.helpers.image_files import png16, tiff
from tfdvae.image_io import codec
from tfdvae.image_io.reading import Reading, Seen, full_range_type, level, to_full_range

DRAWING = np.array([[0, 100], [200, 255]], np.uint8)
ALPHA = np.array([[255, 0], [128, 64]], np.uint8)
# By hand: colour * alpha / 255 + background * (1 - alpha / 255), such as
# 200 * 128 / 255 + 255 * 127 / 255 = 227.4 on white, and 100.4 on black.
ON = {"white": [[0, 255], [227, 255]], "black": [[0, 0], [100, 64]]}
COLORED = np.stack([DRAWING, 255 - DRAWING, DRAWING // 2], axis=-1)


def sixteen(pixels):
    return pixels.astype(np.uint16) * 257


def palette(path):
    image = Image.fromarray(np.array([[0, 1], [2, 3]], np.uint8), "P")
    image.putpalette([0, 0, 0, 100, 100, 100, 200, 200, 200, 255, 255, 255])
    image.save(path, transparency=bytes([255, 0, 128, 64]))


def stack(path):
    frames = np.stack([np.dstack([DRAWING, ALPHA])] * 3)
    tifffile.imwrite(path, frames, photometric="minisblack", extrasamples=["unassalpha"])


GRAY_FILES = {
    "la.png": lambda path: Image.fromarray(np.dstack([DRAWING, ALPHA]), "LA").save(path),
    "palette.png": palette,
    "gray.webp": lambda path: Image.fromarray(np.dstack([DRAWING] * 3 + [ALPHA])).save(
        path, lossless=True, exact=True
    ),
    "unassociated.tif": tiff(
        np.dstack([DRAWING, ALPHA]), photometric="minisblack", extrasamples=["unassalpha"]
    ),
    "la16.png": png16(np.dstack([sixteen(DRAWING), sixteen(ALPHA)])),
    "unassociated16.tif": tiff(
        np.dstack([sixteen(DRAWING), sixteen(ALPHA)]),
        photometric="minisblack",
        extrasamples=["unassalpha"],
    ),
    "stack.tif": stack,
}


@pytest.mark.parametrize("background", ["white", "black"])
@pytest.mark.parametrize("name", GRAY_FILES)
def test_gray_images_are_put_on_the_background(name, background, tmp_path):
    GRAY_FILES[name](tmp_path / name)
    reading = Reading(background=background)
    with codec.ImageFile(tmp_path / name, reading) as file:
        found = file.read(0)
    assert found.shape == (2, 2, 1)
    exact = found[..., 0] / (257 if found.dtype == np.uint16 else 1)
    np.testing.assert_allclose(exact, ON[background], atol=0.5)
    assert reading.seen.transparent == [tmp_path / name]


@pytest.mark.parametrize("sixteen_bit", [False, True])
@pytest.mark.parametrize("kind", ["png", "unassociated", "associated", "planes"])
def test_colors_are_put_on_the_background(kind, sixteen_bit, tmp_path):
    """Of associated alpha the file holds colours that were multiplied by it."""
    pixels, alpha = COLORED, ALPHA
    if kind == "associated":
        pixels = np.rint(COLORED * (ALPHA / 255)[..., None]).astype(np.uint8)
    rgba = np.dstack([pixels, alpha])
    rgba = sixteen(rgba) if sixteen_bit else rgba
    path = tmp_path / ("a.png" if kind == "png" else "a.tif")
    if kind == "png":
        png16(rgba)(path) if sixteen_bit else Image.fromarray(rgba).save(path)
    elif kind == "planes":
        planes = np.moveaxis(rgba, -1, 0).copy()
        tifffile.imwrite(
            path, planes, photometric="rgb", planarconfig="separate", extrasamples=["unassalpha"]
        )
    else:
        extra = {"associated": "assocalpha", "unassociated": "unassalpha"}[kind]
        tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=[extra])
    found = codec.read(path, Reading(background="white"))
    share = (ALPHA / 255)[..., None]
    tolerance = 2 if kind == "associated" else 0.51
    assert found.dtype == (np.uint16 if sixteen_bit else np.uint8)
    np.testing.assert_allclose(
        found / (257 if sixteen_bit else 1), COLORED * share + 255 * (1 - share), atol=tolerance
    )


def test_one_value_of_a_png_file_may_be_transparent(tmp_path):
    Image.fromarray(DRAWING).save(tmp_path / "a.png", transparency=100)
    found = codec.read(tmp_path / "a.png", Reading(background="black"))
    assert found[..., 0].tolist() == [[0, 0], [200, 255]]


def test_opaque_alpha_and_samples_that_are_no_alpha_are_dropped(tmp_path):
    opaque = np.dstack([COLORED, np.full((2, 2), 255, np.uint8)])
    Image.fromarray(opaque).save(tmp_path / "opaque.png")
    other = np.dstack([COLORED, ALPHA])
    for name, pixels in (("other.tif", other), ("other16.tif", sixteen(other))):
        tifffile.imwrite(tmp_path / name, pixels, photometric="rgb", extrasamples=["unspecified"])
    reading = Reading()
    for name in ("opaque.png", "other.tif"):
        assert np.array_equal(codec.read(tmp_path / name, reading), COLORED)
    assert np.array_equal(codec.read(tmp_path / "other16.tif", reading), sixteen(COLORED))
    assert reading.seen.transparent == []


def bmp32(pixels):
    """A BMP file of 32 bits a pixel whose header says where alpha is."""
    height, width = pixels.shape[:2]
    masks = struct.pack("<4I", 0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    header = struct.pack(
        "<IiiHHIIiiII16sI48x", 108, width, height, 1, 32, 3, pixels.size, 0, 0, 0, 0, masks, 0
    )
    data = header + pixels[::-1].tobytes()
    return struct.pack("<2sIHHI", b"BM", 14 + len(data), 0, 0, 14 + len(header)) + data


def test_bytes_of_a_bmp_file_that_mean_nothing_are_no_alpha(tmp_path):
    """Many programs leave the fourth byte at 0."""
    for alpha, expected in ((0, COLORED), (ALPHA, None)):
        path = tmp_path / "a.bmp"
        path.write_bytes(bmp32(np.dstack([COLORED, np.zeros_like(ALPHA) + alpha])))
        assert Image.open(path).mode == "RGBA"
        found = codec.read(path, Reading(background="black"))
        share = (ALPHA / 255)[..., None]
        np.testing.assert_allclose(found, COLORED * share if expected is None else expected, atol=1)


def test_alpha_is_dropped_without_a_background(tmp_path):
    Image.fromarray(np.dstack([COLORED, ALPHA])).save(tmp_path / "a.png")
    assert np.array_equal(codec.read(tmp_path / "a.png", Reading(background=None)), COLORED)


def test_what_is_turned_is_turned_with_its_alpha(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.dstack([DRAWING] * 3 + [ALPHA])).save(tmp_path / "a.png", exif=exif)
    found = codec.read(tmp_path / "a.png", Reading(background="white"))
    assert found[..., 0].tolist() == np.rot90(ON["white"], -1).tolist()


def test_white_behind_images_of_12_bits_is_their_white(tmp_path):
    pixels = np.array([[0, 4095]], np.uint16)
    alpha = np.array([[0, 65535]], np.uint16)
    png16(np.dstack([pixels, alpha]))(tmp_path / "a.png")
    assert codec.read(tmp_path / "a.png", Reading(4095)).tolist() == [[[4095], [4095]]]


@pytest.mark.parametrize(
    ("dtype", "white", "expected"),
    [
        ("uint8", None, 255),
        ("uint16", None, 65535),
        ("float32", None, 1),
        ("uint8", 1, 1),
        ("uint16", 4095, 4095),
        ("uint8", 4095, 255),
        ("float32", 4095, 4095),
    ],
)
def test_level(dtype, white, expected):
    assert level(np.dtype(dtype), white) == expected


@pytest.mark.parametrize(
    ("given", "white", "expected", "dtype"),
    [
        (np.array([0, 1], np.uint8), 1, [0, 255], "uint8"),
        (np.array([0, 4, 15], np.uint8), 15, [0, 68, 255], "uint8"),
        # 65,535 / 16 = 4095.94
        (np.array([0, 1, 16], np.uint8), 16, [0, 4096, 65535], "uint16"),
        (np.array([0, 2048, 4095], np.uint16), 4095, [0, 32776, 65535], "uint16"),
        (np.array([0, 300], np.uint16), 300.0, [0, 65535], "uint16"),
        (np.array([0, 7], np.uint16), 65535, [0, 7], "uint16"),
        (np.array([0, 200], np.uint8), 4095, [0, 200], "uint8"),
        (np.array([0, 1024, 4096]), 4096, [0, 0.25, 1], "float32"),
    ],
)
def test_the_whole_range(given, white, expected, dtype):
    given = given.astype(np.float32) if given.dtype == np.int64 else given
    found = to_full_range(given, white)
    assert found.tolist() == expected
    assert found.dtype == dtype == full_range_type(given.dtype, white)
    assert to_full_range(given, None) is given


def test_values_above_white_are_refused():
    with pytest.raises(ValueError, match=r"the value 5,000, above the white of 4,095 \(--white\)"):
        to_full_range(np.array([5000], np.uint16), 4095)


def test_values_that_are_seen():
    seen = Seen()
    for images in (np.array([3, 9], np.uint8), np.array([1], np.uint8), np.array([7], np.uint16)):
        seen.note_values(images)
    seen.note_values(np.array([np.nan, 0.5, -1], np.float32))
    assert seen.largest == {"uint8": 9, "uint16": 7, "float32": 0.5}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int16, np.uint32])
def test_numbers_of_any_size_with_a_white(dtype, tmp_path):
    """They say how large they are by `white` alone, so that 100 of 4,095 is not 100 of 255."""
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, 100], [50, 99]], dtype))
    found = codec.read(tmp_path / "a.tif", Reading(4095))
    assert found.dtype == np.float32
    assert found[..., 0].tolist() == [[0, 100], [50, 99]]
    whole = codec.read(tmp_path / "a.tif")
    assert whole.dtype == np.uint8


def test_other_floats_with_a_white(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0.5, 4000.25]], np.float32))
    with pytest.raises(codec.Unreadable, match="--white LEVEL"):
        codec.read(tmp_path / "a.tif")
    assert codec.read(tmp_path / "a.tif", Reading(4095))[0, :, 0].tolist() == [0.5, 4000.25]
    tifffile.imwrite(tmp_path / "b.tif", np.array([[-0.5, 4000.25]], np.float32))
    with pytest.raises(codec.Unreadable, match=r"from -0\.5 to 4000\.25"):
        codec.read(tmp_path / "b.tif", Reading(4095))
