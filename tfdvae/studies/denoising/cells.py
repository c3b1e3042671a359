"""Cells of the denoising study: a model, the classical filters or the linear denoiser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae import corruptions, csv_rows
from tfdvae._utils import files
from tfdvae.config import TrainConfig
from tfdvae.data import pipelines
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.experiment import evaluation
from tfdvae.studies import training
from tfdvae.studies.denoising.settings import CLASSICAL, DenoisingStudyConfig
from tfdvae.training_sets.filters import best_filter, filtered, linear_denoiser

HELD_OUT, CHOOSING, SHOWN_IMAGES = 1000, 300, 6
NOISE_SEED = 0  # test noise is the same for all


def list_cells(config: DenoisingStudyConfig) -> dict[str, partial[None]]:
    """Return what computes each cell, by name.

    A cell takes the settings, the dataset and the CSV file that it writes.
    """
    blind = ",".join(config.corruptions)
    cells = {
        f"{'blind' if trained == blind else trained.replace(':', '-')}-seed{seed}": partial(
            model_cell, trained=trained, seed=seed
        )
        for seed in config.seeds
        for trained in (*config.corruptions, blind)
    }
    for tested in (*config.corruptions, *config.unseen):
        cells[f"classical-{tested.replace(':', '-')}"] = partial(classical_cell, tested=tested)
        cells[f"linear-{tested.replace(':', '-')}"] = partial(linear_cell, tested=tested)
    return cells


def model_cell(
    config: DenoisingStudyConfig, dataset: ImageDataset, path: Path, trained: str, seed: int
) -> None:
    """Train a U-Net on a corruption and measure it.

    A model of a single corruption is tested on that one; the blind model, trained on all of
    `config.corruptions`, on these and on `config.unseen`.
    """
    train, _, test = _images(dataset)
    settings = TrainConfig.of(
        model="dae",
        network="unet",
        objective="observed",
        corruption=trained,
        epochs=config.epochs,
        batch_size=32,
        learning_rate=2e-3,
        schedule="cosine",
        precision="bfloat16",
        seed=seed,
    )
    model, _ = training.train_generator(settings, train, "denoising study")
    own = trained in config.corruptions
    name = "own" if own else "blind"
    fixed = _fixed_fields(dataset, path) | {
        "model": settings.generator.model,
        "network": settings.generator.network,
        "corruption": trained,
        "target": settings.chosen_objective,
        "seed": seed,
        "epoch": config.epochs,
        "augmentation": name,
    }
    rows, pictures = [], {}
    for tested in (trained,) if own else (*config.corruptions, *config.unseen):
        noisy = _noisy(test, tested, NOISE_SEED, "test")
        measured = evaluation.denoising_rows(model, test, noisy, tested)
        rows += [fixed | fields for fields in measured]
        pictures[f"{tested}/{name}"] = model.denoise(noisy[:SHOWN_IMAGES])
    rows += [
        fixed | fields
        for fields in evaluation.denoising_rows(model, test, test, "none")
        if not fields["metric"].endswith("_input")
    ]
    _write(path, rows, pictures)


def classical_cell(
    config: DenoisingStudyConfig, dataset: ImageDataset, path: Path, tested: str
) -> None:
    """Measure the classical filters on a corruption, each with the best of its parameters."""
    _, held_out, test = _images(dataset)
    held_out = held_out[:CHOOSING]
    noisy_held_out = _noisy(held_out, tested, NOISE_SEED, "held out")
    noisy = _noisy(test, tested, NOISE_SEED, "test")
    pictures = {f"{tested}/clean": test[:SHOWN_IMAGES], f"{tested}/input": noisy[:SHOWN_IMAGES]}
    rows = []
    for name in CLASSICAL:
        function, parameters = best_filter(name, noisy_held_out, held_out)
        output = filtered(noisy, function)
        chosen = " ".join(f"{key}={value}" for key, value in parameters.items())
        fields = {"model": name, "network": chosen, "test_corruption": tested}
        rows += _quality_rows(_fixed_fields(dataset, path) | fields, output, test)
        pictures[f"{tested}/{name}"] = output[:SHOWN_IMAGES]
    _write(path, rows, pictures)


def linear_cell(
    config: DenoisingStudyConfig, dataset: ImageDataset, path: Path, tested: str
) -> None:
    """Fit the linear denoiser to a corruption and measure it on that one."""
    train, held_out, test = _images(dataset)
    denoise = linear_denoiser(
        _noisy(train, tested, NOISE_SEED, "linear"),
        train,
        _noisy(held_out, tested, NOISE_SEED, "held out"),
        held_out,
    )
    output = denoise(_noisy(test, tested, NOISE_SEED, "test"))
    fields = {"model": "linear", "corruption": tested, "test_corruption": tested}
    rows = _quality_rows(_fixed_fields(dataset, path) | fields, output, test)
    _write(path, rows, {f"{tested}/linear": output[:SHOWN_IMAGES]})


def _images(dataset: ImageDataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return training, held-out and test images, float32 in [0, 1]."""
    order = np.random.default_rng(0).permutation(len(dataset.train.labels))
    train, count = to_unit(dataset.train.images), _held_out_count(dataset)
    return train[order[count:]], train[order[:count]], to_unit(dataset.test.images)


def _held_out_count(dataset: ImageDataset) -> int:
    return min(HELD_OUT, len(dataset.train.labels) // 5)


def _noisy(images: np.ndarray, corruption: str, seed: int, purpose: str) -> np.ndarray:
    index = np.arange(len(images))
    return pipelines.freeze_noise(images, index, corruptions.parse(corruption), seed, purpose)


def _fixed_fields(dataset: ImageDataset, path: Path) -> dict[str, Any]:
    return {
        "study": "denoising",
        "run": path.stem,
        "dataset": dataset.name,
        "n_train": len(dataset.train.labels) - _held_out_count(dataset),
        "condition": "clean",
    }


def _quality_rows(
    fields: Mapping[str, Any], output: np.ndarray, clean: np.ndarray
) -> list[dict[str, Any]]:
    values = evaluation.image_quality(output, clean)
    return [
        {**fields, "split": "test", "metric": metric, "value": float(value.mean())}
        for metric, value in values.items()
    ]


def _write(path: Path, rows: Iterable[dict], pictures: Mapping[str, np.ndarray]) -> None:
    files.write_npz(path.with_suffix(".npz"), pictures)
    csv_rows.write_rows(path, rows)
