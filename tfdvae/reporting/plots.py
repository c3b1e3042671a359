"""Figures from arrays and rows. Each function writes one PNG in one step.

Colors are those of Okabe and Ito, which color-blind readers can tell apart; markers differ too.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from tfdvae._utils import files
from tfdvae.corruptions import label as noise_label
from tfdvae.reporting import figure_text, tables
from tfdvae.reporting.figure_text import legend_label

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C8C")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
STYLES = ("-", "--", "-.", ":")
STYLE: dict[Any, Any] = figure_text.STYLE | {
    "font.size": 11,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.axisbelow": True,
    "image.cmap": "gray",
}


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG in one step."""
    with files.replacing(path) as temporary:
        figure_text.save(figure, temporary)


def training_loss(history: list[dict], title: str, unit: str, path: Path) -> None:
    """Draw the losses of each epoch, one panel a loss.

    Args:
        history: dictionaries with `epoch` and the losses; those of held-out images, which are
            dashed, are named with `val_`.
        title: over the figure.
        unit: of the losses.
        path: of the PNG.
    """
    titles = {"loss": "loss", "reconstruction_loss": "reconstruction", "kl_loss": "KL divergence"}
    names = list(titles) if "kl_loss" in history[0] else ["loss"]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4 * len(names), 3.4), layout="constrained")
        figure.suptitle(title, fontsize=12)
        epochs = [entry["epoch"] for entry in history]
        for axes, name, color in zip(
            figure.subplots(1, len(names), squeeze=False)[0], names, COLORS, strict=False
        ):
            marker = "o" if len(epochs) < 20 else None
            axes.plot(epochs, [entry[name] for entry in history], color=color, marker=marker)
            if f"val_{name}" in history[0]:
                held_out = [entry[f"val_{name}"] for entry in history]
                axes.plot(epochs, held_out, "--", color="0.4", label="held-out images")
                axes.legend()
            axes.set(title=titles[name], xlabel="epoch", ylabel=unit)
            axes.xaxis.get_major_locator().set_params(integer=True)
        save(figure, path)


_MANY, _LINE = 5, 0.3  # curves above which a legend is beside the axes; inches of a line in it


def looks() -> Iterator[tuple[str, str, str]]:
    """Yield color, marker and line style of one curve after the other; the first 64 are distinct.

    Example:
        >>> next(looks())
        ('#0072B2', 'o', '-')
    """
    for number in itertools.count():
        turn, place = divmod(number, len(COLORS))
        yield COLORS[place], MARKERS[(place + turn) % len(MARKERS)], STYLES[number % len(STYLES)]


def learning_curves(histories: dict[str, list[dict]], title: str, path: Path) -> None:
    """Draw training loss and training accuracy of each classifier against optimizer steps.

    Args:
        histories: training set -> dictionaries with `step`, `loss` and `accuracy`, which the user's
            own classifier need not have.
        title: over the figure.
        path: of the PNG.
    """
    with matplotlib.rc_context(STYLE):
        many = len(histories) > _MANY
        size = (9 + 2.5 * many, max(3.6, _LINE * len(histories) * many))
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(title, fontsize=12)
        panels = figure.subplots(1, 2)
        for axes, metric, unit in zip(
            panels, ("loss", "accuracy"), ("cross-entropy, nats", "%"), strict=True
        ):
            for (name, history), (color, marker, style) in zip(
                histories.items(), looks(), strict=False
            ):
                if metric not in history[0]:
                    continue
                scale = 100 if metric == "accuracy" else 1
                axes.plot(
                    [entry["step"] for entry in history],
                    [scale * entry[metric] for entry in history],
                    color=color,
                    marker=marker,
                    linestyle=style,
                    markersize=4,
                    label=legend_label(tables.training_set_label(name)),
                )
            axes.set(title=f"training {metric}", xlabel="optimizer step", ylabel=unit)
            if axes.lines and not many:
                axes.legend()
        if many:
            figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper")
        save(figure, path)


