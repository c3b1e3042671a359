"""The study on few labels: what are noisy images without labels worth to a classifier?

All training images are noisy, some have a label. A CNN learns from those with a label alone, or
from all with pseudo-labels; support vector machines learn from features that a DAE, a DVAE or
principal components learned from all. All methods of a seed share images, noise, labels and test
noise. In the rows `augmentation` is the method.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from tfdvae._utils import threads
from tfdvae.data import sources, splits
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.studies import precision, runner
from tfdvae.studies.dataset_info import DatasetInfo, log_notice
from tfdvae.studies.few_labels import report
from tfdvae.studies.few_labels.cells import list_cells
from tfdvae.studies.few_labels.methods import FOLDS
from tfdvae.studies.few_labels.settings import FewLabelsStudyConfig

NAME = "few-labels"
KEPT_SETTINGS = (
    "n_train",
    "train_noise",
    "test_noise",
    "classifier_steps",
    "epochs",
    "latent_dim",
    "precision",
    "development",
)


def run(config: FewLabelsStudyConfig) -> Path:
    """Compute the missing cells, or the one that `config.cell` names; write the report.

    Returns:
        The folder of the study.

    Raises:
        ValueError: no such cell; results of other settings in the folder; too few images or labels.
    """
    threads.use_threads(runner.thread_count_of(NAME, config))
    dataset = sources.load(config.dataset, config.data_dir, n_train=config.n_train)
    check(config, dataset)
    config = dataclasses.replace(config, precision=precision.chosen(NAME, config, config.precision))
    if config.cell is None:
        log_notice(dataset)
    cells = list_cells(config)

    def compute(cell: str, path: Path) -> None:
        cells[cell](config, dataset, path)

    def write_report(folder: Path) -> None:
        DatasetInfo.of(dataset).write(folder)
        report.write(folder)

    settings = {name: getattr(config, name) for name in KEPT_SETTINGS}
    settings["images"] = dataset.fingerprint
    return runner.run_study(NAME, config, cells, settings, compute, write_report)


def check(config: FewLabelsStudyConfig, dataset: ImageDataset) -> None:
    """Refuse what does not fit before a process is started for each cell.

    Raises:
        ValueError: too few images, or too few labels of a class.
    """
    labels, count = np.asarray(dataset.train.labels), config.n_train
    needed = 2 * count if config.development else count
    if len(labels) < needed:
        raise ValueError(
            f"`n_train` must be at most {len(labels) * count // needed:,} with the {len(labels):,} "
            f"training images of {dataset.name}; got {count:,}."
        )
    if (most := max(config.n_labels)) > count:
        raise ValueError(f"`n_labels` must be at most `n_train`, {count:,}; got {most:,}.")
    test_labels = np.asarray(dataset.test.labels)
    splits.check_classes(labels, test_labels, dataset.class_names, held_out=False)
    shares = np.bincount(labels, minlength=len(dataset.class_names)) / len(labels)
    rarest = int(np.where(shares > 0, shares, 1).argmin())
    fewest = int(min(config.n_labels) * shares[rarest])
    if fewest < FOLDS and not {"supervised", "pseudo-labels"}.issuperset(config.methods):
        raise ValueError(
            f"`n_labels` must leave {FOLDS} labels of each class at least, for cross-validation; "
            f"{min(config.n_labels)} leave {fewest} of class {dataset.class_names[rarest]}."
        )
