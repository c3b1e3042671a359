"""The noise in images, estimated again with what a denoiser made of them."""

import dataclasses
from collections.abc import Iterable

import numpy as np
import scipy.ndimage

from tfdvae.metrics import noise_blocks
from tfdvae.metrics.noise import NoiseEstimate
from tfdvae.metrics.risk import UNREFINED, Probe

Probed = Iterable[tuple[np.ndarray, Probe]]
"""Noisy pictures, floats (1, H, W, C), each with what `risk.probe` returned for it."""

_BINS = 24
_FLAT = 0.25  # of the places, the flattest, where the level of even noise is taken
_LEAST = 1e-3  # of the noise, that a denoiser removes
_MEAN = (1, 1, 1, 1)
_DIAGONAL = (1, -1, -1, 1)


def refine(probed: Probed, first: NoiseEstimate) -> tuple[NoiseEstimate, float]:
    """Estimate the noise again, with denoised pictures: texture no longer counts as noise.

    The variance is that of the finest diagonal wavelet coefficients of what was removed, in bins of
    the denoised values, corrected for the noise that the denoiser keeps. Its response to a change
    of these coefficients, r, tells how much: it removes (1 - r)^2 of the variance if it keeps that
    part of the noise and nothing else, and 1 - r if it is the best there is, which removes some
    texture with the noise (Tweedie's formula; Efron 2011). The middle of both is taken.

    Args:
        probed: pictures and what was made of them.
        first: what `noise.estimate` found, for what is not estimated again.

    Returns:
        The estimate, and by which part of its variance it may be wrong beside chance: half the
        distance of both.

    Example:
        >>> found, doubt = refine([(noisy, risk.probe(model.denoise, noisy, 0.01))], first)
    """
    signals, squares, changes, products = [], [], [], []
    for noisy, probe in probed:
        made, removed, change, response = (
            _planes(each) for each in (probe.made, noisy - probe.made, probe.change, probe.response)
        )
        signals.append(_quads(made, _MEAN).ravel() / 4)
        squares.append(np.square(_quads(removed, _DIAGONAL).ravel()) / 4)
        changes.append(np.square(_quads(change, _DIAGONAL)).ravel())
        products.append((_quads(change, _DIAGONAL) * _quads(response, _DIAGONAL)).ravel())
    signal, power, change, product = map(np.concatenate, (signals, squares, changes, products))
    rows = np.array_split(np.argsort(signal, kind="stable"), min(_BINS, len(signal)))
    kept = np.array([product[each].sum() / change[each].sum() for each in rows])
    removed_part = np.clip(1 - kept, _LEAST, 1)
    least = np.array([power[each].mean() for each in rows]) / removed_part
    most = least / removed_part
    variance = (least + most) / 2
    slope, offset = noise_blocks.line(np.array([signal[each].mean() for each in rows]), variance)
    level = float(np.sqrt(variance.mean()))
    doubt = float((most - least).mean() / 2 / (variance.mean() + 1e-12))
    found = dataclasses.replace(first, slope=slope, offset=offset, level=level)
    return found, doubt


def refine_even(probed: Probed, first: NoiseEstimate) -> tuple[NoiseEstimate, float]:
    """Estimate noise that is the same everywhere again: where the denoised pictures are flattest.

    That is a quarter of the blocks of 2x2 pixels, by the range of their means and of those around,
    on which the noise of the finest diagonal wavelet coefficients does not bear. What was removed
    there is noise and no texture, but for the part of the noise that the denoiser keeps, which its
    response tells. Places without noise, such as those of a padding, do not count.

    Args:
        probed: pictures and what was made of them.
        first: what `noise.estimate` found, for what is not estimated again.

    Returns:
        The estimate, of the same level everywhere, and by which part of its variance it may be
        wrong beside chance: half the distance of what `refine` has as the least and the greatest.

    Example:
        >>> found, doubt = refine_even([(noisy, risk.probe(model.denoise, noisy, 0.01))], first)
    """
    rows = []
    for noisy, probe in probed:
        made, removed, change, response = (
            _planes(each) for each in (probe.made, noisy - probe.made, probe.change, probe.response)
        )
        diagonal = _quads(change, _DIAGONAL)
        values = (
            _range(made),
            np.square(_quads(removed, _DIAGONAL)) / 4,
            np.square(diagonal),
            diagonal * _quads(response, _DIAGONAL),
        )
        varied = scipy.ndimage.minimum_filter(_range(_planes(noisy)) > 0, (1, 3, 3))
        rows.append(np.stack([each[varied] for each in values]))
    varies, power, change, product = np.concatenate(rows, axis=1)
    if not len(varies):
        return first, UNREFINED
    flat = varies <= np.quantile(varies, _FLAT)
    removed_part = max(1 - float(product[flat].sum() / change[flat].sum()), _LEAST)
    level = float(np.sqrt(power[flat].mean())) / removed_part
    return first.of_level(level), abs(1 - removed_part) / 2


def _range(planes: np.ndarray) -> np.ndarray:
    """Return by how much the means of blocks of 2x2 differ from those around, (C, H / 2, W / 2)."""
    means, beside = _quads(planes, _MEAN) / 4, (1, 3, 3)
    most = scipy.ndimage.maximum_filter(means, beside, mode="nearest")
    return most - scipy.ndimage.minimum_filter(means, beside, mode="nearest")


def _planes(images: np.ndarray) -> np.ndarray:
    """Return the channels of one image (1, H, W, C), cut to even sides, (C, h, w)."""
    rows, columns = (size // 2 * 2 for size in images.shape[1:3])
    return np.moveaxis(images[0, :rows, :columns], -1, 0)


def _quads(planes: np.ndarray, weights: tuple[int, int, int, int]) -> np.ndarray:
    """Return the weighted sum of the pixels of each block of 2x2, of planes (C, H, W)."""
    corners = (
        planes[:, ::2, ::2],
        planes[:, ::2, 1::2],
        planes[:, 1::2, ::2],
        planes[:, 1::2, 1::2],
    )
    return sum(
        (weight * corner for weight, corner in zip(weights, corners, strict=True)),
        np.zeros_like(corners[0]),
    )
