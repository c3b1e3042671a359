"""What is changed in the training of a compiled classifier: its loss and learning rate."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from sklearn.utils.class_weight import compute_class_weight


def change_loss(
    model: keras.Model, smoothing: float = 0.0, agreement: float = 0.0, soft: bool = False
) -> None:
    """Let a compiled classifier learn from other labels, or to say the same of two images.

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
        soft: labels are probabilities, float (N, K), as `soft_labels` returns them, and no classes.

    Raises:
        ValueError: another loss.

    Example:
        >>> change_loss(classifier.cnn((28, 28, 1), 10), smoothing=0.1)
    """
    given = model.loss
    if not can_change(model):
        name = given if isinstance(given, str) else type(given).__name__
        asked = f"`label_smoothing` must be 0, not {smoothing:g},"
        if agreement:
            asked = "`sets` must hold none whose images are to agree, such as agreeing,"
        if soft:
            asked = "`sets` must hold none that a classifier teaches, such as distilled,"
        raise ValueError(
            f"{asked} for a classifier whose loss is not sparse_categorical_crossentropy; "
            f"got {name}."
        )
    from_logits = getattr(given, "from_logits", False)

    def loss(labels: Any, outputs: Any) -> Any:
        targets = labels
        if not soft:
            targets = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), outputs.shape[-1])
        own = keras.losses.categorical_crossentropy(targets, outputs, from_logits, smoothing)
        return own + agreement * _disagreement(outputs, from_logits) if agreement else own

    model.compile(model.optimizer, loss, metrics=["accuracy"])


def can_change(model: keras.Model) -> bool:
    """Tell whether the loss of a compiled classifier is one that `change_loss` takes.

    Example:
        >>> can_change(classifier.cnn((28, 28, 1), 10))
        True
    """
    sparse = keras.losses.SparseCategoricalCrossentropy
    return model.loss == "sparse_categorical_crossentropy" or isinstance(model.loss, sparse)


def _disagreement(outputs: Any, from_logits: bool) -> Any:
    """Return the mean Jensen-Shannon divergence between the halves of a batch, in nats."""
    logs = keras.ops.log_softmax(outputs) if from_logits else keras.ops.log(outputs + 1e-7)
    first, second = keras.ops.split(logs, 2)
    middle = keras.ops.logaddexp(first, second) - math.log(2)
    sides = (keras.ops.exp(side) * (side - middle) for side in (first, second))
    return keras.ops.mean(keras.ops.sum(sum(sides), axis=-1)) / 2


def soft_labels(labels: np.ndarray, said: np.ndarray, smoothing: float = 0.0) -> np.ndarray:
    """Return the mean of each label, smoothed or not, and what a teacher says of its image.

    Source: Furlanello et al. 2018, "Born-Again Neural Networks", with the label at half the weight.

    Args:
        labels: int (N,).
        said: probabilities, float (N, K).
        smoothing: part of each label that is spread over all classes, in [0, 1).

    Returns:
        float32 (N, K).

    Example:
        >>> soft_labels(np.array([1]), np.array([[0.3, 0.7]]))
        array([[0.15, 0.85]], dtype=float32)
    """
    classes = said.shape[1]
    own = (1 - smoothing) * np.eye(classes)[labels] + smoothing / classes
    return ((own + said) / 2).astype(np.float32)


def fall_to_zero(model: keras.Model, steps: int) -> None:
    """Let the learning rate of a compiled model fall to 0 over so many steps, by a cosine.

    Example:
        >>> fall_to_zero(classifier.cnn((28, 28, 1), 10), steps=2340)
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # of a scaled loss
    rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))  # on all devices the same
    optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(rate, steps)


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
