"""A disk that is full: what a process may write to a file is limited, which it meets alike."""

import numpy as np
import pytest
from PIL import Image

from tests.helpers.cases import Case, table
from tests.helpers.disk import full_disk
from tests.helpers.processes import TINY, complaint
from tfdvae.data import sources


def _pixels(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def _refused(command, output, *arguments):
    """Run a command and see it name the output, and leave nothing at it and nothing beside it."""
    before = set(output.parent.rglob("*"))
    with full_disk():
        done = command(*arguments)
    message = complaint(done)
    assert f"the disk is full: {output.name} cannot be written (File too large)." in message
    assert "memory" not in message
    left = set(output.parent.rglob("*")) - before - {output}
    assert [path for path in left if ".cache" not in path.parts] == []
    assert not output.exists() or not any(output.iterdir())


def _denoise_a_folder(folder, command):
    (folder / "in").mkdir()
    Image.fromarray(_pixels(200, 200)).save(folder / "in" / "1.png")
    _refused(command, folder / "out", "denoise", "clothing-denoiser", "in", "out")
    assert command("denoise", "clothing-denoiser", "in", "out").returncode == 0


def _augment_a_folder(folder, command):
    """The images are small; their manifest is not."""
    (folder / "in").mkdir()
    for number in range(100):
        Image.fromarray(_pixels(28, 28)).save(folder / "in" / f"{number}-{'n' * 200}.png")
    _refused(command, folder / "out", "augment", "clothing-dvae", "in", "out")
    assert command("augment", "clothing-dvae", "in", "out").returncode == 0


def _file(name, verb, *others):
    def check(folder, command):
        images = _pixels(1500, 28, 28)
        np.savez(folder / "in.npz", x_train=images, y_train=np.arange(1500) % 3)
        given = () if verb == "sample" else ("in.npz",)
        arguments = (verb, "clothing-dvae", *given, name, *others)
        _refused(command, folder / name, *arguments)
        assert command(*arguments).returncode == 0

    return check


def _export(name, *others):
    def check(folder, command):
        arguments = ("export", "clothing-dvae", "--output", name, *others)
        _refused(command, folder / name, *arguments)
        assert command(*arguments).returncode == 0

    return check


def _earlier_result_is_kept(folder, command):
    assert command("sample", "clothing-dvae", "out.npy", "--count", "2").returncode == 0
    before = (folder / "out.npy").read_bytes()
    with full_disk():
        done = command("sample", "clothing-dvae", "out.npy", "--count", "99", "--overwrite")
    assert "the disk is full" in complaint(done)
    assert (folder / "out.npy").read_bytes() == before


@table(
    Case("denoise a folder", "told, the same command goes on", _denoise_a_folder),
    Case("augment a folder", "told, nothing written", _augment_a_folder),
    Case("denoise arrays", "told, nothing written", _file("out.npz", "denoise")),
    Case("augment arrays", "told, nothing written", _file("out.npz", "augment")),
    Case("encode", "told, nothing written", _file("out.npz", "encode")),
    Case("detect", "told, nothing written", _file("out.csv", "detect")),
    Case("sample", "told, nothing written", _file("out.npy", "sample", "--count", "99")),
    Case("export to a SavedModel", "told, nothing written", _export("out")),
    Case("--overwrite", "told, the earlier result is kept", _earlier_result_is_kept),
)
def test_full_disk(case, tmp_path, command):
    case.check(tmp_path, command)


@pytest.mark.slow
@pytest.mark.parametrize("most", [100, 500_000, 1_500_000])
def test_a_run_goes_on_once_there_is_room(most, tmp_path, command):
    with full_disk(most):
        done = command("train", *TINY, "--output", "run")
    assert "the disk is full: run cannot be written (File too large)." in complaint(done)
    assert not list((tmp_path / "run").rglob(".tmp-*"))
    begun = (tmp_path / "run" / "config.json").exists()
    again = ("--resume", "run") if begun else (*TINY, "--output", "run")
    assert command("train", *again).returncode == 0
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.slow
def test_a_cell_of_a_study_tells_that_the_disk_is_full(small_digits, tmp_path, command):
    sources.load(str(small_digits))  # it is decoded, and has had room
    chosen = ("--targets", "corrupted", "--seeds", "0", "--epochs", "1", "--threads", "1")
    line = ("study", "noise", "--dataset", small_digits, *chosen, "--output", "study")
    with full_disk(2_000):
        done = command(*line)
    told = complaint(done)
    assert "error: the disk is full: cell corrupted-none-seed0 failed with status 2:" in told
    assert "tfdvae: error: the disk is full: study/cells/corrupted-none-seed0." in told
    assert "cannot be written (File too large)." in told
    left = {path.name for path in (tmp_path / "study").rglob("*") if path.is_file()}
    assert left == {".lock", "config.json"}, "nothing of the cell"


@pytest.mark.slow
@pytest.mark.parametrize("most", [20_000, 200_000])
def test_what_learns_from_noisy_pictures_goes_on_once_there_is_room(most, tmp_path, command):
    """It finds the disk full as it decodes the pictures, or as it keeps what it learned."""
    for number in range(3):
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray(_pixels(96, 96)).save(tmp_path / "in" / f"{number}.png")
    line = ("denoise", "--learn", "in", "out", "--time", "1s")
    with full_disk(most):
        done = command(*line)
    assert "the disk is full: out cannot be written (File too large)." in complaint(done)
    assert not list((tmp_path / "out").rglob(".tmp-*"))
    assert not (tmp_path / "out" / "model.keras").exists()
    done = command(*line)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").is_file()
