"""Cells of the study on uses: one model, one use and one seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.studies.uses import images as images_
from tfdvae.studies.uses.compression import measure_compression, measure_jpeg
from tfdvae.studies.uses.images import Images, Measured
from tfdvae.studies.uses.measures import measure_anomalies, measure_imputation, measure_probe
from tfdvae.studies.uses.recipes import CANDIDATES, CHOSEN, Recipe, compared_sizes
from tfdvae.studies.uses.settings import UsesStudyConfig

DEVELOPMENT_SEED = 100
DEVELOPMENT_CLASSES = (0, 6, 8)  # of anomaly scores

Measure = Callable[[Images], Measured]


def list_cells(config: UsesStudyConfig, classes: int) -> dict[str, partial[None]]:
    """Return what computes each cell, by name.

    A cell takes the dataset and the CSV file that it writes.

    Args:
        config: settings of the study.
        classes: of the dataset.
    """
    if config.development:
        return {
            f"{use}-{recipe.candidate}": partial(
                run_cell,
                measure=_candidate(use, recipe.trained_for(config.epochs), config.n_train),
                seed=DEVELOPMENT_SEED,
                split="validation",
            )
            for use, recipes in CANDIDATES.items()
            if use in config.uses
            for recipe in recipes
        }
    cells = {}
    if "compression" in config.uses:
        cells["jpeg"] = partial(run_cell, measure=measure_jpeg, seed=config.seeds[0], seedless=True)
    for seed in config.seeds:
        for name, measure in _measures(config, classes).items():
            cells[f"{name}-seed{seed}"] = partial(run_cell, measure=measure, seed=seed)
    return cells


def _measures(config: UsesStudyConfig, classes: int) -> dict[str, Measure]:
    """Return what measures each cell of a seed, by name."""
    count = config.n_train
    measures: dict[str, Measure] = {}
    if "imputation" in config.uses:
        recipe = CHOSEN["imputation"][0].trained_for(config.epochs)
        measures["imputation"] = partial(measure_imputation, recipe=recipe, n_train=count)
    if "probe" in config.uses:
        recipe = CHOSEN["probe"][0].trained_for(config.epochs)
        measures["probe"] = partial(measure_probe, recipe=recipe, n_train=count)
    for recipe in compared_sizes(config.epochs) if "compression" in config.uses else ():
        name = f"compression-{recipe.network}-{recipe.latent_dim}"
        measures[name] = partial(measure_compression, recipe=recipe, n_train=count)
    for use in ("anomaly-one", "anomaly-nine"):
        for label in range(classes) if use in config.uses else ():
            for chosen in CHOSEN[use]:
                recipe = chosen.trained_for(config.epochs)
                measures[f"{use}-{recipe.network}-{label}"] = partial(
                    measure_anomalies, recipe=recipe, n_train=count, use=use, labels=(label,)
                )
    return measures


def _candidate(use: str, recipe: Recipe, n_train: int) -> Measure:
    if use.startswith("anomaly"):
        labels = DEVELOPMENT_CLASSES
        return partial(measure_anomalies, recipe=recipe, n_train=n_train, use=use, labels=labels)
    measures: dict[str, Callable[..., Measured]] = {
        "imputation": measure_imputation,
        "probe": measure_probe,
        "compression": measure_compression,
    }
    return partial(measures[use], recipe=recipe, n_train=n_train)


def run_cell(
    dataset: ImageDataset,
    path: Path,
    measure: Measure,
    seed: int,
    split: str = "test",
    seedless: bool = False,
) -> None:
    """Measure one use and write its rows, and pictures, if there are any, beside them.

    Args:
        dataset: all images.
        path: of the CSV file.
        measure: returns rows and pictures.
        seed: root seed.
        split: what is measured on.
        seedless: rows are the same for all seeds and have none.
    """
    fixed = {
        "study": "uses",
        "run": path.stem,
        "dataset": Path(dataset.name).name,
        "condition": "clean",
        "split": split,
        "seed": "" if seedless else seed,
    }
    rows, pictures = measure(images_.load(dataset, seed, split))
    if pictures and split == "test":
        files.write_npz(path.with_suffix(".npz"), pictures)
    csv_rows.write_rows(path, (fixed | row for row in rows))
