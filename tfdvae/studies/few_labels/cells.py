"""Cells of the study on few labels: one method, one number of labels and one seed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from tfdvae import corruptions, csv_rows
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import evaluation
from tfdvae.studies.few_labels.images import prepare
from tfdvae.studies.few_labels.methods import METHODS
from tfdvae.studies.few_labels.settings import FewLabelsStudyConfig


def list_cells(config: FewLabelsStudyConfig) -> dict[str, partial[None]]:
    """Return what computes each cell, by name.

    A cell takes the settings, the dataset and the CSV file that it writes.
    """
    return {
        f"{method}-{count}-seed{seed}": partial(run_cell, method=method, n_labels=count, seed=seed)
        for seed in config.seeds
        for count in config.n_labels
        for method in config.methods
    }


def run_cell(
    config: FewLabelsStudyConfig,
    dataset: ImageDataset,
    path: Path,
    method: str,
    n_labels: int,
    seed: int,
) -> None:
    """Train one method and write its accuracy at each test noise."""
    images, tested, labels = prepare(config, dataset, n_labels, seed)
    predict = METHODS[method].learn(config, images)
    fixed = {
        "study": "few_labels",
        "run": path.stem,
        "dataset": Path(dataset.name).name,
        "n_train": len(images.observed),
        "condition": "noisy",
        "augmentation": method,
        "protocol": f"labels:{n_labels}",
        "split": "validation" if config.development else "test",
        "seed": seed,
        "metric": "accuracy",
        "train_noise": config.train_noise,
    }
    rows = []
    for noise in map(corruptions.parse, config.test_noise):
        noisy = evaluation.test_noise(tested, noise, seed)
        value = float(np.mean(predict(noisy) == labels))
        rows.append(fixed | {"test_corruption": str(noise), "value": value})
    csv_rows.write_rows(path, rows)
