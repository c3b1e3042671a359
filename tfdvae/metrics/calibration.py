"""Probabilities that mean what they say: temperature scaling (Guo et al. 2017)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.optimize
import scipy.special

from tfdvae._utils import checks
from tfdvae.metrics.class_probabilities import matrix

_LOWEST, _HIGHEST = 0.05, 20.0


def temperature(logits: Any, labels: Any) -> float:
    """Return the number by which logits are divided so that the likelihood of labels is greatest.

    Reference: On Calibration of Modern Neural Networks. The order of the classes stays the same.
    Of N images the probability of the right class is meant to be (N + 1) / (N + 2) and not 1
    (Platt 1999), so that few images that are all right make nobody too sure. The others share the
    rest, however many they are.

    Args:
        logits: of images that the classifier was not trained on, (N, K).
        labels: int (N,), class numbers below K.

    Returns:
        In [0.05, 20]; above 1 where the classifier is too sure.

    Raises:
        TypeError: values that are no real numbers, or labels that are not whole numbers.
        ValueError: wrong shapes, NaN or infinite values, or labels of other classes.

    Example:
        >>> round(temperature([[4.0, 0.0], [4.0, 0.0]], [0, 0]), 3)  # 4 / log(3)
        3.641
    """
    given = matrix("logits", logits)
    labels = checks.labels("labels", labels, len(given))
    if labels.max() >= given.shape[1]:
        raise ValueError(
            f"`labels` must be class numbers below {given.shape[1]}; got {labels.max()}."
        )
    count, classes = given.shape
    targets = np.full((count, classes), 1 / (count + 2) / (classes - 1))
    targets[np.arange(count), labels] = (count + 1) / (count + 2)

    def loss(logarithm: float) -> float:
        shares = scipy.special.log_softmax(given / np.exp(logarithm), axis=1)
        return -float((targets * shares).sum() / count)

    bounds = (np.log(_LOWEST), np.log(_HIGHEST))
    found = scipy.optimize.minimize_scalar(loss, bounds=bounds, method="bounded").x
    return float(np.exp(found))


def cross_fitted(logits: Any, labels: Any, parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return class probabilities of each part, with the temperature of all other parts.

    They show what a temperature does to images that it was not fitted to.

    Args:
        logits: as for `temperature`.
        labels: as for `temperature`.
        parts: at least two, of positions, int; together they are all images.

    Returns:
        float64 (N, K).

    Raises:
        TypeError, ValueError: as `temperature`.

    Example:
        >>> parts = [np.array([0]), np.array([1, 2])]
        >>> cross_fitted([[1.0, 0.0], [4.0, 0.0], [4.0, 0.0]], [0, 0, 0], parts)[0].round(3)
        array([0.568, 0.432])
    """
    given = matrix("logits", logits)
    labels = checks.labels("labels", labels, len(given))
    found = np.empty(given.shape)
    for part in parts:
        others = np.setdiff1d(np.arange(len(given)), part)
        found[part] = scaled(given[part], temperature(given[others], labels[others]))
    return found


def scaled(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Return the class probabilities of logits divided by a temperature, float64 (N, K).

    Example:
        >>> scaled(np.array([[2.0, 0.0]]), 2.0).round(3)
        array([[0.731, 0.269]])
    """
    return scipy.special.softmax(matrix("logits", logits) / temperature, axis=1)
