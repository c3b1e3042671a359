import numpy as np
import pytest

from tfdvae.metrics import calibration


def test_the_temperature_makes_probabilities_as_frequent_as_they_say():
    """Logits (d, 0) that are right in a share q are best divided by d / log(q / (1 - q)).

    Of four images and two classes, q is 3/4 of 5/6 and 1/4 of 1/6.
    """
    logits = np.tile([4.0, 0.0], (4, 1))
    found = calibration.temperature(logits, np.array([0, 0, 0, 1]))
    assert found == pytest.approx(4 / np.log(2), rel=1e-4)
    np.testing.assert_allclose(calibration.scaled(logits, found)[:, 0], 2 / 3, rtol=1e-4)


def test_a_classifier_of_many_classes_that_is_calibrated_stays_as_it_is():
    """Labels are drawn from the probabilities themselves: 200 images of 100 classes."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (200, 100))
    shares = calibration.scaled(logits, 1.0)
    labels = np.array([random.choice(100, p=row) for row in shares])
    assert calibration.temperature(logits, labels) == pytest.approx(1, abs=0.1)
    assert calibration.temperature(logits / 2, labels) == pytest.approx(0.5, abs=0.05)


def test_few_images_that_are_all_right_are_not_proof():
    found = calibration.temperature(np.tile([4.0, 0.0], (2, 1)), np.array([0, 0]))
    assert found == pytest.approx(4 / np.log(3), rel=1e-4)


def test_a_classifier_that_is_always_wrong_is_as_good_as_a_guess():
    found = calibration.temperature(np.tile([4.0, 0.0], (2, 1)), np.array([1, 1]))
    assert found == pytest.approx(20, rel=1e-3)


def test_each_part_has_the_temperature_of_the_others():
    """Logits of two images that are right, and of four of which one is wrong, as above."""
    logits = np.tile([4.0, 0.0], (6, 1))
    parts = [np.array([0, 5]), np.arange(1, 5)]
    found = calibration.cross_fitted(logits, np.array([0, 1, 0, 0, 0, 0]), parts)
    np.testing.assert_allclose(found[[0, 5], 0], 2 / 3, rtol=1e-4)
    np.testing.assert_allclose(found[1:5, 0], 3 / 4, rtol=1e-4)
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        ([[1.0, 0.0]], [2], "`labels` must be class numbers below 2; got 2."),
        ([[1.0]], [0], r"`logits` must have shape \(N, K\)"),
        ([[1.0, np.nan]], [0], "`logits` must be finite; got NaN"),
        ([[1.0, 0.0]], [0, 1], r"`labels` must have shape \(1,\)"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(logits, labels, message):
    with pytest.raises(ValueError, match=message):
        calibration.temperature(np.array(logits), np.array(labels))
