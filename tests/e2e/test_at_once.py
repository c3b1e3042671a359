"""Two commands at once that write to one place: the second says so, or the result is right."""

import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from tests.faults import kills
from tests.helpers.processes import TINY, complaint, run_tfdvae
from tfdvae import csv_rows
from tfdvae.image_io import codec

pytestmark = pytest.mark.slow

COUNT = 300


def both(*arguments, cwd):
    """Start a command twice at once, and return both when they have ended."""
    command = [sys.executable, "-m", "tfdvae", *map(str, arguments)]
    started = [
        subprocess.Popen(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ended = []
    for process in started:
        outputs = process.communicate(timeout=300)
        ended.append(subprocess.CompletedProcess(command, process.returncode, *outputs))
    return ended


def pixels(folder):
    """Return the pixels of all files of a folder, which must all be whole."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            is_stack = path.suffix == ".tif"
            found[path.name] = (tifffile.imread if is_stack else codec.read)(path).astype(int)
    return found


def test_two_that_denoise_a_folder_write_what_one_writes(command, tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for number in range(COUNT):
        codec.write(
            tmp_path / "in" / f"{number}.png", random.integers(0, 256, (28, 28, 1)).astype(np.uint8)
        )
    stack = random.integers(0, 256, (40, 28, 28)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "in" / "stack.tif", stack, photometric="minisblack")
    for done in both("denoise", "clothing-denoiser", "in", "out", cwd=tmp_path):
        assert done.returncode == 0, done.stderr
    alone = command("denoise", "clothing-denoiser", "in", "alone")
    assert alone.returncode == 0, alone.stderr
    made, expected = pixels(tmp_path / "out"), pixels(tmp_path / "alone")
    assert made.keys() == expected.keys()
    assert len(made) == COUNT + 1
    # Other batches have other last bits.
    assert max(np.abs(made[name] - expected[name]).max() for name in made) <= 1


def test_two_that_denoise_arrays_write_what_one_writes(command, tmp_path):
    images = np.random.default_rng(0).random((COUNT, 28, 28), dtype=np.float32)
    np.savez(tmp_path / "in.npz", images=images)
    line = ("denoise", "clothing-denoiser", "in.npz", "out.npz")
    ended = both(*line, "--overwrite", cwd=tmp_path)
    assert [done.returncode for done in ended] == [0, 0], [done.stderr for done in ended]
    alone = command(*line[:3], "alone.npz")
    assert alone.returncode == 0, alone.stderr
    with np.load(tmp_path / "out.npz") as made, np.load(tmp_path / "alone.npz") as expected:
        np.testing.assert_allclose(made["images"], expected["images"], atol=1e-5)
    left = {path.name for path in tmp_path.iterdir()} - {".cache"}
    assert left == {"in.npz", "out.npz", "alone.npz"}


def test_of_two_that_train_into_a_folder_one_says_so(small_digits, tmp_path):
    ended = both("train", *TINY, "--dataset", small_digits, "--output", "run", cwd=tmp_path)
    first, second = sorted(ended, key=lambda done: done.returncode)
    assert first.returncode == 0, first.stderr
    told = complaint(second)
    assert "another process is writing to run." in told or "`output` run holds another run" in told
    assert (tmp_path / "run" / "report.html").is_file()
    assert not list((tmp_path / "run").rglob(".tmp-*"))
    kept = csv_rows.read_rows(tmp_path / "run" / "metrics.csv")
    assert len({tuple(row.values()) for row in kept}) == len(kept), "no row is there twice"


def test_a_study_runs_once_and_goes_on_after_ctrl_c(small_digits, tmp_path):
    """As in a terminal, Ctrl-C is for the study and its cells."""
    folder = tmp_path / "study"
    study = (*kills.STUDY.split(), "--seeds", "0", "--dataset", small_digits, "--output", folder)
    second = []

    def begun():
        if len(kills.alive(folder, 0)) > 1:
            second.append(run_tfdvae(*study))
        return bool(second)

    first = run_tfdvae(*study, stop_when=begun, sent=signal.SIGINT)
    assert f"another process is writing to {folder}." in complaint(second[0])
    assert (first.returncode, "Traceback" in first.stderr) == (130, False), first.stderr
    assert "tfdvae: stopped. Run the same command again to continue." in first.stderr
    assert not kills.alive(folder, 5)
    again = run_tfdvae(*study)
    assert again.returncode == 0, again.stderr
    assert (folder / "report.html").is_file()
    assert not list(folder.rglob(".tmp-*"))
    kept = csv_rows.read_rows(folder / "rows.csv")
    assert {row["run"] for row in kept} == {path.stem for path in folder.glob("cells/*.csv")}
