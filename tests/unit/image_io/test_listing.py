import unicodedata

import numpy as np
import pytest
from PIL import Image

from tfdvae.image_io import listing

LITTER = (
    "__MACOSX", "._x.png", ".DS_Store", ".Trashes", ".Trash-1000", "Thumbs.db", "THUMBS.DB",
    "desktop.ini", "Desktop.ini", "$RECYCLE.BIN", "System Volume Information", "found.000",
    "lost+found", "@eaDir", "#recycle", ".thumbnails", ".ipynb_checkpoints", "__pycache__",
)  # fmt: skip
MEANT = ("cats", "thumbs", "recycled", "lost", "found", "MACOSX", "a.png", "$5", "#1", "@home")
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Größe é") for form in ("NFC", "NFD"))


@pytest.mark.parametrize("name", LITTER)
def test_litter(name):
    assert listing.is_litter(name)
    assert listing.is_ignored(name)


@pytest.mark.parametrize("name", MEANT)
def test_what_is_no_litter(name):
    assert not listing.is_litter(name)
    assert not listing.is_ignored(name)


def test_hidden_files_are_ignored_but_no_litter_of_a_system():
    assert listing.is_ignored(".git")
    assert not listing.is_litter(".git")


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(path, "PNG")


def test_litter_is_not_listed_at_any_depth_and_links_are_followed(tmp_path):
    for name in ("a.png", "deep/b.PNG", "deep/@eaDir/c.png", "__MACOSX/d.png", "._e.png"):
        save(tmp_path / "in" / name)
    for name in ("deep/f.HEIC", "@eaDir/g.heic", "h.ico", "i.txt"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "j.svg").touch()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")

    def names(paths):
        return [path.relative_to(tmp_path / "in").as_posix() for path in paths]

    assert names(listing.images_below(tmp_path / "in")) == ["a.png", "deep/b.PNG"]
    assert names(listing.images_of_other_formats(tmp_path / "in")) == [
        "deep/f.HEIC",
        "h.ico",
        "linked/j.svg",
    ]


@pytest.mark.parametrize(
    ("names", "others", "expected"),
    [
        (["a", "b"], ["b", "c"], {"b": "b"}),
        ([COMPOSED], [DECOMPOSED], {COMPOSED: DECOMPOSED}),
        ([DECOMPOSED], [COMPOSED, "a"], {DECOMPOSED: COMPOSED}),
        (
            [COMPOSED, DECOMPOSED],
            [DECOMPOSED, COMPOSED],
            {COMPOSED: COMPOSED, DECOMPOSED: DECOMPOSED},
        ),
        ([COMPOSED, DECOMPOSED], [COMPOSED], {COMPOSED: COMPOSED}),
        ([COMPOSED], [DECOMPOSED, unicodedata.normalize("NFC", "Größe é")], {COMPOSED: "Größe é"}),
    ],
)
def test_names_that_are_the_same(names, others, expected):
    assert listing.same_names(names, others) == expected
