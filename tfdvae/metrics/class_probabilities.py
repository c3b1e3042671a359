"""Class probabilities and labels, checked."""

from typing import Any

import numpy as np

from tfdvae._utils import checks, unit_range


def matrix(argument: str, value: Any) -> np.ndarray:
    """Return `value` as a finite float64 array (N, K)."""
    array = checks.array(argument, value)
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise TypeError(f"`{argument}` must hold real numbers; got dtype {array.dtype}.")
    if array.ndim != 2 or not len(array) or array.shape[1] < 2:
        raise ValueError(
            f"`{argument}` must have shape (N, K), one column for each of at least two classes; "
            f"got {array.shape}."
        )
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise ValueError(f"`{argument}` must be finite; got NaN or infinite values.")
    return array


def clip_rounding(value: Any, array: np.ndarray) -> np.ndarray:
    """Return what `matrix` made of a value, with what rounding put outside [0, 1] clipped."""
    return unit_range.clip_rounding(array, unit_range.rounding(np.asarray(value).dtype))


def _are_probabilities(array: np.ndarray) -> bool:
    sums = array.sum(axis=1)
    return bool(array.min() >= 0 and array.max() <= 1 and np.abs(sums - 1).max() <= 1e-3)


def check_labelled(
    probabilities: Any, labels: Any, classes: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities, float64 (N, K), and labels, int64 (N,).

    Args:
        probabilities: (N, K) in [0, 1], rows that sum to 1.
        labels: class numbers (N,).
        classes: how many there are; by default K.

    Raises:
        TypeError: labels that are not whole numbers, or probabilities that are not real numbers.
        ValueError: wrong shapes, values that are no probabilities, or labels of other classes.
    """
    probabilities = clip_rounding(probabilities, matrix("probabilities", probabilities))
    if not _are_probabilities(probabilities):
        sums = probabilities.sum(axis=1)
        raise ValueError(
            "`probabilities` must be in [0, 1] with rows that sum to 1; got values from "
            f"{probabilities.min():g} to {probabilities.max():g}, sums from {sums.min():g} to "
            f"{sums.max():g}. `classification.probabilities` makes them of logits."
        )
    labels = checks.labels("labels", labels, len(probabilities))
    classes = classes or probabilities.shape[1]
    if labels.max() >= classes:
        raise ValueError(f"`labels` must be class numbers below {classes}; got {labels.max()}.")
    return probabilities, labels
