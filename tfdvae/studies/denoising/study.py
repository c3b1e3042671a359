"""The denoising study: how good are denoisers, beside classical filters and a linear one?

All are measured on one and the same frozen test noise, whatever their seeds. Training images held
out of every training choose the parameters of the classical filters and of the linear denoiser;
nothing is chosen on test images.
"""

from __future__ import annotations

from pathlib import Path

from tfdvae.data import sources
from tfdvae.studies import runner
from tfdvae.studies.dataset_info import log_local_notice
from tfdvae.studies.denoising.cells import list_cells
from tfdvae.studies.denoising.settings import DenoisingStudyConfig


def run(config: DenoisingStudyConfig) -> Path:
    """Compute the missing cells, or the one that `config.cell` names; write the report.

    Returns:
        The folder of the study.

    Raises:
        ValueError: no such cell; results of other settings in the folder.
    """
    cells = list_cells(config)
    log_local_notice(config)

    def compute(cell: str, path: Path) -> None:
        cells[cell](config, sources.load(config.dataset, config.data_dir), path)

    settings = {name: getattr(config, name) for name in ("epochs", "corruptions", "unseen")}
    return runner.run_study("denoising", config, cells, settings, compute)
