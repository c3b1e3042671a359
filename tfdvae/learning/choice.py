"""Which objective the noise allows."""

import math

from tfdvae.metrics.noise import NoiseEstimate

CORRELATED = 0.1
"""Correlation of neighboring pixels from which noise is not independent from pixel to pixel."""

UNEVEN = 1.35
"""Ratio of the noise at bright and at dark places from which it is not the same everywhere."""

CLIPPED = 0.05
"""Fraction of clipped pixels from which the noise is not Gaussian."""

NONE = 0.25 / 255
"""Standard deviation below which there is no noise that could be removed."""


def choose(noise: NoiseEstimate) -> tuple[str, str]:
    """Return the objective that the noise of pictures allows, and why.

    - Noise that neighboring pixels share allows none.
    - Gaussian noise that is the same everywhere: `recorrupted`, which uses every pixel.
    - Other noise that is independent from pixel to pixel, such as that of photons: `masked`.

    Args:
        noise: as `metrics.noise.estimate` returns it.

    Raises:
        ValueError: there is no noise, or it is shared by neighboring pixels.

    Example:
        >>> choose(noise.estimate(pictures))[0]
        'masked'
    """
    shared = noise.correlation
    if not math.isnan(shared) and abs(shared) > CORRELATED:
        raise ValueError(
            f"the noise of neighboring pixels is correlated ({shared:.2f}), as after JPEG, "
            "resizing or smoothing, or there is no noise: from such pictures alone noise cannot be "
            "told from structure. Give the pictures as the camera recorded them, or a second "
            "picture of each scene (`tfdvae train --noisy-dir`); `--objective masked` tries it all "
            "the same."
        )
    if noise.floor < NONE:
        raise ValueError(
            f"the pictures have no noise that could be removed: {255 * noise.floor:.2f} gray "
            "levels of 255 at most places. `--objective masked` tries it all the same."
        )
    if noise.spread > UNEVEN or noise.spread < 1 / UNEVEN:
        return "masked", (
            f"the noise is {noise.spread:.1f} times as strong at bright places as at dark ones, "
            "and independent from pixel to pixel"
        )
    if noise.clipped > CLIPPED:
        return "masked", (
            f"{100 * noise.clipped:.0f}% of the pixels are clipped, and the noise is independent "
            "from pixel to pixel"
        )
    return "recorrupted", (
        f"the noise is about the same everywhere (standard deviation {255 * noise.floor:.1f} of "
        "255), and independent from pixel to pixel"
    )
