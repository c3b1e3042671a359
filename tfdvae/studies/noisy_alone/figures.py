"""Figure of the study of noisy images alone."""

from pathlib import Path

import numpy as np

from tfdvae._utils import files
from tfdvae.config.objective import OF_NOISY_IMAGES as LEARNED
from tfdvae.reporting import image_plots
from tfdvae.studies.cell_names import seed_of
from tfdvae.studies.noisy_alone.settings import BLIND, CLASSICAL, DVAE, SHOWN_CEILING, SHOWN_IMAGES


def draw(folder: Path, noises: list[str], path: Path) -> None:
    """Draw a few test images with one noise and what each method makes of them.

    Args:
        folder: of the study. Without the arrays beside its cells nothing is drawn.
        noises: of which the second is drawn, or the only one.
        path: of the PNG.
    """
    pictures: dict[str, np.ndarray] = {}
    cells = files.completed_files(folder / "cells", "*.npz")
    for file in sorted(cells, key=seed_of, reverse=True):  # the first seed comes last and stays
        with np.load(file) as arrays:
            pictures |= dict(arrays)
    drawn = [noise for noise in noises if f"{noise}/clean" in pictures]
    if not drawn:
        return
    noise = drawn[min(1, len(drawn) - 1)]
    rows = {
        name: pictures[f"{noise}/{key}"][:SHOWN_IMAGES]
        for name, key in (
            ("clean", "clean"),
            (f"noisy\n{noise}", "noisy"),
            *((method, method) for method in (*CLASSICAL, *LEARNED, DVAE)),
            ("ceiling", SHOWN_CEILING),
            ("ceiling,\nany level", BLIND),
        )
        if f"{noise}/{key}" in pictures
    }
    image_plots.image_rows(rows, f"Test images with {noise}", path)
