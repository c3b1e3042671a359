import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tfdvae.data import image_dataset
from tfdvae.metrics import noise_of_pairs

RANDOM = np.random.default_rng(0)
ROWS, COLUMNS = np.mgrid[:128, :160] / 128
TEXTURE = 0.1 * RANDOM.uniform(-1, 1, ROWS.shape)
CLEAN = (0.5 + 0.3 * np.sin(5 * ROWS) * np.cos(4 * COLUMNS) + TEXTURE)[..., None]


def noisy(level, smooth=0.0, count=12):
    found = RANDOM.standard_normal((count, *CLEAN.shape))
    found = gaussian_filter(found, (0, smooth, smooth, 0)) if smooth else found
    return CLEAN + level * found / found.std()


@pytest.mark.parametrize("smooth", [0, 0.6, 1, 2])
def test_noise_that_neighbors_share_or_not_is_told_from_texture(smooth):
    found = noise_of_pairs.of_second(noisy(0.2), noisy(0.1, smooth))
    assert found.variance == pytest.approx(0.01, rel=0.05 if smooth < 2 else 0.16)
    assert abs(found.variance - 0.01) < 1.5 * found.error < 0.003


@pytest.mark.parametrize(
    "change",
    [
        lambda images: images,
        lambda images: 0.5 * images,
        lambda images: 1.3 * images - 0.1,
        lambda images: images * (RANDOM.random(images.shape) > 0.5),
        lambda images: np.where(RANDOM.random(images.shape) > 0.1, images, RANDOM.random() > 0.5),
    ],
)
def test_clean_second_images_have_none_whatever_the_first_ones_are(change):
    found = noise_of_pairs.of_second(change(noisy(0.1)), [CLEAN] * 12)
    assert abs(found.variance) < 2e-4


@pytest.mark.parametrize("level", [0.05, 0.1, 0.3])
def test_clean_clothing_has_none_though_the_first_images_are_clipped(level, fashion):
    clean = image_dataset.to_unit(fashion.train.images[:2000])
    first = np.clip(clean + level * RANDOM.standard_normal(clean.shape), 0, 1)
    assert noise_of_pairs.of_second(first, clean).variance < 0.01**2


@pytest.mark.parametrize("second", [CLEAN[:3], np.ones((16, 16, 1))])
def test_images_that_are_small_or_constant_are_refused(second):
    with pytest.raises(ValueError, match="`second` must hold images"):
        noise_of_pairs.of_second([second], [second])
