"""Names that figures, reports and terminals take for something else than names."""

import shutil

import numpy as np
import pytest
from PIL import Image

from tests.helpers.cases import Case, table

TRAIN = ("train", "--model", "dvae", "--epochs", "1", "--no-classifier", "--test-noise", "0.1")
DATASET = "cost$x_{$y"
CLASSES = (
    "price_$10_{$",
    "_a^b%\\c",
    "long " * 40,
    "line\nbreak",
    "\x1b[31mred\x07",
    "\u65e5\u672c\u8a9e",
    "<img src=x onerror=alert(1)>",
)


def _dataset(folder, name=DATASET, classes=CLASSES):
    pixels = np.random.default_rng(0).integers(0, 256, (len(classes), 3, 12, 12), np.uint8)
    for label, images in zip(classes, pixels, strict=True):
        (folder / name / label).mkdir(parents=True)
        for number, image in enumerate(images):
            Image.fromarray(image).save(folder / name / label / f"{number}.png")


def _figures(folder, command):
    _dataset(folder)
    done = command(*TRAIN, "--dataset", f"./{DATASET}", "--output", "run")
    assert done.returncode == 0, done.stderr
    assert "missing from font" not in done.stderr
    assert f"{DATASET}, " in done.stdout
    drawn = {path.name for path in (folder / "run" / "figures").iterdir()}
    assert {"samples.png", "reconstructions.png", "latent_grids.png"} <= drawn
    shutil.rmtree(folder / "run" / "figures")
    again = command("train", "--resume", "run")
    assert again.returncode == 0, again.stderr
    assert {path.name for path in (folder / "run" / "figures").iterdir()} == drawn


def _reports(folder, command):
    name = "<img src=x onerror=alert(1)> `q` [x](javascript:alert(2)) a|b"
    _dataset(folder, name)
    done = command(*TRAIN, "--dataset", f"./{name}", "--output", "run")
    assert done.returncode == 0, done.stderr
    assert f"## {name}, " in done.stdout, "the terminal shows it as it is"
    assert "\x1b" not in done.stdout + done.stderr
    for page in ("summary.md", "report.md", "report.html"):
        text = (folder / "run" / page).read_text(encoding="utf-8")
        assert "<img src=x" not in text
        assert 'href="javascript' not in text
        assert ("[x](javascript:" in text) == page.endswith("html"), "escaped in Markdown"
        assert "&lt;img src=x onerror=alert(1)>" in text.replace("&gt;", ">")


@pytest.mark.slow
@table(
    Case("train and --resume: $, _, ^, %, \\ in names", "shown as they are", _figures),
    Case("train: HTML, links, |, ` in names", "no page has them as markup", _reports),
)
def test_shown_names(case, tmp_path, command):
    case.check(tmp_path, command)
