"""The mixes of `benchmarks/mixes.py`."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import mixes
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.studies.augmentation.images import prepare
from tfdvae.training_sets import batches

MIX = batches.mix
EXPECTED = {  # t: least, largest, mean
    "t in [0, 1]: `denoised`": (0, 1, 0.5),
    "t in [0.5, 1]": (0.5, 1, 0.75),
    "t = 0 or 1, as often": (0, 1, 0.5),
    "t = 0.5": (0.5, 0.5, 0.5),
    "t = 1: denoised images alone": (1, 1, 1),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_images_are_mixed_as_a_row_says(name):
    noisy, denoised = np.zeros((1000, 4, 4, 1), np.float32), np.ones((1000, 1, 4, 4, 1), np.float32)
    mixed, labels = mixes.mix(mixes.ROWS[name].strength)((1, 2), noisy, denoised, np.arange(1000))
    part = np.asarray(mixed)
    assert np.array_equal(labels, np.arange(1000))
    assert np.array_equal(part, np.broadcast_to(part[:, :1, :1], part.shape))  # one t an image
    least, largest, mean = EXPECTED[name]
    assert (part.min(), part.max()) == pytest.approx((least, largest), abs=0.01)
    assert part.min() >= least
    assert part.max() <= largest
    assert part.mean() == pytest.approx(mean, abs=0.05)
    assert (len(np.unique(part)) == 2) == ("or" in name)


def test_the_mix_of_the_training_set_is_that_of_the_study():
    noisy, denoised = np.random.default_rng(0).random((2, 6, 4, 4, 1), np.float32)
    batch = (5, 6), noisy, denoised[:, None], np.arange(6)
    own, expected = mixes.mix(tf.identity)(*batch), batches.mix(*batch)
    assert np.array_equal(own[0], expected[0])
    assert np.array_equal(own[1], expected[1])


def test_a_classifier_learns_from_the_mix_of_a_row(digits_images, tmp_path, monkeypatch):
    """Accuracies are of clean and noisy validation images; the mix of the study is as before."""
    seen, noises = [], []

    def train(config, images, name, protocol, seed):
        step = batches.transform(("mix",), 0.2)
        mixed, _ = step((0, 1), images.train, 1 + images.train[:, None], images.train_labels)
        seen.append((config.output, name, mixed - images.train))
        return SimpleNamespace(images=images), 1, []

    def outputs(model, images, noise, seed):
        noises.append(str(noise))
        labels = model.images.held_out_labels
        right = len(labels) if images is model.images.held_out else len(labels) // 2
        return np.eye(10)[np.where(np.arange(len(labels)) < right, labels, (labels + 1) % 10)]

    monkeypatch.setattr(mixes.training, "train_classifier", train)
    monkeypatch.setattr(mixes.evaluation, "classifier_outputs", outputs)
    config = dataclasses.replace(mixes.CONFIG, n_train=100, output=str(tmp_path))
    noisy = prepare(config, digits_images, "noisy", 100, mixes.NOISE)
    clean = prepare(config, digits_images, "clean", 100)
    found = mixes.accuracies(config, mixes.ROWS["t = 0.5"], noisy, clean, 100)
    assert seen[0][:2] == (str(tmp_path), "denoised")
    np.testing.assert_allclose(seen[0][2], 0.5, atol=1e-6)
    assert list(found) == [mixes.OBSERVED, *mixes.TEST_NOISES]
    assert noises == [*mixes.TEST_NOISES, "none"]
    assert found[mixes.OBSERVED] == 1
    assert found["none"] == pytest.approx(0.5, abs=0.01)
    assert batches.mix is MIX
    assert np.array_equal(clean.held_out_labels, noisy.held_out_labels)
    assert np.std(noisy.held_out - clean.held_out) == pytest.approx(0.2, rel=0.1)


@pytest.fixture
def digits_images():
    images = np.random.default_rng(0).random((300, 8, 8, 1), np.float32)
    labels = np.arange(300) % 10
    return ImageDataset.from_arrays(images[:250], labels[:250], images[250:], labels[250:])


def test_table_has_the_means_of_rows_that_all_seeds_have():
    noises = (mixes.OBSERVED, *mixes.TEST_NOISES)

    def row(name, seed, *values):
        return {"mix": name, "seed": seed} | dict(zip(noises, map(str, values), strict=True))

    first, second, third = list(mixes.ROWS)[:3]
    rows = [
        row(first, "100", 0.8, 0.9, 0.8, 0.7, 0.6, 0.5),
        row(first, "101", 0.9, 1.0, 0.8, 0.7, 0.6, 0.5),
        row(second, "100", 0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
        row(third, "101", 0.1, 0.1, 0.1, 0.1, 0.1, 0.1),
    ]
    lines = mixes.table(rows).markdown().splitlines()
    written = [line.split("|")[1:-1] for line in lines if line.startswith("|")]
    assert [[cell.strip() for cell in line] for line in written[2:]] == [
        [first, "85.00", "95.00", "71.00"]
    ]


def test_committed_table_is_that_of_the_committed_rows():
    rows = [row for path in sorted(mixes.FOLDER.glob("seed-*.csv")) for row in mixes.read(path)]
    assert {row["seed"] for row in rows} == {"100", "101"}
    assert (mixes.FOLDER / "table.md").read_text() == mixes.table(rows).markdown()
