"""Which training set is best, by cross-validation on the training images alone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats

from tfdvae._utils import seeds
from tfdvae.metrics import classification
from tfdvae.reporting.verdict import MIN_UNITS

RESAMPLES = 500


@dataclass(frozen=True)
class Gain:
    """How far a training set is ahead of the plain one, in the unit of the metric.

    Attributes:
        name: of the training set.
        value: its metric on images that its classifiers were not trained on.
        plain: that of the plain one.
        low: lower end of the 95% interval of the difference; minus infinity where it is not known.
        high: upper end.
    """

    name: str
    value: float
    plain: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """The value minus that of the plain training set."""
        return self.value - self.plain

    @property
    def kind(self) -> str:
        """`helps`, `harms` or `not decided`."""
        if self.low > 0:
            return "helps"
        return "harms" if self.high < 0 else "not decided"


def folds(labels: np.ndarray, groups: np.ndarray | None, count: int, seed: int) -> list[np.ndarray]:
    """Return the images of each fold: each class is spread evenly, groups stay together.

    Args:
        labels: int (N,).
        groups: int (N,), or None.
        count: folds, at least 2; there are fewer where no class has so many images, or there are
            fewer groups.
        seed: root seed.

    Returns:
        Sorted positions, int, of each fold; together they are all images.

    Raises:
        ValueError: no class has two images, or all are of one group.

    Example:
        >>> [len(fold) for fold in folds(np.arange(20) % 2, None, 5, seed=0)]
        [4, 4, 4, 4, 4]
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    largest = int(np.bincount(labels).max())
    if largest < 2:
        raise ValueError(
            "`folds` need two images of a class; the largest class has 1 (`n_train` "
            f"{len(labels):,})."
        )
    units = largest if groups is None else len(np.unique(groups))
    if units < 2:
        raise ValueError(
            f"`folds` need two groups of images; got 1 (`n_train` {len(labels):,}). Groups that "
            "share equal images count as one."
        )
    count = min(count, largest, units)
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    splitter = kind(count, shuffle=True, random_state=seeds.of_32_bits(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes with fewer images than folds
        parts = [np.sort(held_out) for _, held_out in splitter.split(labels, labels, groups)]
    return [part for part in parts if len(part)]  # large groups may leave one without images


def gains(
    probabilities: dict[str, np.ndarray],
    labels: np.ndarray,
    groups: np.ndarray | None,
    parts: Sequence[np.ndarray],
    metric: str,
    seed: int,
) -> list[Gain]:
    """Return how far each training set is ahead of the first one.

    The interval of a difference is that over images, or their groups (bootstrap; resamples are the
    same for all), or that over folds, of which each has classifiers of its own (Student's t, for
    they are few), whichever is wider. The intervals hold for all comparisons together
    (Bonferroni's correction).

    Args:
        probabilities: training set -> float (N, K), of images that were held out.
        labels: int (N,).
        groups: int (N,), or None.
        parts: of `folds`.
        metric: see `classification.parse`.
        seed: root seed of the resamples.

    Example:
        >>> found = gains({"limited": p, "classical": q}, labels, None, parts, "auc", 0)
        >>> [gain.name for gain in found]
        ['classical']
    """
    score = classification.parse(metric)
    values = {name: score(each, labels) for name, each in probabilities.items()}
    replicates = {
        name: classification.bootstrap(score, each, labels, RESAMPLES, seed, groups)
        for name, each in probabilities.items()
    }
    plain, *others = probabilities
    units = len(labels) if groups is None else len(np.unique(groups))
    level = 1 - 0.025 / len(others)
    found = []
    for name in others:
        spread = float(np.nanstd(replicates[name] - replicates[plain], ddof=1))
        error = spread * np.sqrt(units / (units - 1))  # a bootstrap of n units has (n - 1) / n
        differences = _of_folds(score, probabilities[name], probabilities[plain], labels, parts)
        half = max(float(scipy.stats.norm.ppf(level)) * error, _half_width(differences, level))
        half = half if units >= MIN_UNITS and np.isfinite(half) else np.inf
        difference = values[name] - values[plain]
        found.append(Gain(name, values[name], values[plain], difference - half, difference + half))
    return found


def _of_folds(
    score: classification.Score,
    treated: np.ndarray,
    plain: np.ndarray,
    labels: np.ndarray,
    parts: Sequence[np.ndarray],
) -> np.ndarray:
    """Return the differences of the folds whose score is known."""
    found = np.array(
        [score(treated[fold], labels[fold]) - score(plain[fold], labels[fold]) for fold in parts]
    )
    return found[np.isfinite(found)]


def _half_width(differences: np.ndarray, level: float) -> float:
    """Return half the interval of the mean of a few differences; 0 where it cannot be known."""
    count = len(differences)
    if count < 2:
        return 0.0
    error = differences.std(ddof=1) / np.sqrt(count)
    return float(scipy.stats.t.ppf(level, count - 1) * error)


def best(found: list[Gain], plain: str) -> str:
    """Return the name of the training set with the best metric; the plain one where none is above.

    Example:
        >>> best([Gain("classical", 0.8, 0.7, 0.0, 0.2)], "limited")
        'classical'
    """
    first = max(found, key=lambda gain: gain.difference)
    return first.name if first.difference > 0 else plain
