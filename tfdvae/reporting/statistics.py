"""Intervals and tables, from numbers and rows alone."""

import numpy as np
import scipy.stats


def wilson_interval(proportion: float, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion observed in `count` independent cases."""
    result = scipy.stats.binomtest(round(proportion * count), count).proportion_ci(confidence, method="wilson")
    return float(result.low), float(result.high)


def mean_and_half_width(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the mean of independent values and half the width of its t-interval; NaN for a single value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan")
    return mean, float(scipy.stats.t.ppf((1 + confidence) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))


def prediction_interval(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return where one more value of the same normal distribution falls; infinite for a single value."""
    mean, half = mean_and_half_width(values, confidence)
    half = float("inf") if len(values) < 2 else half * np.sqrt(len(values) + 1)
    return mean - half, mean + half


def noise_label(test_corruption: str) -> str:
    """Return how a table names a test corruption: `no noise`, `2.5%` for Gaussian noise, otherwise its own name."""
    if test_corruption == "none":
        return "no noise"
    kind, _, level = test_corruption.partition(":")
    if "," in level:
        return test_corruption
    return f"{100 * float(level):g}%" if kind == "gaussian" else test_corruption


def accuracy_table(rows: list[dict]) -> str:
    """Return accuracies in percent with their intervals as a Markdown table: a line a training set, a column a test corruption.

    Args:
        rows: long rows; those with metric `accuracy`, `accuracy_low` and `accuracy_high` are used.
    """
    cells = {(row["augmentation"], row["test_corruption"], row["metric"]): 100 * float(row["value"]) for row in rows}
    accuracies = [row for row in rows if row["metric"] == "accuracy"]
    columns = list(dict.fromkeys(row["test_corruption"] for row in accuracies))
    lines = ["| trained on | " + " | ".join(map(noise_label, columns)) + " |", "|---" * (len(columns) + 1) + "|"]
    for augmentation in dict.fromkeys(row["augmentation"] for row in accuracies):
        values = []
        for column in columns:
            value, low, high = (cells[augmentation, column, metric] for metric in ("accuracy", "accuracy_low", "accuracy_high"))
            values.append(f"{value:.2f} ({low:.2f} to {high:.2f})")
        lines.append(f"| {training_set_label(augmentation)} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def psnr_table(rows: list[dict]) -> str:
    """Return the PSNR of corrupted and of denoised test images as a Markdown table, a column a test corruption.

    Args:
        rows: long rows; those with metric `psnr_input` and `psnr` are used.
    """
    cells = {(row["metric"], row["test_corruption"]): float(row["value"]) for row in rows}
    columns = [test for metric, test in cells if metric == "psnr"]
    lines = ["| images | " + " | ".join(map(noise_label, columns)) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, metric in (("as given", "psnr_input"), ("denoised", "psnr")):
        values = ["" if test == "none" and metric == "psnr_input" else f"{cells[metric, test]:.2f}" for test in columns]
        lines.append(f"| {name} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def training_set_label(augmentation: str) -> str:
    """Return how tables and figures name a training set."""
    return f"limited + {augmentation.upper()}" if augmentation in ("dae", "vae", "dvae") else augmentation
