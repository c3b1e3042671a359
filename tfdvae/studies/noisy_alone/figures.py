"""Figures of the study of noisy images alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfdvae._utils import files
from tfdvae.config.objective import OF_NOISY_IMAGES as LEARNED
from tfdvae.config.sets import CLASSICAL
from tfdvae.learning.pictures import middle
from tfdvae.reporting import image_plots
from tfdvae.reporting.document import Figure
from tfdvae.studies.cell_names import seed_of
from tfdvae.studies.noisy_alone.settings import BLIND, DVAE, SHOWN_CEILING, SHOWN_IMAGES

_SIDE = 128  # pixels, of the middle of a picture that is shown
_DARK, _BRIGHT = 0.5, 99.5  # percentiles of a picture that are shown black and white


def of_images(folder: Path, noises: Sequence[str]) -> list[Figure]:
    """Draw a few test images with one noise and what each method makes of them.

    Args:
        folder: of the study. Without the arrays beside its cells nothing is drawn, and the figure
            is the one that is there, if there is one.
        noises: of which the second is drawn, or the only one.
    """
    path, kept = folder / "figures" / "images.png", _kept(folder)
    drawn = [noise for noise in noises if f"{noise}/clean" in kept]
    if drawn:
        noise = drawn[min(1, len(drawn) - 1)]
        rows = {
            name: kept[f"{noise}/{key}"][:SHOWN_IMAGES]
            for name, key in (
                ("clean", "clean"),
                (f"noisy\n{noise}", "noisy"),
                *((method, method) for method in (*CLASSICAL, *LEARNED, DVAE)),
                ("ceiling", SHOWN_CEILING),
                ("ceiling,\nany level", BLIND),
            )
            if f"{noise}/{key}" in kept
        }
        image_plots.image_rows(rows, f"Test images with {noise}", path)
    return _figure(path, "Test images, as given and denoised")


def of_pictures(folder: Path) -> list[Figure]:
    """Draw the middles of a few pictures: the true ones, and what each method makes of them.

    Each is shown from its darkest to its brightest places, since exposures differ.

    Args:
        folder: as for `of_images`.
    """
    path, kept = folder / "figures" / "pictures.png", _kept(folder)
    names = [key.removesuffix("/truth") for key in kept if key.endswith("/truth")][:SHOWN_IMAGES]
    if names:
        side = min(min(kept[f"{name}/truth"].shape[:2]) for name in names)
        rows = {
            method: np.stack([_stretched(middle(kept[f"{name}/{method}"], side)) for name in names])
            for method in ("truth", "noisy", *CLASSICAL, *LEARNED)
            if f"{names[0]}/{method}" in kept
        }
        image_plots.image_rows(rows, "Pictures: the truth, as given, and denoised", path, names)
    return _figure(path, "Middles of pictures: the true ones, as given, and denoised")


def _kept(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays beside all cells, of the first seed where several have one."""
    kept: dict[str, np.ndarray] = {}
    cells = files.completed_files(folder / "cells", "*.npz")
    for file in sorted(cells, key=seed_of, reverse=True):  # the first seed comes last and stays
        with np.load(file) as arrays:
            kept |= dict(arrays)
    return kept


def _figure(path: Path, words: str) -> list[Figure]:
    return [Figure(f"figures/{path.name}", words)] if path.exists() else []


def _stretched(picture: np.ndarray) -> np.ndarray:
    shown = middle(picture, _SIDE)
    dark, bright = np.percentile(shown, [_DARK, _BRIGHT])
    return np.clip((shown - dark) / max(bright - dark, 1e-9), 0, 1)
