import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tfdvae.learning import choice
from tfdvae.metrics import noise

RANDOM = np.random.default_rng(0)
ROWS, COLUMNS = np.mgrid[:128, :160] / 128
CLEAN = (0.5 + 0.4 * np.sin(5 * ROWS) * np.cos(4 * COLUMNS))[..., None]


def gaussian(level):
    return CLEAN + level * RANDOM.standard_normal(CLEAN.shape)


def photons(count):
    return RANDOM.poisson(count * CLEAN) / count


def shared():
    """Noise that neighboring pixels share."""
    found = gaussian_filter(RANDOM.standard_normal(CLEAN.shape), (0.6, 0.6, 0))
    return CLEAN + 0.1 * found / found.std()


@pytest.mark.parametrize("level", [0.02, 0.1, 0.3])
def test_gaussian_noise(level):
    found = noise.estimate([gaussian(level) for _ in range(3)])
    assert found.level == pytest.approx(level, rel=0.03)
    assert found.floor == pytest.approx(level, rel=0.06)
    assert found.spread == pytest.approx(1, abs=0.1)
    assert abs(found.correlation) < 0.06
    assert found.clipped < 0.001
    assert choice.choose(found)[0] == "recorrupted"


@pytest.mark.parametrize("count", [20, 200])
def test_noise_of_photons(count):
    """Its variance is the signal divided by the photons at white."""
    found = noise.estimate([photons(count) for _ in range(3)])
    assert found.slope == pytest.approx(1 / count, rel=0.1)
    assert found.level == pytest.approx(np.sqrt(CLEAN.mean() / count), rel=0.05)
    variance = found.variance(CLEAN)
    np.testing.assert_allclose(variance, CLEAN / count, atol=0.15 / count)
    objective, reason = choice.choose(found)
    assert objective == "masked"
    assert "as strong at bright places" in reason


def test_noise_that_neighbors_share():
    found = noise.estimate([shared() for _ in range(3)])
    assert found.correlation > 0.2
    with pytest.raises(ValueError, match="neighboring pixels is correlated"):
        choice.choose(found)


@pytest.mark.parametrize("count", [15, 100])
def test_what_was_denoised_refines_the_estimate(count):
    """Texture is no noise any more, and few photons are as they are."""
    texture = 0.08 * RANDOM.standard_normal((32, 40)).repeat(4, 0).repeat(4, 1)[..., None]
    clean = np.clip(CLEAN + texture, 0.02, 1)
    noisy = [RANDOM.poisson(count * clean) / count for _ in range(4)]
    first = noise.estimate(noisy)
    found = noise.refine([(picture, clean) for picture in noisy], first)
    assert found.level == pytest.approx(np.sqrt(clean.mean() / count), rel=0.02)
    np.testing.assert_allclose(found.variance(clean), clean / count, atol=0.05 / count)
    assert (found.correlation, found.clipped) == (first.correlation, first.clipped)


def test_clean_pictures_have_no_noise():
    with pytest.raises(ValueError, match="there is no noise"):
        choice.choose(noise.estimate([CLEAN]))
    flat = np.full((64, 64, 1), 0.5) + 1e-4 * RANDOM.standard_normal((64, 64, 1))
    with pytest.raises(ValueError, match=r"no noise that could be removed: 0\.0[23] gray levels"):
        choice.choose(noise.estimate([flat]))


def test_clipped_noise_is_not_gaussian():
    dark = np.clip(0.05 + 0.1 * RANDOM.standard_normal((128, 128, 1)), 0, 1)
    found = noise.estimate([dark])
    assert found.clipped == pytest.approx(np.mean(dark == 0), abs=0.01)
    assert choice.choose(found)[0] == "masked"


def test_colors_and_sizes_may_differ_and_small_pictures_do_not_count():
    pictures = [np.repeat(CLEAN, 3, axis=-1), CLEAN[:40, :30], np.zeros((7, 100, 1))]
    noisy = [each + 0.1 * RANDOM.standard_normal(each.shape) for each in pictures]
    assert noise.estimate(noisy).level == pytest.approx(0.1, rel=0.03)
    with pytest.raises(ValueError, match="`pictures` must hold one of 8x8 pixels at least"):
        noise.estimate(noisy[2:])


def test_where_nothing_is_flat_the_correlation_is_unknown():
    clipped = RANDOM.integers(0, 2, (64, 64, 1)).astype(float)
    assert np.isnan(noise.estimate([clipped]).correlation)
