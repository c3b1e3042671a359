import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from tfdvae.metrics import risk

RANDOM = np.random.default_rng(0)
ROWS, COLUMNS = np.mgrid[:200, :200] / 200
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


def test_psnr():
    assert risk.estimated_psnr(np.full((1, 8, 8, 1), 0.01), noise=0.04) == pytest.approx(20)
    assert risk.estimated_psnr(np.full((1, 8, 8, 1), -0.01), noise=0.1) == pytest.approx(40)
