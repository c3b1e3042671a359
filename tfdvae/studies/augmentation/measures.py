"""What is measured of a classifier on test images, as they are and shown otherwise."""

from __future__ import annotations

import keras
import numpy as np

from tfdvae import corruptions
from tfdvae.experiment import evaluation
from tfdvae.metrics import classification
from tfdvae.studies.augmentation import kept_tests
from tfdvae.studies.augmentation.images import Images
from tfdvae.studies.augmentation.settings import (
    AugmentationStudyConfig,
    averaged_metric,
    denoised_metric,
)


def again(
    config: AugmentationStudyConfig,
    images: Images,
    model: keras.Model,
    test_noise: str,
    seed: int,
    probabilities: np.ndarray,
) -> dict[str, float]:
    """Return the metric of the verdict on test images that are shown otherwise too, by name.

    Args:
        config: settings of the study, which tell whether there are mirror images and denoised ones.
        images: of the condition and seed; of clean training images there is no denoising model.
        model: the classifier.
        test_noise: of the test images.
        seed: root seed.
        probabilities: what it says of them as they are, float (M, K).

    Example:
        >>> again(config, images, model, "none", 0, probabilities)
        {'accuracy_averaged': 0.91, 'accuracy_denoised': 0.9}
    """
    metric, found = classification.parse(config.metric), {}
    if config.test_time_averaging:
        noise = corruptions.parse(test_noise)
        mirrored = evaluation.classifier_outputs(model, images.held_out, noise, seed, True)
        both = (probabilities + classification.probabilities(mirrored)) / 2
        found[averaged_metric(config.metric)] = metric(both, images.held_out_labels)
    if config.denoise_at_test and images.noise.level > 0:
        denoised = kept_tests.load(config, images, test_noise, seed)
        outputs = evaluation.classifier_outputs(model, denoised, corruptions.parse("none"), seed)
        said = classification.probabilities(outputs)
        found[denoised_metric(config.metric)] = metric(said, images.held_out_labels)
    return found


def scores(
    probabilities: np.ndarray, labels: np.ndarray, metric: str, classes: int
) -> dict[str, float]:
    """Return all metrics by name, the accuracy of each class among them.

    Args:
        probabilities: float (M, K).
        labels: int (M,).
        metric: of the verdict.
        classes: number of classes.

    Example:
        >>> scores(probabilities, labels, "accuracy", 10)["auc"]
        0.98
    """
    names = dict.fromkeys(
        ("accuracy", "balanced_accuracy", "auc", "kappa", "quadratic_kappa", metric)
    )
    values = {name: classification.parse(name)(probabilities, labels) for name in names}
    values["calibration_error"] = classification.expected_calibration_error(probabilities, labels)
    accuracies = classification.class_accuracies(probabilities, labels, classes)
    return values | {
        f"accuracy_class_{number}": value
        for number, value in enumerate(accuracies)
        if np.isfinite(value)
    }
