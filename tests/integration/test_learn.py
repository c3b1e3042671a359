"""`tfdvae denoise --learn`, from noisy pictures to clean ones."""

import csv
import json
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tfdvae import csv_rows
from tfdvae.data.image_dataset import to_unit
from tfdvae.data.patches import training_patches
from tfdvae.image_io import frames
from tfdvae.learning import held_out, job, model, pictures, quality, stacks
from tfdvae.learning.pictures import Picture
from tfdvae.metrics import choice, noise

RANDOM = np.random.default_rng(0)
STEPS = 80


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


@pytest.mark.slow
def test_noisy_pictures_become_cleaner(tmp_path, command):
    write(tmp_path / "in")
    frames = np.stack([photons(clean(64, 64)) for _ in range(2)])
    (tmp_path / "in/stacks").mkdir()
    tifffile.imwrite(tmp_path / "in/stacks/two.tif", frames)
    done = command("denoise", "--learn", "in", "out", "--time", "1s", "--precision", "float32")
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
    best = min(json.loads((tmp_path / "out/history.json").read_text()), key=lambda r: r["val_loss"])
    kept = f"the weights after {best['step']} were kept, loss {best['loss']:.1f} nats a patch"
    assert kept in (tmp_path / "out/report.md").read_text()
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
    assert "0 images in out/denoised, 4 already there, skipped" in again.stdout
    assert again.stdout.splitlines()[-1] == "Report: out/report.html"
    assert "Estimated PSNR" not in again.stdout
    assert "NOTE" not in again.stdout
    assert (tmp_path / "out/model.keras").read_bytes() == before
    loaded = tfdvae.load("out/model.keras")
    one = np.array(Image.open("in/0.png"))
    assert np.array_equal(loaded.denoise(one), np.array(Image.open("out/denoised/0.png")))
    other = command("denoise", "--learn", "in", "out", "--time", "2s")
    assert other.returncode == 2
    assert "holds what was learned with `time` 1s; this is with `time` 2s" in other.stderr

    # A picture that came later is denoised.
    Image.fromarray(photons(clean(40, 40))).save("in/later.png")
    later = command("denoise", "--learn", "in", "out", "--time", "1s")
    assert "1 image in out/denoised, 4 already there, skipped" in later.stdout
    assert (
        "NOTE: in has changed since the model began to learn from 5 pictures of it." in later.stdout
    )
    assert "Learned from 5 noisy pictures" in (tmp_path / "out/report.html").read_text()


def _refused(message, make, *arguments):
    def check(folder, command):
        make(folder)
        before = sorted(folder.rglob("*"))
        done = command("denoise", "--learn", "in", "out", *arguments)
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        assert sorted(folder.rglob("*")) == before

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


def _huge(folder):
    """20,000 x 20,000 pixels, in a file whose black ones take no room."""
    (folder / "in").mkdir()
    tifffile.memmap(folder / "in/huge.tif", shape=(20_000, 20_000), dtype=np.uint8).flush()


def _short(folder):
    """A stack of two frames, and a picture."""
    _save(np.stack([photons(clean()) for _ in range(2)]), photons(clean()))(folder)


def _inside(folder):
    write(folder / "in")


FLAT = np.full((64, 64), 100, np.uint8)
DISC = np.where(np.hypot(*np.mgrid[-48:48, -48:48]) < 30, 200, 40).astype(np.uint8)
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
    Case("TIFF files of floats to 4095", "no flag that the command lacks", _refused(
        "others from 0 to LEVEL are by commands that have --white LEVEL",
        _save((4095.5 * clean()).astype(np.float32)))),
    Case("gray and color", "named", _refused(
        "pictures of one number of channels; got 1 in 0.tif and 3 in 1.tif",
        _save(photons(clean()), photons(np.repeat(clean()[..., None], 3, axis=-1))))),
    Case("an output that holds something else", "kept", _refused("is not empty", _full)),
    Case("patches larger than the pictures", "the largest that would do", _refused(
        "`patch_size` must be at most 84, the least side of the pictures to learn from without "
        "what is held out of them; got 96.", _inside, "--patch-size", "96")),
    Case("no stack of three frames", "named", _refused(
        "`frames` 3 needs stacks of 3 frames or more", _short, "--frames", "3")),
    Case("noise of level 0", "refused", _refused(
        "`noise` must be", _inside, "--noise", "0")),
    Case("NaN alone", "named", _refused(
        "0.tif has values that are NaN or infinite",
        _save(np.full((64, 64), np.nan, np.float32)))),
    Case("a picture of 20,000 x 20,000", "too large, named", _refused(
        "huge.tif has 400,000,000 pixels, more than 50,000,000", _huge)),
    Case("a misspelt objective", "the nearest", _refused(
        "Did you mean 'masked'", _inside, "--objective", "maskd")),
)  # fmt: skip
def test_refused(case, tmp_path, command):
    case.check(tmp_path, command)


