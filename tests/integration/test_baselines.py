"""The ways to train of `benchmarks/baselines.py`: what each does, by hand."""

import keras
import numpy as np
import pytest

from benchmarks import baselines
from tfdvae import classifier
from tfdvae.training_sets import losses

IMAGES = np.random.default_rng(0).random((6, 8, 8, 1), np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def made(manner, seed=100):
    return classifier.build(f"benchmarks.baselines:{manner}", (8, 8, 1), 3, seed)


def test_all_begin_with_the_weights_of_the_seed():
    said = {manner: made(manner).predict(IMAGES, verbose=0) for manner in baselines.MANNERS}
    assert all(np.array_equal(each, said["plain"]) for each in said.values())
    assert not np.array_equal(made("plain", 101).predict(IMAGES, verbose=0), said["plain"])


@pytest.mark.parametrize("manner", baselines.MANNERS)
def test_each_learns(manner):
    model = made(manner)
    before = model.evaluate(IMAGES, LABELS, verbose=0)[0]
    history = model.fit(IMAGES, LABELS, epochs=20, verbose=0).history
    assert set(history) == {"loss", "accuracy"}
    assert model.evaluate(IMAGES, LABELS, verbose=0)[0] < before


@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_mixup_by_hand(smoothing, monkeypatch):
    model, given = made("mixup"), []
    if smoothing:
        losses.change_loss(model, smoothing)

    def beta(shape, *parameters, **_):
        given.append(parameters)
        return np.full(6, 0.25, np.float32)

    monkeypatch.setattr(keras.random, "beta", beta)
    monkeypatch.setattr(
        keras.random, "uniform", lambda shape, **_: np.arange(6, 0, -1).astype(np.float32)
    )
    mixed = 0.25 * IMAGES + 0.75 * IMAGES[::-1]
    logs = model.predict(mixed, verbose=0).astype(np.float64)
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    targets = (1 - smoothing) * np.eye(3)[LABELS] + smoothing / 3
    expected = -np.mean(np.sum((0.25 * targets + 0.75 * targets[::-1]) * logs, axis=1))
    history = model.fit(IMAGES, LABELS, batch_size=6, shuffle=False, verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-3)
    assert set(given) == {(0.2, 0.2)}


@pytest.mark.parametrize("manner", ["mixup", "erasing"])
def test_draws_are_new_in_each_step(manner):
    """With a rate of 0 nothing else changes."""
    model = made(manner)
    model.optimizer.learning_rate = 0.0
    history = model.fit(IMAGES, LABELS, batch_size=6, epochs=8, shuffle=False, verbose=0).history
    assert len(set(history["loss"])) > 4


@pytest.mark.parametrize("draw", ["beta", "uniform"])
def test_shares_and_partners_are_new_in_each_step(draw, monkeypatch):
    model, drawn, given = made("mixup"), [], getattr(keras.random, draw)

    def kept(*arguments, **settings):
        drawn.append(tuple(np.asarray(found := given(*arguments, **settings)).tolist()))
        return found

    monkeypatch.setattr(keras.random, draw, kept)
    model.compile(model.optimizer, model.loss, run_eagerly=True)
    model.fit(IMAGES, LABELS, batch_size=6, epochs=3, verbose=0)
    assert len(set(drawn)) == len(drawn) == 3


def test_averaged_weights_by_hand():
    model = made("averaging")
    expected = [weight.copy() for weight in model.average.get_weights()]
    for _ in range(3):
        model.fit(IMAGES, LABELS, batch_size=6, verbose=0)
        learned = model.learner.get_weights()
        for mean, weight in zip(expected, learned, strict=True):
            mean[...] = 0.99 * mean + 0.01 * weight
    for mean, found in zip(expected, model.average.get_weights(), strict=True):
        np.testing.assert_allclose(found, mean, atol=1e-6)
    assert not np.allclose(learned[0], expected[0], atol=1e-6)


def test_half_of_the_images_are_erased_in_training_alone():
    images = np.ones((400, 8, 8, 1), np.float32)
    layer = made("erasing").layers[1]
    assert np.array_equal(layer(images, training=False), images)
    changed = np.asarray(layer(images, training=True))
    assert set(np.unique(changed)) == {0, 1}
    assert 0.4 < np.mean(changed.min(axis=(1, 2, 3)) == 0) < 0.6
