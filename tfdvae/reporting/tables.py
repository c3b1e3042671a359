"""How tables show numbers, noise and training sets, and tables that are made from rows."""

from collections.abc import Sequence

import numpy as np

from tfdvae import corruptions, registry
from tfdvae.metrics.statistics import mean_and_half_width
from tfdvae.reporting.document import Table


def plus_minus(values: Sequence[float], digits: int = 2, style: str = "f") -> str:
    """Return the mean of independent values and half of its 95% t-interval as text.

    Args:
        values: one or more; of a single value there is no interval.
        digits: after the point, or significant ones where the style is `g`.
        style: `f` or `g`.

    Example:
        >>> plus_minus([1.0, 1.2, 1.1])
        '1.10 ± 0.25'
    """
    mean, half = mean_and_half_width(list(values))
    shown = f"{mean:.{digits}{style}}"
    return shown if np.isnan(half) else f"{shown} ± {half:.{digits if style == 'f' else 2}{style}}"


def accuracy_table(rows: Sequence[dict]) -> Table:
    """Return accuracies in percent with their intervals.

    There is a row for each training set and a column for each test corruption.

    Args:
        rows: long rows; those of `accuracy`, `accuracy_low` and `accuracy_high` are used.
    """
    values = {
        (row["augmentation"], row["test_corruption"], row["metric"]): 100 * float(row["value"])
        for row in rows
    }
    accuracies = [row for row in rows if row["metric"] == "accuracy"]
    columns = list(dict.fromkeys(row["test_corruption"] for row in accuracies))

    def cell(augmentation: str, column: str) -> str:
        value, low, high = (
            values[augmentation, column, metric]
            for metric in ("accuracy", "accuracy_low", "accuracy_high")
        )
        return f"{value:.2f} ({low:.2f} to {high:.2f})"

    return Table(
        ["trained on", *map(corruptions.label, columns)],
        [
            [training_set_label(name), *(cell(name, column) for column in columns)]
            for name in dict.fromkeys(row["augmentation"] for row in accuracies)
        ],
    )


def psnr_table(rows: Sequence[dict]) -> Table:
    """Return the PSNR of corrupted and of denoised test images, a column for each corruption.

    Args:
        rows: long rows; those of `psnr_input` and `psnr` are used.
    """
    values = {(row["metric"], row["test_corruption"]): float(row["value"]) for row in rows}
    columns = [test for metric, test in values if metric == "psnr"]

    def cell(metric: str, column: str) -> str:
        unbounded = column == "none" and metric == "psnr_input"
        return "" if unbounded else f"{values[metric, column]:.2f}"

    return Table(
        ["images", *map(corruptions.label, columns)],
        [
            [name, *(cell(metric, column) for column in columns)]
            for name, metric in (("as given", "psnr_input"), ("denoised", "psnr"))
        ],
    )


def training_set_label(augmentation: str) -> str:
    """Return the name of a training set in tables and figures."""
    made = registry.generates(augmentation)
    return f"limited + {augmentation.upper()}" if made else augmentation
