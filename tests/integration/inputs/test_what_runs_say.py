"""Models that do harm, or whose codes carry nothing: runs and commands say it in words."""

import shutil

import numpy as np
import pytest
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.processes import ROOT
from tfdvae import csv_rows
from tfdvae.models import networks

FIXTURES = ROOT / "tests" / "fixtures" / "0.1.0"  # of images 8x6, gray, 3 latent units
HARM = "NOTE: Denoising with this model does harm"
EMPTY = "NOTE: The code carries nothing"
TINY = ("--dataset", "digits", "--n-train", "60", "--threads", "2", "--test-noise", "0.1")

COLLAPSE = ("--model", "vae", "--beta", "1000", "--epochs", "60", "--learning-rate", "0.01")


def _run_folder(folder, active=4, after=25.0):
    """Make a run folder of a model of the fixtures, with what was measured; and images."""
    run = folder / "run"
    run.mkdir()
    shutil.copy(FIXTURES / "dvae.keras", run / "generator.keras")
    shutil.copytree(FIXTURES / "dvae-saved_model", run / "saved_model")
    measured = {"psnr_input": 20.0, "psnr": after}
    rows = [
        {"network": "mlp", "test_corruption": "gaussian:0.1", "metric": name, "value": value}
        for name, value in measured.items()
    ]
    rows.append({"network": "mlp", "metric": "active_units", "value": float(active)})
    csv_rows.write_rows(run / "metrics.csv", rows)
    (folder / "in").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 6), np.uint8)
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / "in" / f"{number}.png")


def _said(done, what):
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).count(what)


def _denoise_harm(folder, command):
    _run_folder(folder, after=16.9)
    done = command("denoise", "run", "in", "out")
    assert _said(done, HARM) == 1
    assert "20.0 and 16.9 dB at 10%" in done.stdout
    assert _said(command("denoise", "run/saved_model", "in", "out2", "--quiet"), HARM) == 1
    assert _said(command("encode", "run", "in", "codes.npz"), HARM) == 0
    shutil.move(folder / "run" / "generator.keras", folder / "moved.keras")
    assert _said(command("denoise", "moved.keras", "in", "out3"), "NOTE") == 0


def _denoise_well(folder, command):
    _run_folder(folder)
    for line in ("denoise run in out", "sample run drawn --count 2", "augment run in more"):
        assert _said(command(*line.split()), "NOTE") == 0, line
    text = (folder / "run" / "metrics.csv").read_text()
    for content in ("image,score\na,1\n", "\0", "", text + "," * 20, text + "a" * 200_000):
        (folder / "run" / "metrics.csv").write_text(content)
        assert _said(command("denoise", "run", "in", "out", "--overwrite"), "NOTE") == 0


def _empty_code(folder, command):
    _run_folder(folder, active=0)
    for line in (
        "sample run drawn --count 2",
        "sample run drawn.npz --count 2",
        "augment run in more",
        "encode run in codes.npz",
        "detect run in scores.csv",
        "augment run/saved_model in again",
    ):
        assert _said(command(*line.split()), EMPTY) == 1, line
    assert _said(command("denoise", "run", "in", "out"), EMPTY) == 0


def _narrow_code(folder, command):
    _run_folder(folder, active=12)
    pair = networks.build("mlp", (8, 6, 1), 128, variational=True, seed=0)
    tfdvae.DVAE(*pair, corruption="gaussian:0.1").save(folder / "run" / "generator.keras")
    assert _said(command("sample", "run", "drawn", "--count", "2"), "NOTE") == 0


@table(
    Case("denoise with a run that does harm", "a NOTE, once, with the numbers", _denoise_harm),
    Case("a run that denoises well; a metrics.csv that is none", "no NOTE", _denoise_well),
    Case("sample, augment, ... with 0 active units", "a NOTE, once", _empty_code),
    Case("sample with 12 of 128 units active", "no NOTE: they work", _narrow_code),
)
def test_commands(case, tmp_path, command):
    case.check(tmp_path, command)


def test_python_says_it_once(tmp_path, caplog):
    _run_folder(tmp_path, active=0, after=16.9)
    model = tfdvae.load(tmp_path / "run")
    images = np.zeros((2, 8, 6), np.uint8)
    for _ in range(2):
        model.denoise(images)
        model.sample(2)
        model.augment(images, [0, 1])
    told = [record.getMessage() for record in caplog.records if "tfdvae" in record.name]
    assert [text.startswith((HARM, EMPTY)) for text in told] == [True, True]


def _train(folder, command, *arguments):
    done = command("train", *TINY, *arguments, "--no-classifier", "--output", "run")
    assert done.returncode == 0, done.stderr
    return done, [(folder / "run" / name).read_text() for name in ("summary.md", "report.md")]


def _train_harm(folder, command):
    done, pages = _train(folder, command, "--model", "dvae", "--noisy-train", "--epochs", "1")
    for text in (done.stdout, *pages):
        assert HARM.removeprefix("NOTE: ") in text
        assert "--recipe conv-dae" in text
    assert HARM in done.stdout


def _train_empty(folder, command):
    done, pages = _train(folder, command, *COLLAPSE)
    for text in (done.stdout, *pages):
        assert "The code carries nothing: 0 of 4 latent units are active" in text
    assert "does harm" not in pages[0], "nobody asked a VAE to denoise"
    assert _said(command("sample", "run", "drawn", "--count", "2"), EMPTY) == 1
    (folder / "run" / "summary.md").unlink()
    assert EMPTY.removeprefix("NOTE: ") in command("train", "--resume", "run").stdout


@pytest.mark.slow
@table(
    Case("train --model dvae --noisy-train, worse than its input", "told in words", _train_harm),
    Case("train --model vae --beta 1000: posterior collapse", "told in words", _train_empty),
)
def test_train(case, tmp_path, command):
    case.check(tmp_path, command)
