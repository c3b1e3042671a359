"""What a command finds around it: where its output goes, its terminal, signals."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.cases import Case, table
from tests.helpers.processes import ROOT, TINY, complaint

LISTINGS = (
    "--help",
    "--version",
    "models",
    "networks",
    "corruptions",
    "recipes",
    "study list",
    "study --help",
    "train --help",
    "denoise --help",
    "study noise --help",
)


def shell(folder, line, **environment):
    """Run a line of a shell in which `tfdvae` is this one and `$status` its exit status, and
    return the finished process; its output is bytes.
    """
    tfdvae = shlex.join([sys.executable, "-m", "tfdvae"])
    script = f'tfdvae() {{ {tfdvae} "$@"; echo $? > status; }}\n{line}'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )
    done.returncode = int((folder / "status").read_text())
    return done


def image(path, seed=0):
    path.parent.mkdir(exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (28, 28), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def _listings_in_ascii(folder, command, lines=("--help", "networks")):
    for line in lines:
        for encoding in ("ascii", "cp1252"):
            done = shell(folder, f"tfdvae {line}", PYTHONIOENCODING=encoding)
            assert (done.returncode, done.stderr) == (0, b""), (line, encoding)
            done.stdout.decode(encoding)
            assert b"\\u2" not in done.stdout, line


def _message_in_ascii(folder, command):
    done = shell(folder, "tfdvae denoise größe→ in out", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert rb"there is no gr\xf6\xdfe\u2192." in done.stderr


def _denoise_in_ascii(folder, command):
    image(folder / "in" / "größe→.png")
    done = shell(folder, "tfdvae denoise clothing-denoiser in out→", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert rb"1 image in out\u2192" in done.stdout
    assert b"Traceback" not in done.stderr
    assert (folder / "out→" / "größe→.png").is_file()


def _listings_unread(folder, command, lines=("--help", "networks")):
    for line in lines:
        for reader in ("true", "head -c 1"):
            done = shell(folder, f"(tfdvae {line}) | {reader}")
            assert (done.returncode, done.stderr) == (0, b""), line


def _closed(folder, command):
    for redirection in (">&-", "<&- >&- 2>&-"):
        done = shell(folder, f"(tfdvae models) {redirection}")
        assert (done.returncode, done.stderr) == (0, b""), redirection


def _denoise_unread(folder, command):
    image(folder / "in" / "a.png")
    done = shell(folder, "(tfdvae denoise clothing-denoiser in out) 2>&1 | true")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (folder / "out" / "a.png").is_file()


def _full_output(folder, command):
    for line in ("models", "--help"):
        done = shell(folder, f"tfdvae {line} > /dev/full")
        assert done.returncode == 2
        assert b"standard output cannot be written: No space left on device" in done.stderr
        assert done.stderr.count(b"\n") == 2


def _control_characters(folder, command):
    done = command("denoise", "\x1b]0;title\x07\x9b31m\u202ered", "in", "out")
    assert done.returncode == 2
    assert r"there is no \x1b]0;title\x07\x9b31m\u202ered." in done.stderr


def _interrupted_start(folder, command):
    """Ctrl-C comes while the command line is imported, which this process cannot hide from."""
    code = (
        "import sys, signal\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'tyro': signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from tfdvae.cli.entry import main\n"
        "sys.exit(main(['models']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "tfdvae: stopped.\n")


@table(
    Case("lists and help, an output in ASCII or cp1252", "readable", _listings_in_ascii),
    Case("a message, an output in ASCII", "other characters as \\uNNNN", _message_in_ascii),
    Case("lists and help, nobody reads them", "no error, status 0", _listings_unread),
    Case("a list, standard streams are closed", "no error, status 0", _closed),
    Case("a list and help, to a full disk", "told once, status 2", _full_output),
    Case("ESC, BEL, CSI and a mark of direction in a name", "escaped", _control_characters),
    Case("Ctrl-C while the command starts", "a short message, 130", _interrupted_start),
)
def test_surroundings(case, tmp_path, command):
    case.check(tmp_path, command)


@pytest.mark.slow
@table(
    Case("`denoise`, an output in ASCII", "done, files in UTF-8", _denoise_in_ascii),
    Case("`denoise`, nobody reads its messages", "done, status 0", _denoise_unread),
)
def test_surroundings_of_a_command_with_a_model(case, tmp_path, command):
    case.check(tmp_path, command)


@pytest.mark.slow
@pytest.mark.parametrize("redirection", [">&-", "2>&-"])
@pytest.mark.parametrize(
    ("line", "made"),
    [
        (shlex.join(["train", *TINY, "--no-classifier", "--output", "out"]), "out/report.html"),
        ("denoise clothing-denoiser in out", "out/a.png"),
        ("inspect in --figure out.png", "out.png"),
    ],
    ids=["train", "denoise", "inspect"],
)
def test_a_closed_stream_is_no_error(line, made, redirection, tmp_path):
    """Nor does what is written to it get into a file that has its number."""
    image(tmp_path / "in" / "a.png")
    done = shell(tmp_path, f"(tfdvae {line}) {redirection}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"Traceback" not in done.stdout + done.stderr
    content = (tmp_path / made).read_bytes()
    assert content.startswith(b"<!DOCTYPE html>" if made.endswith("html") else b"\x89PNG")
    if made.endswith("png"):
        Image.open(tmp_path / made).load()
    wrong = shell(tmp_path, f"(tfdvae {line} --overwritten) {redirection}")
    assert wrong.returncode == 2
    assert b"Traceback" not in wrong.stdout + wrong.stderr


@pytest.mark.slow
@pytest.mark.parametrize("check", [_listings_in_ascii, _listings_unread])
def test_every_listing(check, tmp_path, command):
    check(tmp_path, command, LISTINGS)


@pytest.mark.slow
@pytest.mark.parametrize("line", ["(tfdvae {}) 2>&1 | head -1", "tfdvae {}"])
def test_a_run_ends_whose_output_is_ascii_and_unread(line, tmp_path):
    arguments = shlex.join([*TINY, "--output", "größe→"])
    done = shell(tmp_path, line.format(f"train {arguments}"), PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "größe→" / "report.html").is_file()


def _output_that_cannot_be_written(folder, command):
    image(folder / "in" / "a.png")
    (folder / "file").touch()
    for line in (
        "denoise clothing-denoiser in {}",
        "impute clothing-denoiser in {} --mask in",
        "augment clothing-dvae in {}",
        "encode clothing-dvae in {}.npz",
        "detect clothing-dvae in {}.csv",
        "sample clothing-dvae {}",
        "export clothing-dvae --output {}",
        "study noise --dataset digits --output {}",
        "classify --dataset digits --output {}",
    ):
        for place, reason in (
            ("/proc/none/out", "No such file or directory."),
            ("file/out", "Not a directory."),
        ):
            done = command(*line.format(place).split())
            message = complaint(done)
            assert f"`output` {place}" in message, line
            assert f"cannot be written: {reason}" in message, line
    assert {path.name for path in folder.iterdir()} - {".cache"} == {"file", "in"}


def _dataset_of_a_study(folder, command):
    (folder / "a.npz").write_text("no archive")
    for study in ("noise", "denoising", "uses", "augmentation", "few-labels"):
        done = command("study", study, "--dataset", "./a.npz", "--output", "out")
        assert "a.npz is no .npz file" in complaint(done), study
        assert not (folder / "out").exists(), study


def _start_from_a_shipped_model(folder, command):
    done = command("train", "--init-from", "clothing-dvae", "--output", "run")
    assert done.returncode == 2
    assert "`init_from` clothing-dvae comes with tfdvae; give its file, " in done.stderr
    assert Path(done.stderr.split("its file, ")[1].split(".\n")[0]).is_file()


@table(
    Case("an output that cannot be written", "refused by name", _output_that_cannot_be_written),
    Case("a study, a damaged dataset", "refused, no folder is left", _dataset_of_a_study),
    Case("--init-from a model's name", "told which file it is", _start_from_a_shipped_model),
)
def test_refused_before_any_work(case, tmp_path, command):
    case.check(tmp_path, command)
