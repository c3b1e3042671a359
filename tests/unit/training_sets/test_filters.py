"""Filters whose parameters are chosen with and without clean images."""

import numpy as np
import pytest

from tfdvae.metrics import image
from tfdvae.training_sets import filters


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_parameters_without_clean_images_are_nearly_the_best(level):
    """Blocks of 8x8 pixels with noise: within 0.3 dB of the parameters that the clean images give,
    and more weight for more noise.
    """
    random = np.random.default_rng(0)
    clean = np.kron(random.random((6, 4, 4)), np.ones((8, 8)))[..., None].astype(np.float32)
    clean = 0.2 + 0.6 * clean
    noisy = clean + random.normal(0, level, clean.shape).astype(np.float32)
    name = "total variation"
    chosen, parameters = filters.least_risk_filter(name, noisy, level)
    best, _ = filters.best_filter(name, noisy, clean)
    reached, possible = (
        image.psnr(filters.filtered(noisy, each), clean).mean() for each in (chosen, best)
    )
    assert possible - 0.3 < reached <= possible
    assert reached > image.psnr(noisy, clean).mean() + 3
    assert (parameters["weight"] > 0.1) == (level > 0.1)
