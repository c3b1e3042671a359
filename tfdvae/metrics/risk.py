"""How far denoised images are from the clean ones, estimated without these."""

from collections.abc import Callable

import numpy as np

STEP = 0.1  # of the noise's standard deviation, by which images are changed


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
        denoise: function of images (N, H, W, C) that returns as many, not clipped.
        noisy: (N, H, W, C).
        variance: of the noise, broadcast against `noisy`.
        seed: of the random change.

    Example:
        >>> squared_errors(lambda images: images, noisy, 0.01).mean()
        0.0100
    """
    random = np.random.default_rng(seed)
    change = random.standard_normal(noisy.shape).astype(np.float32)
    size = STEP * float(np.sqrt(np.mean(variance)))
    made = denoise(noisy)
    response = (denoise(noisy + size * change) - made) / size
    return (made - noisy) ** 2 - variance + 2 * variance * change * response


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
