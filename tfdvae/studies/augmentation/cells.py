"""Cells of the augmentation study: a classifier on a training set, or a generative model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae import corruptions, csv_rows, registry
from tfdvae._utils import files
from tfdvae.config.sets import SETS, generator_of, has_equal_epochs, needs_noise
from tfdvae.data import pipelines, splits
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.experiment import evaluation
from tfdvae.inference.augmentation import Augmenter
from tfdvae.metrics import classification, latent
from tfdvae.models.base import DenoisingModel
from tfdvae.studies.augmentation import kept_views, measures
from tfdvae.studies.augmentation.images import Images, prepare
from tfdvae.studies.augmentation.settings import (
    BOOTSTRAPS,
    NETWORK,
    OBSERVED_NOISE,
    AugmentationStudyConfig,
    condition_label,
    file_name,
    generator_settings,
)
from tfdvae.studies.augmentation.training import train_classifier, train_generator
from tfdvae.training_sets import views

LIKELIHOOD_IMAGES = 1000


def list_cells(config: AugmentationStudyConfig) -> dict[str, partial[None]]:
    """Return what computes each cell, by name: equal steps first, seed by seed.

    A cell takes the settings, the dataset and the CSV file that it writes.
    """
    assert config.protocols is not None
    assert config.conditions is not None
    cells: dict[str, partial[None]] = {}
    conditions = [
        (condition, noise)
        for condition in config.conditions
        for noise in (config.train_noise if condition == "noisy" else ("none",))
    ]
    for protocol in config.protocols:
        for seed in config.seeds:
            for condition, noise in conditions:
                start = file_name(condition_label(condition, noise))
                for name in config.sets:
                    if _has_cell(name, protocol, condition):
                        cells[f"{start}-{name}-{protocol}-seed{seed}"] = partial(
                            classifier_cell,
                            condition=condition,
                            name=name,
                            protocol=protocol,
                            seed=seed,
                            train_noise=noise,
                        )
    for seed in () if config.development else config.seeds:
        for condition, noise in conditions:
            start = file_name(condition_label(condition, noise))
            for model in (name for name in config.sets if registry.generates(name)):
                cells[f"{start}-latent-{model}-seed{seed}"] = partial(
                    latent_cell, condition=condition, model=model, seed=seed, train_noise=noise
                )
    return cells


def _has_cell(name: str, protocol: str, condition: str) -> bool:
    if condition != "noisy" and needs_noise(name):
        return False
    return protocol == "equal_steps" or has_equal_epochs(name)


def classifier_cell(
    config: AugmentationStudyConfig,
    dataset: ImageDataset,
    path: Path,
    condition: str,
    name: str,
    protocol: str,
    seed: int,
    train_noise: str = OBSERVED_NOISE,
) -> None:
    """Train a classifier and write its rows, and bootstrap replicates of the metric beside them.

    The replicates, float32 (test corruptions, B), are of resampled test images, whole groups where
    there are any. Resamples are the same for all cells, so that differences of replicates are
    paired.

    Args:
        config: settings of the study.
        dataset: all images.
        path: of the CSV file.
        condition: of the training images.
        name: of the training set.
        protocol: how long the classifier is trained.
        seed: root seed.
        train_noise: of the training images of the condition `noisy`.
    """
    images = prepare(config, dataset, condition, seed, train_noise)
    model, steps, curve = train_classifier(config, images, name, protocol, seed)
    fields = {"n_train": len(images.train), "augmentation": name, "protocol": protocol}
    if maker := generator_of(name):
        fields |= _generator_fields(maker)
    elif needs_noise(name):
        fields |= _view_fields(config, images, name, seed)
    row = _row_maker(dataset, path, condition, seed, images.noise, **fields)
    per_epoch = steps // len(curve) if curve else 0
    rows = [
        row(split="validation", step=(number + 1) * per_epoch, metric=config.metric, value=value)
        for number, value in enumerate(curve)
    ]
    split = "validation" if config.development else "test"
    tests = config.test_noise[:1] if config.development else config.test_noise + config.other_noise
    metric, labels, replicates = classification.parse(config.metric), images.held_out_labels, []
    for text in tests:
        noise = corruptions.parse(text)
        outputs = evaluation.classifier_outputs(model, images.held_out, noise, seed)
        probabilities = classification.probabilities(outputs)
        scores = measures.scores(probabilities, labels, config.metric, images.classes)
        if text in config.test_noise:
            scores |= measures.again(config, images, model, text, seed, probabilities)
        rows += [
            row(split=split, test_corruption=text, step=steps, metric=name, value=float(value))
            for name, value in scores.items()
        ]
        if not config.development:
            groups = images.held_out_groups
            replicates.append(
                classification.bootstrap(metric, probabilities, labels, BOOTSTRAPS, 0, groups)
            )
    if replicates:
        arrays = {"replicates": np.array(replicates, np.float32)}
        files.write_npz(path.with_suffix(".npz"), arrays)
    csv_rows.write_rows(path, rows)


def latent_cell(
    config: AugmentationStudyConfig,
    dataset: ImageDataset,
    path: Path,
    condition: str,
    model: str,
    seed: int,
    train_noise: str = OBSERVED_NOISE,
) -> None:
    """Train a generative model; write its losses and the quality of its codes and images.

    Args:
        config: settings of the study.
        dataset: all images.
        path: of the CSV file.
        condition: of the training images.
        model: name of the model.
        seed: root seed.
        train_noise: of the training images of the condition `noisy`.
    """
    images = prepare(config, dataset, condition, seed, train_noise)
    generator, losses = train_generator(config, images.train, model, seed)
    fields = {"n_train": len(images.train), **_generator_fields(model)}
    row = _row_maker(dataset, path, condition, seed, images.noise, **fields)
    rows = [
        row(split="train", epoch=epoch, metric="loss", value=loss)
        for epoch, loss in enumerate(losses, start=1)
    ]
    measured = _latent_rows(config, generator, images, seed)
    csv_rows.write_rows(path, [*rows, *(row(**fields) for fields in measured)])


def _latent_rows(
    config: AugmentationStudyConfig, model: DenoisingModel, images: Images, seed: int
) -> Iterator[dict[str, Any]]:
    test = to_unit(images.held_out)
    chosen = splits.stratified_subset(
        images.held_out_labels, min(LIKELIHOOD_IMAGES, len(test)), seed
    )
    for measured in evaluation.generator_rows(model, images.train, test):
        if measured["split"] == "test" or measured["metric"] == "active_units":
            yield measured
    if model.variational:
        for count, values in latent.log_likelihood(model, test[chosen], seed=seed).items():
            metric = f"log_likelihood_{count}"
            yield {"split": "test", "metric": metric, "value": float(values.mean())}
    codes = model.encode(images.train)
    for text in config.test_noise:
        noisy = evaluation.test_noise(test, corruptions.parse(text), seed)
        accuracy = latent.probe_accuracy(
            codes, images.train_labels, model.encode(noisy), images.held_out_labels
        )
        fields = {"split": "test", "test_corruption": text}
        yield fields | {"metric": "probe_accuracy", "value": accuracy}
    made = Augmenter(model).generate(images.train, images.train_labels, 1, seed)
    held_out = pipelines.freeze_noise(
        test[chosen], chosen, images.noise, seed, "observed test images"
    )
    some = splits.stratified_subset(made.labels, min(LIKELIHOOD_IMAGES, len(made.labels)), seed)
    for metric, value in latent.memorization(made.images[some], images.train, held_out).items():
        yield {"split": "train", "metric": metric, "value": value}


def _generator_fields(model: str) -> dict[str, str]:
    settings = generator_settings(model)
    return {
        "model": model,
        "network": NETWORK,
        "corruption": str(settings.injected),
        "target": settings.chosen_objective,
    }


def _view_fields(
    config: AugmentationStudyConfig, images: Images, name: str, seed: int
) -> dict[str, str]:
    """Return what made the views of a training set, for its rows; nothing where it has none."""
    if not (method := SETS[name].views):
        return {}
    return {
        "model": views.METHODS[method].model,
        "network": kept_views.load(config, images, method, seed).network,
        "corruption": str(kept_views.told_noise(config, images)),
        "target": views.METHODS[method].objective,
    }


def _row_maker(
    dataset: ImageDataset,
    path: Path,
    condition: str,
    seed: int,
    noise: corruptions.Corruption,
    **fields: object,
) -> Callable[..., dict[str, Any]]:
    fixed = {
        "study": "augmentation",
        "run": path.stem,
        "dataset": Path(dataset.name).name,
        "condition": condition,
        "seed": seed,
        "train_noise": "" if noise.level == 0 else str(noise),
    }

    def row(**others: object) -> dict[str, Any]:
        return fixed | fields | others

    return row
