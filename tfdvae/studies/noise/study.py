"""The noise study: how much, and what noise is best for a denoising autoencoder?

Source: "CS 307 Final Project - Denoise Autoencoder". As published, images are scaled to [-1, 1]
while the decoder ends in a sigmoid, and the corrupted image is the target. So the loss has a floor,
E[min(x, 0)^2], to which Gaussian noise of level s adds s^2; what is left is the model's own error.
"""

from __future__ import annotations

from pathlib import Path

from tfdvae.data import sources
from tfdvae.studies import runner
from tfdvae.studies.noise import report
from tfdvae.studies.noise.cells import run_cell
from tfdvae.studies.noise.settings import NOISES, NoiseStudyConfig


def run(config: NoiseStudyConfig) -> Path:
    """Compute the missing cells, or the one that `config.cell` names; write the report.

    Without noise both targets are one, so that these models are trained for the first target alone.

    Returns:
        The folder of the study.

    Raises:
        ValueError: no such cell; results of other epochs, threads or another dataset in the folder.
    """
    cells = {
        f"{target}-{noise.replace(':', '-')}-seed{seed}": (noise, target, seed)
        for seed in config.seeds
        for target in config.targets
        for noise in NOISES
        if noise != "none" or target == config.targets[0]
    }

    def compute(cell: str, path: Path) -> None:
        noise, target, seed = cells[cell]
        dataset = sources.load(config.dataset, config.data_dir)
        run_cell(dataset, noise, target, seed, config.epochs, path)

    settings = {"epochs": config.epochs}
    return runner.run_study("noise", config, cells, settings, compute, report.write)
