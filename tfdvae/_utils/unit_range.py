"""Values that are pixels in [0, 1] but for rounding, and how messages write values."""

import numpy as np

from tfdvae._utils import chunks

NOISY = (-8.0, 9.0)
"""Values that images of [0, 1] may have with noise."""
NOISY_MEAN = (-0.1, 1.1)
"""Their mean over all pixels."""
FREE = (-10.0, 10.0)
"""Values that images may have that are scaled as the user likes: not those of 8 bits."""


def rounding(dtype: np.dtype) -> float:
    """Return by how much values of [0, 1] may leave it where they were rounded, as by resizing.

    It is 1e-6, or one step of the type above 1 where that is more: 0.00098 for float16.

    Example:
        >>> rounding(np.dtype(np.float32))
        1e-06
    """
    if dtype.name == "bfloat16":  # which NumPy itself does not know
        return 2.0**-7
    return max(1e-6, float(np.finfo(dtype).eps)) if dtype.kind == "f" else 0.0


def clip_rounding(array: np.ndarray, excess: float) -> np.ndarray:
    """Return values clipped to [0, 1] where none exceeds it by more than `excess`.

    All others, also those that are in [0, 1] already, are returned as they are, without a copy.

    Args:
        array: floats of any shape, at least one; NaN is left to the caller.
        excess: what `rounding` allows for the type that they came in.

    Example:
        >>> clip_rounding(np.array([0.5, 1.0000001]), 1e-6).tolist()
        [0.5, 1.0]
    """
    low, high = array.min(), array.max()
    inside = low >= 0 and high <= 1
    return np.clip(array, 0, 1) if not inside and low >= -excess and high <= 1 + excess else array


def text(value: np.floating | np.integer) -> str:
    """Return a number with as many digits as tell it from its neighbors.

    Example:
        >>> text(np.float32(255)), text(np.nextafter(1.0, 2.0))
        ('255', '1.0000000000000002')
    """
    return str(value).removesuffix(".0")


def noise_explains(images: np.ndarray) -> bool:
    """Return whether images may be pixels in [0, 1] to which noise was added, pixel by pixel.

    If they are, their variance is at most m (1 - m), the most that pixels in [0, 1] of mean m can
    have, and that of the noise; and noise that is independent from pixel to pixel makes neighbors
    differ, by twice its variance in the mean square. Standardized images and those in [-1, 1] vary
    more than that. Images that leave [0, 1] by less than 0.25 (root mean square) pass in any case.
    They are looked at in pieces, so that little memory is needed.

    Args:
        images: float (N, H, W, C), finite, at least one.

    Example:
        >>> ramp = np.linspace(-1.5, 1.5, 784).reshape(1, 28, 28, 1)
        >>> noise_explains(ramp), noise_explains(np.random.default_rng(0).normal(0, 1, ramp.shape))
        (False, True)
    """
    pieces = [images[place] for place in chunks.pieces(len(images), images[0].nbytes)]
    if sum(map(_beyond, pieces)) <= 0.25**2 * images.size:
        return True
    mean = images.mean(dtype=np.float64)
    variance = sum(_squares(piece - mean) for piece in pieces) / images.size
    noise = [
        sum(_squares(np.diff(piece, axis=axis)) for piece in pieces)
        / (images.size // images.shape[axis] * (images.shape[axis] - 1))
        / 2
        for axis in (1, 2)
        if images.shape[axis] > 1
    ]
    mean = np.clip(mean, 0, 1)
    most = mean * (1 - mean) + min(noise, default=np.inf)
    return bool(variance <= chance(images.size) * most)


def _beyond(images: np.ndarray) -> float:
    return _squares(images - np.clip(images, 0, 1))


def _squares(values: np.ndarray) -> float:
    return float(np.square(values).sum(dtype=np.float64))


def chance(size: int) -> float:
    """Return how many times larger than expected the variance of `size` values may come out."""
    return 1.2 + 4 * (3 / size) ** 0.5
