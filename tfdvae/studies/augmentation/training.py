"""Training sets of the augmentation study, and the models that are trained on them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tfdvae import classifier, corruptions
from tfdvae.config import PRECISIONS
from tfdvae.config.sets import AGREEMENT, SETS, generator_of, needs_noise
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
from tfdvae.training_sets import batches, views
from tfdvae.training_sets.batches import Step
from tfdvae.training_sets.losses import change_loss, class_weights, fall_to_zero

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
) -> tuple[tuple[list[np.ndarray], ...], Step | None]:
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
    if maker := generator_of(name):
        generator, _ = train_generator(config, images.train, maker, seed)
        made = Augmenter(generator).generate(
            images.train, images.train_labels, SAMPLES_PER_IMAGE, seed
        )
        steps = SETS[name].batches if name in SETS else ()
        arrays = [images.train, made.images], [images.train_labels, made.labels]
        return arrays, batches.transform(steps, images.noise.level)
    row, start, seen = SETS[name], images.train, []
    if row.views:
        seen = [[kept_views.load(config, images, row.views, seed).images]]
    if row.start == "shuffled":
        start = views.with_noise_of_another(start, seen[0][0][:, 0], seed)
    elif row.start == "clean":
        start = images.clean
    parts = ([start] * row.copies, *seen, [images.train_labels] * row.copies)
    return parts, batches.transform(row.batches, images.noise.level)


def build_classifier(
    config: AugmentationStudyConfig,
    image_shape: tuple[int, int, int],
    classes: int,
    seed: int,
    agreeing: bool = False,
) -> keras.Model:
    """Return the published CNN, or the user's own classifier, compiled.

    Args:
        config: settings of the study.
        image_shape: (H, W, C).
        classes: number of classes.
        seed: root seed of the initial weights.
        agreeing: batches hold each image twice.
    """
    if config.classifier is not None:
        model = classifier.build(config.classifier, image_shape, classes, seed)
    else:
        dtype = PRECISIONS[config.precision]
        model = classifier.cnn(image_shape, classes, seed=seed, dtype=dtype)
    agreement = AGREEMENT if agreeing else 0.0
    if config.label_smoothing > 0 or agreement > 0:
        change_loss(model, config.label_smoothing, agreement)
    return model


def train_classifier(
    config: AugmentationStudyConfig, images: Images, name: str, protocol: str, seed: int
) -> tuple[keras.Model, int, list[float]]:
    """Return a classifier trained on a training set, its steps, and its learning curve.

    All training sets have batches of one size; where two of each image are to agree, they have half
    as many images, each of them twice. Equal epochs of a set with three times the images
    are three times the steps.

    Returns:
        The classifier, the number of optimizer steps and, in development, the metric on some
        validation images after as many steps as an epoch of `limited` has, again and again.

    Raises:
        FloatingPointError: the loss became infinite or NaN.
    """
    arrays, transform = training_set(config, images, name, seed)
    agreeing = name in SETS and SETS[name].agreeing
    model = build_classifier(config, images.train.shape[1:], images.classes, seed, agreeing)
    batch_size = min(classifier.BATCH_SIZE, len(images.train))
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
    per_epoch = pipelines.steps_per_epoch(len(images.train), batch_size)
    steps = config.classifier_steps
    if protocol == "equal_epochs":
        steps = config.classifier_epochs * per_epoch * sum(map(len, arrays[0])) // len(images.train)
    epochs = max(1, steps // per_epoch)
    if config.schedule == "cosine":
        fall_to_zero(model, epochs * per_epoch if config.development else steps)
    fit_options: dict[str, Any] = {"shuffle": False, "verbose": 0}
    if config.balance:
        fit_options["class_weight"] = class_weights(np.concatenate(arrays[-1]), images.classes)
    curve: list[float] = []
    if config.development:
        history = model.fit(
            training_batches,
            epochs=epochs,
            steps_per_epoch=per_epoch,
            callbacks=[_validation(config.metric, images, seed, curve)],
            **fit_options,
        )
        steps = per_epoch * len(curve)
    else:
        history = model.fit(training_batches, epochs=1, steps_per_epoch=steps, **fit_options)
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