def _taken(make, check):
    def run(folder, command):
        make(folder)
        check(command("denoise", "--learn", "in", "out", "--objective", "masked", "--time", "1s"))

    return run


def _small(folder):
    _save(*(photons(clean(24, 30)) for _ in range(3)))(folder)


def _check_small(done):
    assert done.returncode == 0, done.stderr
    assert tfdvae.load("out/model.keras").image_shape == (16, 16, 1), "a band of 8 is held out"
    assert tifffile.imread("out/denoised/2.tif").shape == (24, 30)


def _one_with_nan(folder):
    broken = clean(64, 64).astype(np.float32)
    broken[3, 3] = np.nan
    _save(broken, (clean() + 0.05 * RANDOM.standard_normal((96, 96))).astype(np.float32))(folder)


def _check_nan(done):
    assert done.returncode == 1
    assert "NOTE: not learned from 1 picture: the image in/0.tif has values" in done.stdout
    assert ".." not in done.stdout
    assert not Path("out/denoised/0.tif").exists()
    assert Path("out/denoised/1.tif").exists()


def _one_frame(folder):
    _save(photons(clean(64, 64))[None])(folder)


def _check_one_frame(done):
    assert done.returncode == 0, done.stderr
    assert "1 picture of 64x64 to learn from." in done.stdout


def _check_no_noise(done):
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert (
        "Estimated PSNR: none, for the pictures show no noise." in Path("out/report.md").read_text()
    )


@pytest.mark.slow
@table(
    Case("pictures smaller than a patch", "smaller patches", _taken(_small, _check_small)),
    Case("NaN in one of two pictures", "the other is denoised", _taken(_one_with_nan, _check_nan)),
    Case("a stack of one frame", "a picture", _taken(_one_frame, _check_one_frame)),
    Case("clean pictures", "as was asked for", _taken(_save(SMOOTH), _check_one_frame)),
    Case("a disc without noise", "as was asked for", _taken(_save(DISC), _check_no_noise)),
)
def test_taken(case, tmp_path, command):
    case.check(tmp_path, command)


