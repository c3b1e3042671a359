"""Pipes where files are expected, and folders that vanish or cannot be written in mid-run."""

import os
import shutil
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.processes import complaint
from tfdvae.data import sources

TINY = {"dataset": "digits", "n_train": 40, "epochs": 2, "model": "dae", "no_classifier": True}


def _image(path):
    pixels = np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _told(message, pipe, *words):
    """Nobody writes into the pipe: who opens it waits for ever."""

    def check(folder, command):
        _image(folder / "in" / "0.png")
        _image(folder / "classes" / "a" / "0.png")
        np.save(folder / "a.npy", np.zeros((2, 28, 28), np.uint8))
        (folder / pipe).parent.mkdir(exist_ok=True)
        os.mkfifo(folder / pipe)
        told = complaint(command(*words))
        assert message in told, told

    return check


def _kept(pipe, *words, needed="a file"):
    """A pipe where a file is to be written is not replaced, also with --overwrite."""

    def check(folder, command):
        _image(folder / "in" / "0.png")
        os.mkfifo(folder / pipe)
        told = complaint(command(*words))
        assert f"{pipe} is a pipe or a device; {needed} is needed" in told, told
        assert (folder / pipe).is_fifo()

    return check


def _one_of_several(folder, command):
    _image(folder / "in" / "0.png")
    os.mkfifo(folder / "in" / "1.png")
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.returncode == 1
    assert "the image in/1.png cannot be read: it is no file" in done.stderr
    assert (folder / "out" / "0.png").is_file()


@table(
    Case(
        "a pipe as a .keras file",
        "refused",
        _told(
            "`model` pipe.keras must be a file or a folder; it is neither",
            *("pipe.keras", "denoise", "pipe.keras", "in", "out"),
        ),
    ),
    Case(
        "a pipe as a model to export",
        "refused",
        _told(
            "`model` pipe must be a file or a folder; it is neither",
            *("pipe", "export", "pipe", "--output", "out"),
        ),
    ),
    Case(
        "a pipe as a model to start from",
        "refused",
        _told(
            "`init_from` pipe.keras must be a run folder",
            *("pipe.keras", "train", "--dataset", "digits", "--init-from", "pipe.keras"),
        ),
    ),
    Case(
        "a pipe as an image",
        "refused",
        _told(
            "pipe.png cannot be read: it is no file",
            *("pipe.png", "denoise", "clothing-denoiser", "pipe.png", "out.png"),
        ),
    ),
    Case(
        "a pipe as arrays",
        "refused",
        _told(
            "`input` pipe.npz must be a file of arrays; it is no file",
            *("pipe.npz", "denoise", "clothing-denoiser", "pipe.npz", "out.npz"),
        ),
    ),
    Case(
        "a pipe as a dataset",
        "refused",
        _told(
            "`dataset` pipe.npz must be a folder of images or an .npz file",
            *("pipe.npz", "train", "--dataset", "./pipe.npz", "--output", "out"),
        ),
    ),
    Case(
        "a pipe in a folder of classes",
        "named",
        _told(
            "pipe.png cannot be read: it is no file",
            *("classes/a/pipe.png", "train", "--dataset", "./classes", "--output", "out"),
            "--no-classifier",
        ),
    ),
    Case(
        "a pipe as a classifier",
        "refused",
        _told(
            "`model` pipe.keras is neither a file nor a folder",
            *("pipe.keras", "predict", "pipe.keras", "in", "out.csv"),
        ),
    ),
    Case(
        "a pipe of another name as images",
        "refused",
        _told(
            "`input` pipe must be a folder or a file; it is neither",
            *("pipe", "denoise", "clothing-denoiser", "pipe", "out.png"),
        ),
    ),
    Case(
        "a pipe to look into",
        "refused",
        _told(
            "`path` pipe.npy must be a file of arrays; it is no file",
            *("pipe.npy", "inspect", "pipe.npy"),
        ),
    ),
    Case(
        "a pipe to learn from",
        "refused",
        _told(
            "`learn` pipe.npz must be a folder or a file; it is neither",
            *("pipe.npz", "denoise", "--learn", "pipe.npz", "out"),
        ),
    ),
    Case(
        "a pipe as a mask",
        "refused",
        _told(
            "`mask` m.npy must be a file of arrays; it is no file",
            *("m.npy", "impute", "clothing-denoiser", "a.npy", "b.npy", "--mask", "m.npy"),
        ),
    ),
    Case(
        "a pipe as scores",
        "refused, also with --overwrite",
        _kept("s.csv", "detect", "clothing-dvae", "in", "s.csv", "--overwrite"),
    ),
    Case(
        "a pipe as codes",
        "refused, also with --overwrite",
        _kept("c.npz", "encode", "clothing-dvae", "in", "c.npz", "--overwrite"),
    ),
    Case("a pipe as a figure", "refused", _kept("f.png", "inspect", "in", "--figure", "f.png")),
    Case(
        "a pipe as a folder of results",
        "refused",
        _kept("out", "denoise", "clothing-denoiser", "in", "out", needed="a folder"),
    ),
    Case(
        "a pipe as a folder of synthetic images",
        "refused",
        _kept("out", "augment", "clothing-dvae", "in", "out", "--overwrite", needed="a folder"),
    ),
    Case(
        "a pipe as a run folder",
        "refused",
        _kept("out", "train", "--dataset", "digits", "--output", "out", needed="a folder"),
    ),
    Case(
        "a pipe as the folder of a study",
        "refused",
        _kept("out", "study", "noise", "--dataset", "digits", "--output", "out", needed="a folder"),
    ),
    Case("a pipe beside an image", "the image is denoised, the pipe named", _one_of_several),
)
def test_pipes(case, tmp_path, command):
    case.check(tmp_path, command)


