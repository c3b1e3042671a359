"""Images that vanish while they are used, and disks that cannot be written, also from then on."""

import shutil

import keras
import numpy as np
import pytest
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.disk import read_only_disks
from tests.helpers.processes import TINY, complaint, run_tfdvae
from tfdvae import csv_rows
from tfdvae._utils import limits
from tfdvae.image_io import codec

RANDOM = np.random.default_rng(0)
COUNT = 40
SETTINGS = {"n_train": 20, "epochs": 2, "model": "dae", "no_classifier": True, "network": "mlp"}


def _images(folder, side=28, count=COUNT):
    for number in range(count):
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = RANDOM.integers(0, 255, (side, side), dtype=np.uint8)
        Image.fromarray(pixels).save(path)


@pytest.fixture
def after_ten(monkeypatch):
    """Call a function once ten images are written."""

    def use(function):
        write, written = codec.write, []

        def counted(path, pixels, like=None):
            write(path, pixels, like)
            written.append(path)
            if len(written) == 10:
                function()

        monkeypatch.setattr(codec, "write", counted)

    return use


class Call(keras.callbacks.Callback):
    """Calls a function as the second epoch begins."""

    def __init__(self, function):
        super().__init__()
        self._function = function

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            self._function()


def test_images_that_vanish_while_they_are_denoised(tmp_path, command, after_ten):
    _images(tmp_path / "in")
    line = ("denoise", "clothing-denoiser", "in", "out")
    after_ten(lambda: shutil.move("in", "elsewhere"))
    with limits.use(file_images=1):
        told = complaint(command(*line))
    made = list((tmp_path / "out").rglob("*.*"))
    assert 10 <= len(made) < COUNT
    assert f"in was removed while it was read; {len(made)} images in out." in told
    shutil.move("elsewhere", "in")
    done = command(*line)
    assert done.returncode == 0, done.stderr
    assert f"{COUNT - len(made)} images in out, {len(made)} already there" in done.stdout


def test_images_that_vanish_while_they_are_decoded(tmp_path, command, monkeypatch):
    _images(tmp_path / "in")
    read_as, decoded = codec.ImageFile.read_as, []

    def counted(self, *arguments):
        decoded.append(self)
        if len(decoded) == 10:
            shutil.move("in", "elsewhere")
        return read_as(self, *arguments)

    monkeypatch.setattr(codec.ImageFile, "read_as", counted)
    line = ("train", "--dataset", "./in", "--output", "run", "--no-classifier")
    told = complaint(command(*line))
    assert f"{tmp_path}/in" in told
    assert "cannot be read: " in told
    assert not (tmp_path / "run").exists()
    kept = tmp_path / ".cache" / "tfdvae" / "datasets"
    assert not [path for path in kept.iterdir() if path.is_dir()], "no half of a dataset"


@pytest.mark.slow
def test_images_that_vanish_while_they_are_trained_on(tmp_path, command):
    """They were decoded once and are needed no more; to go on, they are."""
    _images(tmp_path / "in")

    def stop():
        shutil.rmtree("in")
        raise KeyboardInterrupt

    settings = {**SETTINGS, "dataset": "./in"}
    with pytest.raises(KeyboardInterrupt):
        tfdvae.train(**settings, output="stopped", callbacks=[Call(stop)])
    told = complaint(command("train", "--resume", "stopped"))
    assert "in must be a folder of images or an .npz file; there is nothing of that name." in told
    _images(tmp_path / "in")
    folder = tfdvae.train(**settings, output="whole", callbacks=[Call(lambda: shutil.rmtree("in"))])
    assert (folder / "report.html").is_file()


