"""The augmentation study: do synthetic images help a classifier, and by how much?

Source: "Comparing data augmentation using VAEs and denoising-VAEs for limited noisy datasets". As
published, more images also mean more optimizer steps (`equal_epochs`); besides, every training set
has as many steps as the others (`equal_steps`).

A cell is one training set of one condition, protocol and seed. All cells of a seed share the subset
of the training images, their observed noise, the classifier's initial weights and the frozen test
noise. Nothing is chosen on test images: `development` measures on validation images.
"""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae import classifier
from tfdvae._utils import file_names, threads
from tfdvae.config import AUTO, PROTOCOLS
from tfdvae.config.classifier import RESNET, chosen_classifier
from tfdvae.config.sets import SETS, is_taught, view_methods
from tfdvae.data import sources, splits
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import preflight
from tfdvae.studies import precision, runner
from tfdvae.studies.augmentation import kept_views, report, training
from tfdvae.studies.augmentation.cells import list_cells
from tfdvae.studies.augmentation.estimate import log_estimate
from tfdvae.studies.augmentation.images import prepare, quick_images, train_count
from tfdvae.studies.augmentation.noises import needing_noise
from tfdvae.studies.augmentation.settings import (
    ADDED_SETTINGS,
    CONDITIONS,
    OBSERVED_NOISE,
    OWN_VALIDATION,
    AugmentationStudyConfig,
    generator_settings,
)
from tfdvae.studies.dataset_info import DatasetInfo, log_notice
from tfdvae.training_sets import batches, filters, restoring

logger = logging.getLogger(__name__)

MIN_CLASS_IMAGES = 3  # for the cross-validation of the linear probe
KEPT_SETTINGS = (
    "image_size",
    "white",
    "background",
    "n_train",
    "epochs",
    "latent_dim",
    "classifier",
    "classifier_steps",
    "classifier_epochs",
    "precision",
    "metric",
    "test_noise",
    "other_noise",
    "development",
    "quick",
)


def run(config: AugmentationStudyConfig) -> Path:
    """Compute the missing cells, or the one that `config.cell` names; write the report.

    Returns:
        The folder of the study.

    Raises:
        ValueError, TypeError: no such cell; images, groups or a classifier that do not fit; results
            of other settings or images in the folder.
        FileNotFoundError, sources.Unavailable: no such dataset.
    """
    config = dataclasses.replace(config, output=default_output(config))
    _check_sets(config)
    threads.use_threads(runner.thread_count_of("augmentation", config))
    dataset = sources.load(
        config.dataset,
        config.data_dir,
        **config.own_images,
        n_train=config.n_train,
        validation=config.development,
    )
    if (smaller := quick_images(config, dataset)) is not None:
        before, (config, dataset) = dataset.train.images.shape[1:3], smaller
        logger.warning(
            "NOTE: a first look at images of %d x %d pixels, reduced from %d x %d; --image-size "
            "chooses another size.",
            *(*dataset.train.images.shape[1:3], *before),
        )
    asked, config = config, resolve(config, dataset)
    check(config, dataset)
    cells = list_cells(config)
    if config.cell is None:
        log_notice(dataset)
    settings = fixed_settings(config) | {
        "images": dataset.fingerprint,
        "classifier_source": _source(config, dataset.train.images.shape[1:]),
    }
    if dataset.validation is not None:
        settings[OWN_VALIDATION] = len(dataset.validation.labels)
    if config.dry_run:
        missing = runner.cells_to_compute("augmentation", config, cells, settings)
        log_estimate(config, dataset, cells, missing, asked)
        return runner.study_folder("augmentation", config)

    def compute(cell: str, path: Path) -> None:
        cells[cell](config, dataset, path)

    def write_report(folder: Path) -> None:
        DatasetInfo.of(dataset).write(folder)
        report.write(folder)

    return runner.run_study(
        "augmentation", config, cells, settings, compute, write_report, in_process=config.quick
    )


def fixed_settings(config: AugmentationStudyConfig) -> dict[str, Any]:
    """Return the settings that may not change between two starts in one folder."""
    default = AugmentationStudyConfig()
    changed = [each for each in ADDED_SETTINGS if getattr(config, each) != getattr(default, each)]
    kept = {name: getattr(config, name) for name in (*KEPT_SETTINGS, *changed)}
    return kept | {"classifier": config.own_classifier}  # none is the CNN, as in earlier versions


def resolve(config: AugmentationStudyConfig, dataset: ImageDataset) -> AugmentationStudyConfig:
    """Return the settings with all defaults: the dataset really used, conditions and protocols."""
    own = sources.local(config.dataset) is not None
    config = dataclasses.replace(config, classifier=_classifier(config, dataset))
    conditions = CONDITIONS[:1] if own else CONDITIONS[1:] if config.quick else CONDITIONS
    return dataclasses.replace(
        config,
        dataset=config.dataset if own else dataset.name,
        conditions=config.conditions or conditions,
        protocols=config.protocols or (PROTOCOLS[:1] if own else PROTOCOLS),
        precision=precision.chosen(
            "augmentation", config, config.precision, config.own_classifier is None
        ),
    )


