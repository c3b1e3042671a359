"""Names that a spreadsheet would take for formulas, in the CSV files that people open."""

import csv

import numpy as np
from PIL import Image

from tests.helpers.cases import Case, table
from tests.helpers.processes import ROOT

DVAE = ROOT / "tests" / "fixtures" / "0.1.0" / "dvae.keras"  # of images 8x6, gray
NAMES = (
    '=HYPERLINK("x.example","y").png',
    "@SUM(A1).png",
    "+1.png",
    "-1.png",
    "\t=1.png",
    "\r=1.png",
    "plain.png",
)
FORMULA = tuple("=+-@\t\r\n")


def _images(folder, names=NAMES):
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (len(names), 8, 6), np.uint8)
    for name, image in zip(names, pixels, strict=True):
        Image.fromarray(image).save(folder / name)


def _cells(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _detect(folder, command):
    _images(folder / "in")
    assert command("detect", DVAE, "in", "scores.csv").returncode == 0
    rows = _cells(folder / "scores.csv")
    assert not any(row["image"].startswith(FORMULA) for row in rows)
    assert {row["image"].removeprefix("'") for row in rows} == set(NAMES)
    assert all(float(row["score"]) > 0 for row in rows)


def _augment(folder, command):
    _images(folder / "in" / "@class")
    _images(folder / "in" / "=class")
    augment = ("augment", DVAE, "in", "out", "--per-image", "1")
    assert command(*augment, "--include-originals").returncode == 0
    rows = _cells(folder / "out" / "manifest.csv")
    assert not any(cell.startswith(FORMULA) for row in rows for cell in row.values())
    named = {row["image"].removeprefix("'") for row in rows}
    out = folder / "out"
    assert named == {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    assert {row["label"] for row in rows} == {"'@class", "'=class"}


def _augment_again(folder, command):
    _augment(folder, command)
    again = command("augment", DVAE, "in", "out", "--per-image", "1", "--overwrite")
    assert again.returncode == 0, again.stderr
    made = [path.name for path in (folder / "out").rglob("*.png")]
    assert len(made) == 2 * len(NAMES)
    assert all("-synthetic1" in name for name in made)


@table(
    Case("detect: names =HYPERLINK, @SUM, +1, -1", "no cell is a formula", _detect),
    Case("augment: such names and classes", "no cell of the manifest is one", _augment),
    Case("augment --overwrite of such names", "the manifest is understood", _augment_again),
)
def test_spreadsheets(case, tmp_path, command):
    case.check(tmp_path, command)
