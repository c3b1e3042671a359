import numpy as np
import pytest

from tfdvae.experiment import prepare

LABELS = np.arange(50) % 5


@pytest.mark.parametrize("seed", [0, 1])
def test_images_outside_the_subset_are_held_out(seed):
    index = np.arange(0, 50, 2)
    subset, count, held_out = prepare.choose_held_out(LABELS, index, seed)
    np.testing.assert_array_equal(subset, index)
    assert count == 25
    np.testing.assert_array_equal(held_out, np.arange(1, 50, 2))


@pytest.mark.parametrize("left", [0, 1, 7])
def test_a_fifth_of_the_subset_where_too_few_are_left(left):
    index = np.arange(50 - left)
    subset, count, held_out = prepare.choose_held_out(LABELS, index, 0)
    np.testing.assert_array_equal(np.sort(subset), index)
    np.testing.assert_array_equal(subset[count:], held_out)
    assert len(held_out) == len(index) // 5
    if left == 0:
        np.testing.assert_array_equal(np.bincount(LABELS[held_out]), 2)
    again = prepare.choose_held_out(LABELS, index, 0)
    np.testing.assert_array_equal(again[2], held_out)


def test_at_most_some_thousands_are_held_out():
    labels = np.arange(10_000) % 10
    subset, count, held_out = prepare.choose_held_out(labels, np.arange(1000), 0)
    assert (len(subset), count, len(held_out)) == (1000, 1000, prepare.MAX_HELD_OUT)
    assert not np.intersect1d(subset, held_out).size


def test_two_images():
    subset, count, held_out = prepare.choose_held_out(np.zeros(2, int), np.arange(2), 0)
    assert (len(subset), count, len(held_out)) == (2, 1, 1)
