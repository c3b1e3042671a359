"""What is said of images: each thing once, in a line, and the same by every command."""

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


@table(
    Case("a folder, saved as .npz", "its NOTEs once, with the names of the files", _saved),
    Case("the same without labels", "its NOTEs once", _saved_without_labels),
    Case("a notice in an .npz of one's own", "it and what is found", _of_arrays),
    Case("a line break in a file's name", "one NOTE, one line", _line_break),
    Case("images of one color", "constant for `train` and `inspect`", _orange),
)
def test_notices(case, tmp_path, command):
    case.check(tmp_path, command)
