"""Numbers of images far beyond any disk: told before any work, and never held as a list."""

import csv

import numpy as np
import pytest

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.models import make
from tfdvae._utils import limits
from tfdvae.image_io import codec

SHAPE = (28, 28, 1)
IMAGES = np.random.default_rng(0).random((4, *SHAPE), dtype=np.float32)
LABELS = np.array([0, 1, 0, 1])
ALL = 10**12


def _model():
    return tfdvae.load("clothing-dvae")


def _sampled_to(output):
    def check(folder, command):
        done = command("sample", "clothing-dvae", output, "--count", 10**18)
        assert done.returncode == 2
        assert "`count` 1,000,000,000,000,000,000 would take about" in done.stderr
        assert f"in {output}, where" in done.stderr
        assert "are free" in done.stderr
        assert not (folder / output).exists()

    return check


def _augmented_folder(*options):
    def check(folder, command):
        for label, image in zip(LABELS, IMAGES, strict=True):
            name = f"{image[0, 0, 0]:.6f}-synthetic2.png"
            (folder / "in" / str(label)).mkdir(parents=True, exist_ok=True)
            codec.write(folder / "in" / str(label) / name, np.rint(255 * image).astype(np.uint8))
        done = command("augment", "clothing-dvae", "in", "out", "--per-image", ALL, *options)
        assert done.returncode == 2
        assert f"`per_image` {ALL:,} would take about" in done.stderr
        assert not (folder / "out").exists()

    return check


def _augmented_arrays(folder, command):
    np.savez(folder / "in.npz", images=IMAGES, labels=LABELS)
    done = command("augment", "clothing-dvae", "in.npz", "out.npz", "--per-image", ALL)
    assert done.returncode == 2
    assert f"`per_image` {ALL:,} would take about" in done.stderr
    assert sorted(path.name for path in folder.glob("*.npz")) == ["in.npz"]


def _trained(folder, command):
    np.savez(folder / "in.npz", x_train=np.tile(IMAGES, (5, 1, 1, 1)), y_train=np.tile(LABELS, 5))
    arguments = ("--dataset", "in.npz", "--samples-per-image", ALL, "--output", "run")
    done = command("train", *arguments, "--epochs", 1)
    assert done.returncode == 2
    assert f"`samples_per_image` {ALL:,} would take about" in done.stderr
    assert not (folder / "run").exists()


def _in_memory(folder, command):
    model = _model()
    augmenter = tfdvae.Augmenter(model)
    message = rf"`{{}}` {ALL:,} would take .* of memory; this machine has"
    with pytest.raises(ValueError, match=message.format("count") + ".*another `seed`"):
        model.sample(ALL)
    with pytest.raises(ValueError, match=message.format("per_image") + ".*piece by piece"):
        model.augment(IMAGES, LABELS, per_image=ALL)
    with pytest.raises(ValueError, match=message.format("per_image")):
        augmenter.generate(IMAGES, LABELS, per_image=ALL)
    with pytest.raises(ValueError, match=message.format("per_image")):
        next(tfdvae.Augmenter(model, "prior").pieces(IMAGES, LABELS, per_image=ALL))
    with limits.use(memory_bytes=10**4), pytest.raises(ValueError, match="this machine has 10 kB"):
        model.sample(2)


def _first_piece(folder, command):
    model = _model()
    with limits.use(piece_bytes=1, batch_images=2):
        for kind in (model, make("dae", shape=SHAPE)):
            augmenter = tfdvae.Augmenter(kind)
            pieces = augmenter.pieces(IMAGES, LABELS, per_image=ALL)
            few = augmenter.pieces(IMAGES, LABELS, per_image=1)
            for made, expected in zip((next(pieces), next(pieces)), few, strict=True):
                assert np.array_equal(made.images, expected.images)
        codes = next(model.core.prior_codes(ALL))
        assert np.array_equal(codes, next(model.core.prior_codes(2)))


def _no_number(folder, command):
    for call in (
        lambda: _model().sample(-(10**400)),
        lambda: _model().augment(IMAGES, LABELS, per_image=-(10**400)),
    ):
        with pytest.raises(ValueError, match="must be a finite number at least 1"):
            call()


def _sorted_names(folder, command):
    """Names have six digits, and as many as the last needs, which 10^6 images would show."""
    assert command("sample", "clothing-dvae", "out", "--count", 3).returncode == 0
    with open(folder / "out" / "manifest.csv", newline="") as file:
        names = [row["image"] for row in csv.DictReader(file)]
    assert names == [f"sample-00000{number}.png" for number in range(3)]


def _lists(folder, command):
    """What the pieces of an .npz file of labelled images hold, in order."""
    np.savez(folder / "in.npz", a=[5], images=IMAGES, labels=LABELS.astype(np.int16))
    with limits.use(piece_bytes=1, batch_images=3):
        done = command(
            *("augment", "clothing-dvae", "in.npz", "out.npz", "--per-image", 2),
            "--include-originals",
        )
    assert done.returncode == 0
    with np.load(folder / "out.npz") as made:
        assert made.files == ["a", "labels", "source", "seed", "method", "images"]
        assert made["labels"].dtype == np.int16
        assert made["labels"].tolist() == LABELS.tolist() * 3
        assert made["source"].tolist() == [0, 1, 2, 3] * 3
        assert made["method"].tolist() == ["original"] * 4 + ["posterior"] * 8
        assert made["seed"] == 0
        assert np.array_equal(made["images"][:4], IMAGES)


@table(
    Case("sample --count 10^18, a folder", "refused with the bytes", _sampled_to("out")),
    Case("sample --count 10^18, .npz", "refused with the bytes", _sampled_to("out.npz")),
    Case("augment --per-image 10^12", "refused with the bytes", _augmented_folder()),
    Case(
        "augment --per-image 10^12 --include-originals",
        "refused with the bytes",
        _augmented_folder("--include-originals"),
    ),
    Case("augment --per-image 10^12, .npz", "refused with the bytes", _augmented_arrays),
    Case("train --samples-per-image 10^12", "refused before training", _trained),
    Case("10^12 in Python", "refused with the memory", _in_memory),
    Case("pieces of 10^12", "the first comes at once", _first_piece),
    Case("-10^400", "refused", _no_number),
    Case("sample", "names of six digits", _sorted_names),
    Case("augment .npz in pieces", "labels and origins of each image", _lists),
)
def test_counts(case, tmp_path, command):
    case.check(tmp_path, command)
