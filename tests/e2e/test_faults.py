"""Kills at any moment, two processes in one folder, Ctrl-C."""

import csv
import functools
import hashlib
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.faults import kills
from tests.helpers.processes import ROOT, run, run_tfdvae
from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.cli import main
from tfdvae.corruptions import KINDS
from tfdvae.image_io import codec

pytestmark = pytest.mark.slow

TRAINING = [
    "--n-train",
    "300",
    "--noisy-train",
    "--epochs",
    "20",
    "--batch-size",
    "10",
    "--classifier-steps",
    "220",
    "--sets",
    "limited",
    "dvae",
    "denoised-distilled",
    "restoring",
    "--denoiser-steps",
    "24",
    "--test-noise",
    "0",
    "0.1",
    "--threads",
    "2",
]
STAGES = [
    "data",
    "generator",
    "augmentation",
    "denoised-recorrupted",
    "classifier-limited",
    "classifier-dvae",
    "classifier-denoised-distilled",
    "classifier-restoring",
    "evaluation",
    "figures",
    "export",
    "report",
]


def start(*arguments):
    command = [sys.executable, "-u", str(ROOT / "train.py"), *map(str, arguments)]
    # A shell may start its background jobs with SIGINT ignored, and they would pass that on.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ,
        preexec_fn=heed,
    )


