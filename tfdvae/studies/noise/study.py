"""The noise study: how much, and what noise is best for a denoising autoencoder?

Source: "CS 307 Final Project - Denoise Autoencoder". As published, images are scaled to [-1, 1]
while the decoder ends in a sigmoid, and the corrupted image is the target. So the loss has a floor,
E[min(x, 0)^2], to which Gaussian noise of level s adds s^2; what is left is the model's own error.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np

from tfdvae.data import sources
from tfdvae.experiment import preflight
from tfdvae.models import networks
from tfdvae.studies import runner
from tfdvae.studies.dataset_info import log_notice
from tfdvae.studies.noise.cells import LATENT_DIM, NEIGHBORS, PARTS, run_cell
from tfdvae.studies.noise.settings import NOISES, NoiseStudyConfig


def list_cells(config: NoiseStudyConfig) -> dict[str, tuple[str, str, int]]:
    """Return training noise, target and seed of each cell, by name.

    The cell without noise has the same name whatever the targets, so that starts with other targets
    in one folder share it.
    """
    cells = {}
    for seed in config.seeds:
        cells[f"corrupted-none-seed{seed}"] = ("none", "corrupted", seed)
        for target in config.targets:
            for noise in NOISES[1:]:
                name = f"{target}-{noise.replace(':', '-')}-seed{seed}"
                cells[name] = (noise, target, seed)
    return cells


def run(config: NoiseStudyConfig) -> Path:
    """Compute the missing cells, or the one that `config.cell` names; write the report.

    Without noise both targets are one: these models are trained once, and count for each target.

    Returns:
        The folder of the study.

    Raises:
        ValueError: no such cell; results of other epochs, threads or another dataset in the folder;
            images of a size that the network does not take, or too few test images.
    """
    cells = list_cells(config)
    if config.cell is None and sources.local(config.dataset) is not None:
        own = sources.load(config.dataset, config.data_dir)
        log_notice(own)
        check_size(own.train.images.shape[1:])
        check_test_labels(np.asarray(own.test.labels))

    def compute(cell: str, path: Path) -> None:
        noise, target, seed = cells[cell]
        dataset = sources.load(config.dataset, config.data_dir)
        run_cell(dataset, noise, target, seed, config.epochs, path)

    settings = {"epochs": config.epochs}
    return runner.run_study("noise", config, cells, settings, compute)


def check_size(image_shape: tuple[int, int, int]) -> None:
    """Refuse images (H, W, C) that the published network cannot take.

    Raises:
        ValueError: naming the nearest sizes.
    """
    make = partial(networks.strided_conv, image_shape, LATENT_DIM, variational=False)
    preflight.count_parameters(make)


def check_test_labels(labels: np.ndarray) -> None:
    """Refuse labels (N,) of too few test images to look for the nearest neighbors of their codes.

    Raises:
        ValueError: saying how many are needed.
    """
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) < 2:
        raise ValueError("`dataset` must have test images of two classes at least; got one.")
    most = int(counts.max())
    needed = math.ceil(NEIGHBORS * PARTS / (PARTS - 1))  # all parts but one hold the neighbors
    if most < PARTS or len(labels) < needed:
        raise ValueError(
            f"`dataset` must have {PARTS} test images of a class and {needed} in all at least, for "
            f"the {NEIGHBORS} nearest neighbors of each; got {most} and {len(labels)}."
        )
