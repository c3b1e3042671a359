"""How often each class is found, and how often others are taken for it."""

from __future__ import annotations

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
        independent: how many independent images tell as much as the whole does; None: all do.
    """

    part: int
    whole: int
    independent: int | None = None

    @property
    def value(self) -> float:
        """The share, in [0, 1]; NaN where it is unknown."""
        return self.part / self.whole if self.whole else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Its interval; all of [0, 1] where it is unknown."""
        if not self.whole:
            return 0.0, 1.0
        return wilson_interval(self.value, self.independent or self.whole)

    @property
    def rest(self) -> Share:
        """The other part."""
        return Share(self.whole - self.part, self.whole, self.independent)


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


def share(hits: np.ndarray, groups: np.ndarray | None) -> Share:
    """Return the share of hits, with an interval that holds if images of a group are all alike.

    n images in groups of n_g then tell as much as n^2 / sum(n_g^2) independent ones (Kish 1965).

    Args:
        hits: bool (n,).
        groups: int (n,), or None.

    Example:
        >>> share(np.array([True, True, False, True]), np.array([1, 1, 2, 2]))
        Share(part=3, whole=4, independent=2)
    """
    independent = None
    if groups is not None and len(hits):
        sizes = np.unique(groups, return_counts=True)[1]
        independent = len(hits) ** 2 // int((sizes**2).sum())
    return Share(int(hits.sum()), len(hits), independent)


def scores(
    predicted: np.ndarray, labels: np.ndarray, classes: int, groups: np.ndarray | None = None
) -> list[ClassScores]:
    """Return what a classifier does with each class.

    Args:
        predicted: as for `matrix`.
        labels: as for `matrix`.
        classes: as for `matrix`.
        groups: int (N,), images that belong together; or None.

    Example:
        >>> scores(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)[0].sensitivity.value
        0.5
    """

    def of(hits: np.ndarray, whole: np.ndarray) -> Share:
        return share(hits[whole], None if groups is None else groups[whole])

    found = []
    for number in range(classes):
        true, taken = labels == number, predicted == number
        found.append(
            ClassScores(int(true.sum()), of(taken, true), of(~taken, ~true), of(true, taken))
        )
    return found
