"""Names with control characters and line breaks, in what commands print."""

import os
import re

import numpy as np
import pytest
from PIL import Image

from tests.helpers.cases import Case, table
from tests.helpers.processes import ROOT

DVAE = ROOT / "tests" / "fixtures" / "0.1.0" / "dvae.keras"  # of images 8x6, gray
EVIL = "a\x1b[31m\x07\u202e\r\nFORGED"
SHOWN = "a\\x1b[31m\\x07\\u202e\\r\\nFORGED"
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 6), np.uint8)
TRAIN = ("train", "--no-classifier", "--epochs", "1", "--dataset")


def _image(path, pixels=PIXELS):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def _broken(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no image")


def _clean(done, *shown):
    """Assert that nothing of a name does anything to the terminal, and that it is named."""
    printed = done.stdout + done.stderr
    assert not set("\x1b\x07\u202e") & set(printed)
    assert not re.findall(r"(?m)^FORGED.*", printed)
    for text in shown:
        assert text in printed


def _rewrite(folder, command):
    _image(folder / "in" / f"{EVIL}.png")
    _broken(folder / "in" / f"{EVIL} broken.png")
    _image(folder / "in" / f"{EVIL} wide.png", np.zeros((9, 9), np.uint8))
    (folder / "in" / f"{EVIL}.heic").touch()
    for line in (
        ("denoise", DVAE, "in", "denoised"),
        ("augment", DVAE, "in", "more"),
        ("encode", DVAE, "in", "codes.npz"),
        ("detect", DVAE, "in", "scores.csv", "--normal", "in"),
    ):
        done = command(*line)
        assert done.returncode == 1, done.stderr
        _clean(done, f"{SHOWN} broken.png", f"{SHOWN} wide.png", f"{SHOWN}.heic")


def _clashes(folder, command):
    """Names in errors: of masks, of images to be written, of an output that is not ours."""
    _image(folder / "in" / f"{EVIL}.png")
    for suffix in (".png", ".bmp"):
        _image(folder / "masks" / f"{EVIL}{suffix}")
    Image.fromarray(PIXELS).save(folder / f"{EVIL}.jpg")
    for masks in ("masks", f"{EVIL}.jpg"):
        _clean(command("impute", DVAE, "in", "filled", "--mask", masks), SHOWN)
    _image(folder / "in" / f"{EVIL}-synthetic1.png")
    _clean(command("augment", DVAE, "in", "more", "--include-originals"), SHOWN)
    _image(folder / "mixed" / f"{EVIL}.png")
    _image(folder / "mixed" / EVIL / "1.png")
    _clean(command("augment", DVAE, "mixed", "more"))
    _clean(command(*TRAIN, "./mixed"), SHOWN)


def _arrays(folder, command):
    np.savez(folder / "in.npz", **{EVIL: np.zeros((2, 9, 9), np.uint8)})
    _clean(command("denoise", DVAE, "in.npz", "out.npz"), SHOWN)
    _clean(command("augment", DVAE, "in.npz", "out.npz"), SHOWN)
    _clean(command(*TRAIN, "./in.npz"), SHOWN)
    np.savez(folder / "ok.npz", **{EVIL: np.arange(3), "x": PIXELS[None]})
    _clean(command("denoise", DVAE, "ok.npz", "out.npz"), f"copied unchanged: {SHOWN}")


def _train(folder, command):
    _image(folder / "set" / "a" / f"{EVIL}.png")
    _image(folder / "set" / "a" / f"{EVIL} wide.png", np.zeros((9, 9), np.uint8))
    _clean(command(*TRAIN, "./set"), SHOWN)
    os.unlink(folder / "set" / "a" / f"{EVIL} wide.png")
    _broken(folder / "set" / EVIL / f"{EVIL} broken.png")
    _clean(command(*TRAIN, "./set"), f"{SHOWN} broken.png")
    for split in ("train", "test"):
        _image(folder / split / split / EVIL / "1.png")
    _image(folder / "split" / "train" / "a" / "1.png")
    _image(folder / "split" / "test" / EVIL / "1.png")
    _clean(command(*TRAIN, "./split"), SHOWN)
    _image(folder / "noisy" / f"{EVIL}.png")
    _image(folder / "clean" / "1.png")
    _clean(command(*TRAIN, "./clean", "--model", "dae", "--noisy-dir", "noisy"), SHOWN)


def _groups(folder, command):
    for label in ("a", EVIL):
        for number in range(3):
            _image(folder / "set" / label / f"{number}.png", PIXELS + number)
    study = ("study", "augmentation", "--quick", "--output", "study", "--dataset", "./set")
    (folder / "groups.csv").write_text("image,group\na/0.png,x\n", newline="")
    _clean(command(*study, "--groups", "groups.csv"), SHOWN)
    (folder / "groups.csv").write_text(f'image,group\n"{EVIL}",x\n"{EVIL}",x\n', newline="")
    _clean(command(*study, "--groups", "groups.csv"), SHOWN)


def _inspect(folder, command):
    _image(folder / "set" / EVIL / f"{EVIL}.png")
    _image(folder / "set" / EVIL / f"{EVIL} again.png")
    _broken(folder / "set" / EVIL / f"{EVIL} broken.png")
    (folder / "set" / EVIL / f"{EVIL}.heic").touch()
    _clean(command("inspect", "./set"), SHOWN)


def _typed(folder, command):
    """Paths as the user typed them, or as a shell completed them."""
    _image(folder / EVIL / "1.png")
    for line in (
        ("denoise", "gone", EVIL, "out"),
        ("denoise", EVIL, EVIL, "out"),
        ("denoise", DVAE, f"{EVIL}.gone", "out"),
        ("denoise", DVAE, EVIL, EVIL),
        ("denoise", DVAE, EVIL, f"{EVIL}/out"),
        ("denoise", DVAE, f"{EVIL}/1.png", "out.txt"),
        ("denoise", DVAE, EVIL, f"new {EVIL}"),
        ("augment", DVAE, EVIL, f"made {EVIL}"),
        ("augment", DVAE, EVIL, f"made {EVIL}"),
        ("sample", DVAE, f"{EVIL}.png"),
        ("encode", DVAE, EVIL, f"{EVIL}.txt"),
        ("export", EVIL),
        ("impute", DVAE, EVIL, "filled", "--mask", f"{EVIL}.gone"),
        (*TRAIN, f"./{EVIL}.gone"),
        (*TRAIN, "digits", "--output", f"{EVIL}/1.png"),
        (*TRAIN, "digits", "--output", EVIL),
        (*TRAIN, "digits", "--init-from", EVIL),
        ("train", "--resume", EVIL),
        ("train", "--config", EVIL),
        (*TRAIN, f"./{EVIL}"),
    ):
        _clean(command(*line))


@table(
    Case("denoise, augment, ...: ESC, BEL, line breaks in names", "are escaped", _rewrite),
    Case("names in errors of impute and augment", "are escaped", _clashes),
    Case("names of arrays", "are escaped", _arrays),
    Case("train: names of images and classes in errors", "are escaped", _train),
    Case("groups and classes", "are escaped", _groups),
    Case("inspect", "are escaped", _inspect),
    Case("paths that are arguments", "are escaped", _typed),
)
def test_names(case, tmp_path, command):
    case.check(tmp_path, command)


@pytest.mark.slow
def test_a_whole_run(tmp_path, command):
    for label in ("a", EVIL):
        for number in range(4):
            _image(tmp_path / EVIL / label / f"{number}.png", PIXELS + number)
    _broken(tmp_path / EVIL / EVIL / f"{EVIL}.png")
    done = command(*TRAIN, f"./{EVIL}", "--skip-unreadable", "--output", f"run {EVIL}")
    assert done.returncode == 0, done.stderr
    _clean(done, f"{SHOWN}.png", f"{SHOWN}, 6 training images")