def accuracy_against_noise(rows: list[dict], title: str, path: Path) -> None:
    """Draw test accuracy with its interval against test corruption, one line a training set.

    Args:
        rows: long rows with metric `accuracy`, `accuracy_low` and `accuracy_high`.
        title: over the figure.
        path: of the PNG.
    """
    values = {
        (row["augmentation"], row["test_corruption"], row["metric"]): 100 * float(row["value"])
        for row in rows
    }
    sets = list(dict.fromkeys(key[0] for key in values))
    corruptions = list(dict.fromkeys(key[1] for key in values))
    with matplotlib.rc_context(STYLE):
        size = (max(6.5, 1.1 * len(corruptions)), max(4.4, _LINE * (len(sets) + 1)))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        for number, (name, (color, marker, style)) in enumerate(zip(sets, looks(), strict=False)):
            low, middle, high = (
                np.array([values[name, c, m] for c in corruptions])
                for m in ("accuracy_low", "accuracy", "accuracy_high")
            )
            apart = min(0.08, 0.8 / len(sets))
            places = np.arange(len(corruptions)) + apart * (number - (len(sets) - 1) / 2)
            axes.errorbar(
                places,
                middle,
                (middle - low, high - middle),
                color=color,
                marker=marker,
                linestyle=style,
                capsize=4,
                label=legend_label(tables.training_set_label(name)),
            )
        labels = list(map(noise_label, corruptions))
        axes.set_xticks(
            range(len(labels)), labels, rotation=0 if max(map(len, labels)) < 10 else 30
        )
        axes.set(
            title=title,
            xlabel="noise of the test images",
            ylabel="accuracy, % (95% interval over test images)",
        )
        axes.legend(title="trained on", loc="upper left", bbox_to_anchor=(1.01, 1))
        save(figure, path)


def scores_against_noise(
    curves: dict[str, list[tuple[float, float]]],
    corruptions: tuple[str, ...],
    title: str,
    unit: str,
    path: Path,
    legend: str = "trained on",
) -> None:
    """Draw scores with their intervals over seeds against test corruption, one line a training set.

    Args:
        curves: training set -> mean and half width of the interval at each corruption; the half
            width may be NaN.
        corruptions: names, as many as each curve has points.
        title: over the figure.
        unit: of the scores.
        path: of the PNG.
        legend: what the lines are.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 5), layout="constrained")
        axes = figure.subplots()
        for number, ((name, points), (color, marker, style)) in enumerate(
            zip(curves.items(), looks(), strict=False)
        ):
            middle, half = np.transpose(points)
            places = np.arange(len(corruptions)) + 0.07 * (number - (len(curves) - 1) / 2)
            axes.errorbar(
                places,
                middle,
                np.nan_to_num(half),
                color=color,
                marker=marker,
                linestyle=style,
                capsize=3,
                label=legend_label(tables.training_set_label(name)),
            )
        axes.set_xticks(range(len(corruptions)), list(map(noise_label, corruptions)))
        axes.set(title=title, xlabel="noise of the test images", ylabel=unit)
        axes.legend(title=legend, loc="upper left", bbox_to_anchor=(1.01, 1))
        save(figure, path)


def loss_curves(
    curves: dict[str, dict[str, list[float]]], title: str, path: Path, unit: str = "loss"
) -> None:
    """Draw losses against epochs, three panels in a line.

    Args:
        curves: panel -> name of a curve -> loss of each epoch.
        title: over the figure.
        path: of the PNG.
        unit: of the losses.
    """
    across = min(3, len(curves))
    down = -(-len(curves) // across)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4 * across, 3 * down + 0.4), layout="constrained")
        figure.suptitle(title, fontsize=12)
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axes in panels[len(curves) :]:
            axes.axis("off")
        for axes, (name, lines) in zip(panels, curves.items(), strict=False):
            for (label, values), (color, marker, style) in zip(
                lines.items(), looks(), strict=False
            ):
                axes.plot(
                    range(1, len(values) + 1),
                    values,
                    color=color,
                    marker=marker,
                    markersize=3,
                    linestyle=style,
                    label=legend_label(label),
                )
            axes.set(title=name, xlabel="epoch", ylabel=unit)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.legend()
        save(figure, path)


def embeddings(points: dict[str, tuple[np.ndarray, np.ndarray]], title: str, path: Path) -> None:
    """Draw points in the plane, colored by class, one panel a model.

    Args:
        points: name -> (positions (N, 2), class numbers (N,)).
        title: over the figure.
        path: of the PNG.
    """
    colors = matplotlib.colormaps["tab10"](range(10))
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(13, 8.5), layout="constrained")
        figure.suptitle(title, fontsize=12)
        for axes, (name, (positions, labels)) in zip(
            figure.subplots(2, -(-len(points) // 2)).ravel(), points.items(), strict=False
        ):
            for label in np.unique(labels):
                chosen = positions[labels == label]
                axes.scatter(*chosen.T, s=1.5, color=colors[label % 10], marker="o", linewidths=0)
                axes.annotate(
                    str(label),
                    np.median(chosen, axis=0),
                    fontsize=12,
                    fontweight="bold",
                    ha="center",
                    va="center",
                    bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": colors[label % 10]},
                )
            axes.set(title=name, xticks=[], yticks=[])
        save(figure, path)
