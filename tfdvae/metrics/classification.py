"""Scores of classifiers: accuracy, AUC, kappa, sensitivity, calibration, bootstrap replicates."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from tfdvae._utils import checks, seeds
from tfdvae.metrics.class_probabilities import check_labelled, clip_rounding, matrix


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the fraction of rows of `logits` (N, K) whose largest entry is that of `labels`."""
    return float(np.mean(np.argmax(logits, axis=1) == labels))


_SENSITIVITY = "sensitivity@SPECIFICITY"


@dataclass(frozen=True)
class Score:
    """A score of class probabilities, called as `score(probabilities, labels)`; higher is better.

    Attributes:
        name: as given to `parse`, in one spelling: `sensitivity@0.9` also for `sensitivity@0.90`.
        function: from float64 (N, K) and int64 (N,), which are not checked, to a float.
    """

    name: str
    function: Callable[[np.ndarray, np.ndarray], float] = field(repr=False, compare=False)

    def __call__(self, probabilities: np.ndarray, labels: np.ndarray) -> float:
        """Return the score.

        Args:
            probabilities: (N, K) in [0, 1], rows that sum to 1.
            labels: int (N,), class numbers below K.

        Raises:
            TypeError: labels that are not whole numbers, or probabilities that are not real
                numbers.
            ValueError: wrong shapes, values that are no probabilities, or labels of other classes.
        """
        return self.function(*check_labelled(probabilities, labels))


def parse(text: str) -> Score:
    """Return the score that a name stands for.

    - `accuracy`: fraction of images whose most probable class is their own.
    - `balanced_accuracy`: mean over the classes present of the fraction of their images that are
      found.
    - `auc`: area under the ROC curve; of class 1 against class 0 where there are two, else mean
      over the classes present, each against the rest.
    - `kappa`: Cohen's (1960), unweighted; chance is 0.
    - `quadratic_kappa`: Cohen's (1968), with the square of the difference of class numbers as the
      weight of an error: for classes in order, such as grades.
    - `sensitivity@SPECIFICITY`, such as `sensitivity@0.9`: largest sensitivity of a threshold whose
      specificity is at least that, of the same classes as `auc`.

    All are in [0, 1] but both kappas, in [-1, 1]. Where labels of one class alone leave a score
    undefined it is NaN.

    Example:
        >>> parse("balanced_accuracy")(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]))
        1.0

    Raises:
        ValueError: unknown name, or a specificity that is not a number above 0 and at most 1.
    """
    kind, at, level = str(text).partition("@")
    if kind != "sensitivity" or not at:
        name = checks.choice("metric", text, (*_FUNCTIONS, _SENSITIVITY))
        return Score(name, _FUNCTIONS[name])
    try:
        specificity = checks.number("specificity", float(level), 0, 1, above_low=True)
    except ValueError:
        raise ValueError(
            f"`metric` must be {_SENSITIVITY}, such as sensitivity@0.9, with a specificity above 0 "
            f"and at most 1; got {text!r}."
        ) from None
    return Score(f"{kind}@{specificity!r}", partial(_sensitivity, specificity=specificity))


def probabilities(outputs: Any) -> np.ndarray:
    """Return the class probabilities that a classifier's outputs are, or whose logits they are.

    Args:
        outputs: (N, K), K at least 2. Values in [0, 1] whose rows sum to 1 within 0.01, as those of
            bfloat16 do, are probabilities, others logits.

    Returns:
        float64 (N, K).

    Raises:
        TypeError: the values are not real numbers.
        ValueError: wrong shape, NaN or infinite values.
    """
    array = matrix("outputs", outputs)
    unit = clip_rounding(outputs, array)
    if unit.min() >= 0 and unit.max() <= 1 and np.abs(unit.sum(axis=1) - 1).max() <= 1e-2:
        return unit / unit.sum(axis=1, keepdims=True)
    import scipy.special

    return scipy.special.softmax(array, axis=1)


def expected_calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, bins: int = 15
) -> float:
    """Return the expected calibration error (Guo et al. 2017).

    Reference: On Calibration of Modern Neural Networks. The probabilities of the top class are put
    into bins of equal width, (0, 1/bins] and so on; in each, their mean is compared with the
    accuracy. It is the mean absolute difference, each bin weighted by its images.

    Args:
        probabilities: as for `Score`.
        labels: as for `Score`.
        bins: at least 1.

    Returns:
        In [0, 1]; 0 is best.

    Raises:
        TypeError, ValueError: as `Score`; bins that are not a whole number of at least 1.
    """
    probabilities, labels = check_labelled(probabilities, labels)
    edges = np.linspace(0, 1, checks.integer("bins", bins, 1) + 1)
    confidence = probabilities.max(axis=1)
    excess = np.bincount(
        np.digitize(confidence, edges[1:-1], right=True),
        weights=_correct(probabilities, labels) - confidence,
    )
    return float(np.abs(excess).sum() / len(labels))


