"""What the spread of a DVAE's draws says of its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfdvae.metrics import uncertainty
from tfdvae.reporting import tables
from tfdvae.reporting.document import Heading, Paragraph, Part, Table
from tfdvae.studies.noisy_alone.settings import DVAE, FEW

if TYPE_CHECKING:
    from tfdvae.inference.trained_model import TrainedModel

DRAWS = 64
"""From which the spread is computed; that of a few draws is itself uncertain."""

_CORRELATION, _COVERAGE = "spread_error_correlation", "coverage_95"
_NOT_BLACK = "_not_black"  # ending of metrics of those pixels alone


def measure(model: TrainedModel, noisy: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    """Return, by metric, how the spread of draws goes with the true error of their mean.

    It is measured over all pixels, and over those that are not black in the clean image: a black
    background is easily found, and flatters both.

    Args:
        model: of a DVAE.
        noisy: float32 (N, H, W, C).
        clean: the same images without noise.
    """
    mean, spread = model.mean_and_spread(noisy, DRAWS)
    errors = mean - clean
    values = {}
    for ending, chosen in (("", np.ones(clean.shape, bool)), (_NOT_BLACK, clean > 0)):
        own = spread[chosen], errors[chosen]
        values[f"{_CORRELATION}{ending}"] = uncertainty.spread_error_correlation(*own)
        values[f"{_COVERAGE}{ending}"] = uncertainty.coverage(*own)
    return values


def parts(
    values: Mapping[tuple[str, str, str], Sequence[float]], noises: Sequence[str]
) -> list[Part]:
    """Return what a report says of it; nothing where no DVAE was measured.

    Args:
        values: of all seeds, by metric, method and noise.
        noises: in the order of the table.
    """
    lines = []
    for noise in noises:
        for ending, pixels in (("", "all"), (_NOT_BLACK, "not black")):
            correlation, within = (
                values.get((f"{metric}{ending}", DVAE, noise))
                for metric in (_CORRELATION, _COVERAGE)
            )
            if correlation and within:
                percent = tables.plus_minus([100 * value for value in within], 1)
                cells = [tables.plus_minus(list(correlation), 2), f"{percent}%"]
                lines.append([noise, pixels, *cells])
    if not lines:
        return []
    return [
        Heading("What the spread of draws says"),
        Paragraph(
            f"A `{DVAE}` draws clean images that a noisy one may show. The standard deviation of "
            f"{DRAWS} draws at each pixel of the first {FEW} test images is put beside the true "
            "error of their mean: by the rank correlation of the two, and by the fraction of clean "
            "pixels within 1.96 standard deviations of the mean, which is 95% where the spread is "
            "the error to expect. Both are also given for the pixels that are not black in the "
            "clean image, for a black background flatters them."
        ),
        Table(["noise", "pixels", "rank correlation with the error", "within the interval"], lines),
    ]
