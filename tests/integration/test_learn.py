"""`tfdvae denoise --learn`, from noisy pictures to clean ones."""

import csv
import json
import shutil

import numpy as np
import pytest
import tifffile
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table

RANDOM = np.random.default_rng(0)


def clean(height=96, width=96):
    rows, columns = np.mgrid[:height, :width] / 32
    return 0.5 + 0.35 * np.sin(5 * rows + 2 * columns) * np.cos(3 * columns)


def photons(picture, count=15):
    return np.rint(255 * np.clip(RANDOM.poisson(count * picture) / count, 0, 1)).astype(np.uint8)


def write(folder, count=3):
    folder.mkdir()
    for number in range(count):
        Image.fromarray(photons(clean(96, 96 + 8 * number))).save(folder / f"{number}.png")


def psnr(made, wanted):
    return -10 * np.log10(np.mean((made / 255 - wanted) ** 2))


def test_noisy_pictures_become_cleaner(tmp_path, command):
    write(tmp_path / "in")
    frames = np.stack([photons(clean(64, 64)) for _ in range(2)])
    (tmp_path / "in/stacks").mkdir()
    tifffile.imwrite(tmp_path / "in/stacks/two.tif", frames)
    done = command("denoise", "--learn", "in", "out", "--time", "1s")
    assert done.returncode == 0, done.stderr
    assert "5 pictures of between 64x64 and 96x112 to learn from." in done.stdout
    assert "Objective: masked, since the noise is " in done.stdout
    assert "Estimated PSNR " in done.stdout
    for number in range(3):
        noisy, made = (
            np.array(Image.open(f"{part}/{number}.png")) for part in ("in", "out/denoised")
        )
        assert made.dtype == np.uint8
        wanted = clean(*made.shape)
        assert psnr(made, wanted) > psnr(noisy, wanted) + 3
    stack = tifffile.imread("out/denoised/stacks/two.tif")
    assert (stack.shape, stack.dtype) == (frames.shape, frames.dtype)
    with open("out/metrics.csv") as file:
        rows = {row["metric"]: float(row["value"]) for row in csv.DictReader(file)}
    assert rows["psnr_estimated_low"] < rows["psnr_estimated"] < rows["psnr_estimated_high"]
    true = np.mean(
        [
            psnr(np.array(Image.open(f"out/denoised/{n}.png")), clean(96, 96 + 8 * n))
            for n in range(3)
        ]
    )
    assert rows["psnr_estimated"] == pytest.approx(true, abs=1.5)
    page = (tmp_path / "out/report.html").read_text()
    assert "Learned from 5 noisy pictures" in page
    assert not (tmp_path / "out/checkpoints").exists()

    # The same command has nothing to do; the model is one like any other.
    before = (tmp_path / "out/model.keras").read_bytes()
    again = command("denoise", "--learn", "in", "out", "--time", "1s")
    assert again.returncode == 0
    assert "0 images in out, 4 already there, skipped" in again.stdout
    assert (tmp_path / "out/model.keras").read_bytes() == before
    model = tfdvae.load("out/model.keras")
    one = np.array(Image.open("in/0.png"))
    assert np.array_equal(model.denoise(one), np.array(Image.open("out/denoised/0.png")))
    other = command("denoise", "--learn", "in", "out", "--time", "2s")
    assert other.returncode == 2
    assert "holds what was learned with `time` 1s; got 2s" in other.stderr


def _refused(message, make, *arguments):
    def check(folder, command):
        make(folder)
        before = sorted(folder.rglob("*"))
        done = command("denoise", "--learn", "in", "out", *arguments)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        assert not (folder / "out/model.keras").exists()
        assert [path for path in before if not path.exists()] == []

    return check


def _save(*arrays):
    def make(folder):
        (folder / "in").mkdir()
        for number, array in enumerate(arrays):
            tifffile.imwrite(folder / f"in/{number}.tif", array)

    return make


def _full(folder):
    write(folder / "in")
    (folder / "out").mkdir()
    (folder / "out/notes.txt").write_text("mine")


def _inside(folder):
    write(folder / "in")


FLAT = np.full((64, 64), 100, np.uint8)
SMOOTH = np.rint(255 * clean(64, 64)).astype(np.uint8)
BLURRED = np.rint(
    np.clip(255 * clean() + 30 * np.kron(RANDOM.standard_normal((48, 48)), np.ones((2, 2))), 0, 255)
).astype(np.uint8)


@table(
    Case("no folder", "named", _refused("`learn` in does not exist", lambda folder: None)),
    Case("a folder without pictures", "named",
         _refused("holds no images", lambda folder: (folder / "in").mkdir())),
    Case("constant pictures", "nothing to learn",
         _refused("constant pictures alone", _save(FLAT, FLAT))),
    Case("clean pictures", "no noise", _refused("there is no noise", _save(SMOOTH))),
    Case("noise in blocks of 2x2", "correlated",
         _refused("the noise of neighboring pixels is correlated", _save(BLURRED))),
    Case("pictures of 8x8", "too small",
         _refused("learn from must be 16x16 at least; it has 8x8", _save(FLAT[:8, :8]))),
    Case("gray and color", "named", _refused(
        "pictures of one number of channels; got 1 in 0.tif and 3 in 1.tif",
        _save(photons(clean()), photons(np.repeat(clean()[..., None], 3, axis=-1))))),
    Case("an output that holds something else", "kept", _refused("is not empty", _full)),
    Case("a misspelt objective", "the nearest", _refused(
        "Did you mean 'masked'", _inside, "--objective", "maskd")),
)  # fmt: skip
def test_refused(case, tmp_path, command):
    case.check(tmp_path, command)


@pytest.mark.slow
def test_one_picture_is_enough_and_gaussian_noise_is_recorrupted(tmp_path, command):
    wanted = clean(128, 128)
    noisy = wanted + 0.1 * RANDOM.standard_normal(wanted.shape)
    np.save("picture.npy", noisy.astype(np.float32))
    done = command("denoise", "--learn", "picture.npy", "out", "--time", "10s")
    assert done.returncode == 0, done.stderr
    assert "Objective: recorrupted" in done.stdout
    made = np.load("out/denoised/picture.npy")
    assert made.dtype == np.float32
    assert np.mean((made - wanted) ** 2) < 0.2 * np.mean((noisy - wanted) ** 2)
    settings = json.loads((tmp_path / "out/settings.json").read_text())
    assert settings["time"] == "10s"
