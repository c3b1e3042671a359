"""The noise of the images that were looked at, and what can be learned from it."""

import dataclasses
import math
from pathlib import Path
from typing import Any

from tfdvae.inspection.scan import Scan
from tfdvae.learning import pictures
from tfdvae.metrics import choice, noise
from tfdvae.metrics.noise import NoiseEstimate
from tfdvae.reporting import learned_plots


def objective(found: Scan) -> tuple[str, str]:
    """Return what `denoise --learn` would learn from the images, and why.

    Raises:
        ValueError: it would refuse them; why.
    """
    if found.estimate is None:
        raise ValueError(
            f"`learn` {found.path} holds no picture of {pictures.LEAST_SIDE}x{pictures.LEAST_SIDE} "
            "or more that is not constant."
        )
    channels = list(dict.fromkeys(each.partition(" ")[2] for each in found.types))
    if len(channels) > 1:
        raise ValueError(
            "`learn` must hold pictures of one number of channels; got "
            f"{channels[0]} and {channels[1]}."
        )
    return choice.choose(found.estimate, choice.least_noise(found.sample))


def to_values(found: Scan) -> dict[str, Any]:
    """Return the noise as values for JSON, null where a value is not known; empty without one.

    `objective` is null where `denoise --learn` refuses the images, and `reason` tells why.
    """
    if found.estimate is None:
        return {}
    values = dataclasses.asdict(found.estimate)
    try:
        name, reason = objective(found)
    except ValueError as error:
        name, reason = None, str(error)
    known = {key: None if math.isnan(value) else value for key, value in values.items()}
    return known | {"objective": name, "reason": reason}


def to_rows(found: Scan) -> list[tuple[str, str]]:
    """Return the noise as lines for the terminal, each with its name."""
    estimate = found.estimate
    if estimate is None:
        return []
    beside, channels = (
        "unknown (no flat places)" if math.isnan(value) else f"{value:.2f}"
        for value in (estimate.correlation, estimate.channel_correlation)
    )
    color = any(each.shape[-1] > 1 for each in found.sample)
    return [
        (
            "noise by brightness",
            f"standard deviation {255 * estimate.level:.3g} of 255 on average, "
            f"{choice.strength(estimate.spread)}; variance {estimate.line()}, in levels of 255",
        ),
        (
            "noise of neighbors",
            f"correlation {beside} of neighboring pixels"
            + ("; shared, it is stronger than estimated" if _is_shared(estimate) else "")
            + (f", {channels} of the channels of a pixel" if color else ""),
        ),
        (
            "pixels at an end",
            f"{100 * estimate.clipped:.3g}% have the least or the greatest value of their image, "
            "as clipped ones have",
        ),
    ]


def _is_shared(estimate: NoiseEstimate) -> bool:
    return abs(estimate.correlation) > choice.CORRELATED


def draw(found: Scan, path: Path) -> None:
    """Draw the variance of the noise against the brightness, and how far pixels share it.

    Raises:
        ValueError: the images allow no estimate of their noise.
    """
    if found.estimate is None:
        raise ValueError(
            f"`figure` needs an image of {pictures.LEAST_SIDE}x{pictures.LEAST_SIDE} or more that "
            "is not constant, whose noise can be estimated."
        )
    shown = noise.curves(map(pictures.unit, found.sample))
    learned_plots.noise(found.estimate, shown, choice.CORRELATED, path)