class Remove(keras.callbacks.Callback):
    """Removes a folder, as somebody else may, when a method of a callback is called."""

    def __init__(self, folder, method):
        super().__init__()
        setattr(self, method, lambda *args: shutil.rmtree(folder, ignore_errors=True))


@pytest.mark.parametrize("method", ["on_epoch_begin", "on_train_end"])
def test_a_run_folder_that_is_removed_is_told_at_the_next_write(method, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(FileNotFoundError, match=r"run.* was removed"):
        tfdvae.train(**TINY, output=str(folder), callbacks=[Remove(folder, method)])
    assert not (folder / "report.md").exists()


def test_a_folder_that_tensorflow_cannot_write_is_named(tmp_path, command):

    class Break(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tfdvae.train(**TINY, output="run", callbacks=[Break()])
    shutil.rmtree(tmp_path / "run" / "logs", ignore_errors=True)
    (tmp_path / "run" / "logs").touch()
    told = complaint(command("train", "--resume", "run"))
    assert "run/logs is not a directory" in told, told


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            tf.errors.ResourceExhaustedError(
                None, None, "{{function_node __wrapped__Mul}} OOM when allocating x [Op:Mul] name:"
            ),
            "error: memory ran out: OOM when allocating x See",
        ),
        (
            tf.errors.ResourceExhaustedError(None, None, "o/logs; No space left on device"),
            "error: the disk is full: o/logs; No space left on device See",
        ),
        (
            tf.errors.PermissionDeniedError(None, None, "o/logs; Permission denied\n  more"),
            "error: o/logs; Permission denied See",
        ),
        (tf.errors.UnknownError(None, None, "a {{node b}} c"), "error: a c See"),
        (EOFError("No data left in file"), "error: No data left in file See"),
        (zipfile.BadZipFile("Bad CRC-32"), "error: Bad CRC-32 See"),
        (OverflowError("int too large"), "error: int too large See"),
    ],
)
@pytest.mark.parametrize("name", ["train", "study"])
def test_errors_of_libraries_are_short_messages(name, error, message, monkeypatch, command):
    def fail(*arguments, **others):
        raise error

    monkeypatch.setattr(sources, "check", fail)
    words = ["train"] if name == "train" else ["study", "noise"]
    assert message in complaint(command(*words, "--dataset", "digits", "--output", "o"))
