"""How good the denoised pictures are, estimated without clean ones."""

import itertools
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tfdvae import csv_rows
from tfdvae.image_io import frames
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.learning.held_out import Part
from tfdvae.learning.pictures import unit
from tfdvae.metrics import noise_refined, risk
from tfdvae.metrics.choice import CLIPPED
from tfdvae.metrics.noise import NoiseEstimate

logger = logging.getLogger(__name__)

MOST_PIXELS = 2_000_000
"""Pixels that are looked at, spread over the held-out parts."""

_SIDE = 512  # of a part that is looked at, its middle
_CONTEXT = 64  # rows above and below it
_BLOCK = 32  # pixels a side, whose errors are taken as independent
_ENOUGH = 16_384  # values of a part, for an estimate of its own noise: exposures differ
_BELIEVED = (0.8, 1.25)  # the level of the second estimate, of the first one's


def measure(
    model: TrainedModel,
    parts: Sequence[Part],
    noise: NoiseEstimate,
    known: bool,
    folder: Path,
    together: int = 1,
    of_all: Sequence[Part] = (),
) -> NoiseEstimate:
    """Estimate the PSNR of noisy and of denoised pictures, write `metrics.csv` and say it.

    The mean squared error is estimated by `risk.squared_errors` on parts of the pictures that the
    model has not seen in training: on others the estimate is too good. Its 95% interval is that of
    the means of blocks of 32x32 pixels, wider by what the noise may be wrong where it is estimated:
    by chance, by 2% of its variance, and by what `noise_refined` says, or 10% where that says
    nothing.

    Args:
        model: trained.
        parts: of the pictures, held out.
        noise: of the pictures.
        known: whether the noise was given, and not estimated.
        folder: gets the file.
        together: frames that are the channels of a picture, of which the one in the middle counts.
        of_all: parts of all pictures, on which noise that is the same everywhere is estimated; by
            default those held out.

    Returns:
        The noise; where it is not known, estimated again with what was denoised.
    """
    looked = _chosen(parts)
    if not any(noise.variance(image).any() for image, _ in looked):
        csv_rows.write_rows(folder / "metrics.csv", [])
        logger.info("%s", describe({}))
        return noise
    probed = _probed(model, looked, noise, together)
    noises, doubt, counted = [noise] * len(looked), 0.0, 0
    if not known:
        wide = _probed(model, _chosen(of_all), noise, together) if noise.is_even else []
        unseen = [_unseen(*each) for each in wide or probed]
        noise, doubt = _refined(unseen, noise)
        # A variance comes from the squares of a quarter of the values; of even noise, of a 16th.
        counted = sum(image.size for image, _ in unseen) // (16 if noise.is_even else 4)
        noises = [noise] * len(looked)
        if not noise.is_even:
            noises = [
                _refined([each], noise)[0] if each[0].size >= _ENOUGH else noise for each in unseen
            ]
    blocks = []
    for (image, rows, probe), own in zip(probed, noises, strict=True):
        variance = own.variance(image)[None]
        errors = risk.errors_of_probe(image[None], variance, probe)
        cut = (_blocks(each[0, rows]) for each in (image[None], errors, variance))
        blocks += [*zip(*cut, strict=True)]
    # There is no noise in padding.
    blocks = [each for each in blocks if each[0].min() < each[0].max()] or blocks
    means = np.array([float(errors.mean()) for _, errors, _ in blocks])
    sizes = np.array([errors.size for _, errors, _ in blocks])
    level = float(np.average([variance.mean() for *_, variance in blocks], weights=sizes))
    random = 0.0 if known else math.hypot(risk.WRONG, 1.96 * math.sqrt(2 / counted))
    values = risk.estimates(means, sizes, level, random * level, doubt * level)
    table = [
        {
            "study": "learn",
            "model": "dae",
            "network": "unet",
            "condition": "noisy",
            "target": getattr(model.core, "objective", ""),
            "split": "held_out",
            "metric": name,
            "value": float(value),
        }
        for name, value in values.items()
    ]
    csv_rows.write_rows(folder / "metrics.csv", table)
    logger.info("%s", describe(values))
    for finding in findings(values, noise):
        logger.warning("NOTE: %s", finding)
    return noise


def _chosen(parts: Sequence[Part]) -> list[tuple[np.ndarray, slice]]:
    """Return middles of parts, float32, with the rows that count; others are context."""
    pixels = [min(_SIDE, part.unseen.shape[0]) * min(_SIDE, part.unseen.shape[1]) for part in parts]
    step = max(1, math.ceil(sum(pixels) / MOST_PIXELS))
    return [_middle(part) for part in parts[::step]]


