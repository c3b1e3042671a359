"""The command line in a subprocess, as a user meets it."""

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT, run
from tfdvae.corruptions import KINDS

TINY = ["--dataset", "digits", "--n-train", "60", "--epochs", "1", "--classifier-steps", "2", "--threads", "2"]
WITHOUT_TENSORFLOW = """
import sys
from tfdvae.cli import main
try:
    status = main({arguments!r})
except SystemExit as end:
    status = end.code
assert "tensorflow" not in sys.modules, "TensorFlow was imported"
sys.exit(status)
"""


def main(*arguments):
    """Run `tfdvae` and assert that it does not import TensorFlow."""
    code = WITHOUT_TENSORFLOW.format(arguments=list(map(str, arguments)))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)


def complaint(process):
    """The message of a refused command, frames and line breaks of the box removed."""
    assert process.returncode == 2, process.stdout + process.stderr
    assert "Traceback" not in process.stderr
    assert process.stderr.count("\n") < 20, "short"
    return re.sub(r"[\s│╭╮╰╯─]+", " ", process.stderr)


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"], ["corruptions"]])
def test_answers_without_tensorflow(arguments):
    process = main(*arguments)
    assert process.returncode == 0
    assert process.stdout
    assert not process.stderr


@pytest.mark.parametrize("arguments", [["--version"], ["train", "--version"]])
def test_version(arguments):
    import tfdvae

    assert main(*arguments).stdout == f"tfdvae {tfdvae.__version__}\n"


def test_corruptions_lists_all_with_their_unit():
    shown = main("corruptions").stdout
    for name, kind in KINDS.items():
        assert name in shown
        assert kind.unit in shown


def test_help_shows_every_flag_with_its_default():
    shown = re.sub(r"[\s│]+", " ", main("train", "--help").stdout)
    for flag, default in (("--model", "dvae"), ("--epochs", "60"), ("--classifier-steps", "1200"), ("--train-noise", "gaussian:0.1")):
        assert re.search(rf"{flag} .*?\(default: {default}\)", shown)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "dvea"], "Did you mean 'dvae'"), (["--dataset", "fashion_mnits"], "Did you mean 'fashion_mnist'"), (["--dataset", "nowhere:mnist"], "`dataset`"),
        (["--corruption", "gausian:0.1"], "Did you mean 'gaussian'"), (["--corruption", "gaussian:abc"], "got 'gaussian:abc'"),
        (["--network", "mpl"], "Did you mean 'mlp'"), (["--protocol", "equal"], "`protocol` must be one of"), (["--moedl", "dvae"], "--model"),
        (["--n-train", "0"], "`n_train`"), (["--n-train", "ten"], "--n-train"), (["--noisy-train", "--train-noise", "-0.1"], "got -0.1"), (["--corruption", "-0.1"], "got -0.1"), (["--train-noise", "0.2"], "is for `noisy_train`"),
        (["--model", "vae", "--target", "corrupted"], "`target` is for models dae and dvae"),
        (["--train-noise", "gaussian:-0.1"], "got -0.1"), (["--test-noise", "0", "1.5"], "between 0 and 1; got 1.5"), (["--latent-dim", "0"], "`latent_dim`"),
        (["--learning-rate", "nan"], "`learning_rate`"), (["--epochs", "1.5"], "--epochs"), (["--data-dir", "/nowhere/at/all"], "/nowhere/at/all is not a folder"),
        (["--resume", "/nowhere/at/all"], "is not a run folder"), (["--resume", "tests"], "is not a run folder"), (["--model", "ae", "--corruption", "0.1"], "`dae`"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused_without_tensorflow(arguments, message):
    assert message in complaint(main("train", *arguments))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "digits", "--n-train", "1439"], "1,438 training images of digits; got 1,439"),
        (["--dataset", "fashion_mnist"], "fashion_mnist is not on this machine"),
        (["--data-dir", "EMPTY"], "lacks t10k-images-idx3-ubyte.gz"),
        ([*TINY, "--output", "/proc/none"], "cannot be written"),
        ([*TINY, "--output", "FILE"], "is a file"),
        ([*TINY, "--output", "FULL"], "is not empty"),
        ([*TINY, "--output", "FILE/below"], "cannot be written"),
        ([*TINY, "--learning-rate", "1e30", "--epochs", "5"], "the loss became"),
    ],
)  # fmt: skip
def test_bad_surroundings(arguments, message, tmp_path, no_network):
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "FULL").mkdir()
    (tmp_path / "FULL" / "thesis.tex").touch()
    (tmp_path / "FILE").touch()
    assert message in complaint(run(*arguments, cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache")))


def test_truncated_archive_is_named(archives, tmp_path):
    for path in archives.glob("*.gz"):
        (tmp_path / path.name).write_bytes(path.read_bytes()[:20000])
    for name in ("auto", "fashion_mnist"):
        assert "t10k-images-idx3-ubyte.gz is corrupted or truncated" in complaint(run("--dataset", name, "--data-dir", tmp_path))


def test_needs_neither_git_nor_a_backend_setting(tmp_path):
    process = run(*TINY, "--no-classifier", "--output", tmp_path / "run", PATH="", KERAS_BACKEND="jax")
    assert process.returncode == 0, process.stderr


def test_library_refuses_another_backend():
    code = "import keras; keras.backend.backend = lambda: 'jax'; import tfdvae; tfdvae.DAE"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False, env=os.environ)
    assert "ImportError: tfdvae needs Keras on TensorFlow; got the backend jax" in process.stderr


def test_debug_shows_the_traceback(no_network, tmp_path):
    process = run("--dataset", "fashion_mnist", "--debug", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert process.returncode == 1
    assert "Traceback" in process.stderr
    assert "Unavailable" in process.stderr


def test_train_py_is_the_command_train():
    installed = main("train", "--help").stdout
    assert run("--help").stdout == installed
