"""Training sets of the augmentation study, and the models that are trained on them."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from tfdvae import classifier, corruptions
from tfdvae._utils import seeds
from tfdvae.config import PRECISIONS
from tfdvae.config.sets import AGREEMENT, SETS, generator_of, is_taught, needs_noise
from tfdvae.data import pipelines, splits
from tfdvae.experiment import evaluation
from tfdvae.inference.augmentation import Augmenter
from tfdvae.metrics import classification
from tfdvae.models.base import DenoisingModel
from tfdvae.studies import training
from tfdvae.studies.augmentation import kept_views
from tfdvae.studies.augmentation.images import Images
from tfdvae.studies.augmentation.settings import (
    SAMPLES_PER_IMAGE,
    AugmentationStudyConfig,
    generator_settings,
)
from tfdvae.training_sets import batches, restoring
from tfdvae.training_sets.arrays import Arrays, of_set
from tfdvae.training_sets.batches import Step
from tfdvae.training_sets.losses import change_loss, class_weights, fall_to_zero, soft_labels

CURVE_IMAGES = 2000  # validation images that are measured after each epoch


def train_generator(
    config: AugmentationStudyConfig, images: np.ndarray, model: str, seed: int
) -> tuple[DenoisingModel, list[float]]:
    """Return a generative model, trained as in the main job, and its loss after each epoch.

    Args:
        config: settings of the study; `epochs` and `latent_dim` are used.
        images: float32 (N, H, W, C) in [0, 1] or, with noise, beyond.
        model: name of a model that generates images, such as `dvae`.
        seed: root seed.

    Returns:
        The model, and its losses in nats per image.

    Raises:
        FloatingPointError: the loss became infinite or NaN.
    """
    settings = generator_settings(
        model, epochs=config.epochs, latent_dim=config.latent_dim, seed=seed
    )
    return training.train_generator(settings, images, "generator")


def training_set(
    config: AugmentationStudyConfig, images: Images, name: str, seed: int
) -> tuple[Arrays, Step | None]:
    """Return the arrays of a training set, and what changes their batches.

    The arrays are images, views where the set has them, and labels, each in parts that follow each
    other. Batches are then images and labels.

    Args:
        config: settings of the study.
        images: of the condition and seed.
        name: of the training set: a key of `SETS`, or a model that generates images.
        seed: root seed.

    Example:
        >>> arrays, transform = training_set(config, images, "denoised", seed=0)
    """
    added = None
    if maker := generator_of(name):
        generator, _ = train_generator(config, images.train, maker, seed)
        made = Augmenter(generator).generate(
            images.train, images.train_labels, SAMPLES_PER_IMAGE, seed
        )
        added = made.images, made.labels
    row = SETS.get(name, SETS["limited"])
    seen = kept_views.load(config, images, row.views, seed).images if row.views else None
    shared = images.train_labels, images.noise.level, seed
    return of_set(row, images.train, *shared, seen, images.clean, added)


def build_classifier(
    config: AugmentationStudyConfig,
    image_shape: tuple[int, int, int],
    classes: int,
    seed: int,
    agreeing: bool = False,
    taught: bool = False,
) -> keras.Model:
    """Return the published CNN, or the user's own classifier, compiled.

    Args:
        config: settings of the study.
        image_shape: (H, W, C).
        classes: number of classes.
        seed: root seed of the initial weights.
        agreeing: batches hold each image twice.
        taught: labels are those of `taught_labels`.
    """
    if config.own_classifier is not None:
        model = classifier.build(config.own_classifier, image_shape, classes, seed)
    else:
        dtype = PRECISIONS[config.precision]
        model = classifier.cnn(image_shape, classes, seed=seed, dtype=dtype)
    agreement = AGREEMENT if agreeing else 0.0
    smoothing = 0.0 if taught else config.label_smoothing  # of them the labels alone are smoothed
    if smoothing > 0 or agreement > 0 or taught:
        change_loss(model, smoothing, agreement, taught)
    return model


def train_classifier(
    config: AugmentationStudyConfig,
    images: Images,
    name: str,
    protocol: str,
    seed: int,
    weights_seed: int | None = None,
) -> tuple[keras.Model, int, list[float]]:
    """Return a classifier trained on a training set, its steps, and its learning curve.

    All training sets have batches of one size; where two of each image are to agree, they have half
    as many images, each of them twice. Equal epochs of a set with three times the images
    are three times the steps. Steps of a teacher come on top, and are not counted.

    Args:
        config: settings of the study.
        images: of the condition and seed.
        name: of the training set.
        protocol: how long the classifier is trained.
        seed: root seed.
        weights_seed: root seed of the initial weights; by default `seed`.

    Returns:
        The classifier, the number of optimizer steps and, in development, the metric on some
        validation images after as many steps as an epoch of `limited` has, again and again.

    Raises:
        FloatingPointError: the loss became infinite or NaN.
    """
    arrays, transform = training_set(config, images, name, seed)
    row, taught = SETS.get(name, SETS["limited"]), is_taught(name)
    agreeing = row.agreeing
    batch_size = min(batches.size(config.own_classifier, images.train.shape[1:]), len(images.train))
    per_epoch = pipelines.steps_per_epoch(len(images.train), batch_size)
    steps = config.classifier_steps
    if protocol == "equal_epochs":
        steps = config.classifier_epochs * per_epoch * sum(map(len, arrays[0])) // len(images.train)
    epochs = max(1, steps // per_epoch)
    planned = epochs * per_epoch if config.development else steps
    fit_options: dict[str, Any] = {"shuffle": False, "verbose": 0}
    weights = None
    if config.balance:
        weights = class_weights(np.concatenate(arrays[-1]), images.classes)
    if taught:
        arrays = (*arrays[:-1], [taught_labels(config, images, name, planned, seed)])
    if weights is not None and (taught or row.restoring):  # labels are not the only target
        each = np.array([weights[label] for label in images.train_labels], np.float32)
        arrays = (*arrays, [each])
    elif weights is not None:
        fit_options["class_weight"] = weights
    first = seed if weights_seed is None else weights_seed
    model = build_classifier(
        config, images.train.shape[1:], images.classes, first, agreeing, taught
    )
    # Sets that differ in what images are mixed with share order, geometry, noise and strengths, if
    # their batches have as many images.
    stream = "noisy" if needs_noise(name) else name
    training_batches = pipelines.training_batches(
        arrays,
        batch_size // 2 if agreeing else batch_size,
        seed,
        f"classifier/{stream}",
        transform=transform,
    )
    if config.schedule == "cosine":
        fall_to_zero(model, planned)
    fitted = restoring.learner(model, images.noise.level) if row.restoring else model
    curve: list[float] = []
    if config.development:
        history = fitted.fit(
            training_batches,
            epochs=epochs,
            steps_per_epoch=per_epoch,
            callbacks=[_validation(model, config.metric, images, seed, curve)],
            **fit_options,
        )
        steps = per_epoch * len(curve)
    else:
        history = fitted.fit(training_batches, epochs=1, steps_per_epoch=steps, **fit_options)
    training.check_finite(history.history["loss"], f"the loss of the classifier on {name}")
    return model, steps, curve


def taught_labels(
    config: AugmentationStudyConfig, images: Images, name: str, steps: int, seed: int
) -> np.ndarray:
    """Return what a classifier learns that is taught: labels and the teacher's words, half each.

    The teacher is trained on its set in the same way, with the same batches, for as many steps,
    from other initial weights. It is shown each training image as observed, or its denoised self
    where the set has views.

    Args:
        config: settings of the study.
        images: of the condition and seed.
        name: of the training set, one with a teacher.
        steps: of the teacher.
        seed: root seed.

    Returns:
        float32 (N, classes).

    Example:
        >>> taught_labels(config, images, "distilled", 2340, seed=0).sum(axis=1)
        array([1., 1., ..., 1.], dtype=float32)
    """
    row = SETS[name]
    alone = dataclasses.replace(config, development=False, classifier_steps=steps)
    own = seeds.stream(seed, "teacher")
    teacher, _, _ = train_classifier(alone, images, row.teacher, "equal_steps", seed, own)
    shown = images.train
    if row.views:
        shown = kept_views.load(config, images, row.views, seed).images[:, 0]
    outputs = evaluation.classifier_outputs(teacher, shown, corruptions.parse("none"), seed)
    said = classification.probabilities(outputs)
    return soft_labels(images.train_labels, said, config.label_smoothing)


def _validation(
    model: keras.Model, metric: str, images: Images, seed: int, curve: list[float]
) -> keras.callbacks.Callback:
    """Return a callback that adds the metric of a model on some validation images to a curve."""
    measure = classification.parse(metric)
    count = min(CURVE_IMAGES, len(images.held_out_labels))
    chosen = splits.stratified_subset(images.held_out_labels, count, seed)
    shown, labels = images.held_out[chosen], images.held_out_labels[chosen]

    class Measure(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            none = corruptions.parse("none")
            outputs = evaluation.classifier_outputs(model, shown, none, seed)
            curve.append(measure(classification.probabilities(outputs), labels))

    return Measure()
