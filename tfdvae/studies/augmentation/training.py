"""Training sets of the augmentation study, and the models that are trained on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdvae import classifier, corruptions, registry
from tfdvae.config import DEFAULT_CORRUPTION, PRECISIONS
from tfdvae.data import pipelines, splits
from tfdvae.experiment import evaluation
from tfdvae.inference.augmentation import Augmenter
from tfdvae.metrics import classification
from tfdvae.models.base import DenoisingModel
from tfdvae.studies import training
from tfdvae.studies.augmentation.images import Images
from tfdvae.studies.augmentation.settings import (
    SAMPLES_PER_IMAGE,
    AugmentationStudyConfig,
    generator_settings,
)

CURVE_IMAGES = 2000  # validation images that are measured after each epoch

BatchTransform = Callable[..., tuple]  # (seed, images, labels) -> (images, labels)


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
) -> tuple[list[np.ndarray], list[np.ndarray], BatchTransform | None]:
    """Return images and labels of a training set, in parts, and what changes its batches."""
    parts, labels = [images.train], [images.train_labels]
    if name == "duplicate":
        return 3 * parts, 3 * labels, None
    if registry.generates(name):
        generator, _ = train_generator(config, images.train, name, seed)
        made = Augmenter(generator).generate(
            images.train, images.train_labels, SAMPLES_PER_IMAGE, seed
        )
        return [*parts, made.images], [*labels, made.labels], None
    classic = pipelines.classic_augmentation()

    def classic_and_noise(seed: tf.Tensor, images: tf.Tensor, *others: tf.Tensor) -> tuple:
        seeds = tf.unstack(tf.random.split(seed, 2))
        return _add_noise(seeds[0], *classic(seeds[1], images, *others))

    transforms: dict[str, BatchTransform] = {
        "gaussian": _add_noise,
        "classical": classic,
        "classical+gaussian": classic_and_noise,
    }
    return parts, labels, transforms.get(name)


def _add_noise(seed: tf.Tensor, images: tf.Tensor, *others: tf.Tensor) -> tuple:
    return (corruptions.parse(DEFAULT_CORRUPTION)(images, seed), *others)


def build_classifier(
    config: AugmentationStudyConfig, image_shape: tuple[int, int, int], classes: int, seed: int
) -> keras.Model:
    """Return the published CNN, or the user's own classifier, compiled."""
    if config.classifier is not None:
        return classifier.build(config.classifier, image_shape, classes, seed)
    return classifier.cnn(image_shape, classes, seed=seed, dtype=PRECISIONS[config.precision])


def train_classifier(
    config: AugmentationStudyConfig, images: Images, name: str, protocol: str, seed: int
) -> tuple[keras.Model, int, list[float]]:
    """Return a classifier trained on a training set, its steps, and its learning curve.

    All training sets have batches of one size. Equal epochs of a set with three times the images
    are three times the steps.

    Returns:
        The classifier, the number of optimizer steps and, in development, the metric on some
        validation images after as many steps as an epoch of `limited` has, again and again.

    Raises:
        FloatingPointError: the loss became infinite or NaN.
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
    fit_options = {"shuffle": False, "verbose": 0}
    curve: list[float] = []
    if config.development:
        history = model.fit(
            batches,
            epochs=max(1, steps // per_epoch),
            steps_per_epoch=per_epoch,
            callbacks=[_validation(config.metric, images, seed, curve)],
            **fit_options,
        )
        steps = per_epoch * len(curve)
    else:
        history = model.fit(batches, epochs=1, steps_per_epoch=steps, **fit_options)
    training.check_finite(history.history["loss"], f"the loss of the classifier on {name}")
    return model, steps, curve


def _validation(
    metric: str, images: Images, seed: int, curve: list[float]
) -> keras.callbacks.Callback:
    """Return a callback that adds the metric on some validation images to a curve."""
    measure = classification.parse(metric)
    count = min(CURVE_IMAGES, len(images.held_out_labels))
    chosen = splits.stratified_subset(images.held_out_labels, count, seed)
    shown, labels = images.held_out[chosen], images.held_out_labels[chosen]

    class Measure(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            none = corruptions.parse("none")
            outputs = evaluation.classifier_outputs(self.model, shown, none, seed)
            curve.append(measure(classification.probabilities(outputs), labels))

    return Measure()
