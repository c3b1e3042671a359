"""What only a process of its own can show of the command line and of what it imports."""

import os
import subprocess
import sys

import pytest

from tests.helpers.light import light_main
from tests.helpers.processes import ROOT, TINY, complaint, run


@pytest.mark.slow
def test_a_dataset_that_cannot_be_had(tmp_path, no_network):
    process = run(
        "--dataset", "fashion_mnist", cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache")
    )
    assert "fashion_mnist is not on this machine" in complaint(process)


@pytest.mark.slow
def test_needs_neither_git_nor_a_backend_setting(tmp_path):
    process = run(
        *TINY, "--no-classifier", "--output", tmp_path / "run", PATH="", KERAS_BACKEND="jax"
    )
    assert process.returncode == 0, process.stderr


def test_library_refuses_another_backend():
    code = "import keras; keras.backend.backend = lambda: 'jax'; import tfdvae; tfdvae.DAE"
    process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env=os.environ,
    )
    assert "ImportError: tfdvae needs Keras on TensorFlow; got the backend jax" in process.stderr


@pytest.mark.slow
def test_debug_shows_the_traceback(no_network, tmp_path):
    process = run("--dataset", "fashion_mnist", "--debug", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert process.returncode == 1
    assert "Traceback" in process.stderr
    assert "Unavailable" in process.stderr


def test_train_py_is_the_command_train():
    installed = light_main("train", "--help").stdout
    assert run("--help").stdout == installed


def test_a_classifier_in_the_working_folder(tmp_path):
    """Also where the working folder is not on the path, as for the installed command."""
    (tmp_path / "mine.py").write_text("from tfdvae.classifier import cnn as build")
    code = """
import sys
sys.path = [entry for entry in sys.path if entry]
from tfdvae.classifier import build
print(build("mine:build", (4, 4, 1), 2, 0).output_shape)
"""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "run.py").write_text(code)
    command = [sys.executable, str(tmp_path / "elsewhere" / "run.py")]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip().endswith("(None, 2)")
