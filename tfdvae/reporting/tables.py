"""Intervals, tests and tables, from numbers and rows alone."""

from collections.abc import Iterable

import numpy as np

from tfdvae.metrics.statistics import mean_and_half_width


def plus_minus(values: list[float], digits: int = 2, style: str = "f") -> str:
    """Return how tables give the mean of independent values and half its 95% t-interval: `1.23 ± 0.45`; of one value the value alone."""
    mean, half = mean_and_half_width(values)
    shown = f"{mean:.{digits}{style}}"
    return shown if np.isnan(half) else f"{shown} ± {half:.{digits if style == 'f' else 2}{style}}"


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> list[str]:
    """Return a Markdown table as lines, with an empty one after it."""
    head = list(head)
    return [*("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines)), ""]


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
    cells = {
        (row["augmentation"], row["test_corruption"], row["metric"]): 100 * float(row["value"])
        for row in rows
    }
    accuracies = [row for row in rows if row["metric"] == "accuracy"]
    columns = list(dict.fromkeys(row["test_corruption"] for row in accuracies))
    lines = [
        "| trained on | " + " | ".join(map(noise_label, columns)) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for augmentation in dict.fromkeys(row["augmentation"] for row in accuracies):
        values = []
        for column in columns:
            value, low, high = (
                cells[augmentation, column, metric]
                for metric in ("accuracy", "accuracy_low", "accuracy_high")
            )
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
    lines = [
        "| images | " + " | ".join(map(noise_label, columns)) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name, metric in (("as given", "psnr_input"), ("denoised", "psnr")):
        values = [
            "" if test == "none" and metric == "psnr_input" else f"{cells[metric, test]:.2f}"
            for test in columns
        ]
        lines.append(f"| {name} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def training_set_label(augmentation: str) -> str:
    """Return how tables and figures name a training set."""
    return (
        f"limited + {augmentation.upper()}"
        if augmentation in ("dae", "vae", "dvae")
        else augmentation
    )
