"""Figures of what a classifier says of images. Each function writes one PNG in one step."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from tfdvae.reporting.figure_text import LONGEST_COLUMN, column_name, wrapped
from tfdvae.reporting.plots import STYLE, save

MOST_NUMBERS = 20  # classes up to which the counts are written into the cells


def confusion(counts: np.ndarray, class_names: Sequence[str], title: str, path: Path) -> None:
    """Draw how many images of each class are taken for each class.

    Args:
        counts: as `metrics.confusion.matrix` returns them, (K, K).
        class_names: one a class.
        title: over the figure.
        path: of the PNG.
    """
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    side = min(14.0, 2.5 + 0.6 * len(counts))
    names = [column_name(name) for name in class_names]
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(side, side), layout="constrained")
        figure.suptitle(title, fontsize=12)
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=9)
        axes.set_yticks(range(len(names)), names, fontsize=9)
        axes.set(xlabel="what the classifier says", ylabel="what it is")
        if len(counts) <= MOST_NUMBERS:
            for (row, column), count in np.ndenumerate(counts):
                color = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, f"{count:,}", ha="center", va="center", color=color)
        save(figure, path)


def captioned(images: np.ndarray, captions: Sequence[str], title: str, path: Path) -> None:
    """Draw images, five in a row, each with words above it.

    Args:
        images: float (N, H, W, C); shown clipped to [0, 1].
        captions: one an image.
        title: over the figure.
        path: of the PNG.
    """
    across = min(5, len(images))
    down = -(-len(images) // across)
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(2.4 * across, 3.1 * down + 0.5), layout="constrained")
        figure.suptitle(title, fontsize=12)
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axes in panels:
            axes.axis("off")
        for axes, image, caption in zip(panels, images, captions, strict=False):
            shown = np.clip(image, 0, 1)
            axes.imshow(shown[..., 0] if shown.shape[-1] == 1 else shown, vmin=0, vmax=1)
            axes.set_title(wrapped(caption, LONGEST_COLUMN + 8), fontsize=8)
        save(figure, path)
