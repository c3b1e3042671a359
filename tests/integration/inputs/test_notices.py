"""What is said of images: each thing once, in a line, and the same by every command."""

import dataclasses
import json

import numpy as np
from PIL import Image

from tests.helpers.cases import Case, table
from tfdvae.data import sources

RANDOM = np.random.default_rng(0)


def _write(folder, names, constant=(), classes=("a", "b")):
    """Write ten color images of each class, some of them orange, and the first of a twice."""
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(10):
            pixels = RANDOM.integers(0, 256, (12, 12, 3), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    for name in constant:
        Image.new("RGB", (12, 12), "orange").save(folder / name)
    for name in names:
        (folder / name).write_bytes((folder / "a/0.png").read_bytes())


def _saved(folder, command):
    _write(folder / "in", ["a/twice.png"], ["b/orange.png"])
    loaded = sources.load("./in")
    assert len(loaded.notice.splitlines()) == 2
    loaded.save("one.npz")
    again = sources.load("./one.npz")
    assert again.notice == loaded.notice
    again.save("two.npz")
    assert sources.load("./two.npz").notice == loaded.notice


def _saved_with_others(folder, command):
    """Images of another kind in place of those that were read, with the old notice."""
    _write(folder / "in", ["a/twice.png"])
    (folder / "in/a/photo.heic").touch()
    loaded = sources.load("./in")
    left_out, equal = loaded.notice.splitlines()
    black = dataclasses.replace(loaded.train, images=np.zeros_like(loaded.train.images))
    dataclasses.replace(loaded, train=black).save("black.npz")
    notice = sources.load("./black.npz").notice.splitlines()
    count = len(black.labels)
    assert notice[0] == left_out
    assert notice[1].startswith(f"{count} of 21 images are constant")
    assert equal not in notice
    named = dataclasses.replace(loaded.train, labels=loaded.train.labels.copy())
    dataclasses.replace(loaded, train=named).save("same.npz")
    assert sources.load("./same.npz").notice == loaded.notice
    again = sources.load("./same.npz")
    other = dataclasses.replace(again.test, images=255 - again.test.images)
    dataclasses.replace(again, test=other).save("other.npz")
    assert sources.load("./other.npz").notice.splitlines()[0] == left_out


def _saved_without_labels(folder, command):
    _write(folder, ["in/twice.png"], ["in/orange.png"], classes=("in", "a"))
    loaded = sources.load("./in", labelled=False)
    assert "orange.png" in loaded.notice
    loaded.save("one.npz")
    assert sources.load("./one.npz", labelled=False).notice == loaded.notice


def _of_arrays(folder, command):
    images = RANDOM.integers(0, 256, (20, 8, 8), np.uint8)
    images[[3, 4]] = 7
    arrays = {
        "x_train": images,
        "y_train": np.arange(20) % 2,
        "notice": np.array("From a scanner."),
    }
    np.savez("in.npz", **arrays)
    notice = sources.load("./in.npz").notice.splitlines()
    assert notice[0] == "From a scanner."
    assert notice[1].startswith("2 of 20 images are constant")


def _line_break(folder, command):
    _write(folder / "in", [], ["b/new\nline.png"])
    (line,) = sources.load("./in").notice.splitlines()
    assert line.endswith("the first b/new\\nline.png.")
    ink = np.full((12, 12, 4), 255, np.uint8)
    ink[3:6, :, :3], ink[:2] = 0, 0
    Image.fromarray(ink).save(folder / "in/b/new\nline.png")
    (line,) = sources.load("./in").notice.splitlines()
    assert "1 image has transparent parts" in line
    assert line.endswith("the first b/new\\nline.png.")


def _orange(folder, command):
    _write(folder / "in", [], ["b/1.png", "b/2.png"])
    assert "2 of 20 images are constant" in sources.load("./in").notice
    found = json.loads(command("inspect", "in", "--json").stdout)
    assert found["constant"] == ["b/1.png", "b/2.png"]


def _gray(folder):
    """Write 6 gray images of 28x28: numbers 1 and 2 constant, number 4 equal to number 3."""
    images = RANDOM.integers(0, 256, (6, 28, 28), np.uint8)
    images[[1, 2]] = 200
    images[4] = images[3]
    (folder / "in").mkdir()
    for number, pixels in enumerate(images):
        Image.fromarray(pixels).save(folder / f"in/{number}.png")
    np.savez(folder / "in.npz", images=images, labels=np.arange(6))


def _told(done, names):
    """Assert that a command named the constant images and the equal one, each in one NOTE."""
    found = [line for line in done.stdout.splitlines() if "constant" in line or "equal to" in line]
    constant, equal = (", ".join(each) for each in names)
    assert len(found) == 2
    assert found[0].startswith("NOTE: 2 of ")
    assert found[0].endswith(f"the first {constant}.")
    assert found[1].startswith("NOTE: 1 of ")
    assert found[1].endswith(f"the first {equal}.")


def _each_command(folder, command):
    _gray(folder)
    Image.fromarray(np.eye(28, dtype=np.uint8)).save("mask.png")
    names = ["1.png", "2.png"], ["4.png"]
    _told(command("denoise", "clothing-denoiser", "in", "denoised"), names)
    _told(command("encode", "clothing-dvae", "in", "codes.npz"), names)
    _told(command("detect", "clothing-dvae", "in", "scores.csv"), names)
    _told(command("augment", "clothing-dvae", "in", "augmented"), names)
    _told(command("impute", "clothing-dvae", "in", "filled", "--mask", "mask.png"), names)


def _each_command_on_arrays(folder, command):
    _gray(folder)
    names = ["images/1", "images/2"], ["images/4"]
    _told(command("augment", "clothing-dvae", "in.npz", "augmented.npz"), names)
    _told(command("denoise", "clothing-denoiser", "in.npz", "denoised.npz"), names)
    _told(command("encode", "clothing-dvae", "in.npz", "codes.npz"), names)


def _many(folder, command):
    np.save("in.npy", np.full((300, 28, 28), 200, np.uint8))
    assert _notes(command("encode", "clothing-dvae", "in.npy", "codes.npz")) == [
        "NOTE: 300 of 300 images are constant, all their pixels equal, the first in/0, in/1, in/2."
    ]


def _gray_in_color(folder, command):
    _gray(folder)
    Image.open("in/5.png").convert("RGB").save("in/6.png")
    (folder / "train").mkdir()
    for number in (0, 3, 5, 6):
        (folder / f"in/{number}.png").rename(folder / f"train/{number}.png")
    (note,) = _notes(command("denoise", "clothing-denoiser", "train", "denoised"))
    assert note == "NOTE: 1 of 4 images is equal to an earlier one, the first 6.png."
    found = json.loads(command("inspect", "train", "--json").stdout)
    assert found["equal"] == [["5.png", "6.png"]]
    assert "equal" in sources.load("./train", labelled=False).notice


def _equal_in_test(folder, command):
    _write(folder / "in/train", [])
    _write(folder / "in/test", ["b/copy.png"])
    (notice,) = sources.load("./in").notice.splitlines()
    assert notice == "1 of 21 test images is equal to an earlier one."


def _notes(done):
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("NOTE")]


