import math

import numpy as np
import pytest

from tfdvae.metrics import confusion
from tfdvae.metrics.confusion import Share

LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 2, 2, 2, 0, 2])


def test_the_matrix_has_a_row_for_what_images_are():
    found = confusion.matrix(PREDICTED, LABELS, 4)
    assert found.tolist() == [[3, 1, 0, 0], [0, 1, 1, 0], [1, 0, 3, 0], [0, 0, 0, 0]]


def test_scores_of_a_class_by_hand():
    first, second, _, absent = confusion.scores(PREDICTED, LABELS, 4)
    assert (first.count, second.count, absent.count) == (4, 2, 0)
    assert (first.sensitivity, first.specificity) == (Share(3, 4), Share(5, 6))
    assert first.precision == Share(3, 4)
    assert (second.sensitivity, second.specificity) == (Share(1, 2), Share(7, 8))
    assert (absent.sensitivity, absent.specificity) == (Share(0, 0), Share(10, 10))


def test_the_interval_of_a_share_is_wilsons():
    """By his formula: 8 of 10 with z = 1.96 is 0.4902 to 0.9433."""
    assert Share(8, 10).interval == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert Share(0, 0).interval == (0.0, 1.0)
    assert math.isnan(Share(0, 0).value)


def test_images_of_a_group_count_as_if_they_were_one():
    """Groups of 2, 2, 4 and 2 images are 100 / 28 independent ones, of two they are one."""
    groups = np.array([1, 1, 2, 2, 3, 3, 3, 3, 4, 4])
    assert confusion.share(PREDICTED == LABELS, groups) == Share(7, 10, 3)
    first, second, third, absent = confusion.scores(PREDICTED, LABELS, 4, groups)
    assert first.sensitivity == Share(3, 4, 2)
    assert second.sensitivity == Share(1, 2, 1)
    assert third.precision == Share(3, 4, 1)  # images 5, 6, 7 and 9, of groups 3, 3, 3 and 4
    assert absent.sensitivity == Share(0, 0)
    assert first.sensitivity.rest == Share(1, 4, 2)
    alone = confusion.share(PREDICTED == LABELS, np.arange(10))
    assert alone.interval == Share(7, 10).interval
    assert Share(80, 100, 10).interval == Share(8, 10).interval


@pytest.mark.parametrize(
    ("predicted", "labels", "message"),
    [
        ([0, 3], [0, 1], "`predicted` must be class numbers below 3; got 3"),
        ([0, 1], [0, -1], "`labels` must be class numbers from 0; got -1."),
        ([0, 1], [0], r"`labels` must have shape \(2,\)"),
    ],
)
def test_other_classes_are_refused(predicted, labels, message):
    with pytest.raises(ValueError, match=message):
        confusion.matrix(np.array(predicted), np.array(labels), 3)