def _classifier(config: AugmentationStudyConfig, dataset: ImageDataset) -> str:
    """Return the classifier: that asked for, that of the study in the folder, or by the size."""
    asked = config.classifier
    kept = runner.kept_settings(runner.study_folder("augmentation", config))
    if asked == AUTO and kept is not None:
        asked = kept.get("classifier")
    return chosen_classifier(asked, *dataset.train.images.shape[1:3])


def _source(config: AugmentationStudyConfig, image_shape: tuple[int, ...]) -> str | None:
    """Return the fingerprint of the file of the user's classifier.

    That of this package has its version; earlier studies have a fingerprint of it, which is kept.

    Raises:
        ValueError: its batches were larger in the version that began the study.
    """
    own = config.own_classifier
    if own == RESNET:
        kept = runner.kept_settings(runner.study_folder("augmentation", config)) or {}
        source = kept.get("classifier_source")
        batches.check_size(own, image_shape, source)
        return source
    return own and classifier.fingerprint(own)


def default_output(config: AugmentationStudyConfig) -> str:
    """Return the folder of the study, of its own for each dataset of the user."""
    if config.output:
        return config.output
    own = sources.local(config.dataset)
    name = file_names.short(own.absolute().stem, 200) if own else config.dataset
    if config.quick:
        return f"results/quick-{name}"
    return f"results/augmentation-{name}" if own else "results/augmentation"


def check(config: AugmentationStudyConfig, dataset: ImageDataset) -> None:
    """Refuse what does not fit before a process is started for each cell.

    Raises:
        ValueError: training sets that do not fit; too few images, of all or of a class; a metric
            that needs more classes; a code that takes more memory than there is; a classifier that
            does not fit.
    """
    _check_sets(config)
    available = len(dataset.train.labels)
    if config.n_train is not None and config.n_train > available:
        raise ValueError(
            f"`n_train` must not exceed the {available:,} training images of {dataset.name}; "
            f"got {config.n_train:,}."
        )
    labels, test_labels = np.asarray(dataset.train.labels), np.asarray(dataset.test.labels)
    splits.check_classes(labels, test_labels, dataset.class_names, held_out=False)
    measured = {"test": test_labels}
    if dataset.validation is not None:
        measured["validation"] = np.asarray(dataset.validation.labels)
    one_class = [part for part, each in measured.items() if len(np.unique(each)) < 2]
    if config.metric not in ("accuracy", "balanced_accuracy") and one_class:
        raise ValueError(
            f"`metric` {config.metric} needs {one_class[0]} images of two classes at least; "
            f"{dataset.name} has them of one."
        )
    counts = np.bincount(labels, minlength=len(dataset.class_names))
    few = np.flatnonzero(counts < MIN_CLASS_IMAGES)
    if few.size:
        raise ValueError(
            f"`dataset` must have {MIN_CLASS_IMAGES} training images of each class at least; "
            f"there are {counts[few[0]]} of class {dataset.class_names[few[0]]}."
        )
    count = train_count(config, available)
    few = np.flatnonzero(counts * count / available < MIN_CLASS_IMAGES)
    if few.size:
        raise ValueError(
            f"`n_train` must leave {MIN_CLASS_IMAGES} images of each class at least; "
            f"{count} images leave fewer of class {dataset.class_names[few[0]]}."
        )
    if config.latent_dim != AugmentationStudyConfig.latent_dim:
        chosen: dict[str, Any] = {"classifier": config.classifier}
        if config.own_classifier not in (None, RESNET):  # of which nothing is known
            chosen = {"no_classifier": True}
        settings = generator_settings("dvae", latent_dim=config.latent_dim, **chosen)
        preflight.check_image_size(settings, dataset.train.images.shape[1:])
    if config.own_classifier is not None:
        image_shape, classes = dataset.train.images.shape[1:], len(dataset.class_names)
        agreeing = any(name in SETS and SETS[name].agreeing for name in config.sets)
        kinds = {(agreeing, False), (False, any(map(is_taught, config.sets)))}
        for kind in sorted(kinds):
            built = training.build_classifier(config, image_shape, classes, config.seeds[0], *kind)
        if any(name in SETS and SETS[name].restoring for name in config.sets):
            restoring.learner(built, 1.0)
    denoises = view_methods(config.sets) or config.denoise_at_test
    for noise in config.train_noise if denoises and config.assumed_noise == AUTO else ():
        images = prepare(config, dataset, "noisy", config.seeds[0], noise)
        kept_views.told_noise(config, images)  # or it would be refused after hours


def _check_sets(config: AugmentationStudyConfig) -> None:
    """Refuse training sets and noises that have no cells, or a filter that is not installed."""
    if config.reference not in config.sets:
        raise ValueError(
            f"`reference` must be one of `sets`, {', '.join(config.sets)}; got "
            f"{config.reference}, which all others are compared with."
        )
    conditions = config.conditions or CONDITIONS
    if "noisy" not in conditions:
        needing = needing_noise(config.sets, config.denoise_at_test)
        if needing or config.train_noise != (OBSERVED_NOISE,):
            raise ValueError(
                f"`conditions` must hold noisy with {needing or '`train_noise`'}; "
                f"got {', '.join(conditions)}."
            )
    if "denoised-bm3d" in config.sets:
        filters.FILTERS["BM3D"][0](1.0)  # or it would be missed after hours
