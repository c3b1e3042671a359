"""How often each class is found, and how often others are taken for it."""

from dataclasses import dataclass

import numpy as np

from tfdvae._utils import checks
from tfdvae.metrics.statistics import wilson_interval


@dataclass(frozen=True)
class Share:
    """A part of a whole, with its 95% interval (Wilson, 1927).

    Attributes:
        part: how many.
        whole: of how many; 0 leaves the share unknown.
    """

    part: int
    whole: int

    @property
    def value(self) -> float:
        """The share, in [0, 1]; NaN where it is unknown."""
        return self.part / self.whole if self.whole else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Its interval; all of [0, 1] where it is unknown."""
        return wilson_interval(self.value, self.whole) if self.whole else (0.0, 1.0)


@dataclass(frozen=True)
class ClassScores:
    """What a classifier does with a class.

    Attributes:
        count: images of the class.
        sensitivity: of these, those that are found; also called recall.
        specificity: of all others, those that are not taken for the class.
        precision: of the images that are taken for the class, those that are of it.
    """

    count: int
    sensitivity: Share
    specificity: Share
    precision: Share


def matrix(predicted: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return how many images of each class are taken for each class.

    Args:
        predicted: int (N,), class numbers below `classes`.
        labels: int (N,), likewise.
        classes: number of classes.

    Returns:
        int64 (classes, classes): a row for each true class, a column for each predicted one.

    Raises:
        TypeError: class numbers that are not whole numbers.
        ValueError: another number of labels, or class numbers of other classes.

    Example:
        >>> matrix(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
        [[1, 1], [0, 1]]
    """
    numbers = []
    for name, values in (("predicted", predicted), ("labels", labels)):
        checked = checks.labels(name, values, len(predicted))
        if checked.max() >= classes:
            raise ValueError(f"`{name}` must be class numbers below {classes}; got {checked.max()}")
        numbers.append(checked)
    found = np.zeros((classes, classes), np.int64)
    np.add.at(found, (numbers[1], numbers[0]), 1)
    return found


def scores(counts: np.ndarray) -> list[ClassScores]:
    """Return what a classifier does with each class, from the counts of `matrix`.

    Example:
        >>> scores(np.array([[8, 2], [1, 9]]))[0].sensitivity.value
        0.8
    """
    total, rows, columns = int(counts.sum()), counts.sum(axis=1), counts.sum(axis=0)
    found = []
    for number in range(len(counts)):
        hits, count, taken = int(counts[number, number]), int(rows[number]), int(columns[number])
        others = total - count
        found.append(
            ClassScores(
                count,
                Share(hits, count),
                Share(others - (taken - hits), others),
                Share(hits, taken),
            )
        )
    return found
