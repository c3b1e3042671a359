"""The same picture in train and in test, and several times in train."""

import shutil

import numpy as np
import pytest
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tfdvae.data import duplicates, sources

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (30, 12, 12), np.uint8)
NUMBERS = np.arange(30) % 3


def write(folder, images, part=""):
    for row, picture in enumerate(images):
        path = folder / part / f"class{row % 3}" / f"{row:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)


def _in_both_folders(folder, command):
    write(folder / "in", IMAGES, "train")
    write(folder / "in", 255 - IMAGES[:9], "test")
    for row in (4, 1):
        name = f"class{row % 3}/{row:02d}.png"
        shutil.copy(folder / "in" / "train" / name, folder / "in" / "test" / f"{name}-copy.png")
    done = command("study", "augmentation", "--dataset", "in", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "NOTE: 2 of 11 test images are training images too (2 equal), such as " in done.stdout
    assert "test/class1/01.png-copy.png and train/class1/01.png" in done.stdout
    assert "(--groups)" in done.stdout


def _held_out(folder, command):
    write(folder / "in", np.repeat(IMAGES[:3], 10, axis=0))
    notice = sources.load(str(folder / "in")).notice
    assert "6 of 6 test images are training images too (6 equal), such as class" in notice
    assert "21 of 24 training images are equal to an earlier one" in notice


def _saved_again(folder, command):
    smooth = np.array(Image.fromarray(IMAGES[0]).resize((32, 32), Image.Resampling.BICUBIC))
    write(folder / "in", np.repeat(IMAGES, 3, 1).repeat(3, 2)[:, :32, :32], "train")
    Image.fromarray(smooth).save(folder / "in" / "train" / "class0" / "smooth.png")
    write(folder / "in", RANDOM.integers(0, 256, (3, 32, 32), np.uint8), "test")
    Image.fromarray(smooth).save(folder / "in" / "test" / "class0" / "again.jpg", quality=95)
    notice = sources.load(str(folder / "in")).notice
    assert "1 of 4 test images is a training image too (1 nearly equal), such as " in notice
    assert "test/class0/again.jpg and train/class0/smooth.png" in notice


def _in_arrays(folder, command):
    test = np.concatenate([255 - IMAGES[:6], IMAGES[[8]]])
    arrays = {"x_train": IMAGES, "y_train": NUMBERS, "x_test": test, "y_test": np.arange(7) % 3}
    np.savez(folder / "in.npz", **arrays)
    notice = sources.load(str(folder / "in.npz")).notice
    assert notice.startswith("1 of 7 test images is a training image too (1 equal), such as ")
    assert "x_test/6 and x_train/8: " in notice
    tfdvae.ImageDataset.from_arrays(IMAGES, NUMBERS, test, arrays["y_test"]).save("memory.npz")
    assert "x_test/6 and x_train/8: " in sources.load("memory.npz").notice


def _constant(folder, command):
    arrays = np.zeros((30, 8, 8), np.uint8)
    np.savez(folder / "in.npz", x_train=arrays, y_train=NUMBERS)
    assert "training images too" not in sources.load(str(folder / "in.npz")).notice


def _ordinary(folder, command):
    write(folder / "in", IMAGES)
    np.savez(folder / "in.npz", x_train=IMAGES, y_train=NUMBERS)
    for name in ("in", "in.npz"):
        assert sources.load(str(folder / name)).notice == ""


@table(
    Case("a file in train and in test", "a NOTE with both names and the way out", _in_both_folders),
    Case("copies in one folder", "a NOTE of test images and of training images", _held_out),
    Case("a picture saved as JPEG again", "nearly equal", _saved_again),
    Case("equal rows of x_train and x_test", "a NOTE with both rows", _in_arrays),
    Case("constant images", "another matter", _constant),
    Case("images that differ", "no NOTE", _ordinary),
)
def test_duplicates(case, tmp_path, command):
    case.check(tmp_path, command)


def test_retinamnist_has_none(retinamnist):
    arrays = np.load(retinamnist)
    found = duplicates.find(arrays["train_images"], arrays["test_images"])
    assert (found.equal, found.near, found.in_train) == (0, 0, 0)


@pytest.mark.slow
def test_fashion_mnist_has_few(fashion):
    """Five of the 10,000 test images look like a training image to the eye too."""
    found = duplicates.find(fashion.train.images, fashion.test.images[:3000])
    assert (found.equal, found.in_train) == (0, 0)
    assert found.near < 5
