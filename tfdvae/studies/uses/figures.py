"""Figures of the study on uses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from tfdvae._utils import files
from tfdvae.reporting import figure_text, image_plots, plots
from tfdvae.studies import cell_names
from tfdvae.studies.uses.measures import SHOWN_FRACTIONS

MISSING_COLOR = (0.0, 0.45, 0.7)
BYTE_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


def draw_imputation(folder: Path, methods: Mapping[str, str]) -> None:
    """Draw imputed images of the first seed, if its arrays are on this machine.

    Args:
        folder: of the study.
        methods: names of methods in the arrays, and in the figure.
    """
    cells = files.completed_files(folder / "cells", "imputation-seed*.npz")
    first = cell_names.of_first_seed(cells)
    if first is None:
        return
    with np.load(first) as arrays:
        pictures = dict(arrays)
    rows = {"original": pictures["original"]}
    for fraction in SHOWN_FRACTIONS:
        holed = pictures[f"{fraction:g}/input"]
        missing = np.isnan(holed)
        rows[f"{fraction:.0%} missing\n(blue)"] = np.where(missing, MISSING_COLOR, holed)
        rows |= {
            f"{name}\n{fraction:.0%}": pictures[f"{fraction:g}/{method}"]
            for method, name in methods.items()
        }
    seed = cell_names.seed_of(first)
    title = f"Missing pixels filled in: the first test image of each class (seed {seed})"
    image_plots.image_rows(rows, title, folder / "figures" / "imputation.png")


def draw_compression(
    curves: Mapping[str, list[tuple[float, float]]], dataset: str, path: Path
) -> None:
    """Draw quality against size.

    Args:
        curves: bytes an image and PSNR in dB by name; pairs of a DAE and PCA, then of JPEG.
        dataset: its name.
        path: of the PNG.
    """
    with matplotlib.rc_context(figure_text.STYLE):
        figure = Figure(figsize=(8.5, 5), layout="constrained")
        axes = figure.subplots()
        for number, (title, points) in enumerate(curves.items()):
            kind = title.split(",")[0].split(" ")[0]
            color = "#000000" if kind == "JPEG" else plots.COLORS[number // 2]
            filled = kind == "DAE" or "without" in title
            axes.plot(
                *zip(*points, strict=True),
                color=color,
                linestyle="-" if filled else "--",
                marker=plots.MARKERS[number // 2],
                markersize=5,
                markerfacecolor=color if filled else "white",
                label=figure_text.legend_label(title),
            )
        axes.set_xscale("log")
        axes.set_xticks(BYTE_TICKS, list(map(str, BYTE_TICKS)))
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.set(
            title=f"{dataset}, test images: quality against size",
            xlabel="bytes an image (logarithmic; decoder not counted)",
            ylabel="mean PSNR, dB",
        )
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
        plots.save(figure, path)
