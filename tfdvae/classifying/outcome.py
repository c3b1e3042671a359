"""What came out of a cross-validation: for the report and the files beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfdvae.classifying.choosing import Gain
from tfdvae.classifying.images import Images, Labelled
from tfdvae.metrics import confusion


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of images that it was not trained on.

    Attributes:
        images: with their labels.
        probabilities: float64 (N, K).
    """

    images: Labelled
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class of each image, int (N,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def counts(self) -> np.ndarray:
        """Images of each class (row) that are taken for each class (column)."""
        classes = self.probabilities.shape[1]
        return confusion.matrix(self.predicted, self.images.labels, classes)

    @property
    def right(self) -> confusion.Share:
        """How many images are right."""
        return confusion.share(self.predicted == self.images.labels, self.images.groups)

    @property
    def scores(self) -> list[confusion.ClassScores]:
        """What becomes of each class."""
        classes = self.probabilities.shape[1]
        return confusion.scores(self.predicted, self.images.labels, classes, self.images.groups)


@dataclass(frozen=True)
class Outcome:
    """What the report tells.

    Attributes:
        images: of the user's.
        gains: of each training set over the plain one.
        recipe: the training set that was chosen.
        held_out: predictions of the folds, by classifiers that did not see the image.
        uncalibrated: the probabilities of the folds without a temperature.
        cross_fitted: those with a temperature fitted to the other folds.
        test: predictions of the test split; None where there is none.
        temperature: that was fitted.
        folds: how many there are.
        steps: of each classifier.
        noise_level: standard deviation that the noise of the images has; None: not asked for.
        network: of the classifier, in words.
        onnx: whether there is an ONNX file.
    """

    images: Images
    gains: list[Gain]
    recipe: str
    held_out: Predictions
    uncalibrated: np.ndarray
    cross_fitted: np.ndarray
    test: Predictions | None
    temperature: float
    folds: int
    steps: int
    noise_level: float | None
    network: str
    onnx: bool