def wait_for(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came: {process.stderr.read()}")


def killed_as_begins(stage, *arguments):
    """Start a run and kill it as soon as it says that a stage begins."""
    process = start(*arguments)
    wait_for(process, f"] {stage}")
    process.kill()
    assert process.wait() == -signal.SIGKILL


def results(folder):
    """Bytes of the tables and hashes of the final weights."""
    tables = [(folder / name).read_bytes() for name in ("metrics.csv", "history.csv")]
    weights = []
    classifiers = [name for name in STAGES if name.startswith("classifier")]
    for name in ("generator", *classifiers):
        arrays = keras.models.load_model(folder / f"{name}.keras").get_weights()
        weights.append(hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())
    return tables, weights


@pytest.fixture(scope="module")
def settings(small_digits):
    return ["--dataset", str(small_digits), *TRAINING]


@pytest.fixture(scope="module")
def undisturbed(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    assert run(*settings, "--output", folder).returncode == 0
    return folder


def stopped_after(rounds, stage, folder, *arguments, sent=signal.SIGKILL, status=-signal.SIGKILL):
    """Start a run, or go on with it, and stop it within a stage, once it keeps a checkpoint of that
    many rounds or more; return the ended process.
    """
    checkpoints = folder / "checkpoints" / stage
    process = run_tfdvae(
        "train",
        *arguments,
        sent=sent,
        stop_when=lambda: (
            max((int(path.name[-6:]) for path in checkpoints.glob("round-*")), default=0) >= rounds
        ),
    )
    assert process.returncode == status, process.stderr
    of_run = stage.replace("teacher", "classifier")
    assert of_run not in files.read_json(folder / "stages.json"), "stopped too late"
    return process


def test_killed_within_every_stage_and_resumed_gives_the_same_bits(settings, undisturbed, tmp_path):
    """One run, gone on with after each kill."""
    folder = tmp_path / "run"
    arguments, done_before = [*settings, "--output", folder], 0
    for stage, rounds in [
        ("generator", 10),
        ("denoised-recorrupted", 2),
        ("classifier-limited", 1),
        ("classifier-dvae", 1),
        ("teacher-denoised-distilled", 1),
        ("classifier-denoised-distilled", 1),
        ("classifier-restoring", 1),
    ]:
        killed = stopped_after(rounds, stage, folder, *arguments)
        assert killed.stdout.count("done before") == done_before, "finished stages are not repeated"
        done_before = STAGES.index(stage.replace("teacher", "classifier"))
        arguments = ["--resume", folder]
    resumed = run("--resume", folder)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.count("done before") == done_before, "finished stages are not repeated"
    assert results(folder) == results(undisturbed)
    assert not list(folder.rglob(".tmp-*"))


def test_killed_as_every_stage_begins_and_resumed_gives_the_same_bits(
    settings, undisturbed, tmp_path
):
    folder = tmp_path / "run"
    arguments = [*settings, "--output", folder]
    for stage in STAGES:
        killed_as_begins(stage, *arguments)
        arguments = ["--resume", folder]
    resumed = run("--resume", folder)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.count("done before") >= len(STAGES) - 1
    assert results(folder) == results(undisturbed)
    assert not list(folder.rglob(".tmp-*"))


@pytest.mark.parametrize(
    "chosen",
    [
        [
            "--model",
            "vae",
            "--protocol",
            "equal_epochs",
            "--classifier-epochs",
            "2",
            "--beta-warmup",
            "1",
            "--sampling",
            "prior",
            *("--test-noise", "0", "0.1"),
        ],
        ["--model", "ae", "--test-noise", "0", "speckle:0.3", "random_erasing:0.5", "uniform:0.2"],
        [
            *("--precision", "bfloat16", "--latent-dim", "8", "--samples-per-image", "1"),
            *("--test-noise", "0", "0.1"),
        ],
    ],
    ids=" ".join,
)
def test_other_settings_killed_and_resumed_give_the_same_bytes(chosen, small_digits, tmp_path):
    arguments = [
        "--dataset",
        small_digits,
        "--n-train",
        "300",
        "--epochs",
        "15",
        "--classifier-steps",
        "20",
        "--threads",
        "2",
        *chosen,
    ]
    folder = tmp_path / "killed"
    stopped_after(3, "generator", folder, *arguments, "--output", folder)
    assert run("--resume", tmp_path / "killed").returncode == 0
    whole = run(*arguments, "--output", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    assert (tmp_path / "whole" / "augmentation").exists() == ("ae" not in chosen)
    assert ("a plain autoencoder makes no synthetic images" in whole.stdout.lower()) == (
        "ae" in chosen
    )
    assert all(
        np.isfinite(float(row["value"]))
        for row in csv_rows.read_rows(tmp_path / "whole" / "metrics.csv")
    )
    for name in ("metrics.csv", "history.csv"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("kind", [kind for kind in KINDS.names() if kind != "none"])
def test_every_corruption_runs_as_observed_noise_and_as_injected(kind, tmp_path, capsys):
    noise = f"{kind}:0.3"
    status = main.main(
        [
            "train",
            "--dataset",
            "digits",
            "--n-train",
            "60",
            "--epochs",
            "1",
            "--classifier-steps",
            "2",
            "--noisy-train",
            "--train-noise",
            noise,
            "--corruption",
            noise,
            "--test-noise",
            "0",
            noise,
            "--output",
            str(tmp_path / "run"),
        ]
    )
    printed = capsys.readouterr()
    assert status == 0, printed.err
    assert f"| no noise | {noise if kind != 'gaussian' else '30%'} |" in printed.out


def test_two_processes_never_write_into_one_folder(settings, undisturbed, tmp_path):
    folder = tmp_path / "run"
    first = start(*settings, "--output", folder)
    wait_for(first, "] generator")
    second = run("--resume", folder)
    third = run(*settings, "--output", folder)
    assert second.returncode == third.returncode == 2
    assert "another process is writing" in second.stderr
    assert "holds another run" in third.stderr
    _, errors = first.communicate()
    assert first.returncode == 0, errors
    assert results(folder) == results(undisturbed)


def test_a_run_that_is_stopped_says_how_to_go_on(settings, undisturbed, tmp_path):
    """One run, stopped by Ctrl-C in one stage and told to end in a later one."""
    folder = tmp_path / "run"
    arguments = [*settings, "--output", folder]
    for stage, sent, status in [
        ("classifier-limited", signal.SIGINT, 130),
        ("classifier-dvae", signal.SIGTERM, 143),
    ]:
        told = stopped_after(1, stage, folder, *arguments, sent=sent, status=status).stderr
        assert "--resume" in told
        assert "Traceback" not in told
        arguments = ["--resume", folder]
    assert run("--resume", folder).returncode == 0
    assert results(folder) == results(undisturbed)


@pytest.mark.parametrize(
    ("sent", "status"),
    [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 143)],
    ids=["kill", "ctrl-c", "terminate"],
)
def test_no_cell_of_a_study_outlives_it(sent, status, small_digits, tmp_path):
    """The study alone is stopped, as soon as a cell's process is there."""
    folder = tmp_path / "study"
    command = [*kills.STUDY.split(), "--dataset", small_digits, "--output", folder]
    done = run_tfdvae(
        *command, stop_when=lambda: len(kills.alive(folder, 0)) > 1, sent=sent, group=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stderr
    assert not kills.alive(folder, 5)


def pixels(folder):
    return {
        path.relative_to(folder).as_posix(): codec.read(path).astype(int)
        for path in folder.rglob("*.png")
    }


@pytest.fixture(scope="module")
def clothing(tmp_path_factory, fashion):
    folder = tmp_path_factory.mktemp("clothing") / "in"
    for number, (image, label) in enumerate(
        zip(fashion.test.images[:3000], fashion.test.labels, strict=False)
    ):
        path = folder / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        codec.write(path, image)
    return folder


@pytest.fixture(scope="module")
def denoised(clothing):
    folder = clothing.with_name("denoised")
    assert run_tfdvae("denoise", "clothing-denoiser", clothing, folder).returncode == 0
    return pixels(folder)


STOPS = pytest.mark.parametrize(
    ("sent", "status"),
    [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 143)],
    ids=["kill", "ctrl-c", "terminate"],
)


def stopped(folder, sent, *command):
    """Run a command and stop it when it has written a hundred images into a folder."""
    return run_tfdvae(
        *command, stop_when=lambda: len(list(folder.rglob("*.png"))) >= 100, sent=sent
    )


@STOPS
def test_denoise_stopped_in_the_middle_goes_on(sent, status, clothing, denoised, tmp_path):
    folder = tmp_path / "out"
    command = ["denoise", "clothing-denoiser", clothing, folder]
    process = stopped(folder, sent, *command)
    assert process.returncode == status, process.stderr
    assert "Traceback" not in process.stderr
    begun = len(pixels(folder))
    assert 100 <= begun < 3000
    resumed = run_tfdvae(*command)
    assert resumed.returncode == 0, resumed.stderr
    assert (
        f"{3000 - begun:,} images in {folder}, {begun:,} already there, skipped" in resumed.stdout
    )
    made = pixels(folder)
    assert made.keys() == denoised.keys()
    assert max(np.abs(made[name] - denoised[name]).max() for name in made) <= 1, (
        "other batches have other last bits"
    )


@STOPS
def test_augment_stopped_in_the_middle_starts_again(sent, status, clothing, tmp_path):
    folder = tmp_path / "out"
    command = ["augment", "clothing-dvae", clothing, folder, "--per-image"]
    process = stopped(folder, sent, *command, "4")
    assert process.returncode == status, process.stderr
    assert folder.exists() == (sent == signal.SIGKILL), "Ctrl-C leaves nothing"
    for left in folder.glob("*"):
        os.utime(left, (0, 0))  # a folder that may just have been made is left alone
    again = run_tfdvae(*command, "1")
    assert again.returncode == 0, again.stderr
    listed = {
        row["image"] for row in csv.DictReader((folder / "manifest.csv").read_text().splitlines())
    }
    assert len(listed) == 3000
    assert pixels(folder).keys() == listed


def test_full_disk_leaves_nothing_half_written(settings, tmp_path):
    """A file-size limit of the shell stands for a full disk: the classifier's checkpoint does
    not fit.
    """
    folder = tmp_path / "run"
    command = (
        f"ulimit -f 3000; exec {sys.executable} {ROOT / 'train.py'} {' '.join(settings)} "
        f"--output {folder}"
    )
    process = subprocess.run(
        ["bash", "-c", f"trap '' XFSZ; {command}"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
        cwd=ROOT,
    )
    assert process.returncode == 2, process.stderr
    assert "Traceback" not in process.stderr
    assert not list(folder.rglob(".tmp-*"))
    assert list(files.read_json(folder / "stages.json")) == ["data", "generator", "augmentation"]
    assert run("--resume", folder).returncode == 0
