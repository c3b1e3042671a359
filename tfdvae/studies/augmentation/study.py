"""The augmentation study: do synthetic images of a denoising generative model help a classifier, and by how much?

Source: "Comparing data augmentation using VAEs and denoising-VAEs for limited noisy datasets". As published, more images also mean more
optimiser steps; here every training set has as many steps as the others (`equal_steps`) besides (`equal_epochs`).

A cell is one training set of one condition, protocol and seed. All cells of a seed share the subset of the training images, their observed
noise, the classifier's initial weights and the frozen test noise. Nothing is chosen on test images: `development` measures on
validation images.
"""

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tfdvae import classifier, corruptions, registry
from tfdvae._utils import csv_rows, files, threads
from tfdvae.config import (
    DEFAULT_CORRUPTION,
    DEFAULT_N_TRAIN,
    PRECISIONS,
    PROTOCOLS,
    TrainConfig,
)
from tfdvae.data import image_dataset, pipelines, sources, splits
from tfdvae.experiment import evaluation
from tfdvae.inference.augmentation import Augmenter
from tfdvae.metrics import classification, latent
from tfdvae.models import build
from tfdvae.models.base import DenoisingModel
from tfdvae.studies import runner as cell_runner
from tfdvae.studies.augmentation import report
from tfdvae.studies.augmentation.settings import CONDITIONS, AugmentationStudyConfig

logger = logging.getLogger(__name__)


def has_equal_epochs(name: str) -> bool:
    """Tell whether a training set is measured under equal epochs.

    The others have as many images as `limited`, so that nothing would change.
    """
    return name in ("limited", "duplicate") or registry.generates(name)


QUICK_IMAGES, LEAST_OF_A_CLASS = 200, 3  # a class: for the cross-validation of the linear probe

OBSERVED_NOISE = "gaussian:0.1"

NETWORK, SAMPLES_PER_IMAGE = "mlp", 2

BOOTSTRAPS, LIKELIHOOD_IMAGES = 200, 1000

MOST_VALIDATION, CURVE_IMAGES = 10_000, 2000  # of them each epoch

MEASURED_STEPS, STARTING = 20, 10  # for an estimate; seconds until a process has begun


@dataclass(frozen=True)
class Images:
    """What all cells of a condition and seed share.

    Attributes:
        train: float32 (N, H, W, C), as observed.
        train_labels: int64 (N,).
        held_out: (M, H, W, C), test images, float32 in [0, 1] or unsigned integers; in development validation images as observed.
        held_out_labels: int64 (M,).
        held_out_groups: int64 (M,), or None where images have none.
        classes: how many there are.
    """

    train: np.ndarray
    train_labels: np.ndarray
    held_out: np.ndarray
    held_out_labels: np.ndarray
    held_out_groups: np.ndarray | None
    classes: int


def prepare(
    config: AugmentationStudyConfig, source: image_dataset.ImageDataset, condition: str, seed: int
) -> Images:
    """Return the images of a condition and seed.

    In development the validation images are training images outside the subset. Where these are fewer than a fifth, or images have groups, a fifth
    is held out first, in whole groups if there are any, and the subset is taken from the rest.
    """
    labels, count = np.asarray(source.train.labels), _n_train(config, source)
    available = others = np.arange(len(labels))
    if config.development and (
        source.train.groups is not None or len(labels) - count < len(labels) // 5
    ):
        available, others = splits.hold_out(labels, source.train.groups, seed=seed)
    index = available[splits.stratified_subset(labels[available], min(count, len(available)), seed)]
    others = np.setdiff1d(others, index)
    noise = corruptions.parse(OBSERVED_NOISE if condition == "noisy" else "none")

    def observed(chosen: np.ndarray) -> np.ndarray:
        return pipelines.freeze_noise(
            image_dataset.to_unit(source.train.images[chosen]), chosen, noise, seed, "observed"
        )

    if config.development:
        others = np.sort(np.random.default_rng(seed).permutation(others)[:MOST_VALIDATION])
        splits.check_classes(
            labels[index],
            labels[others],
            source.class_names,
            held_out=True,
            grouped=source.train.groups is not None,
        )
        held_out, held_out_labels = observed(others), labels[others]
        groups = None if source.train.groups is None else source.train.groups[others]
    else:
        held_out, held_out_labels, groups = (
            source.test.images,
            np.asarray(source.test.labels),
            source.test.groups,
        )
    return Images(
        observed(index), labels[index], held_out, held_out_labels, groups, len(source.class_names)
    )


