import numpy as np
import pytest

from tfdvae.metrics import image

RANDOM = np.random.default_rng(0)


def test_scale_and_offset_do_not_count():
    clean = RANDOM.random((8, 9, 1))
    noisy = clean + 0.1 * RANDOM.standard_normal(clean.shape)
    found = image.scale_invariant_psnr(noisy, clean)
    assert image.scale_invariant_psnr(0.3 * noisy + 5, clean) == pytest.approx(found)
    slope, offset = np.polyfit(noisy.ravel(), clean.ravel(), 1)
    error = np.mean((slope * noisy + offset - clean) ** 2)
    assert found == pytest.approx(-10 * np.log10(error))
    assert image.scale_invariant_psnr(2 * clean, clean) > 200