def class_accuracies(probabilities: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return the fraction of each class's images that are found, also called recall.

    Args:
        probabilities: as for `Score`.
        labels: int (N,), class numbers below `classes`.
        classes: number of classes.

    Returns:
        float64 (classes,) in [0, 1], NaN for a class that no label has.

    Raises:
        TypeError, ValueError: as `Score`; classes that are not a whole number of at least 2.
    """
    return _class_accuracies(
        *check_labelled(probabilities, labels, checks.integer("classes", classes, 2)), classes
    )


def bootstrap(
    score: Score,
    probabilities: np.ndarray,
    labels: np.ndarray,
    count: int,
    seed: int,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Return the score of resamples of the images, N drawn with replacement from N (Efron 1979).

    Which images a resample holds is a function of (seed, N, number of the resample) alone:
    replicates of two classifiers tested on the same images are pairs, whose differences vary as the
    difference of the two scores does.

    Args:
        score: see `parse`.
        probabilities: as for `Score`.
        labels: as for `Score`.
        count: replicates, at least 1.
        seed: root seed.
        groups: int (N,), images of one number come and go together, for they are not independent;
            or None.

    Returns:
        float64 (count,); NaN where the score of a resample is.

    Raises:
        TypeError, ValueError: as `Score`; a count that is not a whole number of at least 1.
    """
    probabilities, labels = check_labelled(probabilities, labels)
    generator, size = seeds.generator(seed, "bootstrap"), len(labels)
    checks.integer("count", count, 1)
    if groups is None:
        resamples = (generator.integers(size, size=size) for _ in range(count))
    else:
        members = [np.flatnonzero(groups == number) for number in np.unique(groups)]
        drawn = (generator.integers(len(members), size=len(members)) for _ in range(count))
        resamples = (np.concatenate([members[group] for group in chosen]) for chosen in drawn)
    if score.function is accuracy:
        correct = _correct(probabilities, labels)
        return np.array([correct[index].mean() for index in resamples])
    if score.function is _auc:
        return _auc_of_counts(
            probabilities,
            labels,
            np.stack([np.bincount(index, minlength=size) for index in resamples]),
        )
    return np.array([score.function(probabilities[index], labels[index]) for index in resamples])


def _correct(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return probabilities.argmax(axis=1) == labels


def _class_accuracies(probabilities: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    counts = np.bincount(labels, minlength=classes)
    found = np.bincount(labels[_correct(probabilities, labels)], minlength=classes)
    return np.divide(found, counts, out=np.full(classes, np.nan), where=counts > 0)


def _balanced_accuracy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    return float(np.nanmean(_class_accuracies(probabilities, labels, probabilities.shape[1])))


def _kappa(probabilities: np.ndarray, labels: np.ndarray, weights: str | None = None) -> float:
    from sklearn.metrics import cohen_kappa_score

    predicted = probabilities.argmax(axis=1)
    if np.all(predicted == labels[0]) and np.all(labels == labels[0]):
        return float("nan")
    classes = np.arange(probabilities.shape[1])  # also those in between that nothing is of
    return float(cohen_kappa_score(labels, predicted, labels=classes, weights=weights))


def _mean_of_classes(
    measure: Callable[..., float], probabilities: np.ndarray, labels: np.ndarray
) -> float:
    """Return `measure` of (is it of the class, its probability).

    It is that of class 1 where there are two, else the mean over the classes present.
    """
    present = np.unique(labels)
    if len(present) < 2:
        return float("nan")
    classes = [1] if probabilities.shape[1] == 2 else present
    return float(
        np.mean([measure(labels == number, probabilities[:, number]) for number in classes])
    )


def _auc(probabilities: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return _mean_of_classes(roc_auc_score, probabilities, labels)


def _auc_of_counts(probabilities: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return `_auc` of resamples that hold each image so many times, (B, N) -> (B,).

    The scores of each class are sorted once for all.
    """
    aucs = np.empty((len(counts), probabilities.shape[1]))
    for number in range(probabilities.shape[1]):
        values, place = np.unique(probabilities[:, number], return_inverse=True)
        positive, negative = np.zeros((2, len(counts), len(values)))
        for sums, chosen in ((positive, labels == number), (negative, labels != number)):
            where: Any = (slice(None), place[chosen])
            np.add.at(sums, where, counts[:, chosen])
        below = np.cumsum(negative, axis=1) - negative / 2
        with np.errstate(invalid="ignore"):  # NaN where a class, or all others, is absent
            aucs[:, number] = (positive * below).sum(axis=1) / (
                positive.sum(axis=1) * negative.sum(axis=1)
            )
    if probabilities.shape[1] == 2:
        return aucs[:, 1]
    present = np.isfinite(aucs).sum(axis=1)
    return np.where(present > 0, np.nansum(aucs, axis=1) / np.maximum(present, 1), np.nan)


def _sensitivity(probabilities: np.ndarray, labels: np.ndarray, specificity: float) -> float:
    from sklearn.metrics import roc_curve

    def largest(positive: np.ndarray, scores: np.ndarray) -> float:
        false, true, _ = roc_curve(positive, scores, drop_intermediate=False)
        return true[false <= 1 - specificity + 1e-12].max()

    return _mean_of_classes(largest, probabilities, labels)


_FUNCTIONS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "auc": _auc,
    "kappa": _kappa,
    "quadratic_kappa": partial(_kappa, weights="quadratic"),
}
