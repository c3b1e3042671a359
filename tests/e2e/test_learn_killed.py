"""`tfdvae denoise --learn` that is killed in the middle ends with the same bits."""

import json
import shutil
import signal

import numpy as np
import pytest
from PIL import Image

import tfdvae
from tests.helpers.models import weights_hash
from tests.helpers.processes import run_tfdvae

STEPS = 26  # two rounds, of 20 and of 6
SAME = ("history.json", "noise.json", "metrics.csv", "report.md", "denoised/0.png")


def write(folder):
    random, (rows, columns) = np.random.default_rng(0), np.mgrid[:80, :72] / 16
    folder.mkdir()
    for number in range(2):
        scene = 0.5 + 0.35 * np.sin(rows + number) * np.cos(2 * columns)
        noisy = np.clip(scene + 0.08 * random.standard_normal(scene.shape), 0, 1)
        Image.fromarray(np.rint(255 * noisy).astype(np.uint8)).save(folder / f"{number}.png")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "more"),
    [("recorrupted", ()), ("masked", ("--patch-size", "32")), ("paired", ())],
)
def test_killed_in_the_middle_of_training(objective, more, tmp_path):
    write(tmp_path / "in")
    out, whole = tmp_path / "out", tmp_path / "whole"
    settings = ("--objective", objective, "--time", "60s", *more)
    learn = ("denoise", "--learn", tmp_path / "in", out, *settings)

    # As after a kill before the first step, with few steps to take.
    steps = out / "checkpoints/steps.json"
    assert run_tfdvae(*learn, stop_when=steps.exists).returncode == -signal.SIGKILL
    shutil.rmtree(out / "checkpoints/training", ignore_errors=True)
    (out / "checkpoints/training").mkdir()
    steps.write_text(str(STEPS))
    shutil.copytree(out, whole)

    kept = out / "checkpoints/training/round-000001"
    assert run_tfdvae(*learn, stop_when=kept.exists).returncode == -signal.SIGKILL
    assert not (out / "model.keras").exists()
    done = run_tfdvae(*learn)
    assert done.returncode == 0, done.stderr
    assert json.loads((out / "history.json").read_text())[-1]["step"] == STEPS

    shutil.move(out, tmp_path / "killed")
    shutil.move(whole, out)
    assert run_tfdvae(*learn).returncode == 0
    for name in SAME:
        assert (out / name).read_bytes() == (tmp_path / "killed" / name).read_bytes(), name
    first, second = (tfdvae.load(tmp_path / name / "model.keras") for name in ("out", "killed"))
    assert weights_hash(first.keras_model) == weights_hash(second.keras_model)
