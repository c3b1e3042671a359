"""Anomaly scores: how badly a model that knows normal images reconstructs others."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfdvae._utils import checks
from tfdvae.inference import graphs


def reconstruction_errors(reconstructions: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the mean squared error of each image, float32 (N,), of float32 arrays (N, H, W, C)."""
    squares = np.square(reconstructions - images)
    return np.asarray(squares.mean(axis=(1, 2, 3), dtype=np.float64), dtype=np.float32)


def threshold(normal_scores: Sequence[float] | np.ndarray, false_positive_rate: float) -> float:
    """Return the lowest score of normal images that at most a given fraction of them exceed.

    1e-5 of it is added. The image that has this score is then not above it where it is scored again
    in a batch of another size, or in a graph, and rounded otherwise.

    Args:
        normal_scores: (N,), at least one.
        false_positive_rate: the fraction, in [0, 1].

    Raises:
        ValueError: no scores, or a fraction outside [0, 1].
    """
    checks.number("false_positive_rate", false_positive_rate, 0, 1)
    ranked = np.sort(normal_scores)[::-1]
    if not len(ranked):
        raise ValueError("`normal` must hold at least one image; got none.")
    place = min(int(false_positive_rate * len(ranked) + 1e-9), len(ranked) - 1)
    return float(ranked[place]) * (1 + 1e-5)


def scores_of_normal(scores: Callable[[Any], Any], normal: Any) -> np.ndarray:
    """Return the anomaly scores of normal images, float32 (N,).

    Args:
        scores: takes images as `TrainedModel.anomaly_scores` does.
        normal: an array or a dataset.

    Raises:
        TypeError, ValueError: images that do not fit, a tensor of a graph, an endless dataset.
    """
    if tf.is_symbolic_tensor(normal):
        raise TypeError("`normal` must be an array or a dataset; got a tensor of a graph.")
    try:
        found = scores(normal)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("`images`", "`normal`")) from None
    return graphs.values(found, "normal") if isinstance(normal, tf.data.Dataset) else found
