"""How far denoised images are from the clean ones, estimated without these."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.stats

from tfdvae._utils import seeds

WRONG = 0.02
"""Fraction by which an estimated variance may be wrong, as noise is not quite Gaussian."""

UNREFINED = 0.1
"""Fraction by which it may be wrong beside that where nothing denoised was looked at."""

STEP = 0.1  # of the noise's standard deviation, by which images are changed
_FEWEST = 8  # independent parts, for an interval


@dataclass(frozen=True)
class Probe:
    """What a denoiser makes of images, and how it responds to a small random change of them.

    Attributes:
        made: denoised images (N, H, W, C).
        change: standard normal numbers (N, H, W, C).
        response: change of what is made, as a multiple of the size of the change, (N, H, W, C).
    """

    made: np.ndarray
    change: np.ndarray
    response: np.ndarray


def probe(
    denoise: Callable[[np.ndarray], np.ndarray],
    noisy: np.ndarray,
    variance: np.ndarray,
    seed: int = 0,
) -> Probe:
    """Denoise images as they are and after a small random change.

    Args:
        denoise: as for `squared_errors`.
        noisy: (N, H, W, C).
        variance: of the noise, to which the change is small.
        seed: of the random change.

    Example:
        >>> probe(lambda images: images / 2, noisy, 0.01).response.std()
        0.5001
    """
    random = seeds.generator(seed, "probe")  # never that of somebody's noise
    change = random.standard_normal(noisy.shape).astype(np.float32)
    size = STEP * float(np.sqrt(np.mean(variance)))
    made = denoise(noisy)
    return Probe(made, change, (denoise(noisy + size * change) - made) / size)


def squared_errors(
    denoise: Callable[[np.ndarray], np.ndarray],
    noisy: np.ndarray,
    variance: np.ndarray,
    seed: int = 0,
) -> np.ndarray:
    """Return unbiased estimates of the squared error of each pixel, floats like `noisy`.

    It is Stein's unbiased risk estimate (Stein 1981) with the divergence by one random change
    (Ramani et al. 2008): (f(y) - y)^2 - v + 2 v b (f(y + h b) - f(y)) / h, with v the variance of
    the noise, b standard normal and h small. It is exact on average for Gaussian noise, nearly so
    for other noise that is independent from pixel to pixel. A single pixel's estimate says
    nothing, and may be below 0: take means.

    Args:
        denoise: function of images (N, H, W, C) that returns as many. It may clip them: where it
            does, it does not respond, and the estimate is that of the clipped images.
        noisy: (N, H, W, C).
        variance: of the noise, broadcast against `noisy`.
        seed: of the random change.

    Example:
        >>> squared_errors(lambda images: images, noisy, 0.01).mean()
        0.0100
    """
    return errors_of_probe(noisy, variance, probe(denoise, noisy, variance, seed))


def errors_of_probe(noisy: np.ndarray, variance: np.ndarray, probed: Probe) -> np.ndarray:
    """Return `squared_errors` of images that were probed.

    Args:
        noisy: (N, H, W, C).
        variance: of the noise, broadcast against `noisy`.
        probed: what `probe` returned for them.

    Example:
        >>> errors_of_probe(noisy, 0.01, probe(model.denoise, noisy, 0.01)).mean()
        0.0012
    """
    removed = (probed.made - noisy) ** 2
    return removed - variance + 2 * variance * probed.change * probed.response


def estimated_psnr(errors: np.ndarray, noise: float) -> float:
    """Return the PSNR in dB that estimated squared errors stand for.

    Args:
        errors: of `squared_errors`, of one picture or many.
        noise: mean variance of the noise; an estimate of the error below a thousandth of it, which
            chance can give, counts as that.

    Example:
        >>> estimated_psnr(np.full((1, 8, 8, 1), 0.01), noise=0.04)
        20.0
    """
    return float(-10 * np.log10(max(float(errors.mean()), 1e-3 * noise, 1e-12)))


def estimates(
    means: np.ndarray, sizes: np.ndarray, level: float, error: float = 0.0, doubt: float = 0.0
) -> dict[str, float]:
    """Return the PSNR of noisy and of denoised images by name, without what is not known.

    `psnr_input_estimated`, `psnr_estimated`, and its 95% interval as `psnr_estimated_low` and
    `psnr_estimated_high`.

    Args:
        means: of `squared_errors`, of images or blocks that are independent, (n,).
        sizes: pixels of each, (n,).
        level: variance of the noise.
        error: by which that may be wrong by chance.
        doubt: by which it may be wrong beside that.
    """
    mean = float(np.average(means, weights=sizes))
    values = {"psnr_input_estimated": -10 * math.log10(level)}
    if mean <= 1e-3 * level:
        return values
    values["psnr_estimated"] = estimated_psnr(np.array(mean), level)
    whole = means[sizes == sizes.max()]
    if len(whole) >= _FEWEST:
        chance = float(scipy.stats.t.ppf(0.975, len(whole) - 1) * scipy.stats.sem(whole))
        half = math.hypot(chance, error) + doubt
        values["psnr_estimated_low"] = estimated_psnr(np.array(mean + half), level)
        if mean - half > 1e-3 * level:
            values["psnr_estimated_high"] = estimated_psnr(np.array(mean - half), level)
    return values