def _n_train(config: AugmentationStudyConfig, source: image_dataset.ImageDataset) -> int:
    return config.n_train or min(
        QUICK_IMAGES if config.quick else DEFAULT_N_TRAIN, len(source.train.labels)
    )


def train_generator(
    config: AugmentationStudyConfig, images: np.ndarray, model: str, seed: int
) -> tuple[DenoisingModel, list[float]]:
    """Return the generative model `dae`, `vae` or `dvae`, trained as in the main job, and its loss after each epoch in nats per image."""
    settings = TrainConfig.of(
        model=model, network=NETWORK, epochs=config.epochs, latent_dim=config.latent_dim, seed=seed
    )
    per_epoch = pipelines.steps_per_epoch(len(images), settings.generator.batch_size)
    generator = build.build_generator(settings, images.shape[1:], per_epoch)
    batches = pipelines.training_batches(
        (images,), settings.generator.batch_size, seed, "generator"
    )
    losses = generator.fit(
        batches, epochs=config.epochs, steps_per_epoch=per_epoch, verbose=0
    ).history["loss"]
    return generator, _finite(losses, model)


def training_set(
    config: AugmentationStudyConfig, images: Images, name: str, seed: int
) -> tuple[list[np.ndarray], list[np.ndarray], Callable | None]:
    """Return images and labels of a training set, in parts, and what is done to each batch of it."""
    parts, labels, transform = [images.train], [images.train_labels], None
    if name == "duplicate":
        parts, labels = 3 * parts, 3 * labels
    elif registry.generates(name):
        generator, _ = train_generator(config, images.train, name, seed)
        made = Augmenter(generator).generate(
            images.train, images.train_labels, SAMPLES_PER_IMAGE, seed
        )
        parts, labels = [*parts, made.images], [*labels, made.labels]
    elif name == "gaussian":
        transform = _add_noise
    elif name == "classical":
        transform = pipelines.classic_augmentation()
    elif name == "classical+gaussian":
        classic = pipelines.classic_augmentation()

        def transform(seed, images, *others):
            seeds = tf.unstack(tf.random.split(seed, 2))
            return _add_noise(seeds[0], *classic(seeds[1], images, *others))

    return parts, labels, transform


def _add_noise(seed, images, *others):
    return (corruptions.parse(DEFAULT_CORRUPTION)(images, seed), *others)


def build_classifier(
    config: AugmentationStudyConfig, image_shape: tuple[int, int, int], classes: int, seed: int
) -> keras.Model:
    """Return the published CNN, or the user's own classifier, compiled."""
    if config.classifier is not None:
        return classifier.load(config.classifier, image_shape, classes, seed)
    return classifier.cnn(image_shape, classes, seed=seed, dtype=PRECISIONS[config.precision])


