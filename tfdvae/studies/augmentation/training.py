"""Training sets of the augmentation study, and the models that are trained on them."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from tfdvae import classifier, corruptions, registry
from tfdvae.config import PRECISIONS
from tfdvae.data import pipelines, splits
from tfdvae.experiment import evaluation
from tfdvae.inference.augmentation import Augmenter
from tfdvae.metrics import classification
from tfdvae.models.base import DenoisingModel
from tfdvae.studies import training
from tfdvae.studies.augmentation import batches, views
from tfdvae.studies.augmentation.batches import Step
from tfdvae.studies.augmentation.images import Images
from tfdvae.studies.augmentation.sets import AGREEMENT, SETS, needs_noise
from tfdvae.studies.augmentation.settings import (
    SAMPLES_PER_IMAGE,
    AugmentationStudyConfig,
    generator_settings,
)

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
    if registry.generates(name):
        generator, _ = train_generator(config, images.train, name, seed)
        made = Augmenter(generator).generate(
            images.train, images.train_labels, SAMPLES_PER_IMAGE, seed
        )
        return ([images.train, made.images], [images.train_labels, made.labels]), None
    row, start, seen = SETS[name], images.train, []
    if row.views:
        seen = [[views.load(config, images, row.views, seed).images]]
    if row.start == "shuffled":
        start = views.with_noise_of_another(start, seen[0][0][:, 0], seed)
    elif row.start == "clean":
        start = images.clean
    arrays = ([start] * row.copies, *seen, [images.train_labels] * row.copies)
    return arrays, batches.transform(row.batches, images.noise.level)


def class_weights(labels: np.ndarray, classes: int) -> dict[int, float]:
    """Return weights of losses with which all classes that there are count equally, 1 on average.

    Args:
        labels: int (N,).
        classes: number of classes.

    Example:
        >>> class_weights(np.array([0, 0, 0, 1]), 2)
        {0: 0.6666666666666666, 1: 2.0}
    """
    present = np.unique(labels)
    weights = compute_class_weight("balanced", classes=present, y=labels)
    found = dict(zip(present.tolist(), weights.tolist(), strict=True))
    return dict.fromkeys(range(classes), 1.0) | found


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


def change_loss(model: keras.Model, smoothing: float = 0.0, agreement: float = 0.0) -> None:
    """Let a compiled classifier learn from smoothed labels, or to say the same of two images.

    With `smoothing` a part of each label is spread over all classes. Source: Szegedy et al. 2016,
    "Rethinking the Inception Architecture for Computer Vision".

    With `agreement` the second half of a batch has the images of the first half, changed otherwise.
    The weighted Jensen-Shannon divergence between what is said of both is added. Source: Hendrycks
    et al. 2020, "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty",
    with two images in place of three.

    Args:
        model: whose loss is the sparse categorical cross-entropy.
        smoothing: the part, in [0, 1).
        agreement: weight of the divergence, which is in nats.

    Raises:
        ValueError: another loss.

    Example:
        >>> change_loss(classifier.cnn((28, 28, 1), 10), smoothing=0.1)
    """
    given = model.loss
    if given != "sparse_categorical_crossentropy" and not isinstance(
        given, keras.losses.SparseCategoricalCrossentropy
    ):
        name = given if isinstance(given, str) else type(given).__name__
        asked = f"`label_smoothing` must be 0, not {smoothing:g},"
        if agreement:
            asked = "`sets` must hold none whose images are to agree, such as agreeing,"
        raise ValueError(
            f"{asked} for a classifier whose loss is not sparse_categorical_crossentropy; "
            f"got {name}."
        )
    from_logits = getattr(given, "from_logits", False)

    def loss(labels: Any, outputs: Any) -> Any:
        targets = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), outputs.shape[-1])
        own = keras.losses.categorical_crossentropy(targets, outputs, from_logits, smoothing)
        return own + agreement * _disagreement(outputs, from_logits) if agreement else own

    model.compile(model.optimizer, loss, metrics=["accuracy"])


def _disagreement(outputs: Any, from_logits: bool) -> Any:
    """Return the mean Jensen-Shannon divergence between the halves of a batch, in nats."""
    logs = keras.ops.log_softmax(outputs) if from_logits else keras.ops.log(outputs + 1e-7)
    first, second = keras.ops.split(logs, 2)
    middle = keras.ops.logaddexp(first, second) - math.log(2)
    sides = (keras.ops.exp(side) * (side - middle) for side in (first, second))
    return keras.ops.mean(keras.ops.sum(sum(sides), axis=-1)) / 2


def fall_to_zero(model: keras.Model, steps: int) -> None:
    """Let the learning rate of a compiled model fall to 0 over so many steps, by a cosine.

    Example:
        >>> fall_to_zero(classifier.cnn((28, 28, 1), 10), steps=2340)
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # of a scaled loss
    rate = float(optimizer.learning_rate)
    optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(rate, steps)


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
