"""Figures of the noise study."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfdvae._utils import files, records
from tfdvae.metrics import latent_codes
from tfdvae.reporting import image_plots, plots
from tfdvae.studies import cell_names
from tfdvae.studies.noise.results import Results
from tfdvae.studies.noise.settings import NOISES

CAPTIONS = {
    "loss": "Loss of each epoch",
    "reconstructions": "Test images as given, and their reconstructions",
    "codes": "t-SNE of the codes of the test images",
}


def draw(results: Results, target: str, folder: Path) -> None:
    """Draw losses, and reconstructions and codes of the first seed where its arrays are there."""
    curves: dict[str, dict[str, list[float]]] = {
        noise: {
            split: [
                float(np.mean(values))
                for key, values in results.losses.items()
                if key[:3] == (target, noise, split)
            ]
            for split in ("train", "test")
        }
        for noise in NOISES
    }
    title = f"Target {target}: mean squared error, mean over seeds"
    plots.loss_curves(curves, title, folder / "figures" / f"loss-{target}.png")
    stored = {noise: _first_cell(folder, target, noise) for noise in NOISES}
    paths = {noise: path for noise, path in stored.items() if path is not None}
    if len(paths) < len(stored):
        return
    rows, codes = {}, {}
    for noise, path in paths.items():
        with np.load(path) as arrays:
            epochs = (name for name in arrays if name.startswith("epoch_"))
            names = sorted(epochs, key=lambda name: int(name.partition("_")[2]))
            rows[f"{noise}\ninput"] = (arrays["noisy"] + 1) / 2
            rows |= {f"{noise}\n{name.replace('_', ' ')}": arrays[name] for name in names}
            codes[noise] = (_tsne(path, arrays["codes"]), arrays["labels"])
    title = f"Target {target}: test images as given, and their reconstructions"
    image_plots.image_rows(rows, title, folder / "figures" / f"reconstructions-{target}.png")
    title = f"Target {target}: t-SNE of the codes of the test images"
    plots.embeddings(codes, title, folder / "figures" / f"codes-{target}.png")


def _first_cell(folder: Path, target: str, noise: str) -> Path | None:
    """Return the arrays of the first seed; None where they are not on this machine."""
    target = "*" if noise == "none" else target
    cells = files.completed_files(folder / "cells", f"{target}-{noise.replace(':', '-')}-seed*.npz")
    return cell_names.of_first_seed(cells)


def _tsne(cell: Path, codes: np.ndarray) -> np.ndarray:
    """Return t-SNE as published (perplexity 30, random state 307), kept beside the cell."""
    path = cell.with_suffix(".tsne.npy")
    if records.damage(path):  # or it is missing
        embedded = latent_codes.tsne(codes, min(30, len(codes) - 1), seed=307)
        with files.replacing(path) as temporary, open(temporary, "wb") as file:
            np.save(file, embedded)
    return np.load(path)