def test_a_refused_start_leaves_no_trap(tmp_path, command):
    """The folder is mended, the settings are others, and litter of a killed start is there."""
    _save(SMOOTH)(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.lock").touch()
    (tmp_path / "out/.tmp-1-settings.json").touch()
    refused = command("denoise", "--learn", "in", "out", "--time", "2s")
    assert "there is no noise" in refused.stderr
    tifffile.imwrite("in/0.tif", FLAT)
    again = command("denoise", "--learn", "in", "out", "--time", "3s")
    assert "constant pictures alone" in again.stderr


@pytest.mark.slow
def test_noise_that_is_given_is_not_said_to_be_measured(tmp_path, command):
    noisy = np.rint(255 * np.clip(clean() + 0.1 * RANDOM.standard_normal((96, 96)), 0, 1))
    Image.fromarray(noisy.astype(np.uint8)).convert("RGB").save("gray in color.png")
    done = command(
        *("denoise", "--learn", "gray in color.png", "out", "--noise", "0.1", "--time", "1s")
    )
    assert done.returncode == 0, done.stderr
    assert "Noise: standard deviation 25.5 of 255 as given." in done.stdout
    found = json.loads((tmp_path / "out/noise.json").read_text())
    assert found == {"given": True, "level": 0.1}
    page = (tmp_path / "out/report.md").read_text()
    assert "25.5 of 255, given" in page
    assert "correlation" not in page
    made = np.array(Image.open("out/denoised/gray in color.png"))
    assert made.shape == (96, 96, 3)
    assert np.ptp(made, axis=-1).max() == 0
    assert tfdvae.load("out/model.keras").image_shape == (64, 64, 1)


@pytest.mark.slow
def test_noise_that_is_given_is_looked_at_all_the_same(command):
    """It is clipped in fact, and much stronger than it is said to be."""
    noisy = clean() - 0.4 + 0.2 * RANDOM.standard_normal((96, 96))
    noisy = np.rint(255 * np.clip(noisy, 0, 1)).astype(np.uint8)
    Image.fromarray(noisy).save("noisy.png")
    done = command("denoise", "--learn", "noisy.png", "out", "--noise", "0.02", "--time", "1s")
    assert done.returncode == 0, done.stderr
    assert "NOTE: `noise` is for Gaussian noise that is the same everywhere, but" in done.stdout
    assert "NOTE: `noise` is 5.1 of 255, but the pictures look like " in done.stdout
    assert "% of the pixels are clipped. The mean of clipped noise is not the truth" in done.stdout
    assert "Objective: recorrupted, since its standard deviation was given." in done.stdout


@pytest.mark.slow
def test_one_picture_is_enough_and_gaussian_noise_is_recorrupted(tmp_path, command, monkeypatch):
    monkeypatch.setattr(job, "STEPS", 60)
    wanted = clean(128, 128)
    noisy = wanted + 0.1 * RANDOM.standard_normal(wanted.shape)
    np.save("picture.npy", noisy.astype(np.float32))
    done = command("denoise", "--learn", "picture.npy", "out", "--time", "10m")
    assert done.returncode == 0, done.stderr
    assert "Objective: recorrupted" in done.stdout
    made = np.load("out/denoised/picture.npy")
    assert made.dtype == np.float32
    assert np.mean((made - wanted) ** 2) < 0.2 * np.mean((noisy - wanted) ** 2)
    settings, found, learned = (
        json.loads((tmp_path / f"out/{name}.json").read_text(), parse_constant=pytest.fail)
        for name in ("settings", "noise", "learned")
    )
    assert not found["given"]
    assert learned["pictures"] == 1
    assert settings["time"] == "10m"


@pytest.mark.slow
def test_colors_of_16_bits_and_two_channels(tmp_path, command, monkeypatch):
    """Each channel has noise of its own, and comes back in its type."""
    monkeypatch.setattr(job, "STEPS", STEPS)
    wanted = np.stack([clean(), clean()[::-1], clean().T], axis=-1)
    for count, dtype in ((3, np.uint16), (2, np.float32)):
        part = wanted[..., :count]
        noisy = part + 0.1 * RANDOM.standard_normal(part.shape)
        white = 65535 if dtype == np.uint16 else 1
        if dtype == np.uint16:
            noisy = np.rint(white * np.clip(noisy, 0, 1))
            (tmp_path / "in16").mkdir()
            tifffile.imwrite("in16/color.tif", noisy.astype(dtype), photometric="rgb")
            given, made = "in16", "out16/denoised/color.tif"
        else:
            np.save("two.npy", noisy.astype(dtype)[None])
            given, made = "two.npy", "out32/denoised/two.npy"
        output = made.partition("/")[0]
        learned = ("denoise", "--learn", given, output, "--objective", "masked")
        done = command(*learned, "--precision", "float32")
        assert done.returncode == 0, done.stderr
        found = tifffile.imread(made) if dtype == np.uint16 else np.load(made)[0]
        assert (found.dtype, found.shape) == (dtype, part.shape)
        errors = [
            np.mean((values.astype(float) / white - part) ** 2, axis=(0, 1))
            for values in (found, noisy)
        ]
        assert (errors[0] < 0.5 * errors[1]).all(), "in each channel"


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.1, 0.2, 0.3])
def test_a_learning_estimates_its_psnr_without_being_told_the_noise(level, fashion, tmp_path):
    """Within 0.5 dB of the true one, of real images, by a model that was trained on others."""
    random = np.random.default_rng(0)
    clean = to_unit(fashion.train.images[:4000])
    noisy = clean + level * random.standard_normal(clean.shape, np.float32)
    first = noise.estimate(noisy)
    assert choice.choose(first, choice.least_noise([noisy]))[0] == "recorrupted"
    measured, denoiser = slice(0, 4000, 10), tfdvae.load("clothing-denoiser")
    quality.measure(
        denoiser,
        [held_out.Part(image) for image in noisy[measured]],
        first.of_level(first.floor),
        known=False,
        folder=tmp_path,
        of_all=[held_out.Part(image) for image in noisy],
    )
    rows = csv_rows.read_rows(tmp_path / "metrics.csv")
    values = {row["metric"]: float(row["value"]) for row in rows}
    made = denoiser.denoise(noisy[measured])
    true = -10 * np.log10(np.square(made - clean[measured]).mean())
    assert values["psnr_estimated"] == pytest.approx(true, abs=0.5)
    assert values["psnr_estimated_low"] < true < values["psnr_estimated_high"]


