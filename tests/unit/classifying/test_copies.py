"""Images that are there more than once stay in one part of the cross-validation."""

import numpy as np
import pytest

from tfdvae.classifying import copies
from tfdvae.data import duplicates

FOUR = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 1), np.uint8)


@pytest.mark.parametrize(
    ("rows", "groups", "expected", "count"),
    [
        ([0, 1, 2, 3], None, None, 0),
        ([0, 1, 2, 3], [7, 7, 2, 2], [7, 7, 2, 2], 0),
        ([0, 1, 0, 2, 1, 0], None, [0, 1, 0, 2, 1, 0], 5),
        ([0, 1, 2, 0], [5, 5, 3, 3], [0, 0, 0, 0], 2),
        ([0, 1, 1, 2, 2, 3], [0, 0, 1, 1, 2, 3], [0, 0, 0, 0, 0, 1], 4),  # through a third group
        ([0, 0, 1, 2], [4, 4, 5, 6], [0, 0, 1, 2], 2),
    ],
)
def test_groups_that_share_equal_images_are_one(rows, groups, expected, count):
    found, several = copies.together(FOUR[rows], None if groups is None else np.array(groups))
    assert (None if found is None else found.tolist()) == expected
    assert several == count


def test_constant_images_do_not_count():
    assert copies.together(np.zeros((3, 4, 4, 1), np.float32), None) == (None, 0)


def test_what_is_said():
    assert copies.describe(0) == ""
    assert copies.describe(1200).startswith("1,200 images are there more than once; copies stay in")


def test_nothing_is_said_of_test_images_that_do_not_exist():
    smooth = np.add.outer(np.arange(8.0), 3 * np.arange(8.0))[None, ..., None]
    train = np.concatenate([smooth, smooth[:, ::-1], smooth[:, ::-1]])
    for test, expected in (
        (smooth, ""),
        (-smooth, ""),
        (smooth + 0.01, "1 or more images are nearly equal to another"),
    ):
        line = duplicates.describe((train, "train/{}".format), (test, "test/{}".format))
        assert duplicates.is_said(line)
        said = copies.without_test_images(line)
        assert said.startswith(expected)
        assert bool(said) == bool(expected)
        assert "test image" not in said
    assert copies.without_test_images("3 images have transparent parts") != ""
    assert not duplicates.is_said("3 of 20 images are constant, all their pixels equal")
