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

from tfdvae import classifier
from tfdvae.data import pipelines
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.data.patches import training_patches
from tfdvae.learning import model as learning
from tfdvae.metrics import classification, latent
from tfdvae.studies import filters
from tfdvae.studies.augmentation import views
from tfdvae.studies.augmentation.cells import LIKELIHOOD_IMAGES
from tfdvae.studies.augmentation.images import Images, prepare
from tfdvae.studies.augmentation.settings import BOOTSTRAPS, AugmentationStudyConfig
from tfdvae.studies.augmentation.training import CURVE_IMAGES, build_classifier, train_generator
from tfdvae.studies.noisy_alone.settings import CLASSICAL

LEAST_SECONDS = 1.0  # that are measured of training steps
MOST_STEPS = 100
SHOWN = 50  # images that are denoised
TRIED = 10  # images that a filter's parameters are chosen on


@dataclass(frozen=True)
class Costs:
    """Seconds of what the cells do.

    Attributes:
        generator_step: one optimizer step of a generative model.
        classifier_step: one of a classifier.
        test: measuring a classifier on all test images once.
        validation: measuring it on the validation images of the learning curve.
        likelihood: measuring the likelihood of a generative model.
        views: of all training images, by method.
    """

    generator_step: float
    classifier_step: float
    test: float
    validation: float
    likelihood: float
    views: Mapping[str, float]


def prepare_first(config: AugmentationStudyConfig, dataset: ImageDataset) -> Images:
    """Return the images of the first condition and seed."""
    assert config.conditions is not None
    return prepare(config, dataset, config.conditions[0], config.seeds[0])


def measure(
    config: AugmentationStudyConfig, dataset: ImageDataset, methods: Iterable[str]
) -> Costs:
    """Return what a few steps and tests take on this machine, and views by the given methods."""
    images = prepare_first(config, dataset)
    once = dataclasses.replace(config, epochs=1)
    generator, _ = train_generator(once, images.train[: classifier.BATCH_SIZE], "dvae", 0)
    model = build_classifier(config, images.train.shape[1:], images.classes, 0)
    shown, labels = to_unit(images.held_out[:500]), images.held_out_labels[:500]
    probabilities = classification.probabilities(model.predict(shown, verbose=0))
    metric = classification.parse(config.metric)
    predicting = _second_time(partial(model.predict, shown, verbose=0))
    resampling = _second_time(
        partial(classification.bootstrap, metric, probabilities, labels, BOOTSTRAPS, 0)
    )
    few = shown[:10]
    likelihood = _second_time(partial(latent.log_likelihood, generator, few)) / len(few)
    batches = pipelines.training_batches((images.train,), classifier.BATCH_SIZE, 0, "estimate")
    return Costs(
        _step_seconds(generator, batches),
        classifier_step(config, images),
        (predicting + resampling) / len(shown) * len(images.held_out),
        predicting / len(shown) * min(CURVE_IMAGES, len(images.held_out)),
        likelihood * LIKELIHOOD_IMAGES,
        {method: view_seconds(config, dataset, method) for method in methods},
    )


def classifier_step(config: AugmentationStudyConfig, images: Images) -> float:
    """Return the seconds of a training step of the classifier, with the precision of settings."""
    model = build_classifier(config, images.train.shape[1:], images.classes, 0)
    arrays = (images.train, images.train_labels)
    batches = pipelines.training_batches(arrays, classifier.BATCH_SIZE, 0, "estimate")
    return _step_seconds(model, batches)


def _step_seconds(model: keras.Model, batches: Any) -> float:
    """Return the seconds of a training step; as many as take a second are measured."""

    def seconds(steps: int) -> float:
        begun = time.monotonic()
        model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)
        return time.monotonic() - begun

    seconds(2)  # makes the graph
    steps, taken = 3, seconds(3)
    if taken < LEAST_SECONDS:
        steps = min(MOST_STEPS, math.ceil(steps * LEAST_SECONDS / taken))
        taken = seconds(steps)
    return taken / steps


def view_seconds(config: AugmentationStudyConfig, dataset: ImageDataset, method: str) -> float:
    """Return how long a method takes for views of all training images, its training included."""
    images = prepare(config, dataset, "noisy", config.seeds[0], config.train_noise[0])
    noise, count = views.told_noise(config, images), len(images.train)
    few = images.train[:SHOWN]
    if method in CLASSICAL:
        begun = time.monotonic()
        function, _ = views.filter_for(method, images.train[:TRIED], noise.level)
        choosing = (time.monotonic() - begun) * min(count, views.CHOOSING) / min(count, TRIED)
        return choosing + _second_time(partial(filters.filtered, few, function)) / len(few) * count
    with tempfile.TemporaryDirectory() as folder:
        model = views.model_for(method, images, noise, 0, 2, Path(folder))
    pictures = list(images.train)
    size = learning.patch_size(pictures)
    patches = training_patches(pictures, size, learning.batch_size(size), 0, "estimate")
    step = _step_seconds(model.keras_model, patches)
    making = (
        partial(views.draws, model, few, 0) if model.variational else partial(model.denoise, few)
    )
    return config.denoiser_steps * step + _second_time(making) / len(few) * count


def _second_time(work: Callable[[], object]) -> float:
    work()
    begun = time.monotonic()
    work()
    return time.monotonic() - begun
