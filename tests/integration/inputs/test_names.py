"""Names of files and folders as users have them."""

import shlex

import pytest

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.light import light_main
from tests.helpers.processes import complaint
from tfdvae.data import sources

LONG = "n" * 256
ARGUMENTS = (  # a command with a place for the text, and the argument that is at fault
    ("train --dataset {}", "dataset"),
    ("train --data-dir {}", "data_dir"),
    ("train --noisy-dir {}", "noisy_dir"),
    ("train --output {}", "output"),
    ("train --resume {}", "resume"),
    ("train --init-from {}", "init_from"),
    ("train --config {}", "config"),
    ("denoise {} in out", "model"),
    ("denoise clothing-denoiser {} out", "input"),
    ("denoise clothing-denoiser in {}", "output"),
    ("impute clothing-dvae in out --mask {}", "mask"),
    ("detect clothing-dvae in out.csv --normal {}", "normal"),
    ("encode clothing-dvae in {}", "output"),
    ("augment clothing-dvae {} out", "input"),
    ("sample clothing-dvae {}", "output"),
    ("export clothing-dvae --output {}", "output"),
    ("inspect {}", "path"),
    ("study noise --dataset {}", "dataset"),
    ("study noise --output {}", "output"),
    ("study noise --config {}", "config"),
    ("study augmentation --groups {}", "groups"),
    ("study uses --data-dir {}", "data_dir"),
)


def _each(text, wanted):
    """Give a text as each argument; it is refused by name, and nothing is written."""

    def check(folder, command):
        for line, argument in ARGUMENTS:
            done = command(*shlex.split(line.format(shlex.quote(text))))
            assert f"`{argument}` must {wanted}" in complaint(done), line
        assert list(folder.iterdir()) == []

    return check


def _before_tensorflow(folder, command):
    for line, argument in ARGUMENTS[:1] + ARGUMENTS[9:10]:
        done = light_main(*shlex.split(line.format("''")), cwd=folder)
        assert f"`{argument}` must not be empty" in complaint(done)


def _environment(folder, command):
    for value in ("", " "):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TFDVAE_DATA_DIR", value)
            done = command("train", "--dataset", "digits", "--output", "run")
        assert done.returncode == 2
        assert "`TFDVAE_DATA_DIR` must not be empty; got '" in done.stderr


def _python(folder, command):
    model = tfdvae.load("clothing-dvae")
    for argument, call in (
        ("model", lambda text: tfdvae.load(text)),
        ("dataset", lambda text: tfdvae.train(dataset=text)),
        ("output", lambda text: tfdvae.train(dataset="digits", output=text)),
        ("dataset", lambda text: tfdvae.study("noise", dataset=text)),
        ("path", lambda text: tfdvae.export(model, text)),
        ("dataset", lambda text: sources.load(text)),
    ):
        for text in ("", "  ", "a\0b", LONG):
            with pytest.raises(ValueError, match=f"`{argument}` must"):
                call(text)


@table(
    Case("'' for each path", "refused by name", _each("", "not be empty; got ''.")),
    Case("'' for a path", "refused before TensorFlow is imported", _before_tensorflow),
    Case("a blank for each path", "refused by name", _each(" ", "not be empty; got ' '.")),
    Case("a name of 256 bytes", "refused by name", _each(LONG, "be a path with names of at most")),
    Case("TFDVAE_DATA_DIR empty or blank", "refused by name", _environment),
    Case("Python: '', ' ', a null character, 256 bytes", "refused by name", _python),
)
def test_arguments(case, tmp_path, command):
    case.check(tmp_path, command)
