import numpy as np
import pytest

from tests.helpers.noisy_pictures import CLEAN, gaussian, shared
from tfdvae.metrics import noise_of_pairs

RANDOM = np.random.default_rng(0)


def gaussian_pictures():
    return [gaussian(RANDOM, 0.1) for _ in range(4)], 0.01


def shared_pictures():
    pictures = [shared(RANDOM) for _ in range(4)]
    return pictures, np.mean([np.var(each - CLEAN) for each in pictures])


@pytest.mark.parametrize("of_second", [gaussian_pictures, shared_pictures])
def test_the_noise_of_a_second_picture_is_told_from_texture(of_second):
    """Neither texture nor noise of the first picture counts; that of neighbors may be alike."""
    texture = 0.1 * RANDOM.standard_normal(CLEAN.shape)
    second, variance = of_second()
    first = [CLEAN + texture + 0.2 * RANDOM.standard_normal(CLEAN.shape) for _ in second]
    mean, median = noise_of_pairs.variance_of_second(first, [texture + each for each in second])
    assert mean == pytest.approx(variance, rel=0.06)
    assert median == pytest.approx(variance, rel=0.2)
    without, _ = noise_of_pairs.variance_of_second(first, [CLEAN + texture for _ in second])
    assert abs(without) < 0.03 * variance


def test_texture_that_a_first_picture_lacks_is_at_some_places():
    texture = 0.2 * RANDOM.standard_normal(CLEAN.shape) * (np.arange(160) < 60)[:, None]
    mean, median = noise_of_pairs.variance_of_second([CLEAN], [CLEAN + texture])
    assert mean > 0.01
    assert median == 0


@pytest.mark.parametrize("second", [CLEAN[:7], np.ones((16, 16, 1))])
def test_pictures_without_blocks_have_no_second_noise(second):
    with pytest.raises(ValueError, match="`second` must hold blocks of 8x8 pixels, not all const"):
        noise_of_pairs.variance_of_second([second], [second])
