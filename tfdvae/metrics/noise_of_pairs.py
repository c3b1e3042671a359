"""The noise of the second image of pairs, told from structure by the first one."""

from collections.abc import Iterable

import numpy as np

from tfdvae.metrics import noise_blocks
from tfdvae.metrics.noise_blocks import BLOCK


def variance_of_second(
    first: Iterable[np.ndarray], second: Iterable[np.ndarray]
) -> tuple[float, float]:
    """Return the variance of the noise of the second image of pairs of the same scene.

    The noise of both is independent, so that a second image has its own noise with itself alone:
    the variance of its values less their covariance with those of the first one, within blocks of
    8x8 pixels that are not constant. What is in both images does not count, not even fine texture;
    where a first image is blurred, what it lacks does.

    Args:
        first: floats (H, W, C) each, at least 8 pixels a side.
        second: as many, of the same shapes.

    Returns:
        The mean and the median over blocks; 0, or a little less by chance, of images without noise.

    Raises:
        ValueError: no image is large enough, or all blocks are constant.

    Example:
        >>> mean, _ = variance_of_second([noisy], [noisy_again])
        >>> mean ** 0.5
        0.1002
    """
    found = [np.zeros(0)]
    for one, two in zip(first, second, strict=True):
        if min(two.shape[:2]) >= BLOCK:
            blocks = noise_blocks.of_picture(np.asarray(two, np.float32)).astype(np.float64)
            difference = blocks - noise_blocks.of_picture(np.asarray(one, np.float32))
            own = blocks - blocks.mean(axis=(-2, -1), keepdims=True)
            variance = (own * difference).sum(axis=(-2, -1)) / (BLOCK**2 - 1)
            found.append(variance[~noise_blocks.is_constant(blocks)])
    variances = np.concatenate(found)
    if not len(variances):
        raise ValueError(f"`second` must hold blocks of {BLOCK}x{BLOCK} pixels, not all constant.")
    return float(variances.mean()), float(np.median(variances))
