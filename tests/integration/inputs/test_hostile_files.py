"""Files that somebody made to do harm, and links to where a user does not expect them."""

import os
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.image_files import huge_png
from tests.helpers.memory import little_memory
from tests.helpers.processes import complaint
from tfdvae._utils import limits
from tfdvae.classifying import model as models
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


def _huge_images(*words, status=2):
    """Images of 10 GB, alone or beside others, where there are 4 GB more."""

    def check(folder, command):
        for number in range(6):
            _image(folder / "in" / "ab"[number % 2] / f"{number}.png", number)
        (folder / "in" / "a" / "huge.png").write_bytes(huge_png(100_000, 100_000))
        tfdvae.load("clothing-denoiser")  # what TensorFlow takes is taken
        with little_memory(2**32):
            done = command(*words)
        assert done.returncode == status, done.stdout + done.stderr
        shown = " ".join((done.stdout + done.stderr).split())
        assert "in/a/huge.png has 10,000,000,000 pixels, more than 50,000,000" in shown
        assert "Traceback" not in shown

    return check


@table(
    Case(
        "denoise one image of 10 GB",
        "refused, by what its header says",
        _huge_images("denoise", "clothing-denoiser", "in/a/huge.png", "out.png"),
    ),
    Case(
        "denoise it beside others",
        "named, the others are denoised",
        _huge_images("denoise", "clothing-denoiser", "in", "out", status=1),
    ),
    Case("inspect it", "named", _huge_images("inspect", "in", status=0)),
    Case("learn from it", "refused", _huge_images("denoise", "--learn", "in/a/huge.png", "out")),
    Case(
        "train on it beside others",
        "named, with what leaves it out",
        _huge_images("train", "--dataset", "./in", "--output", "out"),
    ),
)
def test_huge_images(case, tmp_path, command):
    case.check(tmp_path, command)


def _code():
    """A layer that writes a file where it is called, as Keras does where it loads one."""
    return keras.layers.Lambda(lambda values: (open("ran", "w").close(), values)[1])


def _keras_with_code(path):
    images = keras.Input((28, 28, 1))
    keras.Model(images, _code()(images)).save(path)


def _dae_with_code(path):
    images, codes = keras.Input((28, 28, 1)), keras.Input((3,))
    flat = keras.layers.Flatten()(_code()(images))
    encoder = keras.Model(images, keras.layers.Dense(3)(flat))
    flat = keras.layers.Dense(784)(codes)
    decoder = keras.Model(codes, keras.layers.Reshape((28, 28, 1))(flat))
    tfdvae.DAE(encoder, decoder).save(path)


def _classifier_with_code(path):
    images = keras.Input((28, 28, None))
    flat = keras.layers.GlobalAveragePooling2D()(_code()(images))
    about = models.About(("a",), (28, 28, 1), "uint8", 255.0, None, "white", False, 1.0, "limited")
    models.save(keras.Model(images, flat), about, path)


def _with_code(save, *words):
    def check(folder, command):
        _image(folder / "in" / "0.png")
        save(folder / "m.keras")
        keras.models.load_model("m.keras", safe_mode=False)
        (folder / "ran").unlink()  # so it would run
        told = complaint(command(*words))
        assert "m.keras is no model that can be loaded: it holds code of its own, a Lambda" in told
        assert "safe_mode" not in told
        left = {path.name for path in folder.iterdir()} - {".cache", "in", "m.keras"}
        assert left == set(), "nothing ran"

    return check


@table(
    Case(
        "denoise, a .keras file with code",
        "refused, the code is not run",
        _with_code(_keras_with_code, "denoise", "m.keras", "in", "out"),
    ),
    Case(
        "denoise, a DAE with code",
        "refused, the code is not run",
        _with_code(_dae_with_code, "denoise", "m.keras", "in", "out"),
    ),
    Case(
        "predict, a classifier with code",
        "refused, the code is not run",
        _with_code(_classifier_with_code, "predict", "m.keras", "in", "out.csv"),
    ),
    Case(
        "train --init-from a DAE with code",
        "refused, the code is not run",
        _with_code(
            _dae_with_code,
            *("train", "--dataset", "digits", "--no-classifier", "--model", "dae"),
            *("--init-from", "m.keras", "--output", "run"),
        ),
    ),
)
def test_models_with_code(case, tmp_path, command):
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
