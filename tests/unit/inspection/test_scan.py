"""What is counted in a folder or file of images."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from tfdvae.image_io import codec
from tfdvae.inspection import report
from tfdvae.inspection.scan import scan


@pytest.fixture
def folder(tmp_path):
    """Three classes of odd images."""
    random = np.random.default_rng(0)
    images = random.integers(10, 200, (3, 16, 12, 1)).astype(np.uint8)
    for name, pixels in {
        "apple/a.png": images[0],
        "apple/same.bmp": images[0],
        "apple/black.png": images[0] * 0,
        "pear/deep.tif": images[1].astype(np.uint16) * 256,
        "pear/[1] {2}.png": images[1],
        "pear/color.png": np.repeat(images[2], 3, axis=-1),
    }.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        codec.write(tmp_path / "in" / name, pixels)
    (tmp_path / "in" / "pear" / "cut.png").write_bytes(b"\x89PNG")
    Image.new("L", (8, 8)).save(tmp_path / "in" / "pear" / "icon.ico")
    return tmp_path / "in"


def test_folder(folder, tmp_path):
    found = scan(folder, tmp_path)
    assert found.images == 6
    assert found.classes == {"apple": 3, "pear": 3}
    assert found.formats == {"PNG": 4, "BMP": 1, "TIFF": 1}
    assert found.sizes == {"16x12": 6}
    assert found.types == {"uint8 gray": 4, "uint8 color": 1, "uint16 gray": 1}
    assert found.constant == ["apple/black.png"]
    assert found.equal == [["apple/a.png", "apple/same.bmp"]]
    assert found.skipped == {".ico": ["pear/icon.ico"]}
    assert len(found.unreadable) == 1
    assert "pear/cut.png" in found.unreadable[0]
    least, greatest = found.ranges["uint16"]
    assert (least % 256, greatest % 256) == (0, 0)
    assert 10 * 256 <= least < greatest < 200 * 256


@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_arrays(suffix, tmp_path):
    images = np.random.default_rng(0).random((7, 9, 10))
    path = tmp_path / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, images)
    else:
        np.savez(path, x_train=images, y_train=np.arange(7))
    found = scan(path, tmp_path)
    assert (found.kind, found.images) == (suffix, 7)
    assert found.types == {"float64 gray": 7}
    assert found.ranges == {"float64": (images.min(), images.max())}
    assert list(found.classes) == ["x_train" if suffix == "npz" else "a"]


@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_noise_of_known_level_is_estimated(sigma, tmp_path):
    """Smooth gray images with Gaussian noise: within a tenth of its standard deviation."""
    smooth = np.linspace(0.3, 0.7, 64)[:, None] * np.ones(64)
    noise = np.random.default_rng(0).normal(0, sigma, (20, 64, 64))
    np.save(tmp_path / "a.npy", smooth + noise)
    values = report.to_values(scan(tmp_path / "a.npy", tmp_path), {}, [])
    assert values["noise"]["median"] == pytest.approx(sigma, rel=0.1)
    assert values["noise"]["images"] == 20


def test_images_without_an_estimate_have_no_noise(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((5, 28, 28), np.uint8))
    assert report.to_values(scan(tmp_path / "a.npy", tmp_path), {}, [])["noise"] is None


def test_stacks(tmp_path):
    frames = np.random.default_rng(0).integers(0, 4096, (5, 16, 12)).astype(np.uint16)
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in" / "z.tif", frames, imagej=True)
    tifffile.imwrite(tmp_path / "in" / "one.tif", frames[0])
    found = scan(tmp_path / "in", tmp_path)
    assert found.images == 6
    assert found.stacks == {"z.tif": 5}
    assert found.formats == {"TIFF": 6}
    assert found.equal == [["one.tif", "z.tif[0]"]]


def test_one_color_is_constant_and_a_single_pixel_is_nothing_to_name(tmp_path):
    orange = np.full((2, 8, 8, 3), [255, 165, 0], np.uint8)
    np.save(tmp_path / "orange.npy", orange)
    found = scan(tmp_path / "orange.npy", tmp_path)
    assert (found.constant, found.equal) == (["orange/0", "orange/1"], [])
    np.save(tmp_path / "pixels.npy", orange[:, :1, :1])
    found = scan(tmp_path / "pixels.npy", tmp_path)
    assert (found.constant, found.equal) == ([], [])


def test_nothing_of_that_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`path` .* does not exist"):
        scan(tmp_path / "nowhere", tmp_path)


def test_text_names_the_first_of_many(folder, tmp_path):
    for number in range(5):
        codec.write(folder / "apple" / f"black{number}.png", np.zeros((16, 12, 1), np.uint8))
    text = report.to_text(scan(folder, tmp_path), {"train": (False, "too odd")})
    assert "constant                6: apple/black.png, apple/black0.png, apple/black1.png" in text
    assert "and 3 more" in text
    assert "equal to another        2, such as apple/a.png = apple/same.bmp" in text
    assert "train                   refuses it: too odd" in text
