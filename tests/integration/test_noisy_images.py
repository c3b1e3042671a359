"""`tfdvae train` on images that are noisy by themselves, of which there are no clean ones."""

import json
import shutil
import subprocess

import keras
import numpy as np
import pytest

import tfdvae
from tfdvae import csv_rows
from tfdvae.cli import main
from tfdvae.data import sources
from tfdvae.data.image_dataset import to_unit
from tfdvae.experiment import evaluation
from tfdvae.metrics import noise

LEVEL = 0.05
TRAIN, TEST = 300, 100


@pytest.fixture
def command(capsys):
    """Run `tfdvae train` in this process and return it as a finished process."""

    def run(*arguments):
        capsys.readouterr()
        status = main.main(["train", *map(str, arguments), "--threads", "2"])
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A file of noisy digits that nothing clips, and its test images without the noise."""
    digits = sources.load("digits")
    parts = {"train": (digits.train, TRAIN), "test": (digits.test, TEST)}
    random, arrays, clean = np.random.default_rng(0), {}, {}
    for name, (part, count) in parts.items():
        clean[name] = (0.3 + 0.4 * to_unit(part.images[:count])).astype(np.float32)
        noise = LEVEL * random.standard_normal(clean[name].shape, np.float32)
        arrays |= {f"x_{name}": clean[name] + noise, f"y_{name}": part.labels[:count]}
    file = tmp_path_factory.mktemp("noisy") / "noisy.npz"
    np.savez(file, **arrays)
    return file, clean["test"]


def rows(folder):
    return csv_rows.read_rows(folder / "metrics.csv")


def pages(folder, done):
    texts = [(folder / name).read_text() for name in ("summary.md", "report.md", "report.html")]
    return [done.stdout, *texts]


def shows_no_clean_image(folder, done):
    honest = ("None of them is clean", "None of the images is clean")
    for text in pages(folder, done):
        for sentence in honest:
            text = text.replace(sentence, "")
        assert not [word for word in ("clean", "uncorrupted", "without that noise") if word in text]
    measured = {row["metric"] for row in rows(folder)}
    assert not {"psnr", "psnr_input", "ssim", "ssim_input"} & measured


SMALL = ("--n-train", "60", "--epochs", "1", "--classifier-steps", "2", "--test-noise", "0", "0.1")


@pytest.fixture(scope="module")
def estimated(images, tmp_path_factory):
    """A run of a DVAE with classifiers, whose noise is estimated."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    arguments = ["--dataset", str(images[0]), *SMALL, "--noise", "auto", "--threads", "2"]
    assert main.main(["train", *arguments, "--quiet", "--output", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_the_noise_is_estimated_and_decides(estimated, command):
    done = command("--resume", estimated)
    assert "Objective: recorrupted, since the noise is about the same everywhere" in done.stdout
    assert "noisy.npz, 60 noisy training images, DVAE" in done.stdout
    stored = json.loads((estimated / "config.json").read_text())
    kind, _, level = stored["corruption"].partition(":")
    assert (stored["noise"], stored["objective"], kind) == ("auto", "recorrupted", "gaussian")
    assert float(level) == pytest.approx(LEVEL, rel=0.05)
    sigma = float(stored["likelihood"].removeprefix("linear:"))
    assert sigma == pytest.approx(float(level) * np.sqrt(5), rel=1e-4)
    assert {row["condition"] for row in rows(estimated)} == {"noisy"}
    assert {row["target"] for row in rows(estimated)} == {"recorrupted"}


@pytest.mark.slow
def test_no_page_speaks_of_clean_images_and_quality_is_an_estimate(estimated, command):
    done = command("--resume", estimated)
    shows_no_clean_image(estimated, done)
    summary = (estimated / "summary.md").read_text()
    assert "Estimated PSNR of 100 test images: 2" in summary
    assert "at each test noise (added to their own), %" in summary
    assert "| limited + DVAE |" in summary
    assert (estimated / "figures" / "denoised.png").is_file()


@pytest.mark.slow
def test_a_run_whose_noise_was_estimated_is_resumed(estimated, command, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(estimated, run)
    (run / "generator.keras").unlink()
    (run / "metrics.csv").unlink()
    shutil.rmtree(run / "checkpoints" / "generator")
    done = command("--resume", run, "--noise", "auto")
    assert done.returncode == 0, done.stderr
    assert (run / "metrics.csv").read_bytes() == (estimated / "metrics.csv").read_bytes()
    refused = command("--resume", run, "--noise", "0.1")
    assert (refused.returncode, "its `noise` is 'auto'; got 0.1" in refused.stderr) == (2, True)


@pytest.mark.slow
def test_the_estimated_quality_is_the_real_one(images, command, tmp_path):
    """A DAE that learns something; the clean images are known here alone."""
    file, clean = images
    arguments = ["--dataset", file, "--model", "dae", "--network", "unet"]
    arguments += ["--noise", LEVEL, "--epochs", "20", "--batch-size", "20", "--no-classifier"]
    done = command(*arguments, "--output", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    shows_no_clean_image(tmp_path / "run", done)
    values = {
        row["metric"]: float(row["value"])
        for row in rows(tmp_path / "run")
        if row["test_corruption"] == "observed"
    }
    with np.load(file) as arrays:
        denoised = tfdvae.load(tmp_path / "run").denoise(arrays["x_test"])
    real = -10 * np.log10(np.mean((denoised - clean) ** 2))
    assert values["psnr_input_estimated"] == pytest.approx(-20 * np.log10(LEVEL))
    assert values["psnr_estimated_low"] - 0.1 < real < values["psnr_estimated_high"] + 0.1
    assert real > values["psnr_input_estimated"] + 3, "it learned to denoise from noisy images"
    saved = keras.models.load_model(tmp_path / "run" / "generator.keras")
    assert (saved.objective, str(saved.corruption)) == ("recorrupted", f"gaussian:{LEVEL}")


@pytest.mark.slow
def test_noisy_images_of_which_nothing_is_said_get_a_note(images, command, tmp_path):
    arguments = ["--dataset", images[0], *SMALL, "--no-classifier", "--output", tmp_path / "run"]
    done = command("--model", "dae", *arguments)
    assert done.returncode == 0, done.stderr
    told = "NOTE: The images look noisy: a standard deviation of 1"
    assert done.stdout.count(told) == 1
    assert "`--noise auto`" in done.stdout
    assert "tfdvae denoise --learn" in done.stdout
    for text in pages(tmp_path / "run", done):
        assert "clean training images" not in text
        assert "uncorrupted" not in text
    assert "noisy.npz, 60 training images, DAE" in done.stdout


def test_noise_from_which_nothing_can_be_learned_is_refused_before_anything_is_written(
    command, tmp_path
):
    done = command("--dataset", "digits", "--noise", "auto", "--output", tmp_path / "run")
    assert done.returncode == 2
    assert "the noise of neighboring pixels is correlated" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("level", [0.1, 0.2, 0.3])
def test_psnr_is_estimated_without_being_told_the_noise(level, fashion):
    """Within 0.5 dB of the true one, of real images, with a level from other noisy images."""
    random = np.random.default_rng(0)
    train, clean = (to_unit(split.images[:5000]) for split in (fashion.train, fashion.test))
    known, noisy = (
        each + level * random.standard_normal(each.shape, np.float32) for each in (train, clean)
    )
    model = tfdvae.load("clothing-denoiser").keras_model
    found = noise.NoiseEstimate.gaussian(noise.estimate(known).floor)
    rows = evaluation.estimated_rows(model, noisy, found, known=False)
    values = {row["metric"]: row["value"] for row in rows}
    true = -10 * np.log10(np.square(model.denoise(noisy) - clean).mean())
    assert values["psnr_estimated"] == pytest.approx(true, abs=0.5)
    assert values["psnr_estimated_low"] < true < values.get("psnr_estimated_high", np.inf)
