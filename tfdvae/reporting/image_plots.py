"""Figures of images. Each function writes one PNG in one step."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfdvae.reporting.figure_text import LONGEST_LABEL, wrapped
from tfdvae.reporting.plots import STYLE, save


def image_rows(
    rows: dict[str, np.ndarray], title: str, path: Path, columns: list[str] | None = None
) -> None:
    """Draw rows of images, each with its name on the left.

    Args:
        rows: row name -> float images (N, H, W, C); shown clipped to [0, 1].
        title: over the figure.
        path: of the PNG.
        columns: names over the columns.
    """
    count = max(map(len, rows.values()))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.1 * count + 1.6, 1.15 * len(rows) + 0.6), layout="constrained")
        grid = figure.subplots(len(rows), count, squeeze=False)
        figure.suptitle(title, fontsize=12)
        for line, (name, images) in zip(grid, rows.items(), strict=True):
            for axes in line[len(images) :]:
                axes.axis("off")
            for axes, image in zip(line, images, strict=False):
                _show(axes, image)
            line[0].set_ylabel(
                wrapped(name, LONGEST_LABEL), rotation=0, ha="right", va="center", fontsize=10
            )
        for axes, name in zip(grid[0], columns or [], strict=False):
            axes.set_title(name, fontsize=9)
        save(figure, path)


def latent_grids(
    grids: dict[tuple[int, int], np.ndarray], values: dict[int, np.ndarray], title: str, path: Path
) -> None:
    """Draw decoded images over pairs of latent units.

    Args:
        grids: (i, j) -> images (rows, columns, H, W, C); unit i changes along the columns, unit j
            along the rows, upwards.
        values: unit -> the values it takes.
        title: over the figure.
        path: of the PNG.
    """
    across = min(3, len(grids))
    down = -(-len(grids) // across)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2 * across, 4.3 * down), layout="constrained")
        figure.suptitle(title, fontsize=12)
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axes in panels[len(grids) :]:
            axes.axis("off")
        for axes, ((i, j), images) in zip(panels, grids.items(), strict=False):
            lines = [np.concatenate(list(line), axis=1) for line in images[::-1]]
            _show(axes, np.concatenate(lines, axis=0))
            height, width = images.shape[2:4]
            for unit, axis, pixels, upwards in (
                (i, axes.xaxis, width, False),
                (j, axes.yaxis, height, True),
            ):
                ends = values[unit][[0, -1]]
                ticks = np.array([ends[0], ends.mean(), ends[1]])
                centers = np.interp(
                    ticks, values[unit], (np.arange(len(values[unit])) + 0.5) * pixels
                )
                axis.set_ticks(
                    len(values[unit]) * pixels - centers if upwards else centers,
                    [f"{tick:.2g}" for tick in ticks],
                    fontsize=9,
                )
            axes.set(xlabel=f"unit {i}", ylabel=f"unit {j}")
        save(figure, path)


def _show(axes: Axes, image: np.ndarray) -> None:
    image = np.clip(image, 0, 1)
    axes.imshow(
        image[..., 0] if image.shape[-1] == 1 else image, vmin=0, vmax=1, interpolation="nearest"
    )
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
