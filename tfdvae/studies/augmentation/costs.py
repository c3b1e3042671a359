"""What the work of an augmentation study takes on this machine, measured on some steps."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfdvae import classifier, corruptions
from tfdvae.config.sets import CLASSICAL
from tfdvae.data import pipelines
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.data.patches import training_patches
from tfdvae.experiment import evaluation
from tfdvae.learning import model as learning
from tfdvae.metrics import classification, latent
from tfdvae.models.base import DenoisingModel
from tfdvae.studies.augmentation import kept_tests, kept_views
from tfdvae.studies.augmentation.cells import LIKELIHOOD_IMAGES
from tfdvae.studies.augmentation.images import Images, prepare
from tfdvae.studies.augmentation.settings import BOOTSTRAPS, AugmentationStudyConfig
from tfdvae.studies.augmentation.training import CURVE_IMAGES, build_classifier, train_generator
from tfdvae.training_sets import batches, filters, views

ENOUGH_SECONDS = 1.0  # of training steps that are measured
LEAST_STEPS, MOST_STEPS = 3, 100  # of them
SHOWN = 50  # images that are denoised
TRIED = 10  # images that a filter's parameters are chosen on
TESTED = 500  # images that a classifier is tested on


@dataclass(frozen=True)
class Costs:
    """Seconds of what the cells do.

    Attributes:
        images: of a training set, a number.
        first_step: making a classifier and its graph.
        classifier_step: one optimizer step of a classifier.
        generator_step: one of a generative model.
        test: measuring a classifier on all test images once.
        predicting: the part of it without resampling.
        validation: measuring it on the validation images of the learning curve.
        likelihood: measuring the likelihood of a variational model.
        probe: measuring its codes under one test noise.
        views: of all training images, by method.
        denoising: all test images once, where this is asked for.
        batch_size: images that a step of a classifier takes, a number.
    """

    images: int
    first_step: float
    classifier_step: float
    generator_step: float
    test: float
    predicting: float
    validation: float
    likelihood: float
    probe: float
    views: Mapping[str, float]
    denoising: float = 0.0
    batch_size: int = classifier.BATCH_SIZE


def prepare_first(config: AugmentationStudyConfig, dataset: ImageDataset) -> Images:
    """Return the images of the first condition and seed."""
    assert config.conditions is not None
    return prepare(config, dataset, config.conditions[0], config.seeds[0])


def measure(
    config: AugmentationStudyConfig, dataset: ImageDataset, methods: Iterable[str]
) -> Costs:
    """Return what a few steps and tests take on this machine, and views by the given methods."""
    images = prepare_first(config, dataset)
    first, step = classifier_step(config, images)
    once = dataclasses.replace(config, epochs=1)
    generator, _ = train_generator(once, images.train[: classifier.BATCH_SIZE], "dvae", 0)
    seen = pipelines.training_batches((images.train,), classifier.BATCH_SIZE, 0, "estimate")
    tested, labels = images.held_out[:TESTED], images.held_out_labels[:TESTED]
    model = build_classifier(config, images.train.shape[1:], images.classes, 0)
    noise = corruptions.parse(config.test_noise[-1])
    outputs = evaluation.classifier_outputs(model, tested, noise, 0)
    predicting = _seconds(partial(evaluation.classifier_outputs, model, tested, noise, 0))
    resampling = 0.0
    if not config.development:
        metric, made = classification.parse(config.metric), classification.probabilities(outputs)
        resampling = _second_time(
            partial(classification.bootstrap, metric, made, labels, BOOTSTRAPS, 0)
        )
    count, validated = len(images.held_out), min(CURVE_IMAGES, len(images.held_out))
    return Costs(
        images=len(images.train),
        first_step=first,
        classifier_step=step,
        generator_step=_step_seconds(generator, seen)[1],
        test=(predicting + resampling) / len(tested) * count,
        predicting=predicting / len(tested) * count,
        validation=predicting / len(tested) * validated,
        likelihood=_likelihood_seconds(generator, to_unit(images.held_out[:LIKELIHOOD_IMAGES])),
        probe=_probe_seconds(generator, images),
        views={method: view_seconds(config, dataset, method) for method in methods},
        denoising=denoising_seconds(config, dataset) if config.denoise_at_test else 0.0,
        batch_size=batches.size(config.own_classifier, images.train.shape[1:]),
    )


def classifier_step(config: AugmentationStudyConfig, images: Images) -> tuple[float, float]:
    """Return the seconds until a classifier has made its first steps, and those of another step.

    It is trained with the precision of the settings.
    """
    begun = time.monotonic()
    model = build_classifier(config, images.train.shape[1:], images.classes, 0)
    building = time.monotonic() - begun
    arrays = (images.train, images.train_labels)
    rows = batches.size(config.own_classifier, images.train.shape[1:])
    first, step = _step_seconds(model, pipelines.training_batches(arrays, rows, 0, "estimate"))
    return building + first, step


def _step_seconds(model: keras.Model, seen: Any) -> tuple[float, float]:
    """Return the seconds of the first two training steps, and those of another one.

    Of these about a second is measured, within `LEAST_STEPS` and `MOST_STEPS`.
    """

    def seconds(steps: int) -> float:
        return _seconds(partial(model.fit, seen, steps_per_epoch=steps, shuffle=False, verbose=0))

    first = seconds(2)  # makes the graph
    steps, taken = LEAST_STEPS, seconds(LEAST_STEPS)
    if taken < ENOUGH_SECONDS:
        steps = min(MOST_STEPS, math.ceil(steps * ENOUGH_SECONDS / taken))
        taken = seconds(steps)
    return first, taken / steps


def _likelihood_seconds(model: DenoisingModel, images: np.ndarray) -> float:
    """Return how long the likelihood of images takes, by that of some, without making its graph."""
    few, more = images[:5], images[: min(25, len(images))]
    if len(few) == len(more):
        return _seconds(partial(latent.log_likelihood, model, images))
    start, end = (_seconds(partial(latent.log_likelihood, model, each)) for each in (few, more))
    each = max(0.0, end - start) / (len(more) - len(few))
    return start + each * (len(images) - len(few))


def _probe_seconds(model: DenoisingModel, images: Images) -> float:
    """Return how long codes and their linear probe take, with all images of one test noise."""
    tested = to_unit(images.held_out[:TESTED])
    codes = model.encode(images.train)

    def probe() -> None:
        latent.probe_accuracy(
            codes, images.train_labels, model.encode(tested), images.held_out_labels[:TESTED]
        )

    return _seconds(probe)


def view_seconds(config: AugmentationStudyConfig, dataset: ImageDataset, method: str) -> float:
    """Return how long a method takes for views of all training images, its training included."""
    images = prepare(config, dataset, "noisy", config.seeds[0], config.train_noise[0])
    noise, count = kept_views.told_noise(config, images), len(images.train)
    few = images.train[:SHOWN]
    if method in CLASSICAL:
        views.filter_for(method, few[:1], noise.level)  # imports what it needs
        begun = time.monotonic()
        function, _ = views.filter_for(method, few[:TRIED], noise.level)
        choosing = (time.monotonic() - begun) * min(count, views.CHOOSING) / min(count, TRIED)
        return choosing + _second_time(partial(filters.filtered, few, function)) / len(few) * count
    learned = images.clean if views.METHODS[method].clean else images.train
    with tempfile.TemporaryDirectory() as folder:
        model = views.model_for(method, learned, noise, 0, 2, Path(folder))
    pictures = list(images.train)
    size = learning.patch_size(pictures)
    patches = training_patches(pictures, size, learning.batch_size(size), 0, "estimate")
    _, step = _step_seconds(model.keras_model, patches)
    making = (
        partial(views.draws, model, few, 0) if model.variational else partial(model.denoise, few)
    )
    return config.denoiser_steps * step + _second_time(making) / len(few) * count


def denoising_seconds(config: AugmentationStudyConfig, dataset: ImageDataset) -> float:
    """Return how long it takes to denoise all test images once, by the model of training images."""
    images = prepare(config, dataset, "noisy", config.seeds[0], config.train_noise[0])
    noise, shown = kept_views.told_noise(config, images), images.held_out[:SHOWN]
    with tempfile.TemporaryDirectory() as folder:
        model = views.model_for(kept_views.DENOISER, images.train, noise, 0, 1, Path(folder))
    none = corruptions.parse("none")
    seconds = _second_time(partial(kept_tests.denoised, model, shown, none, 0))
    return seconds / len(shown) * len(images.held_out)


def _second_time(work: Callable[[], object]) -> float:
    work()
    return _seconds(work)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
