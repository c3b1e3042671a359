"""`tfdvae inspect`: what it says is what the commands then do."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.helpers.cases import Case, table
from tfdvae.image_io import codec

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (12, 28, 28, 1)).astype(np.uint8)


def _folder(root, classes=("apple", "pear"), images=IMAGES):
    for name in classes:
        (root / name).mkdir(parents=True)
        for number, image in enumerate(images):
            codec.write(root / name / f"{number}.png", image if name == classes[0] else 255 - image)


def _inspect(command, path):
    done = command("inspect", path, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _class_folders(folder, command):
    _folder(folder / "in")
    found = _inspect(command, "in")
    assert found["images"] == 24
    assert all(each["takes"] for each in found["commands"].values())
    assert "20 training and 4 test images" in found["commands"]["train"]["says"]
    assert command("denoise", "clothing-denoiser", "in", "out").returncode == 0


def _images_alone(folder, command):
    _folder(folder, ("in",))
    found = _inspect(command, "in")
    takes = {name: each["takes"] for name, each in found["commands"].items()}
    assert not takes["train"]
    assert takes["train --no-classifier"]
    assert not takes["study augmentation"]
    refused = command("train", "--dataset", "./in", "--output", "run")
    assert refused.returncode == 2
    assert " ".join(found["commands"]["train"]["says"].split())[-40:] in " ".join(
        refused.stderr.split()
    )


def _sizes(folder, command):
    _folder(folder / "in")
    codec.write(folder / "in" / "apple" / "wide.png", np.zeros((28, 30, 1), np.uint8))
    found = _inspect(command, "in")
    assert found["sizes"] == {"28x28": 24, "28x30": 1}
    assert "--image-size" in found["commands"]["train"]["says"]


def _train_and_test(folder, command):
    _folder(folder / "in" / "train")
    _folder(folder / "in" / "test")
    found = _inspect(command, "in")
    assert "24 training and 24 test images" in found["commands"]["train"]["says"]
    assert "give the folder of the training" in found["commands"]["augment"]["says"]
    refused = command("augment", "clothing-dvae", "in", "out")
    assert "give the folder of the training" in " ".join(refused.stderr.split())


def _few(folder, command):
    _folder(folder / "in", images=IMAGES[:3])
    found = _inspect(command, "in")
    assert found["commands"]["train"]["takes"]
    assert "3 training images of each class" in found["commands"]["study augmentation"]["says"]


def _arrays(folder, command):
    np.savez(folder / "a.npz", x_train=IMAGES, y_train=np.arange(12) % 2)
    found = _inspect(command, "a.npz")
    assert found["kind"] == "npz"
    assert all(each["takes"] for each in found["commands"].values())


def _one_image(folder, command):
    codec.write(folder / "a.png", IMAGES[0])
    found = _inspect(command, "a.png")
    takes = {name: each["takes"] for name, each in found["commands"].items()}
    assert takes["denoise, encode, detect"]
    assert not takes["train"]
    assert not takes["augment"]


def _no_images(folder, command):
    (folder / "in").mkdir()
    found = _inspect(command, "in")
    assert found["images"] == 0
    assert not any(each["takes"] for each in found["commands"].values())


def _damaged(folder, command):
    _folder(folder / "in")
    (folder / "in" / "apple" / "cut.png").write_bytes(b"\x89PNG")
    found = _inspect(command, "in")
    assert len(found["unreadable"]) == 1
    assert "--skip-unreadable" in found["commands"]["train"]["says"]
    assert "1 cannot be read" in found["commands"]["denoise, encode, detect"]["says"]


def _all_damaged(folder, command):
    (folder / "in").mkdir()
    for name in ("a", "b", "c"):
        (folder / "in" / f"{name}.png").write_bytes(b"\x89PNG")
    found = _inspect(command, "in")
    assert not any(each["takes"] for each in found["commands"].values())
    text = command("inspect", "in").stdout
    (line,) = (each for each in text.splitlines() if each.startswith("  cannot be read"))
    assert line.endswith(", and 2 more")
    assert ".," not in line


def _dark_arrays(folder, command):
    dark = RANDOM.integers(0, 4000, (6, 28, 28)).astype(np.uint16)
    dark[0, 0, 0] = 3999
    said = "The largest value is 3,999 in uint16, where white is 65,535: these images are nearly "
    np.save("in.npy", dark)
    np.savez("in.npz", others=dark)
    for name in ("in.npy", "in.npz"):
        found = _inspect(command, name)
        assert not found["commands"]["train"]["takes"]
        (note,) = found["notes"]
        assert note.startswith(said)
        done = command("denoise", "clothing-denoiser", name, f"out{name[2:]}")
        assert f"NOTE: {note}" in done.stdout.splitlines()


def _correlated(folder, command):
    """What is not independent from pixel to pixel; and gray beside color."""
    blocks = np.kron(RANDOM.integers(50, 200, (32, 32, 1)), np.ones((2, 2, 1))).astype(np.uint8)
    (folder / "in").mkdir()
    codec.write(folder / "in" / "a.png", blocks)
    _refuses_to_learn(command)
    codec.write(folder / "in" / "b.png", IMAGES[:3].reshape(28, 28, 3))
    _refuses_to_learn(command)


def _refuses_to_learn(command):
    said = _inspect(command, "in")["commands"]["denoise --learn"]
    assert not said["takes"]
    refused = command("denoise", "--learn", "in", "out")
    assert refused.returncode == 2
    assert " ".join(said["says"].split())[:40] in " ".join(refused.stderr.split())


def _figure(folder, command):
    codec.write(folder / "a.png", RANDOM.integers(0, 256, (64, 64, 1)).astype(np.uint8))
    done = command("inspect", "a.png", "--figure", "noise.png")
    assert done.returncode == 0, done.stderr
    assert Image.open(folder / "noise.png").format == "PNG"
    refused = command("inspect", "a.png", "--figure", "noise.pdf")
    assert refused.returncode == 2
    assert "`figure` must end in .png; got noise.pdf" in refused.stderr
    (folder / "folder.png").mkdir()
    before = (folder / "a.png").read_bytes()
    for place, message in (
        ("a.png", "`figure` must lie apart from `path`"),
        ("folder.png", "`figure` folder.png is a folder"),
    ):
        refused = command("inspect", "a.png", "--figure", place)
        assert refused.returncode == 2
        assert message in refused.stderr
    assert (folder / "a.png").read_bytes() == before
    assert {path.name for path in folder.iterdir()} >= {"a.png", "folder.png", "noise.png"}
    assert not (folder / "noise.pdf").exists()


def _odd_pictures(folder, command):
    """Images of two sizes, which `train` refuses: one transparent, one constant, two equal."""
    (folder / "in").mkdir()
    _odd(folder / "in")
    found = _inspect(command, "in")
    assert not found["commands"]["train"]["takes"]
    assert found["notes"] == [
        "1 image has transparent parts, which are white now (--background black makes them black), "
        "the first ink.png.",
        "1 of 5 images is constant, all their pixels equal, the first gray.png.",
        "1 of 5 images is equal to an earlier one, the first b.png.",
    ]
    done = command("inspect", "in")
    for note in found["notes"]:
        assert f"NOTE: {note}" in done.stdout.splitlines()
    (note,) = _inspect(command, "in/ink.png")["notes"]
    assert note == found["notes"][0]


def _odd(folder):
    for name, image in {"a": IMAGES[0], "b": IMAGES[0], "wide": IMAGES[1, :20]}.items():
        codec.write(folder / f"{name}.png", image)
    codec.write(folder / "gray.png", np.full_like(IMAGES[0], 99))
    ink = np.dstack([IMAGES[2]] * 3 + [np.full((28, 28), 255, np.uint8)])
    ink[:4] = 0
    Image.fromarray(ink).save(folder / "ink.png")


@table(
    Case("a folder for each class", "every command takes it", _class_folders),
    Case("images alone", "train needs --no-classifier", _images_alone),
    Case("images of two sizes", "train needs --image-size", _sizes),
    Case("train and test", "augment wants the training images", _train_and_test),
    Case("three images a class", "too few for a study", _few),
    Case("an .npz file", "every command takes it", _arrays),
    Case("one image", "for trained models alone", _one_image),
    Case("a damaged file", "train needs --skip-unreadable", _damaged),
    Case("damaged files alone", "no command takes it", _all_damaged),
    Case("an empty folder", "no command takes it", _no_images),
    Case("dark arrays that train refuses", "the NOTE of the other commands", _dark_arrays),
    Case("odd pictures that train refuses", "the NOTEs of the other commands", _odd_pictures),
    Case("noise that cannot be learned from", "denoise --learn says the same", _correlated),
    Case("a figure", "a PNG, and nothing else", _figure),
)
def test_what_is_said_is_what_happens(case, tmp_path, command):
    case.check(tmp_path, command)


@pytest.mark.parametrize("path", ["nowhere", "notes.txt"])
def test_what_cannot_be_inspected_is_refused(path, tmp_path, command):
    (tmp_path / "notes.txt").touch()
    done = command("inspect", path)
    assert done.returncode == 2
    assert path in done.stderr
    assert "Traceback" not in done.stderr


def test_text(tmp_path, command):
    _folder(tmp_path / "in")
    done = command("inspect", "in")
    assert done.returncode == 0
    assert "24 28x28" in done.stdout
    assert "train                   takes it: 20 training and 4 test images" in done.stdout