@pytest.mark.slow
def test_patches_of_another_size_with_bfloat16(tmp_path, command):
    write(tmp_path / "in")
    learn = ("denoise", "--learn", "in", "out", "--objective", "masked", "--time", "1s")
    done = command(*learn, "--patch-size", "32", "--precision", "bfloat16")
    assert done.returncode == 0, done.stderr
    model = tfdvae.load("out/model.keras")
    assert model.image_shape == (32, 32, 1)
    assert {layer.compute_dtype for layer in model.keras_model.encoder.layers} == {"float32"}
    kept = json.loads((tmp_path / "out/settings.json").read_text())
    assert (kept["patch_size"], kept["precision"]) == (32, "bfloat16")
    other = command(*learn, "--patch-size", "40")
    assert other.returncode == 2
    assert "with `patch_size` 32; this is with `patch_size` 40" in other.stderr
    assert "this is without `patch_size`. Give a new folder" in command(*learn).stderr


@pytest.mark.slow
def test_frames_of_a_stack_are_denoised_with_their_neighbors(tmp_path, command):
    stack = np.stack([photons(clean()) for _ in range(5)])
    (tmp_path / "in").mkdir()
    tifffile.imwrite("in/scan.tif", stack)
    learn = ("denoise", "--learn", "in", "out", "--time", "1s")
    done = command(*learn, "--frames", "3")
    assert done.returncode == 0, done.stderr
    made = tifffile.imread("out/denoised/scan.tif")
    assert (made.shape, made.dtype) == (stack.shape, stack.dtype)
    with open("out/metrics.csv") as file:
        rows = {row["metric"]: float(row["value"]) for row in csv.DictReader(file)}
    held_out = psnr(made[:, 84:], clean()[84:])  # in a band of each frame
    assert rows["psnr_estimated"] == pytest.approx(held_out, abs=2.5)
    assert "| frames | 3 neighboring ones for each |" in (tmp_path / "out/report.md").read_text()
    assert json.loads((tmp_path / "out/settings.json").read_text())["frames"] == 3
    assert "with `frames` 3; this is with `frames` 1" in command(*learn).stderr

    # The model does the same later, exported too, and nothing else.
    assert command("denoise", "out/model.keras", "in", "again").returncode == 0
    assert np.array_equal(tifffile.imread("again/scan.tif"), made)
    assert command("export", "out/model.keras", "--output", "exported").returncode == 0
    assert command("denoise", "exported", "in", "served").returncode == 0
    assert np.abs(tifffile.imread("served/scan.tif").astype(int) - made).max() <= 1
    refused = command("impute", "out/model.keras", "in", "filled", "--mask", "in")
    assert refused.returncode != 0
    assert "takes 3 neighboring frames of a stack" in refused.stdout + refused.stderr


@pytest.mark.slow
def test_neighboring_frames_show_a_texture_that_one_does_not(tmp_path):
    """It does not move: three frames have a third of the variance of the noise."""
    wanted = 0.5 + RANDOM.uniform(-0.2, 0.2, (96, 96, 1)).astype(np.float32)
    noisy = wanted + 0.1 * RANDOM.standard_normal((6, 96, 96, 1)).astype(np.float32)
    found = [Picture(f"a[{number}]", frame, "a", number) for number, frame in enumerate(noisy)]
    errors = {}
    for count in (1, 3):
        values = [each.values for each in stacks.windows(found, count)]
        core = model.build(
            "recorrupted", "gaussian:0.1", (64, 64, count), model.moments_of(values), 0, STEPS
        )
        core.fit(training_patches(values, 64, 16, 0, "test"), steps_per_epoch=STEPS, verbose=0)
        made = frames.own(core.denoise(np.stack(list(map(np.array, values)))), count)
        errors[count] = np.mean((made - wanted) ** 2)
    assert errors[3] < 0.95 * errors[1] < 0.95 * 0.008  # of 0.01, after a few steps


def test_memory_does_not_grow_with_the_pictures(tmp_path):
    """Of what comes before training, which sees patches alone; as floats 488 pictures more would be
    30 MiB. The noise is estimated from 244 pictures of both.
    """
    peaks = []
    for count in (488, 976):
        for number in range(count):
            pixels = np.clip(128 + 40 * RANDOM.standard_normal((128, 128)), 0, 255)
            path = tmp_path / f"in{count}" / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(path)
        tracemalloc.start()
        pictures.decode(tmp_path / f"in{count}", tmp_path / f"out{count}")
        found = pictures.usable(pictures.load(tmp_path / f"out{count}"), 64)
        parts = pictures.sample(found, noise.MOST_VALUES)
        noise.estimate(map(pictures.unit, parts))
        values, _ = held_out.split([picture.values for picture in found], 64, False)
        next(iter(training_patches(values, 64, 16, 0, "test")))
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 4, peaks
