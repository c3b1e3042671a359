"""The noise of the second image of pairs, told from structure by the first one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_SIDE = 16
"""Pixels a side, of the blocks within which values are compared."""

_GAINS = (0.25, 4.0)  # those that are believed


@dataclass(frozen=True)
class SecondNoise:
    """The variance of the noise of the second images of pairs.

    Attributes:
        variance: the mean over all images; 0, or a little less by chance, where there is none.
        error: by which it may be wrong: by chance, half of the 95% interval, and where neighboring
            pixels share the noise.
    """

    variance: float
    error: float


def of_second(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> SecondNoise:
    """Estimate the noise of the second image of pairs of the same scene.

    The noise of both is independent, so that a second image has its own noise with itself alone:
    the variance of its values less their covariance with those of the first one, which is divided
    by the exposure of this one, if that differs. What both images show does not count, not even
    fine texture. It is taken within blocks of up to 16x16 pixels and of half that side: noise that
    neighboring pixels share is lost with the mean of a block, in proportion to 1 / pixels if they
    are few, so that both together tell what is lost. Where a first image shows less, as it is
    blurred or clipped, what it lacks counts.

    Args:
        first: floats (H, W, C) each, of one size.
        second: as many, of the same shapes.

    Raises:
        ValueError: images smaller than 4x4 pixels, or constant.

    Example:
        >>> of_second([noisy], [noisy_again]).variance ** 0.5
        0.1002
    """
    side = min(MOST_SIDE, *second[0].shape[:2]) // 2 * 2
    if side < 4:
        raise ValueError("`second` must hold images of 4x4 pixels at least.")
    own, others = (np.concatenate([_blocks(each, side) for each in of]) for of in (second, first))
    varied = own.min(axis=(1, 2)) < own.max(axis=(1, 2))
    if not varied.any():
        raise ValueError("`second` must hold images that are not constant.")
    own, others = own[varied], others[varied]
    others /= _gain(others, own)
    whole, halves = _products(own, others), _products(_halves(own), _halves(others))
    lost = (whole - halves.reshape(len(whole), 4).mean(axis=1)) / 3
    values = whole + lost
    chance = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.inf
    return SecondNoise(float(values.mean()), 1.96 * chance + abs(float(lost.mean())))


def _blocks(image: np.ndarray, side: int) -> np.ndarray:
    """Return the blocks of an image (H, W, C), float64 (n, side, side)."""
    rows, columns = (size // side for size in image.shape[:2])
    cut = np.asarray(image[: rows * side, : columns * side], np.float64)
    parts = cut.reshape(rows, side, columns, side, -1).transpose(0, 2, 4, 1, 3)
    return parts.reshape(-1, side, side)


def _halves(blocks: np.ndarray) -> np.ndarray:
    """Return the four blocks of half the side in each."""
    half = blocks.shape[1] // 2
    parts = blocks.reshape(len(blocks), 2, half, 2, half).transpose(0, 1, 3, 2, 4)
    return parts.reshape(-1, half, half)


def _gain(first: np.ndarray, second: np.ndarray) -> float:
    """Return the slope of the means of small blocks of first images over those of second ones."""
    means = [_halves(each).mean(axis=(1, 2)) for each in (first, second)]
    covariance = np.cov(*means)
    slope = covariance[0, 1] / covariance[1, 1] if covariance[1, 1] > 0 else 1.0
    return float(np.clip(slope, *_GAINS))


def _products(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the variance of each block less its covariance with the other one."""
    centered = own - own.mean(axis=(1, 2), keepdims=True)
    return (centered * (own - others)).sum(axis=(1, 2)) / (own[0].size - 1)
