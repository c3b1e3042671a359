"""Files that somebody made to do harm, and links to where a user does not expect them."""

import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.helpers.cases import Case, table
from tests.helpers.processes import complaint
from tfdvae._utils import limits
from tfdvae.data import sources
from tfdvae.image_io import listing


def _bomb(path, members=10_000):
    """Write a small zip file that says that it unpacks to 4 GB for each of its members."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(members):
            archive.writestr(f"x{number}.npy", b"")
    content, place = bytearray(path.read_bytes()), 0
    while (place := content.find(b"PK\x01\x02", place)) >= 0:  # the directory at the end
        content[place + 24 : place + 28] = (2**32 - 2).to_bytes(4, "little")
        place += 4
    path.write_bytes(content)


def _arrays(verb):
    def check(folder, command):
        _bomb(folder / "in.npz")
        told = complaint(command(verb, "clothing-dvae", "in.npz", "out.npz"))
        assert "`input` in.npz would take 42.9 TB once it is unpacked, more than the" in told
        left = {path.name for path in folder.iterdir()}
        assert left - {".cache"} == {"in.npz"}

    return check


def _dataset(folder, command):
    images, labels = np.zeros((40, 8, 8), np.uint8), np.arange(40) % 2
    np.savez_compressed(folder / "in.npz", x_train=images, y_train=labels)
    with limits.use(memory_bytes=100):
        told = complaint(command("train", "--dataset", "./in.npz", "--output", "out"))
    assert "in.npz would take 448 B once it is unpacked, more than the 100 B of memory" in told
    assert not (folder / "out").exists()


def _model(folder, command):
    _bomb(folder / "m.keras")
    told = complaint(command("sample", "m.keras", "out.npy"))
    assert "`model` m.keras is no model that can be loaded: it would take 40,000.0 GiB" in told


@table(
    Case("denoise an .npz file of 43 TB", "refused, nothing unpacked", _arrays("denoise")),
    Case("augment an .npz file of 43 TB", "refused, nothing unpacked", _arrays("augment")),
    Case("a dataset that memory cannot hold", "refused", _dataset),
    Case("a .keras file of 43 TB", "refused, nothing unpacked", _model),
)
def test_bombs(case, tmp_path, command):
    case.check(tmp_path, command)


def _image(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (28, 28), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def linked(tmp_path):
    """A folder with links to images and folders within it and outside of it."""
    for number in range(6):
        _image(tmp_path / "in" / "ab"[number % 2] / f"{number}.png", number)
    _image(tmp_path / "elsewhere" / "deep" / "x.png", 7)
    (tmp_path / "elsewhere" / "notes.txt").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ({"a/x.png": "in/b/1.png"}, ""),
        ({"a/notes.txt": "elsewhere/notes.txt"}, ""),
        (
            {"a/x.png": "elsewhere/deep/x.png"},
            "A link leads out of {0}/in: {0}/in/a/x.png to {0}/elsewhere/deep/x.png. What is "
            "there is read.",
        ),
        (
            {"a/x.png": "elsewhere/deep/x.png", "a/more": "elsewhere", "b/y.png": "elsewhere"},
            "3 links lead out of {0}/in, the first {0}/in/a/more to {0}/elsewhere. What is there "
            "is read.",
        ),
    ],
)
def test_links_that_lead_out_of_a_folder_are_described(links, said, linked):
    for name, target in links.items():
        os.symlink(linked / target, linked / "in" / name)
    assert listing.describe_links(linked / "in") == said.format(linked)


def test_links_that_lead_out_of_a_folder_are_said(linked, command):
    os.symlink(linked / "elsewhere" / "deep" / "x.png", linked / "in" / "a" / "x.png")
    done = command("denoise", "clothing-denoiser", "in", "out")
    assert done.returncode == 0
    assert "NOTE: A link leads out of in: in/a/x.png to" in done.stdout
    assert "A link leads out of" in sources.load(str(linked / "in")).notice


def test_a_folder_that_is_a_link_itself_holds_what_it_holds(linked, command):
    os.symlink(linked / "in", linked / "link")
    assert listing.describe_links(linked / "link") == ""
