"""The section of the report with all settings."""

from __future__ import annotations

from pathlib import Path

from tfdvae import classifier
from tfdvae._utils import files
from tfdvae.config.classifier import RESNET
from tfdvae.config.sets import needs_noise
from tfdvae.reporting.document import Heading, Paragraph, Part, Table, literal
from tfdvae.studies.augmentation.images import train_count
from tfdvae.studies.augmentation.settings import (
    ADDED_SETTINGS,
    BOOTSTRAPS,
    NETWORK,
    OBSERVED_NOISE,
    SAMPLES_PER_IMAGE,
    AugmentationStudyConfig,
    generator_settings,
)
from tfdvae.studies.dataset_info import DatasetInfo
from tfdvae.training_sets import batches


def section(
    folder: Path,
    rows: list[dict[str, str]],
    config: AugmentationStudyConfig,
    dataset: DatasetInfo,
) -> list[Part]:
    """Return the settings of a study, and where and when its cells were computed.

    Args:
        folder: of the study.
        rows: all its rows.
        config: its settings.
        dataset: what its images were.
    """
    settings = files.read_json(folder / "config.json")
    noises = dict.fromkeys(row["train_noise"] for row in rows if row["train_noise"])
    names = ", ".join(noises) or OBSERVED_NOISE
    own, rows_at_once = config.own_classifier, classifier.BATCH_SIZE
    if own != RESNET or not settings.get("classifier_source"):  # as of an earlier version
        rows_at_once = batches.size(own, dataset.image_shape)
    rows_at_once = min(rows_at_once, train_count(config, dataset.train_count))
    settings |= _fixed_settings(names, own, rows_at_once)
    if any(needs_noise(row["augmentation"]) for row in rows):
        settings |= {name: getattr(config, name) for name in ADDED_SETTINGS}
    table = []
    for name, value in settings.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        table.append([literal(name), literal(text)])
    parts: list[Part] = [Heading("Settings"), Table(["setting", ""], table)]
    record = folder / "environment.json"
    for start in files.read_json(record) if record.exists() else []:
        packages = ", ".join(f"{name} {version}" for name, version in start["packages"].items())
        hours = sum(start["seconds"].values()) / 3600
        text = (
            f"Started {start['started']}: {len(start['seconds'])} cells in {hours:.2f} hours of "
            f"{start['workers']} workers together, commit {start['commit']}, "
            f"Python {start['python']}, {start['processor']}; {packages}."
        )
        parts.append(Paragraph(text))
    return parts


def _fixed_settings(noises: str, own: str | None, rows_at_once: int) -> dict[str, str]:
    """Return what is not in the settings of a study.

    Args:
        noises: of its training images.
        own: the function that made the classifier; None: it was the published CNN.
        rows_at_once: images in a batch of the classifier.
    """
    settings = generator_settings("dvae")
    trained = f"Adam {{}}, batches of {classifier.BATCH_SIZE}"
    trained_as = {"published CNN": trained.format(classifier.LEARNING_RATE)}
    if own is not None:
        trained_as = {"images in a batch of the classifier": str(rows_at_once)}
    return {
        "noise of the noisy condition": noises,
        "generative models": f"{NETWORK}, {trained.format(settings.generator.learning_rate)}",
        "injected by dae and dvae, added by gaussian": str(settings.injected),
        "synthetic images": f"{SAMPLES_PER_IMAGE} a training image",
        **trained_as,
        "bootstrap resamples": str(BOOTSTRAPS),
    }
