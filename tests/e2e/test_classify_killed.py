"""`tfdvae classify` that is killed in the middle ends with the same bits."""

import signal

import keras
import pytest

from tests.helpers.models import weights_hash
from tests.helpers.processes import run_tfdvae

SAME = ("predictions.csv", "report.md", "images.json")


@pytest.mark.slow
def test_killed_in_a_fold_and_while_it_learns_from_all(small_digits, tmp_path):
    settings = ("--n-train", "40", "--folds", "2", "--classifier-steps", "200", "--threads", "1")

    def line(folder):
        return ("classify", "--dataset", small_digits, "--output", folder, *settings)

    out, whole = tmp_path / "out", tmp_path / "whole"
    inside = out / "checkpoints"
    for kept in (
        inside / "limited-1" / "classifier" / "round-000001",
        inside / "all" / "classifier" / "round-000001",
    ):
        assert run_tfdvae(*line(out), stop_when=kept.exists).returncode == -signal.SIGKILL
        assert not (out / "classifier.keras").exists()
    for folder in (out, whole):
        done = run_tfdvae(*line(folder))
        assert done.returncode == 0, done.stderr
    for name in SAME:
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    first, second = (keras.models.load_model(each / "classifier.keras") for each in (out, whole))
    assert weights_hash(first) == weights_hash(second)
