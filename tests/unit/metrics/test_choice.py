import numpy as np
import pytest

from tests.helpers.noisy_pictures import CLEAN, gaussian, photons, shared, sharing_channels
from tfdvae.metrics import choice, noise
from tfdvae.metrics.noise import NoiseEstimate

RANDOM = np.random.default_rng(0)

GAUSSIAN = {
    "slope": 0.0,
    "offset": 0.01,
    "level": 0.1,
    "floor": 0.1,
    "spread": 1.0,
    "correlation": 0.0,
    "clipped": 0.0,
}


@pytest.mark.parametrize(
    ("found", "given", "messages"),
    [
        ({}, 0.1, []),
        ({}, 0.081, []),
        ({}, 0.124, []),
        ({"floor": 0.06}, 0.05, []),
        ({}, 0.05, ["`noise` is 12.8 of 255, but the pictures look like 25.5 to 25.5."]),
        ({"floor": 0.06}, 0.2, ["`noise` is 51 of 255, but the pictures look like 15.3 to 25.5."]),
        (
            {"correlation": 0.4},
            0.1,
            ["as it is given, but the noise of neighboring pixels is corr"],
        ),
        ({"floor": 0.0}, 0.1, ["as it is given, but the pictures have no noise that could be rem"]),
        ({"clipped": 0.3}, 0.1, ["same everywhere, but the noise is clipped in 30% of the pixels"]),
        ({"spread": 5.0}, 0.1, ["same everywhere, but the noise is 5.0 times as strong at bright"]),
        (
            {"channel_correlation": 0.8, "level": 0.01, "floor": 0.01},
            0.1,
            ["channels share the noise (correlation 0.80)", "the pictures look like 2.55 to 2.55"],
        ),
    ],
)
def test_what_speaks_against_noise_that_was_given(found, given, messages):
    doubts = choice.doubts(NoiseEstimate(**{**GAUSSIAN, **found}), given)
    assert len(doubts) == len(messages)
    for doubt, message in zip(doubts, messages, strict=True):
        assert message in doubt
        assert doubt.startswith("`noise` is ")
        assert doubt.endswith(".")


def test_a_level_that_is_given_replaces_what_was_found():
    found = NoiseEstimate(0.1, -0.01, 0.3, 0.2, 4.0, 0.05, 0.2, 0.7)
    assert found.of_level(0.1) == NoiseEstimate(0.0, 0.1**2, 0.1, 0.1, 4.0, 0.05, 0.2, 0.7)
    np.testing.assert_allclose(found.of_level(0.1).variance(np.linspace(0, 1, 5)), 0.01)


def padded(picture, columns, value):
    picture[:, :columns] = value
    return picture


FLAT = 0.5 + 0 * CLEAN[:32, :32]
CHOSEN = {
    "little": (lambda: gaussian(RANDOM, 0.02), "recorrupted", "about the same everywhere"),
    "much": (lambda: gaussian(RANDOM, 0.3), "recorrupted", "independent from pixel to pixel"),
    "padded": (lambda: padded(gaussian(RANDOM, 0.05), 90, 0.5), "recorrupted", "(standard dev"),
    "few photons": (lambda: photons(RANDOM, 20), "masked", "as strong at bright places"),
    "photons": (lambda: photons(RANDOM, 200), "masked", "as strong at bright places"),
    "on black": (lambda: padded(photons(RANDOM, 200), 84, 0), "masked", " times as strong"),
    "clipped": (lambda: np.clip(gaussian(RANDOM, 0.1) - 0.5, 0, 1), "masked", ""),
    "small": (
        lambda: FLAT + 0.1 * RANDOM.standard_normal(FLAT.shape),
        "masked",
        "independence from pixel to pixel could not be checked",
    ),
    "own": (lambda: sharing_channels(RANDOM, 0.0), "recorrupted", "about the same everywhere"),
    "common": (lambda: sharing_channels(RANDOM, 0.8), "masked", "channels share the noise"),
}


@pytest.mark.parametrize("case", CHOSEN)
def test_the_objective_that_the_noise_allows(case):
    make, objective, reason = CHOSEN[case]
    count = 1 if case == "small" else 3
    chosen, why = choice.choose(noise.estimate([make() for _ in range(count)]))
    assert chosen == objective
    assert reason in why


def test_noise_that_neighbors_share_allows_none():
    with pytest.raises(ValueError, match="neighboring pixels is correlated"):
        choice.choose(noise.estimate([shared(RANDOM) for _ in range(3)]))


def test_clean_pictures_have_no_noise():
    with pytest.raises(ValueError, match="no noise that could be removed"):
        choice.choose(noise.estimate([CLEAN]))
    flat = np.full((64, 64, 1), 0.5) + 1e-4 * RANDOM.standard_normal((64, 64, 1))
    with pytest.raises(ValueError, match=r"no noise that could be removed: 0\.0[23] gray levels"):
        choice.choose(noise.estimate([flat]))


def test_dark_pictures_of_12_bits_in_16_have_noise():
    dark = 1000 + 30 * RANDOM.standard_normal((128, 128, 1)) + 200 * CLEAN[:, :128]
    picture = np.rint(dark).astype(np.uint16)
    found = noise.estimate([picture / np.float32(65535)])
    assert choice.choose(found, choice.least_noise([picture]))[0] == "recorrupted"


@pytest.mark.parametrize(
    ("picture", "least"),
    [
        (np.zeros((8, 8, 1), np.uint8), 0.25 / 255),
        (np.zeros((8, 8, 1), np.uint16), 0.25 / 65535),
        (np.array([[[0.1], [0.5]]]), 0.2e-4),
    ],
)
def test_the_least_noise_is_that_of_the_steps_of_a_type(picture, least):
    assert choice.least_noise([picture]) == pytest.approx(least)


def test_noise_much_stronger_at_bright_places_is_said_so():
    found = noise.NoiseEstimate(0.1, 0.0, 0.1, 0.1, 102103.0, 0.0, 0.0)
    reason = choice.choose(found)[1]
    assert "the noise is much stronger at bright places than at dark ones, and it is" in reason


def test_the_level_of_gaussian_noise_is_that_of_some_images():
    """400 of 801, every other one: the noise of those between them is not looked at."""
    images = np.full((801, 8, 8, 1), 0.5) + 0.1 * RANDOM.standard_normal((801, 8, 8, 1))
    images[1::2] += 0.3 * RANDOM.standard_normal((400, 8, 8, 1))
    images = images[:799].astype(np.float32)
    assert choice.gaussian_level(images, "noise") == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (CLEAN, "`sigma` auto cannot be estimated: .* Name it"),
        (photons(RANDOM, 20), "`sigma` auto must find Gaussian noise; .* Leave it"),
    ],
)
def test_other_noise_than_gaussian_has_no_level(picture, message):
    with pytest.raises(ValueError, match=message):
        choice.gaussian_level(picture[None], "sigma", unknown="Name it.", other="Leave it.")