def _normal_and_input(folder, command):
    """Images that are both normal and to be judged are not equal ones."""
    _gray(folder)
    (folder / "in/4.png").unlink()
    detect = ("detect", "clothing-dvae", "in", "scores.csv", "--overwrite", "--normal")
    constant = "constant, all their pixels equal, the first 1.png, 2.png."
    assert _notes(command(*detect, "in")) == [
        f"NOTE: 2 of 5 normal images are {constant}",
        f"NOTE: 2 of 5 images are {constant}",
    ]
    (folder / "in").rename(folder / "normal")
    (folder / "in.npz").unlink()
    (folder / "in").mkdir()
    for name in ("0.png", "5.png"):
        (folder / "normal" / name).rename(folder / "in" / name)
    (folder / "normal/copy.png").write_bytes((folder / "normal/3.png").read_bytes())
    assert _notes(command(*detect, "normal")) == [
        f"NOTE: 2 of 4 normal images are {constant}",
        "NOTE: 1 of 4 normal images is equal to an earlier one, the first copy.png.",
    ]


@table(
    Case("two constant images, two equal ones", "a NOTE on each by every command", _each_command),
    Case("the same in .npz files", "the same, also with two copies", _each_command_on_arrays),
    Case("--normal images and input", "a NOTE on each, none on both as equal", _normal_and_input),
    Case("many constant images", "all counted, three named", _many),
    Case("gray pictures in gray and in color", "equal for every command", _gray_in_color),
    Case("equal images in test", "counted by `train`, as elsewhere", _equal_in_test),
    Case("a folder, saved as .npz", "its NOTEs once, with the names of the files", _saved),
    Case("other images, saved as .npz", "what is found of these alone", _saved_with_others),
    Case("the same without labels", "its NOTEs once", _saved_without_labels),
    Case("a notice in an .npz of one's own", "it and what is found", _of_arrays),
    Case("a line break in a file's name", "one NOTE, one line", _line_break),
    Case("images of one color", "constant for `train` and `inspect`", _orange),
)
def test_notices(case, tmp_path, command):
    case.check(tmp_path, command)