@pytest.mark.slow
def test_images_that_vanish_while_a_study_computes(tmp_path):
    _images(tmp_path / "in", 12, 100)
    chosen = ("--targets", "corrupted", "--seeds", "0", "--epochs", "1", "--threads", "1")
    line = ("study", "noise", "--dataset", "./in", *chosen, "--output", "study")
    moved = []

    def remove():
        if not moved and list((tmp_path / "study").glob("cells/*.csv")):
            moved.append(shutil.move(tmp_path / "in", tmp_path / "elsewhere"))

    told = complaint(run_tfdvae(*line, stop_when=remove, cwd=tmp_path))
    assert "failed with status 2: tfdvae: error: `dataset` in must be a folder of images" in told
    cells = {path.stem for path in (tmp_path / "study").glob("cells/*.csv")}
    assert 1 <= len(cells) <= 2
    assert cells >= {row["run"] for row in csv_rows.read_rows(tmp_path / "study" / "rows.csv")}


@pytest.mark.slow
def test_pictures_that_vanish_while_a_model_learns_from_them(tmp_path):
    _images(tmp_path / "in", 64)
    line = ("denoise", "--learn", "in", "out", "--time", "2s")

    def remove():
        if (tmp_path / "out/checkpoints/training").exists() and (tmp_path / "in").exists():
            shutil.move(tmp_path / "in", tmp_path / "elsewhere")

    told = complaint(run_tfdvae(*line, stop_when=remove, cwd=tmp_path))
    assert "`learn` in was removed meanwhile; what was learned is in out. Bring it back" in told
    assert (tmp_path / "out/model.keras").is_file()
    shutil.move(tmp_path / "elsewhere", tmp_path / "in")
    done = run_tfdvae(*line, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "to learn from" not in done.stdout
    assert len(list((tmp_path / "out/denoised").rglob("*.png"))) == COUNT


def _refused(*words):
    def check(folder, command):
        _images(folder / "in")
        (folder / "disk").mkdir()
        with read_only_disks() as read_only:
            read_only(folder / "disk")
            told = complaint(command(*words))
        assert "`output` disk" in told
        assert "cannot be written: Read-only file system." in told
        assert not list((folder / "disk").iterdir())

    return check


@table(
    Case("train", "refused", _refused("train", *TINY, "--output", "disk/run")),
    Case("denoise", "refused", _refused("denoise", "clothing-denoiser", "in", "disk/out")),
    Case("learn", "refused", _refused("denoise", "--learn", "in", "disk/out")),
    Case("detect", "refused", _refused("detect", "clothing-dvae", "in", "disk/a.csv")),
    Case("export", "refused", _refused("export", "clothing-dvae", "--output", "disk/a")),
    Case(
        "a study",
        "refused",
        _refused("study", "noise", "--dataset", "digits", "--output", "disk/study"),
    ),
    Case(
        "classify",
        "refused",
        _refused("classify", "--dataset", "digits", "--output", "disk/study"),
    ),
)
def test_an_output_that_can_be_read_alone(case, tmp_path, command):
    case.check(tmp_path, command)


def test_a_disk_that_can_be_read_alone_while_images_are_denoised(tmp_path, command, after_ten):
    _images(tmp_path / "in")
    (tmp_path / "out").mkdir()
    line = ("denoise", "clothing-denoiser", "in", "out")
    with read_only_disks() as read_only:
        after_ten(lambda: read_only(tmp_path / "out"))
        told = complaint(command(*line))
    assert "error: out cannot be written (Read-only file system). See" in told
    made = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(made) == 10
    for path in made:
        assert codec.read(path).shape == (28, 28, 1)
    assert command(*line).returncode == 0


@pytest.mark.slow
def test_a_disk_that_can_be_read_alone_while_a_model_trains(tmp_path, command):
    (tmp_path / "run").mkdir()
    with read_only_disks() as read_only:
        callbacks = [Call(lambda: read_only(tmp_path / "run"))]
        message = r"^run cannot be written \(Read-only file system\)\.$"
        with pytest.raises(OSError, match=message):
            tfdvae.train(**SETTINGS, dataset="digits", output="run", callbacks=callbacks)
    done = command("train", "--resume", "run")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "report.html").is_file()
    assert not list((tmp_path / "run").rglob(".tmp-*"))
