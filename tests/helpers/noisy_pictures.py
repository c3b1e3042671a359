"""A smooth picture with noise of several kinds, for the tests that look at noise."""

import numpy as np
from scipy.ndimage import gaussian_filter

ROWS, COLUMNS = np.mgrid[:128, :160] / 128
CLEAN = (0.5 + 0.4 * np.sin(5 * ROWS) * np.cos(4 * COLUMNS))[..., None]


def gaussian(random, level):
    return CLEAN + level * random.standard_normal(CLEAN.shape)


def photons(random, count):
    return random.poisson(count * CLEAN) / count


def shared(random):
    """Noise that neighboring pixels share."""
    found = gaussian_filter(random.standard_normal(CLEAN.shape), (0.6, 0.6, 0))
    return CLEAN + 0.1 * found / found.std()


def sharing_channels(random, part):
    """A picture in color whose channels share a part of the variance of their noise."""
    own, common = (
        0.1 * random.standard_normal((*CLEAN.shape[:2], channels)) for channels in (3, 1)
    )
    return CLEAN + np.sqrt(1 - part) * own + np.sqrt(part) * common
