"""The noises of `benchmarks/strengths.py`, and the estimates of `benchmarks/estimates.py`."""

import random

import numpy as np
import pytest

from benchmarks import baselines, estimates, strengths
from tfdvae.training_sets import batches

IMAGES = np.random.default_rng(0).random((6, 8, 8, 1), np.float32)


def made(name, seed=100):
    random.seed(seed)
    return getattr(strengths, name)((8, 8, 1), 3)


@pytest.mark.parametrize("name", strengths.STRENGTHS)
def test_noise_is_as_strong_as_said_and_new_in_each_step(name):
    layer = made(name).layers[1]
    flat = np.zeros((4000, 8, 8, 1), np.float32)  # as what shifts fill in
    assert np.array_equal(layer(flat, training=False), flat)
    first, second = (np.asarray(layer(flat, training=True)) for _ in range(2))
    levels = first.std(axis=(1, 2, 3))
    largest = strengths.STRENGTHS[name] * 0.2
    assert levels.mean() == pytest.approx(largest / 2, rel=0.05, abs=1e-6)
    assert np.quantile(levels, 0.9) == pytest.approx(0.9 * largest, rel=0.1, abs=1e-6)
    assert np.array_equal(first, second) == (largest == 0)


def test_images_are_flipped_and_shifted_as_in_the_study():
    layer = made("none").layers[1]
    drawn = np.asarray(layer.draws.state).astype(np.int32)
    found = np.asarray(layer(IMAGES, training=True))
    (expected,) = batches.transform(("geometry", "fresh noise"), 0.0)(drawn, IMAGES)
    assert np.array_equal(found, expected)
    assert not np.array_equal(found, IMAGES)


def test_all_begin_with_the_weights_of_the_baselines():
    random.seed(100)
    said = baselines.plain((8, 8, 1), 3).predict(IMAGES, verbose=0)
    for name in ("none", "double"):
        assert np.array_equal(made(name).predict(IMAGES, verbose=0), said)


def test_estimates_are_near_the_noise(fashion, monkeypatch):
    monkeypatch.setattr(estimates, "SEEDS", (0, 1))
    found = estimates.estimates(fashion, 0.2, 200)
    assert len(set(found)) == 2
    assert found == pytest.approx([0.2, 0.2], rel=0.15)
