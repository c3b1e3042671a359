"""Denoisers without a neural network: classical filters and the best linear map."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import skimage.filters
import skimage.morphology
import skimage.restoration
import sklearn.linear_model

from tfdvae.metrics import image, risk

Filter = Callable[[np.ndarray], np.ndarray]
PENALTIES = (1, 30, 300, 3000)


def _gaussian(sigma: float) -> Filter:
    return partial(skimage.filters.gaussian, sigma=sigma, mode="nearest")


def _median(footprint: str) -> Filter:
    shapes = {"cross": skimage.morphology.disk(1), "3x3": np.ones((3, 3)), "5x5": np.ones((5, 5))}
    return partial(skimage.filters.median, footprint=shapes[footprint], mode="nearest")


def _non_local_means(patch_size: int, h: float) -> Filter:
    function = skimage.restoration.denoise_nl_means
    return partial(function, patch_size=patch_size, patch_distance=9, h=h, fast_mode=True)


def _total_variation(weight: float) -> Filter:
    return partial(skimage.restoration.denoise_tv_chambolle, weight=weight)


def _wavelet(wavelet: str, sigma: float) -> Filter:
    function = skimage.restoration.denoise_wavelet
    return partial(function, sigma=sigma, wavelet=wavelet, mode="soft", rescale_sigma=False)


def _bm3d(sigma: float) -> Filter:
    try:
        import bm3d
    except ImportError as error:
        raise ValueError(
            f"BM3D needs a package that is not installed ({error}): pip install bm3d. Its licence "
            "forbids commercial use."
        ) from None
    return partial(bm3d.bm3d, sigma_psd=sigma)


FILTERS: dict[str, tuple[Callable[..., Filter], dict[str, tuple]]] = {
    "gaussian filter": (
        _gaussian,
        {"sigma": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3, 1.6)},
    ),
    "median": (_median, {"footprint": ("cross", "3x3", "5x5")}),
    "non-local means": (
        _non_local_means,
        {
            "patch_size": (3, 5),
            "h": (0.03, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.3, 0.4, 0.6),
        },
    ),
    "total variation": (
        _total_variation,
        {"weight": (0.02, 0.05, 0.08, 0.1, 0.13, 0.2, 0.3, 0.4, 0.6, 0.9)},
    ),
    "BM3D": (
        _bm3d,
        {"sigma": (0.03, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.3, 0.4)},
    ),
    "wavelet": (
        _wavelet,
        {"wavelet": ("db1", "sym4"), "sigma": (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5)},
    ),
}
"""By name: what makes the filter, and the values that each of its parameters may take."""

SCALED = ("h", "sigma", "weight")
"""Parameters that are larger in proportion to the noise."""


def filtered(images: np.ndarray, function: Filter) -> np.ndarray:
    """Return a filter's output for each image and channel, clipped to [0, 1].

    Args:
        images: float32 (N, H, W, C).
        function: takes and returns one plane, (H, W).

    Returns:
        float32 (N, H, W, C).
    """
    planes = np.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3])
    count, height, width, channels = images.shape
    output = np.stack([function(plane) for plane in planes]).reshape(count, channels, height, width)
    return np.clip(np.moveaxis(output, 1, -1), 0, 1).astype(np.float32)


def best_filter(name: str, noisy: np.ndarray, clean: np.ndarray) -> tuple[Filter, dict[str, Any]]:
    """Return the filter with the greatest mean PSNR on given images, and its parameters.

    Args:
        name: key of `FILTERS`.
        noisy: float32 (N, H, W, C).
        clean: the same images, uncorrupted.
    """
    make, settings = FILTERS[name][0], _settings(name)
    scores = [image.psnr(filtered(noisy, make(**setting)), clean).mean() for setting in settings]
    best = settings[int(np.argmax(scores))]
    return make(**best), best


def least_risk_filter(name: str, noisy: np.ndarray, level: float) -> tuple[Filter, dict[str, Any]]:
    """Return the filter with the least error on noisy images, and its parameters.

    The error is estimated from the noisy images alone (`metrics.risk`).

    Args:
        name: key of `FILTERS`.
        noisy: float32 (N, H, W, C), with Gaussian noise.
        level: its standard deviation.

    Example:
        >>> least_risk_filter("total variation", noisy, 0.1)[1]
        {'weight': 0.1}
    """
    make, settings = FILTERS[name][0], _settings(name)
    variance = np.array(level**2, np.float32)
    errors = [
        risk.squared_errors(partial(filtered, function=make(**setting)), noisy, variance).mean()
        for setting in settings
    ]
    best = settings[int(np.argmin(errors))]
    return make(**best), best


def _settings(name: str) -> list[dict[str, Any]]:
    """Return all parameters that a filter may have."""
    grid = FILTERS[name][1]
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def described(parameters: Mapping[str, Any]) -> str:
    """Return the parameters of a filter as rows have them.

    Example:
        >>> described({"patch_size": 3, "h": 0.06})
        'patch_size=3 h=0.06'
    """
    return " ".join(
        f"{key}={value:.3g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in parameters.items()
    )


def linear_denoiser(
    noisy: np.ndarray, clean: np.ndarray, noisy_held_out: np.ndarray, clean_held_out: np.ndarray
) -> Filter:
    """Return the best linear map from corrupted to clean images.

    It is a Wiener filter with the covariances of these images, fitted by ridge regression; its
    penalty is the one with the greatest PSNR on held-out images.

    Args:
        noisy: float32 (N, H, W, C), what it is fitted on.
        clean: the same images, uncorrupted.
        noisy_held_out: float32 (M, H, W, C).
        clean_held_out: the same images, uncorrupted.

    Returns:
        A function of images, float32 (K, H, W, C), that returns as many, clipped to [0, 1].
    """

    def flat(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1)

    def denoise(model: sklearn.linear_model.Ridge, images: np.ndarray) -> np.ndarray:
        return np.clip(model.predict(flat(images)), 0, 1).reshape(images.shape).astype(np.float32)

    def score(model: sklearn.linear_model.Ridge) -> float:
        return image.psnr(denoise(model, noisy_held_out), clean_held_out).mean()

    fitted = [
        sklearn.linear_model.Ridge(penalty).fit(flat(noisy), flat(clean)) for penalty in PENALTIES
    ]
    return partial(denoise, max(fitted, key=score))
