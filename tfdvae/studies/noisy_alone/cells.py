"""Cells of the study: a model, or a classical filter, on images with a noise or on pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae import corruptions, csv_rows
from tfdvae._utils import files
from tfdvae.config.objective import HIDING
from tfdvae.config.sets import CLASSICAL
from tfdvae.data import pipelines, splits
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.metrics import image, risk
from tfdvae.studies.cell_names import unfinished
from tfdvae.studies.noisy_alone import photographs, pictures, spread
from tfdvae.studies.noisy_alone.settings import (
    BLIND,
    CEILING,
    CHOOSING,
    DVAE,
    ESTIMATED,
    FEW,
    NOISE_SEED,
    SHOWN_CEILING,
    SHOWN_IMAGES,
    SLOW,
    NoisyAloneConfig,
    suits,
)
from tfdvae.training_sets import filters
from tfdvae.training_sets.denoisers import trained

Cell = Callable[..., None]
HELD_OUT = 1000


def list_cells(config: NoisyAloneConfig) -> dict[str, Cell]:
    """Return what computes each cell, by name."""
    cells: dict[str, Cell] = {}
    if config.pictures is not None:
        for seed in config.seeds:
            for objective in HIDING:
                if objective in config.objectives:
                    cells[f"pictures-{objective}-seed{seed}"] = partial(
                        pictures.model_cell, objective=objective, seed=seed
                    )
        for name in CLASSICAL:
            cells[f"pictures-{name}"] = partial(pictures.filter_cell, name=name)
        return cells
    of_photographs = config.photographs is not None
    start = "photographs-" if of_photographs else ""
    for text in config.noises:
        label = f"{start}{text.replace(':', '-')}"
        for seed in config.seeds:
            for objective in config.objectives:
                if objective == BLIND or (objective == DVAE and of_photographs):
                    continue
                if not suits(objective, text):
                    continue
                cells[f"{label}-{objective}-seed{seed}"] = (
                    partial(photographs.model_cell, noises=(text,), objective=objective, seed=seed)
                    if of_photographs
                    else partial(model_cell, text=text, objective=objective, seed=seed)
                )
        for name in CLASSICAL:
            cells[f"{label}-{name}"] = (
                partial(photographs.filter_cell, noise=text, name=name)
                if of_photographs
                else partial(filter_cell, text=text, name=name)
            )
    if BLIND in config.objectives:
        for seed in config.seeds:
            cells[f"{start}{BLIND}-seed{seed}"] = partial(
                photographs.model_cell, noises=config.noises, objective=BLIND, seed=seed
            )
    return cells


def model_cell(
    config: NoisyAloneConfig,
    dataset: ImageDataset,
    path: Path,
    text: str,
    objective: str,
    seed: int,
) -> None:
    """Train a model and measure it on all test images.

    Where the noise is Gaussian, its error is also estimated without clean images. Of a DVAE it is
    also measured what the spread of its draws says of the error.
    """
    train, _ = _images(config, dataset)
    noisy, test = _noisy(train, text, seed, "observed"), to_unit(dataset.test.images)
    corruption = corruptions.parse(text)
    tested = _noisy(test, text, NOISE_SEED, "test")
    learned = train if objective == CEILING else noisy
    learns = {CEILING: "observed", DVAE: "recorrupted"}.get(objective, objective)
    kind = DVAE if objective == DVAE else "dae"
    model, seconds = trained(
        learned, learns, corruption, seed, config.steps, unfinished(path), kind, config.precision
    )
    output = model.denoise(tested)
    values = {
        **_qualities(image.psnr(output, test)),
        ("test", "psnr_input"): float(image.psnr(tested, test).mean()),
        ("test", "training_seconds"): seconds,
    }
    if isinstance(corruption, corruptions.Gaussian):
        part, variance = tested[:ESTIMATED], np.array(corruption.level**2, np.float32)
        errors = risk.squared_errors(model.denoise, part, variance)
        values["test", "mse_estimated"] = float(errors.mean())
        values["test", "mse"] = float(np.mean((output[:ESTIMATED] - test[:ESTIMATED]) ** 2))
    if objective == DVAE:
        of_draws = spread.measure(model, tested[:FEW], test[:FEW])
        values |= {(f"test_first_{FEW}", metric): value for metric, value in of_draws.items()}
    fields = _fields(dataset, path, text, len(train)) | {
        "condition": "clean" if objective == CEILING else "noisy",
        "model": kind,
        "network": "spatial_unet" if objective == DVAE else "unet",
        "corruption": str(model.core.corruption),
        "target": learns if objective == DVAE else objective,
        "step": config.steps,
        "seed": seed,
    }
    own = SHOWN_CEILING if objective == CEILING else objective
    shown = {"clean": test, "noisy": tested, own: output}
    _write(path, fields, values, text, shown)


def filter_cell(
    config: NoisyAloneConfig, dataset: ImageDataset, path: Path, text: str, name: str
) -> None:
    """Measure a classical filter with the best of its parameters, a slow one on fewer images."""
    most = FEW if name in SLOW else len(dataset.test.images)
    train, held_out = _images(config, dataset)
    held_out, test = held_out[: SLOW.get(name, CHOOSING)], to_unit(dataset.test.images[:most])
    noisy = _noisy(held_out, text, NOISE_SEED, "held out")
    function, parameters = filters.best_filter(CLASSICAL[name], noisy, held_out)
    output = filters.filtered(_noisy(test, text, NOISE_SEED, "test"), function)
    fields = _fields(dataset, path, text, len(train)) | {
        "model": name,
        "network": filters.described(parameters),
    }
    values = _qualities(image.psnr(output, test))
    if name in SLOW:
        del values["test", "psnr"]
    _write(path, fields, values, text, {name: output})


def _images(config: NoisyAloneConfig, dataset: ImageDataset) -> tuple[np.ndarray, np.ndarray]:
    """Return clean training images and held-out ones, float32 in [0, 1]."""
    labels = np.asarray(dataset.train.labels)
    count = min(config.n_train, len(labels) - min(HELD_OUT, len(labels) // 5))
    chosen = splits.stratified_subset(labels, count, NOISE_SEED)
    others = np.setdiff1d(np.arange(len(labels)), chosen)
    held_out = np.random.default_rng(NOISE_SEED).permutation(others)[:HELD_OUT]
    train, other = (to_unit(dataset.train.images[np.sort(rows)]) for rows in (chosen, held_out))
    return train, other


def _noisy(images: np.ndarray, text: str, seed: int, purpose: str) -> np.ndarray:
    index = np.arange(len(images))
    return pipelines.freeze_noise(images, index, corruptions.parse(text), seed, purpose)


def _qualities(scores: np.ndarray) -> dict[tuple[str, str], float]:
    """Return the mean PSNR of all test images, and of the first few, by split and metric."""
    return {
        ("test", "psnr"): float(scores.mean()),
        (f"test_first_{FEW}", "psnr"): float(scores[:FEW].mean()),
    }


def _fields(dataset: ImageDataset, path: Path, text: str, n_train: int) -> dict[str, Any]:
    return {
        "study": "noisy_alone",
        "run": path.stem,
        "dataset": dataset.name,
        "n_train": n_train,
        "condition": "noisy",
        "test_corruption": text,
    }


def _write(
    path: Path,
    fields: Mapping[str, Any],
    values: Mapping[tuple[str, str], float],
    text: str,
    shown: Mapping[str, np.ndarray],
) -> None:
    kept = {f"{text}/{name}": images[:SHOWN_IMAGES] for name, images in shown.items()}
    files.write_npz(path.with_suffix(".npz"), kept)
    rows = [
        {**fields, "split": split, "metric": metric, "value": value}
        for (split, metric), value in values.items()
    ]
    csv_rows.write_rows(path, rows)
