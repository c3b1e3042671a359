"""Which objective the noise allows."""

import math
from collections.abc import Sequence

import numpy as np

from tfdvae.metrics.noise import NoiseEstimate, estimate

CORRELATED = 0.1
"""Correlation of neighboring pixels from which noise is not independent from pixel to pixel."""

UNEVEN = 1.35
"""Ratio of the noise at bright and at dark places from which it is not the same everywhere."""

CLIPPED = 0.05
"""Fraction of clipped pixels from which the noise is not Gaussian."""

CHANNELS = 0.1
"""Correlation of the channels of a pixel from which its noise is not independent in each."""

STRONG = 20
"""Ratio of the noise at bright and at dark places from which no number is said."""

LOOKED_AT = 400
"""Images that tell the level of Gaussian noise."""

_MASKED = "`--objective masked` tries it all the same."
_ANOTHER = 1.25  # ratio from which a level is not the one that pictures show
_STEP = 0.25  # of a gray level, below which there is no noise that could be removed
_RELATIVE = 1e-4  # of the standard deviation of floats, which have no levels


def least_noise(pictures: Sequence[np.ndarray]) -> float:
    """Return the standard deviation below which pictures have no noise that could be removed.

    It is a quarter of a gray level of their type, and for floats a ten-thousandth of their own
    standard deviation.

    Args:
        pictures: uint8, uint16 or floats (H, W, C) each.

    Example:
        >>> least_noise([np.zeros((64, 64, 1), np.uint8)])
        0.00098
    """
    return max(map(_least_noise, pictures))


def _least_noise(picture: np.ndarray) -> float:
    if picture.dtype.kind == "u":
        return _STEP / float(np.iinfo(picture.dtype).max)
    return _RELATIVE * float(np.std(picture, dtype=np.float64))


def choose(
    noise: NoiseEstimate, least: float = _STEP / 255, otherwise: str = _MASKED
) -> tuple[str, str]:
    """Return the objective that the noise of pictures allows, and why.

    - Noise that neighboring pixels share allows none.
    - Gaussian noise that is the same everywhere: `recorrupted`, which uses every pixel.
    - Other noise that is independent from pixel to pixel, such as that of photons, noise that
      channels share, and noise whose independence cannot be checked: `masked`.

    Args:
        noise: as `metrics.noise.estimate` returns it.
        least: standard deviation below which there is none, see `least_noise`.
        otherwise: what errors say can be done all the same, a sentence, or nothing.

    Raises:
        ValueError: there is no noise, or it is shared by neighboring pixels.

    Example:
        >>> choose(noise.estimate(pictures))[0]
        'masked'
    """
    if noise.floor < least:
        raise ValueError(
            f"the pictures have no noise that could be removed: {255 * noise.floor:.1g} gray "
            f"levels of 255 at most places. {otherwise}".rstrip()
        )
    shared = noise.correlation
    if not math.isnan(shared) and abs(shared) > CORRELATED:
        raise ValueError(
            f"the noise of neighboring pixels is correlated ({shared:.2f}), as after JPEG, "
            "resizing or smoothing, or there is no noise: from such pictures alone noise cannot be "
            "told from structure. Give the pictures as the camera recorded them, or a second "
            f"picture of each scene (`tfdvae train --noisy-dir`). {otherwise}".rstrip()
        )
    independent = (
        "its independence from pixel to pixel could not be checked (too few flat places that are "
        "not clipped)"
        if math.isnan(shared)
        else "it is independent from pixel to pixel"
    )
    if noise.spread > UNEVEN or noise.spread < 1 / UNEVEN:
        return "masked", f"the noise is {strength(noise.spread)}, and {independent}"
    if noise.clipped > CLIPPED:
        return "masked", (
            f"the noise is clipped in {100 * noise.clipped:.0f}% of the pixels, and {independent}"
        )
    if math.isnan(shared):
        return "masked", f"the noise is about the same everywhere, but {independent}"
    if not abs(noise.channel_correlation) <= CHANNELS:
        return "masked", (
            f"channels share the noise (correlation {noise.channel_correlation:.2f}), and "
            f"{independent}"
        )
    return "recorrupted", (
        f"the noise is about the same everywhere (standard deviation {255 * noise.floor:.3g} of "
        f"255), and {independent}"
    )


def gaussian_level(
    images: np.ndarray,
    setting: str,
    least: float = _STEP / 255,
    unknown: str = "",
    other: str = "",
) -> float:
    """Return the standard deviation of the Gaussian noise of images, estimated from them alone.

    Up to `LOOKED_AT` of them are looked at, evenly spread.

    Args:
        images: float32 (N, H, W, C) in [0, 1] or, with noise, beyond.
        setting: that is `auto`, for errors.
        least: as for `choose`.
        unknown: what to do where there is no noise, or it cannot be estimated.
        other: what to do where the noise is of another kind.

    Raises:
        ValueError: no noise, noise that cannot be estimated, or that is no Gaussian noise.

    Example:
        >>> gaussian_level(images, "noise")
        0.1003
    """
    count = min(len(images), LOOKED_AT)
    places = np.linspace(0, len(images) - 1, count).astype(int)
    try:
        found = estimate([images[place] for place in places])
        objective, reason = choose(found, least, otherwise="")
    except ValueError as error:
        raise ValueError(f"`{setting}` auto cannot be estimated: {error} {unknown}") from None
    if objective != "recorrupted":
        raise ValueError(f"`{setting}` auto must find Gaussian noise; {reason}. {other}")
    return found.floor


def strength(spread: float) -> str:
    """Return in words how strong the noise is at bright places."""
    if spread > STRONG:
        return "much stronger at bright places than at dark ones"
    if spread < 1 / STRONG:
        return "much weaker at bright places than at dark ones"
    return f"{spread:.1f} times as strong at bright places as at dark ones"


def doubts(noise: NoiseEstimate, given: float, least: float = _STEP / 255) -> list[str]:
    """Return what speaks against noise that was said to be Gaussian and the same everywhere.

    Args:
        noise: as `metrics.noise.estimate` returns it.
        given: standard deviation.
        least: as for `choose`.

    Returns:
        Sentences; none where the pictures show such noise.

    Example:
        >>> doubts(noise.estimate(pictures), given=0.1)
        []
    """
    found = []
    try:
        objective, reason = choose(noise, least)
        if objective != "recorrupted":
            found.append(
                f"`noise` is for Gaussian noise that is the same everywhere, but {reason}."
            )
    except ValueError as error:
        found.append(f"`noise` is taken as it is given, but {error}")
    if not noise.floor / _ANOTHER <= given <= noise.level * _ANOTHER:
        found.append(
            f"`noise` is {255 * given:.3g} of 255, but the pictures look like "
            f"{255 * noise.floor:.3g} to {255 * noise.level:.3g}."
        )
    return found
