"""The study on uses of a denoising autoencoder: anomalies, missing pixels, features, compression.

In the rows, `network` is name:latent dimension, and `protocol` says what is measured: the normal or
the anomalous class, the number of labels, bits of a unit, quality of a JPEG, images imputed. Rows
with the split `validation` are those of candidates, of which the best was chosen.
"""

from __future__ import annotations

from pathlib import Path

from tfdvae._utils import threads
from tfdvae.data import sources
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.studies import runner
from tfdvae.studies.dataset_info import DatasetInfo, log_notice
from tfdvae.studies.uses import report
from tfdvae.studies.uses.cells import DEVELOPMENT_CLASSES, list_cells
from tfdvae.studies.uses.results import read_choice
from tfdvae.studies.uses.settings import UsesStudyConfig


def run(config: UsesStudyConfig) -> Path:
    """Compute the missing cells, or the one that `config.cell` names; write the report.

    Returns:
        The folder of the study.

    Raises:
        ValueError: no such cell; results of other settings in the folder; too few classes.
    """
    threads.use_threads(runner.thread_count_of("uses", config))
    dataset = sources.load(config.dataset, config.data_dir)
    check_classes(config, dataset)
    if config.cell is None:
        log_notice(dataset)
    cells = list_cells(config, len(dataset.class_names))
    if config.development and config.cell is None:
        measured = {row["run"] for row in read_choice(runner.study_folder("uses", config))}
        cells = {name: cell for name, cell in cells.items() if name not in measured}

    def compute(cell: str, path: Path) -> None:
        cells[cell](dataset, path)

    def write_report(folder: Path) -> None:
        DatasetInfo.of(dataset).write(folder)
        report.write(folder)

    settings = {"n_train": config.n_train, "epochs": config.epochs}
    return runner.run_study("uses", config, cells, settings, compute, write_report)


def check_classes(config: UsesStudyConfig, dataset: ImageDataset) -> None:
    """Refuse a dataset without the classes that anomaly scores are measured on.

    Raises:
        ValueError: saying how many it has and how many are needed.
    """
    if not any(use.startswith("anomaly") for use in config.uses):
        return
    least = max(DEVELOPMENT_CLASSES) + 1 if config.development else 2
    if len(dataset.class_names) < least:
        raise ValueError(
            f"`uses` anomaly-one and anomaly-nine need a dataset of {least} classes or more"
            f"{' in `development`' if config.development else ''}; {dataset.name} has "
            f"{len(dataset.class_names)}."
        )
