"""A cache folder that cannot be written, or is full."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.helpers.cases import Case, table
from tests.helpers.disk import full_disk, read_only_disks
from tests.helpers.processes import ROOT, TINY, complaint
from tfdvae._utils import files
from tfdvae.data import cache

_LOAD = """
import logging, sys, tempfile
from tfdvae._utils import limits
from tfdvae.cli import messages
from tfdvae.data import sources
if len(sys.argv) > 1:
    tempfile.tempdir = sys.argv[1]
with messages.shown():
    for _ in range(2):
        data = sources.load("./images")
        print(len(data.train.images), len(data.test.images), int(data.train.images.sum()))
"""


def _images(folder):
    for label in "ab":
        (folder / "images" / label).mkdir(parents=True)
        for number in range(5):
            pixels = np.random.default_rng(number).integers(0, 9, (6, 6), np.uint8)
            Image.fromarray(pixels).save(folder / "images" / label / f"{number}.png")


def _load(folder, *arguments, **environment):
    """Load the images twice in a process of its own, whose temporary folder is `t`."""
    (folder / "t").mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    return subprocess.run(
        [sys.executable, "-c", _LOAD, *arguments],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "t")} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _unusable(**places):
    """Load images with variables that name places where nothing can be written."""

    def check(folder, command):
        _images(folder)
        (folder / "file").touch()
        usual = _load(folder, XDG_CACHE_HOME=str(folder / "c")).stdout.splitlines()
        environment = {name: place.replace("FOLDER", str(folder)) for name, place in places.items()}
        done = _load(folder, **environment)
        assert done.returncode == 0, done.stderr
        first, *others = done.stdout.splitlines()
        assert others == usual
        place = next(iter(environment.values()))
        assert first.startswith(f"NOTE: the cache of decoded datasets, {place}")
        assert "cannot be written" in first
        assert "XDG_CACHE_HOME names another place" in first
        assert not list((folder / "t").iterdir()), "the temporary folder is removed"

    return check


def _nowhere(folder, command):
    _images(folder)
    done = _load(folder, "/proc/none", XDG_CACHE_HOME="/proc/none")
    assert done.returncode == 1
    assert "OSError: there is no place for the decoded dataset: neither the cache, /proc/none" in (
        done.stderr
    )
    assert "XDG_CACHE_HOME and TMPDIR name other places." in done.stderr


def _full(folder, command):
    images = np.zeros((300, 28, 28), np.uint8)
    np.savez_compressed(folder / "a.npz", x_train=images, y_train=np.arange(300) % 2)
    with full_disk():
        done = command("train", *TINY, "--dataset", "./a.npz", "--output", "run")
    message = complaint(done)
    assert "there is no place for the decoded dataset: neither the cache" in message
    assert "(File too large)" in message
    assert "damaged" not in message
    assert not (folder / "run").exists()
    left = [path.suffix for path in (folder / ".cache" / "tfdvae" / "datasets").iterdir()]
    assert left in ([], [".lock"])


@table(
    Case("XDG_CACHE_HOME below a file", "a NOTE", _unusable(XDG_CACHE_HOME="FOLDER/file/below")),
    Case("XDG_CACHE_HOME that cannot be made", "a NOTE", _unusable(XDG_CACHE_HOME="/proc/none")),
    Case("HOME that cannot be written", "a NOTE", _unusable(HOME="/proc/none")),
    Case("no temporary folder either", "an error that names both", _nowhere),
    Case("cache and temporary folder full", "an error that names both", _full),
)
def test_cache(case, tmp_path, command):
    case.check(tmp_path, command)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_temporary_folder_stands_in_for_a_full_cache(number, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    places = []

    def work(place):
        places.append(place)
        if tmp_path in place.parents:
            raise OSError(number, os.strerror(number))
        return place

    made = cache.use("digits", work)
    assert [tmp_path in place.parents for place in places] == [True, False]
    assert made == places[1] == cache.use("digits", work)
    assert caplog.text.count(f"cannot be written ({os.strerror(number)})") == 1


def test_a_temporary_folder_stands_in_for_a_cache_that_can_be_read_alone(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    places = []

    def work(place):
        places.append(place)
        files.write_text(place / "info.json", "{}")
        return place

    (tmp_path / "tfdvae" / "datasets").mkdir(parents=True)
    (tmp_path / "tfdvae" / "datasets" / "digits").mkdir()
    with read_only_disks() as read_only:
        read_only(tmp_path / "tfdvae" / "datasets" / "digits")
        made = cache.use("digits", work)
    assert [tmp_path in place.parents for place in places] == [True, False]
    assert (made / "info.json").is_file()
    assert "cannot be written (Read-only file system)" in caplog.text


def test_errors_of_the_dataset_are_told_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def work(place):
        raise FileNotFoundError(errno.ENOENT, "no archive")

    with pytest.raises(FileNotFoundError, match="no archive"):
        cache.use("digits", work)


@pytest.mark.slow
def test_a_run_without_a_home(tmp_path):
    """TensorFlow, Keras, matplotlib and TFDS have cache folders of their own."""
    _images(tmp_path)
    kept = {name: value for name, value in os.environ.items() if name != "XDG_CACHE_HOME"}
    given = ("--dataset", "./images", "--n-train", "8", "--output", "run")
    arguments = ("train", *TINY[4:], *given)
    done = subprocess.run(
        [sys.executable, "-m", "tfdvae", *arguments],
        cwd=tmp_path,
        env=kept | {"HOME": "/proc/none", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "NOTE: the cache of decoded datasets, /proc/none/.cache" in done.stdout
    assert (tmp_path / "run" / "report.html").is_file()
