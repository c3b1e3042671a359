import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import uniform_filter

from tfdvae.metrics import risk

RANDOM = np.random.default_rng(0)
ROWS, COLUMNS = np.mgrid[:600, :600] / 600
CLEAN = (0.5 + 0.4 * np.sin(25 * ROWS) * np.cos(20 * COLUMNS))[None, ..., None].astype(np.float32)


def mean_filter(images):
    return uniform_filter(images, (0, 3, 3, 0))


@pytest.mark.parametrize("level", [0.05, 0.2])
@pytest.mark.parametrize("denoise", [mean_filter, lambda images: 0.5 * images + 0.2, np.tanh])
def test_the_estimate_is_the_error(level, denoise):
    noisy = CLEAN + np.float32(level) * RANDOM.standard_normal(CLEAN.shape, np.float32)
    error = np.mean((denoise(noisy) - CLEAN) ** 2)
    found = risk.squared_errors(denoise, noisy, np.float32(level**2))
    assert found.shape == CLEAN.shape
    assert found.mean() == pytest.approx(error, rel=0.06)


def test_noise_of_photons():
    noisy = (RANDOM.poisson(50 * CLEAN) / 50).astype(np.float32)
    error = np.mean((mean_filter(noisy) - CLEAN) ** 2)
    found = risk.squared_errors(mean_filter, noisy, noisy / 50)
    assert found.mean() == pytest.approx(error, rel=0.06)


def test_what_removes_nothing_has_the_error_of_the_noise():
    noisy = CLEAN + RANDOM.normal(0, 0.1, CLEAN.shape).astype(np.float32)
    found = risk.squared_errors(lambda images: images, noisy, np.float32(0.01))
    assert found.mean() == pytest.approx(0.01, rel=0.02)


def test_an_image_is_probed_once_for_any_variance():
    noisy = CLEAN + RANDOM.normal(0, 0.1, CLEAN.shape).astype(np.float32)
    probed = risk.probe(mean_filter, noisy, 0.01, seed=3)
    assert np.array_equal(probed.made, mean_filter(noisy))
    np.testing.assert_allclose(probed.response, mean_filter(probed.change), atol=1e-4)
    found = risk.errors_of_probe(noisy, np.float32(0.01), probed)
    assert np.array_equal(found, risk.squared_errors(mean_filter, noisy, np.float32(0.01), seed=3))


def test_of_a_denoiser_that_clips_it_is_the_error_of_the_clipped_images():
    dark = CLEAN - 0.4
    noisy = dark + RANDOM.normal(0, 0.1, CLEAN.shape).astype(np.float32)

    def clipping(images):
        return np.clip(mean_filter(images), 0, 1)

    error = np.mean((clipping(noisy) - dark) ** 2)
    found = risk.squared_errors(clipping, noisy, np.float32(0.01))
    assert found.mean() == pytest.approx(error, rel=0.06)


def test_psnr():
    assert risk.estimated_psnr(np.full((1, 8, 8, 1), 0.01), noise=0.04) == pytest.approx(20)
    assert risk.estimated_psnr(np.full((1, 8, 8, 1), -0.01), noise=0.1) == pytest.approx(40)


def test_estimates_of_images_with_their_interval():
    """Ten errors with mean 0.01; the t-interval of SciPy, and one that is one that is wider."""
    means = 0.01 + 0.001 * np.array([-2, 2, -1, 1, -1, 1, -1, 1, 0, 0])
    found = risk.estimates(means, np.full(10, 64), level=0.04)
    assert found["psnr_input_estimated"] == pytest.approx(-10 * np.log10(0.04))
    assert found["psnr_estimated"] == pytest.approx(20)
    low, high = stats.t.interval(0.95, 9, 0.01, stats.sem(means))
    assert found["psnr_estimated_low"] == pytest.approx(-10 * np.log10(high))
    assert found["psnr_estimated_high"] == pytest.approx(-10 * np.log10(low))
    wider = risk.estimates(means, np.full(10, 64), level=0.04, error=0.003)
    half = np.hypot(high - 0.01, 0.003)
    assert wider["psnr_estimated_low"] == pytest.approx(-10 * np.log10(0.01 + half))
    doubted = risk.estimates(means, np.full(10, 64), level=0.04, error=0.003, doubt=0.002)
    assert doubted["psnr_estimated_low"] == pytest.approx(-10 * np.log10(0.012 + half))


@pytest.mark.parametrize(
    ("means", "names"),
    [
        (np.full(7, 0.01), {"psnr_input_estimated", "psnr_estimated"}),
        (np.full(20, -0.01), {"psnr_input_estimated"}),
    ],
)
def test_what_cannot_be_estimated_is_left_out(means, names):
    assert set(risk.estimates(means, np.ones(len(means)), level=0.04)) == names