def train_classifier(
    config: AugmentationStudyConfig, images: Images, name: str, protocol: str, seed: int
) -> tuple[keras.Model, int, list[float]]:
    """Return a classifier trained on a training set, its steps, and in development its metric on some validation images after each epoch of `limited`.

    All training sets have batches of one size. Equal epochs of a set with three times the images are three times the steps.
    """
    parts, labels, transform = training_set(config, images, name, seed)
    model = build_classifier(config, images.train.shape[1:], images.classes, seed)
    batch_size = min(classifier.BATCH_SIZE, len(images.train))
    batches = pipelines.training_batches(
        (parts, labels), batch_size, seed, f"classifier/{name}", transform=transform
    )
    per_epoch = pipelines.steps_per_epoch(len(images.train), batch_size)
    steps = config.classifier_steps
    if protocol == "equal_epochs":
        steps = config.classifier_epochs * per_epoch * sum(map(len, labels)) // len(images.train)
    curve: list[float] = []
    if not config.development:
        losses = model.fit(
            batches, epochs=1, steps_per_epoch=steps, shuffle=False, verbose=0
        ).history["loss"]
    else:
        measure = classification.parse(config.metric)
        some = splits.stratified_subset(
            images.held_out_labels, min(CURVE_IMAGES, len(images.held_out_labels)), seed
        )

        class Measure(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                outputs = evaluation.classifier_outputs(
                    model, images.held_out[some], corruptions.parse("none"), seed
                )
                curve.append(
                    measure(classification.probabilities(outputs), images.held_out_labels[some])
                )

        losses = model.fit(batches, epochs=max(1, steps // per_epoch), steps_per_epoch=per_epoch, shuffle=False, verbose=0,
                           callbacks=[Measure()]).history["loss"]  # fmt: skip
        steps = per_epoch * len(curve)
    _finite(losses, f"classifier on {name}")
    return model, steps, curve


def _finite(losses: list[float], what: str) -> list[float]:
    if not np.isfinite(losses[-1]):
        raise FloatingPointError(f"the loss of the {what} became {losses[-1]}.")
    return losses


def classifier_cell(
    config: AugmentationStudyConfig,
    source: image_dataset.ImageDataset,
    path: Path,
    condition: str,
    name: str,
    protocol: str,
    seed: int,
) -> None:
    """Train a classifier and write its rows to `path`; bootstrap replicates of the metric go beside it, float32 (test corruptions, B).

    The replicates are of resampled test images, whole groups where there are any, the same for all cells, so that differences of replicates are
    paired too.
    """
    images = prepare(config, source, condition, seed)
    model, steps, curve = train_classifier(config, images, name, protocol, seed)
    row = partial(
        _row,
        source,
        path,
        condition,
        seed,
        n_train=len(images.train),
        augmentation=name,
        protocol=protocol,
    )
    if registry.generates(name):
        row = partial(row, **_generative_fields(name))
    per_epoch = steps // len(curve) if curve else 0
    rows = [
        row(split="validation", step=(number + 1) * per_epoch, metric=config.metric, value=value)
        for number, value in enumerate(curve)
    ]
    chosen, replicates = classification.parse(config.metric), []
    split = "validation" if config.development else "test"
    for text in (
        config.test_noise[:1] if config.development else (*config.test_noise, *config.other_noise)
    ):
        outputs = evaluation.classifier_outputs(
            model, images.held_out, corruptions.parse(text), seed
        )
        probabilities = classification.probabilities(outputs)
        labels = images.held_out_labels
        names = dict.fromkeys(("accuracy", "balanced_accuracy", "auc", "kappa", config.metric))
        values = {metric: classification.parse(metric)(probabilities, labels) for metric in names}
        values["calibration_error"] = classification.expected_calibration_error(
            probabilities, labels
        )
        if text in ("none", config.test_noise[-1]):
            each = classification.class_accuracies(probabilities, labels, images.classes)
            values |= {
                f"accuracy_class_{number}": value
                for number, value in enumerate(each)
                if np.isfinite(value)
            }
        measured = row(split=split, test_corruption=text, step=steps)
        rows += [
            measured | {"metric": metric, "value": float(value)} for metric, value in values.items()
        ]
        if not config.development:
            replicates.append(
                classification.bootstrap(
                    chosen, probabilities, labels, BOOTSTRAPS, 0, images.held_out_groups
                )
            )
    if replicates:
        with files.replacing(path.with_suffix(".npz")) as temporary, open(temporary, "wb") as file:
            np.savez(file, replicates=np.array(replicates, np.float32))
    csv_rows.write_rows(path, rows)


def latent_cell(
    config: AugmentationStudyConfig,
    source: image_dataset.ImageDataset,
    path: Path,
    condition: str,
    model: str,
    seed: int,
) -> None:
    """Train a generative model and write its loss of each epoch and the quality of its codes and synthetic images to `path`."""
    images = prepare(config, source, condition, seed)
    generator, losses = train_generator(config, images.train, model, seed)
    row = partial(
        _row, source, path, condition, seed, n_train=len(images.train), **_generative_fields(model)
    )
    rows = [
        row(split="train", epoch=epoch, metric="loss", value=loss)
        for epoch, loss in enumerate(losses, start=1)
    ]
    rows += [
        row(**measured) for measured in _latent_rows(config, generator, images, condition, seed)
    ]
    csv_rows.write_rows(path, rows)


def _latent_rows(
    config: AugmentationStudyConfig,
    model: DenoisingModel,
    images: Images,
    condition: str,
    seed: int,
) -> Iterator[dict]:
    test = image_dataset.to_unit(images.held_out)
    chosen = splits.stratified_subset(
        images.held_out_labels, min(LIKELIHOOD_IMAGES, len(test)), seed
    )
    for measured in evaluation.generator_rows(model, images.train, test):
        if measured["split"] == "test" or measured["metric"] == "active_units":
            yield measured
    if model.variational:
        for count, values in latent.log_likelihood(model, test[chosen], seed=seed).items():
            yield {
                "split": "test",
                "metric": f"log_likelihood_{count}",
                "value": float(values.mean()),
            }
    codes = model.encode(images.train)
    for text in config.test_noise:
        noisy = evaluation.test_noise(test, corruptions.parse(text), seed)
        probed = latent.probe_accuracy(
            codes, images.train_labels, model.encode(noisy), images.held_out_labels
        )
        yield {
            "split": "test",
            "test_corruption": text,
            "metric": "probe_accuracy",
            "value": probed,
        }
    made = Augmenter(model).generate(images.train, images.train_labels, 1, seed)
    noise = corruptions.parse(OBSERVED_NOISE if condition == "noisy" else "none")
    held_out = pipelines.freeze_noise(test[chosen], chosen, noise, seed, "observed test images")
    some = splits.stratified_subset(made.labels, min(LIKELIHOOD_IMAGES, len(made.labels)), seed)
    for metric, value in latent.memorisation(made.images[some], images.train, held_out).items():
        yield {"split": "train", "metric": metric, "value": value}


def _generative_fields(model: str) -> dict[str, str]:
    settings = TrainConfig.of(model=model, network=NETWORK)
    return {
        "model": model,
        "network": NETWORK,
        "corruption": str(settings.injected),
        "target": settings.generator.target,
    }


def _row(source: image_dataset.ImageDataset, path: Path, condition: str, seed: int, **fields) -> dict:
    return {
        "study": "augmentation",
        "run": path.stem,
        "dataset": Path(source.name).name,
        "condition": condition,
        "seed": seed,
    } | fields


def listed_cells(
    config: AugmentationStudyConfig,
) -> dict[str, Callable[[AugmentationStudyConfig, image_dataset.ImageDataset, Path], None]]:
    """Return what computes each cell, by name: equal steps first, seed by seed."""
    listed: dict[str, Callable] = {}
    for protocol in config.protocols:
        chosen = [
            name for name in config.sets if protocol == "equal_steps" or has_equal_epochs(name)
        ]
        for seed in config.seeds:
            for condition in config.conditions:
                for name in chosen:
                    listed[f"{condition}-{name}-{protocol}-seed{seed}"] = partial(
                        classifier_cell,
                        condition=condition,
                        name=name,
                        protocol=protocol,
                        seed=seed,
                    )
    if not config.development:
        for seed in config.seeds:
            for condition in config.conditions:
                for model in (name for name in config.sets if registry.generates(name)):
                    listed[f"{condition}-latent-{model}-seed{seed}"] = partial(
                        latent_cell, condition=condition, model=model, seed=seed
                    )
    return listed


def run(config: AugmentationStudyConfig) -> Path:
    """Compute the cells of the study that are missing, or the one that `config.cell` names, then write its report.

    Raises:
        ValueError, TypeError: no such cell; images, groups or a classifier that do not fit; results of other settings or images in the folder.
        FileNotFoundError, sources.Unavailable: no such dataset.
    """
    config = dataclasses.replace(config, output=_output(config))
    threads.use_threads(cell_runner.threads("augmentation", config))
    source = sources.load(
        config.dataset, config.data_dir, **config.own_images, n_train=config.n_train
    )
    config = resolved(config, source)
    _check(config, source)
    cells = listed_cells(config)
    if source.notice and config.cell is None:
        logger.warning("NOTE: %s", source.notice)

    def compute(cell: str, path: Path) -> None:
        cells[cell](config, source, path)

    def write_report(rows: list[dict], folder: Path) -> None:
        report.write(config, source, folder, _fixed())

    settings = {name: getattr(config, name) for name in (
        "image_size", "n_train", "epochs", "latent_dim", "classifier", "classifier_steps", "classifier_epochs", "precision", "metric", "test_noise",
        "other_noise", "development", "quick")}  # fmt: skip
    marks = {
        "images": source.fingerprint,
        "classifier_source": config.classifier and classifier.fingerprint(config.classifier),
    }
    if config.dry_run:
        cell_runner.check_same_study("augmentation", config, settings | marks)
        _estimate(config, source, cells)
        return cell_runner.study_folder("augmentation", config)
    return cell_runner.study(
        "augmentation",
        config,
        cells,
        settings | marks,
        compute,
        write_report,
        in_process=config.quick,
    )


def _fixed() -> dict[str, str]:
    """Return what the report says of settings that every such study has."""
    settings = TrainConfig.of(model="dvae", network=NETWORK)
    trained = f"Adam {{}}, batches of {classifier.BATCH_SIZE}"
    return {
        "noise of the noisy condition": OBSERVED_NOISE,
        "generative models": f"{NETWORK}, {trained.format(settings.generator.learning_rate)}",
        "injected by dae and dvae, added by gaussian": str(settings.injected),
        "synthetic images": f"{SAMPLES_PER_IMAGE} a training image",
        "published CNN": trained.format(classifier.LEARNING_RATE),
        "bootstrap resamples": str(BOOTSTRAPS),
    }


def resolved(
    config: AugmentationStudyConfig, source: image_dataset.ImageDataset
) -> AugmentationStudyConfig:
    """Return the settings with what defaults stand for: the dataset really used, conditions and protocols."""
    own = sources.local(config.dataset) is not None
    return dataclasses.replace(
        config,
        dataset=config.dataset if own else source.name,
        conditions=config.conditions
        or (CONDITIONS[:1] if own else CONDITIONS[1:] if config.quick else CONDITIONS),
        protocols=config.protocols or (PROTOCOLS[:1] if own else PROTOCOLS),
    )


def _output(config: AugmentationStudyConfig) -> str:
    own = sources.local(config.dataset)
    name = own.absolute().stem if own else config.dataset
    return config.output or (
        f"results/quick-{name}"
        if config.quick
        else f"results/augmentation-{name}"
        if own
        else "results/augmentation"
    )


def _check(config: AugmentationStudyConfig, source: image_dataset.ImageDataset) -> None:
    """Refuse what does not fit before a process is started for each cell."""
    available = len(source.train.labels)
    if config.n_train is not None and config.n_train > available:
        raise ValueError(
            f"`n_train` must not exceed the {available:,} training images of {source.name}; got {config.n_train:,}."
        )
    splits.check_classes(
        np.asarray(source.train.labels),
        np.asarray(source.test.labels),
        source.class_names,
        held_out=False,
    )
    if (
        config.metric not in ("accuracy", "balanced_accuracy")
        and len(np.unique(source.test.labels)) < 2
    ):
        raise ValueError(
            f"`metric` {config.metric} needs test images of two classes at least; {source.name} has them of one."
        )
    counts = np.bincount(source.train.labels, minlength=len(source.class_names))
    if (few := np.flatnonzero(counts < LEAST_OF_A_CLASS)).size:
        raise ValueError(
            f"`dataset` must have {LEAST_OF_A_CLASS} training images of each class at least; there are {counts[few[0]]} of class "
            f"{source.class_names[few[0]]}."
        )
    if (
        few := np.flatnonzero(counts * _n_train(config, source) / available < LEAST_OF_A_CLASS)
    ).size:
        raise ValueError(
            f"`n_train` must leave {LEAST_OF_A_CLASS} images of each class at least; {_n_train(config, source)} images leave fewer of class "
            f"{source.class_names[few[0]]}."
        )
    if config.classifier is not None:
        classifier.load(
            config.classifier,
            source.train.images.shape[1:],
            len(source.class_names),
            config.seeds[0],
        )


def _estimate(
    config: AugmentationStudyConfig, source: image_dataset.ImageDataset, cells: dict[str, partial]
) -> None:
    """Print the missing cells and how long they take, by the time of some steps on this machine."""
    missing = cell_runner.missing(cells, cell_runner.study_folder("augmentation", config))
    lines = [*missing, f"{len(missing)} of {len(cells)} cells are missing."]
    logger.info("\n".join(lines))
    if missing:
        seconds = _seconds(config, source, [cells[cell].keywords for cell in missing])
        logger.info(
            "About %.0f minutes, by the time of %d steps of each kind on this machine.",
            seconds / config.workers / 60,
            MEASURED_STEPS,
        )


def _seconds(
    config: AugmentationStudyConfig, source: image_dataset.ImageDataset, cells: list[dict]
) -> float:
    images = prepare(config, source, config.conditions[0], config.seeds[0])
    generator, _ = train_generator(dataclasses.replace(config, epochs=1), images.train, "dvae", 0)
    model = build_classifier(config, images.train.shape[1:], images.classes, 0)
    shown = image_dataset.to_unit(images.held_out[:500])
    steps = {"steps_per_epoch": MEASURED_STEPS, "shuffle": False, "verbose": 0}
    generator_step, classifier_step = (
        _second_time(
            partial(
                fitted.fit,
                pipelines.training_batches(arrays, classifier.BATCH_SIZE, 0, "estimate"),
                **steps,
            )
        )
        / MEASURED_STEPS
        for fitted, arrays in (
            (generator, (images.train,)),
            (model, (images.train, images.train_labels)),
        )
    )
    predicting = _second_time(partial(model.predict, shown, verbose=0)) / len(shown)
    probabilities, labels = (
        classification.probabilities(model.predict(shown, verbose=0)),
        images.held_out_labels[:500],
    )
    resampling = _second_time(
        partial(
            classification.bootstrap,
            classification.parse(config.metric),
            probabilities,
            labels,
            BOOTSTRAPS,
            0,
        )
    ) / len(shown)
    tested = (predicting + resampling) * len(images.held_out)
    likelihood = (
        _second_time(partial(latent.log_likelihood, generator, shown[:10]))
        * LIKELIHOOD_IMAGES
        / len(shown[:10])
    )
    per_epoch = pipelines.steps_per_epoch(len(images.train), classifier.BATCH_SIZE)

    def cell(
        condition: str, seed: int, model: str | None = None, name: str = "", protocol: str = ""
    ) -> float:
        generating = (
            config.epochs * per_epoch * generator_step if model or registry.generates(name) else 0
        )
        if model:
            return STARTING + generating + likelihood
        times = 3 if name == "duplicate" or registry.generates(name) else 1
        trained = (
            config.classifier_steps
            if protocol == "equal_steps"
            else config.classifier_epochs * per_epoch * times
        )
        return (
            STARTING
            + generating
            + trained * classifier_step
            + (len(config.test_noise) + len(config.other_noise)) * tested
        )

    return sum(cell(**keywords) for keywords in cells)


def _second_time(work: Callable[[], object]) -> float:
    work()
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
