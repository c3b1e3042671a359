"""Outputs that are there already, and inputs of which nothing can be used."""

import csv

import numpy as np
import pytest
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tfdvae.image_io import codec
from tfdvae.inference.on_disk import drawing, generating

PICTURES = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)


def _write(folder, pictures=PICTURES):
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{number}.png")


def _nothing_to_detect(folder, command):
    _write(folder / "normal")
    (folder / "normal" / "bad.png").write_bytes(b"normal")
    (folder / "images").mkdir()
    (folder / "images" / "worse.png").write_bytes(b"input")
    done = command("detect", "clothing-dvae", "images", "scores.csv", "--normal", "normal")
    assert done.returncode == 2
    assert "images holds no image that can be used" in done.stderr
    assert "worse.png" in done.stderr
    assert "bad.png" not in done.stderr
    assert not (folder / "scores.csv").exists()


def _some_to_detect(folder, command):
    for name in ("normal", "images"):
        _write(folder / name)
        (folder / name / f"bad_{name}.png").write_bytes(b"no image")
    done = command("detect", "clothing-dvae", "images", "scores.csv", "--normal", "normal")
    assert done.returncode == 1
    assert done.stderr.index("bad_normal.png") < done.stderr.index("bad_images.png")
    assert "of the 4 normal images exceed" in done.stdout
    assert len((folder / "scores.csv").read_text().splitlines()) == 5


def _kept_sample(folder, command):
    model = tfdvae.load("clothing-dvae")
    for name in ("drawn.npz", "drawn.npy"):
        output = folder / name
        output.write_bytes(b"mine")
        with pytest.raises(FileExistsError, match=f"`output` .*{name} exists"):
            drawing.sample(model, output, 2)
        assert output.read_bytes() == b"mine"
        drawing.sample(model, output, 2, overwrite=True)
        assert output.read_bytes() != b"mine"


def _kept_augment(folder, command):
    model = tfdvae.load("clothing-dvae")
    np.savez(folder / "given.npz", images=PICTURES, labels=np.arange(4))
    output = folder / "more.npz"
    output.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"`output` .*more.npz exists"):
        generating.augment(model, folder / "given.npz", output)
    assert output.read_bytes() == b"mine"
    generating.augment(model, folder / "given.npz", output, overwrite=True)
    assert len(np.load(output)["images"]) == 8


def _gone_augment(folder, command):
    """Files that go away once they are read; what is made of another needs it no more."""
    model = tfdvae.load("clothing-dvae")
    for output, copied, failing in (("bare", False, "a.tif"), ("all", True, "a.tif b.png")):
        (folder / "in").mkdir(exist_ok=True)
        for name, picture in zip(("a.tif", "b.png", "c.tif"), PICTURES, strict=False):
            codec.write(folder / "in" / name, picture.reshape(28, 28, 1))

        def batch(images):
            (folder / "in/a.tif").unlink()
            (folder / "in/b.png").unlink()
            return tfdvae.load("clothing-dvae").batch(images)

        model.batch = batch
        tally = generating.augment(model, folder / "in", folder / output, 1, 0, copied)
        assert tally.failed == [
            f"the image {name} cannot be processed: its original cannot be read: No such file or "
            "directory."
            for name in failing.split()
        ]
        assert tally.done == 3 - len(tally.failed)
        made = {path.name for path in (folder / output).iterdir()} - {"manifest.csv"}
        kept = {"c-synthetic1.tif", *["b-synthetic1.png"] * (not copied), *["c.tif"] * copied}
        assert made == kept
        with open(folder / output / "manifest.csv", newline="") as file:
            assert {row["image"] for row in csv.DictReader(file)} == made


@table(
    Case("augment: files that are gone meanwhile", "named, the others done", _gone_augment),
    Case(
        "detect: no input can be read, nor one normal image",
        "the input is named",
        _nothing_to_detect,
    ),
    Case("detect: one of each cannot be read", "both are named, the rest scored", _some_to_detect),
    Case("sample from Python to a file that is there", "refused, and kept", _kept_sample),
    Case("augment from Python to a file that is there", "refused, and kept", _kept_augment),
)
def test_outputs(case, tmp_path, command):
    case.check(tmp_path, command)
