"""How long the missing cells of an augmentation study take, measured on some steps."""

from __future__ import annotations

import dataclasses
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np

from tfdvae import classifier, registry
from tfdvae.data import pipelines
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.data.patches import training_patches
from tfdvae.learning import model as learning
from tfdvae.metrics import classification, latent
from tfdvae.studies import filters
from tfdvae.studies.augmentation import views
from tfdvae.studies.augmentation.cells import LIKELIHOOD_IMAGES
from tfdvae.studies.augmentation.images import prepare
from tfdvae.studies.augmentation.sets import SETS
from tfdvae.studies.augmentation.settings import BOOTSTRAPS, AugmentationStudyConfig
from tfdvae.studies.augmentation.training import CURVE_IMAGES, build_classifier, train_generator
from tfdvae.studies.noisy_alone.settings import CLASSICAL

logger = logging.getLogger(__name__)

MEASURED_STEPS = 20
SHOWN = 50  # images that are denoised
START_SECONDS = 10  # until a process has begun


@dataclass(frozen=True)
class Costs:
    """Seconds of what the cells do.

    Attributes:
        generator_step: one optimizer step of a generative model.
        classifier_step: one of a classifier.
        test: measuring a classifier on all test images once.
        validation: measuring it on the validation images of the learning curve.
        likelihood: measuring the likelihood of a generative model.
        steps_per_epoch: of the training images.
        views: of all training images, by method.
    """

    generator_step: float
    classifier_step: float
    test: float
    validation: float
    likelihood: float
    steps_per_epoch: int
    views: Mapping[str, float]


def log_estimate(
    config: AugmentationStudyConfig,
    dataset: ImageDataset,
    cells: Mapping[str, partial],
    missing: Sequence[str],
) -> None:
    """Log the missing cells, by their names among all cells, and the time that they take."""
    lines = [*missing, f"{len(missing)} of {len(cells)} cells are missing."]
    logger.info("\n".join(lines))
    if missing:
        seconds = estimate(config, dataset, (cells[cell].keywords for cell in missing))
        logger.info(
            "About %.0f minutes, by the time of %d steps of each kind on this machine.",
            seconds / config.workers / 60,
            MEASURED_STEPS,
        )


def estimate(
    config: AugmentationStudyConfig, dataset: ImageDataset, cells: Iterable[Mapping]
) -> float:
    """Return the seconds that cells take one after the other, given their arguments.

    Views that several of them share count once, and those that are kept do not.
    """
    cells = list(cells)
    wanted = missing_views(config, dataset, cells)
    costs = measure(config, dataset, {method for _, _, method in wanted})
    tests = 1.0 if config.development else len(config.test_noise) + len(config.other_noise)

    def seconds(name: str = "", protocol: str = "", model: str = "", **_: object) -> float:
        generating = config.epochs * costs.steps_per_epoch * costs.generator_step
        if model:
            return START_SECONDS + generating + costs.likelihood
        times = 3 if name == "duplicate" or registry.generates(name) else 1
        steps = (
            config.classifier_steps
            if protocol == "equal_steps"
            else config.classifier_epochs * costs.steps_per_epoch * times
        )
        training = steps * costs.classifier_step + (generating if registry.generates(name) else 0)
        epochs = steps / costs.steps_per_epoch if config.development else 0
        return START_SECONDS + training + tests * costs.test + epochs * costs.validation

    making = sum(costs.views[method] for _, _, method in wanted)
    return making + sum(seconds(**cell) for cell in cells)


def missing_views(
    config: AugmentationStudyConfig, dataset: ImageDataset, cells: Iterable[Mapping]
) -> set[tuple[str, int, str]]:
    """Return the noise, seed and method of all views that cells need and the study lacks.

    Args:
        config: settings of the study.
        dataset: all images.
        cells: arguments of each.
    """
    wanted = {
        (cell["train_noise"], cell["seed"], SETS[cell["name"]].views)
        for cell in cells
        if cell.get("name") in SETS and SETS[cell["name"]].views
    }
    return {
        (noise, seed, method)
        for noise, seed, method in wanted
        if not views.path_of(config, noise, method, seed).exists()
        or not views.is_kept(config, prepare(config, dataset, "noisy", seed, noise), method, seed)
    }


def measure(
    config: AugmentationStudyConfig, dataset: ImageDataset, methods: Iterable[str]
) -> Costs:
    """Return what a few steps and tests take on this machine, and views by the given methods."""
    assert config.conditions is not None
    images = prepare(config, dataset, config.conditions[0], config.seeds[0])
    once = dataclasses.replace(config, epochs=1)
    generator, _ = train_generator(once, images.train, "dvae", 0)
    model = build_classifier(config, images.train.shape[1:], images.classes, 0)

    def step_seconds(trained: keras.Model, *arrays: np.ndarray) -> float:
        batches = pipelines.training_batches(arrays, classifier.BATCH_SIZE, 0, "estimate")
        options = {"steps_per_epoch": MEASURED_STEPS, "shuffle": False, "verbose": 0}
        return _second_time(partial(trained.fit, batches, **options)) / MEASURED_STEPS

    shown, labels = to_unit(images.held_out[:500]), images.held_out_labels[:500]
    probabilities = classification.probabilities(model.predict(shown, verbose=0))
    metric = classification.parse(config.metric)
    predicting = _second_time(partial(model.predict, shown, verbose=0))
    resampling = _second_time(
        partial(classification.bootstrap, metric, probabilities, labels, BOOTSTRAPS, 0)
    )
    few = shown[:10]
    likelihood = _second_time(partial(latent.log_likelihood, generator, few)) / len(few)
    return Costs(
        step_seconds(generator, images.train),
        step_seconds(model, images.train, images.train_labels),
        (predicting + resampling) / len(shown) * len(images.held_out),
        predicting / len(shown) * min(CURVE_IMAGES, len(images.held_out)),
        likelihood * LIKELIHOOD_IMAGES,
        pipelines.steps_per_epoch(len(images.train), classifier.BATCH_SIZE),
        {method: view_seconds(config, dataset, method) for method in methods},
    )


def view_seconds(config: AugmentationStudyConfig, dataset: ImageDataset, method: str) -> float:
    """Return how long a method takes for views of all training images, its training included."""
    images = prepare(config, dataset, "noisy", config.seeds[0], config.train_noise[0])
    noise, count = views.told_noise(config, images), len(images.train)
    few = images.train[:SHOWN]
    if method in CLASSICAL:
        begun = time.monotonic()
        function, _ = views.filter_for(method, images.train, noise.level)
        choosing = time.monotonic() - begun
        return choosing + _second_time(partial(filters.filtered, few, function)) / len(few) * count
    with tempfile.TemporaryDirectory() as folder:
        model = views.model_for(method, images, noise, 0, 2, Path(folder))
    pictures = list(images.train)
    size = learning.patch_size(pictures)
    patches = training_patches(pictures, size, learning.batch_size(size), 0, "estimate")
    options = {"steps_per_epoch": MEASURED_STEPS, "shuffle": False, "verbose": 0}
    step = _second_time(partial(model.keras_model.fit, patches, **options)) / MEASURED_STEPS
    making = (
        partial(views.draws, model, few, 0) if model.variational else partial(model.denoise, few)
    )
    return config.denoiser_steps * step + _second_time(making) / len(few) * count


def _second_time(work: Callable[[], object]) -> float:
    work()
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