def _middle(part: Part) -> tuple[np.ndarray, slice]:
    height, width = part.unseen.shape[:2]
    rows, left = min(_SIDE, height), max(0, (width - _SIDE) // 2)
    top = part.first + (height - rows) // 2
    above = min(_CONTEXT, top)
    cut = part.values[top - above : top + rows + _CONTEXT, left : left + _SIDE]
    return unit(cut), slice(above, above + rows)


def _probed(
    model: TrainedModel,
    looked: Sequence[tuple[np.ndarray, slice]],
    noise: NoiseEstimate,
    together: int,
) -> list[tuple[np.ndarray, slice, risk.Probe]]:
    """Return parts with what was probed there, both of the frame in the middle of `together`.

    Those of one size that follow each other are probed at once.
    """
    found = []
    for number, same in enumerate(_of_one_size(looked)):
        images = np.stack([image for image, _ in same])
        probe = risk.probe(model.denoise, images, noise.variance(images), number)
        parts = (probe.made, probe.change, probe.response)
        made, change, response = (frames.own(each, together) for each in parts)
        for place, (image, rows) in enumerate(same):
            one = (each[place : place + 1] for each in (made, change, response))
            found.append((frames.own(image, together), rows, risk.Probe(*one)))
    return found


def _of_one_size(
    looked: Sequence[tuple[np.ndarray, slice]],
) -> Iterator[list[tuple[np.ndarray, slice]]]:
    """Yield neighbors of one size together, as many as have the pixels of the largest part."""
    for shape, group in itertools.groupby(looked, lambda each: each[0].shape):
        most = max(1, _SIDE**2 // math.prod(shape[:2]))
        same = list(group)
        yield from (same[start : start + most] for start in range(0, len(same), most))


def _unseen(image: np.ndarray, rows: slice, probe: risk.Probe) -> tuple[np.ndarray, risk.Probe]:
    """Return the rows (1, H, W, C) that count, and what was probed there."""
    parts = (each[:, rows] for each in (probe.made, probe.change, probe.response))
    return image[None, rows], risk.Probe(*parts)


def _refined(
    probed: Sequence[tuple[np.ndarray, risk.Probe]], noise: NoiseEstimate
) -> tuple[NoiseEstimate, float]:
    """Return the noise as what was removed shows it, unless that is far from the first estimate.

    A model that removes next to nothing, or structure too, says nothing of the noise. The second
    number is by which part of its variance it may be wrong.
    """
    refine = noise_refined.refine_even if noise.is_even else noise_refined.refine
    found, doubt = refine(probed, noise)
    low, high = _BELIEVED
    if low * noise.floor <= found.level <= high * noise.level:
        return found, doubt
    return noise, risk.UNREFINED


def describe(values: dict[str, float]) -> str:
    """Return the estimated quality in words.

    Args:
        values: PSNRs by metric, as in `metrics.csv`.
    """
    if not values:
        return "Estimated PSNR: none, for the pictures show no noise."
    noisy = f"noisy {values['psnr_input_estimated']:.1f} dB"
    if "psnr_estimated" not in values:
        return (
            "Estimated PSNR: none, for the error that is left is too small beside the noise to be "
            f"told from it; {noisy}."
        )
    interval = "interval unknown"
    if "psnr_estimated_low" in values:
        interval = f"95% interval from {values['psnr_estimated_low']:.1f}"
        if "psnr_estimated_high" in values:
            interval += f" to {values['psnr_estimated_high']:.1f}"
    return (
        f"Estimated PSNR {values['psnr_estimated']:.1f} dB ({interval}), {noisy}, on held-out "
        "parts, without a clean picture."
    )


def findings(values: dict[str, float], noise: NoiseEstimate) -> list[str]:
    """Return what the user should know of the result, in sentences.

    Args:
        values: PSNRs by metric.
        noise: of the pictures.
    """
    found = []
    if values.get("psnr_estimated", math.inf) <= values.get("psnr_input_estimated", 0):
        found.append(
            "The denoised pictures are probably further from the truth than the noisy ones."
        )
    if values and noise.clipped > CLIPPED:
        found.append(
            f"{100 * noise.clipped:.0f}% of the pixels are clipped. The mean of clipped noise is "
            "not the truth: dark places stay too bright and bright ones too dark, which the "
            "estimated PSNR does not know."
        )
    return found


def _blocks(errors: np.ndarray) -> list[np.ndarray]:
    height, width = errors.shape[:2]
    return [
        errors[top : top + _BLOCK, left : left + _BLOCK]
        for top in range(0, height, _BLOCK)
        for left in range(0, width, _BLOCK)
    ]
