"""How good the denoised pictures are, estimated without clean ones."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfdvae import csv_rows
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.learning.pictures import Picture, middle
from tfdvae.metrics import noise as metrics_noise
from tfdvae.metrics import risk
from tfdvae.metrics.noise import NoiseEstimate

logger = logging.getLogger(__name__)

MOST_PIXELS = 2_000_000
"""Pixels that are looked at, in the middle of as many pictures."""

SIDE = 512
"""Pixels a side, of the part of a picture that is looked at."""

_BLOCK = 32  # pixels a side, whose errors are taken as independent


def measure(
    model: TrainedModel,
    pictures: Sequence[Picture],
    noise: NoiseEstimate,
    known: bool,
    folder: Path,
) -> NoiseEstimate:
    """Estimate the PSNR of noisy and of denoised pictures, write `metrics.csv` and say it.

    The mean squared error is estimated by `risk.squared_errors`; its 95% interval is that of the
    means of blocks of 32x32 pixels, and takes the noise for granted.

    Args:
        model: trained.
        pictures: those it learned from.
        noise: of the pictures.
        known: whether the noise was given, and not estimated.
        folder: gets the file.

    Returns:
        The noise; where it is not known, estimated again with what was denoised.
    """
    step = max(1, math.ceil(len(pictures) * SIDE**2 / MOST_PIXELS))
    parts = [middle(picture.unit, SIDE) for picture in pictures[::step]]
    if not known:
        made = ((part, model.denoise(part[None])[0]) for part in parts)
        noise = metrics_noise.refine(made, noise)
    blocks, variances = [], []
    for number, part in enumerate(parts):
        variance = noise.variance(part)[None]
        errors = risk.squared_errors(model.denoise, part[None], variance, number)
        blocks += _block_means(errors[0])
        variances.append(float(variance.mean()))
    level = float(np.mean(variances))
    mean, half = np.mean(blocks), 1.96 * np.std(blocks) / math.sqrt(len(blocks))
    values = {
        "psnr_input_estimated": -10 * math.log10(level),
        "psnr_estimated": risk.estimated_psnr(np.array(mean), level),
        "psnr_estimated_low": risk.estimated_psnr(np.array(mean + half), level),
        "psnr_estimated_high": risk.estimated_psnr(np.array(mean - half), level),
    }
    rows = [
        {
            "study": "learn",
            "model": "dae",
            "network": "unet",
            "n_train": len(pictures),
            "condition": "noisy",
            "target": getattr(model.core, "objective", ""),
            "metric": name,
            "value": float(value),
        }
        for name, value in values.items()
    ]
    csv_rows.write_rows(folder / "metrics.csv", rows)
    logger.info("%s", describe(values, len(parts)))
    if values["psnr_estimated"] <= values["psnr_input_estimated"]:
        logger.warning(
            "NOTE: the denoised pictures are probably further from the truth than the noisy ones."
        )
    return noise


def describe(values: dict[str, float], looked: int) -> str:
    """Return the estimated quality in words."""
    return (
        f"Estimated PSNR {values['psnr_estimated']:.1f} dB (95% interval "
        f"{values['psnr_estimated_low']:.1f} to {values['psnr_estimated_high']:.1f}), noisy "
        f"{values['psnr_input_estimated']:.1f} dB, from {looked:,} "
        f"{'picture' if looked == 1 else 'pictures'}, without a clean one."
    )


def _block_means(errors: np.ndarray) -> list[float]:
    height, width = errors.shape[:2]
    return [
        float(errors[top : top + _BLOCK, left : left + _BLOCK].mean())
        for top in range(0, height, _BLOCK)
        for left in range(0, width, _BLOCK)
    ]
