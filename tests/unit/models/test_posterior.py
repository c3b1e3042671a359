"""Draws of the posterior of a model whose posterior is known."""

import numpy as np
import pytest

from tests.helpers.models import IMAGES, make, make_known_posterior
from tfdvae.models import posterior

PICTURES = np.random.default_rng(0).uniform(0.4, 0.6, (3, 8, 6, 1)).astype(np.float32)


def known(number, seed=0, shape=(8, 6, 1), deviation=0.05):
    return deviation * posterior.noise(shape, seed, number)


def test_mean_and_spread_are_those_of_numpy():
    drawn = np.random.default_rng(0).normal(0.5, 0.1, (7, 2, 4)).astype(np.float32)
    mean, spread = posterior.mean_and_spread(iter(drawn))
    assert mean.dtype == spread.dtype == np.float32
    np.testing.assert_allclose(mean, drawn.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(spread, drawn.std(axis=0, ddof=1), atol=1e-6)
    mean, spread = posterior.mean_and_spread(iter(drawn[:1]))
    assert np.array_equal(mean, drawn[0])
    assert not spread.any()


def test_numbers_of_a_draw_are_standard_normal_and_its_own():
    drawn = posterior.noise((100, 100, 2), 0, 0)
    assert drawn.dtype == np.float32
    assert abs(drawn.mean()) < 0.03  # of 20,000, four standard errors
    assert drawn.std() == pytest.approx(1, abs=0.02)
    assert np.array_equal(drawn, posterior.noise((100, 100, 2), 0, 0))
    others = [posterior.noise((100, 100, 2), *key) for key in ((0, 1), (1, 0), (2**63 - 1, 7))]
    assert all(abs(np.corrcoef(drawn.ravel(), each.ravel())[0, 1]) < 0.03 for each in others)


def test_draws_are_mean_and_deviation_times_noise():
    model = make_known_posterior()
    drawn = model.sample_around(PICTURES, count=3, seed=5)
    assert drawn.shape == (3, 3, 8, 6, 1)
    assert drawn.dtype == np.float32
    for number in range(3):
        expected = PICTURES + known(number, seed=5)
        np.testing.assert_allclose(drawn[:, number], expected, atol=1e-6)


def test_mean_and_spread_of_draws():
    model = make_known_posterior()
    drawn = np.stack([PICTURES + known(number, seed=2) for number in range(4)])
    made = model.denoise(PICTURES, samples=4, seed=2)
    np.testing.assert_allclose(made, drawn.mean(axis=0), atol=1e-6)
    spread = model.uncertainty(PICTURES, samples=4, seed=2)
    np.testing.assert_allclose(spread, drawn.std(axis=0, ddof=1), atol=1e-6)
    assert np.array_equal(model.denoise(PICTURES), PICTURES), "by default of the mean code"
    many = model.uncertainty(PICTURES[:1], samples=200)
    assert many.mean() == pytest.approx(0.05, rel=0.03)  # 48 x 199 draws: 0.7% an error


def test_draws_are_clean_images_within_the_range():
    drawn = make_known_posterior(deviation=0.5).sample_around(PICTURES, count=4)
    assert drawn.min() == 0
    assert drawn.max() == 1


def test_images_of_any_size():
    model, picture = make_known_posterior(), PICTURES.reshape(1, 16, 9, 1)
    drawn = model.sample_around(picture, count=2)
    expected = picture + known(1, shape=(16, 9, 1))
    np.testing.assert_allclose(drawn[:, 1], expected, atol=1e-6)


@pytest.mark.parametrize("name", ["vae", "dvae"])
def test_draws_do_not_depend_on_the_images_beside(name):
    model = make(name)
    drawn = model.sample_around(IMAGES[:4], count=2, seed=1)
    np.testing.assert_allclose(
        model.sample_around(IMAGES[2:3], count=2, seed=1)[0], drawn[2], atol=1e-6
    )
    assert not np.allclose(drawn[:, 0], drawn[:, 1], atol=1e-3)
    assert not np.allclose(model.sample_around(IMAGES[:4], 2, seed=2), drawn, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "verb", "options", "message"),
    [
        ("dae", "sample_around", {}, "only a VAE or DVAE has a posterior"),
        ("ae", "uncertainty", {}, "only a VAE or DVAE has a posterior"),
        ("dae", "denoise", {"samples": 2}, "only a VAE or DVAE has a posterior"),
        (
            "dvae",
            "sample_around",
            {"count": 0},
            "`count` must be a finite number between 1 and 1e\\+06; got 0",
        ),
        ("dvae", "uncertainty", {"samples": 1}, "between 2 and 1e\\+06; got 1"),
        ("dvae", "denoise", {"samples": 0}, "between 1 and 1e\\+06; got 0"),
        ("dvae", "uncertainty", {"seed": -1}, "`seed` must be"),
    ],
)
def test_refused(name, verb, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(make(name), verb)(IMAGES, **options)


def test_codes_that_are_smaller_than_images_are_of_one_size():
    with pytest.raises(ValueError, match="must have shape"):
        make("dvae").uncertainty(np.zeros((1, 12, 10, 2), np.float32))
