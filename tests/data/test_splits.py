import numpy as np
import pytest

from tfdvae.data.splits import stratified_subset

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2, 5], [600, 300, 90, 10]))


def test_class_proportions_by_largest_remainder():
    """Shares of 57 of 1,000: 34.2, 17.1, 5.13 and 0.57; the remainder goes to the last class."""
    chosen = stratified_subset(LABELS, 57, seed=0)
    assert dict(zip(*np.unique(LABELS[chosen], return_counts=True), strict=True)) == {0: 34, 1: 17, 2: 5, 5: 1}
    assert len(set(chosen)) == 57
    assert np.array_equal(chosen, np.sort(chosen))


def test_seeds():
    assert np.array_equal(stratified_subset(LABELS, 100, 1), stratified_subset(LABELS, 100, 1))
    assert not np.array_equal(stratified_subset(LABELS, 100, 1), stratified_subset(LABELS, 100, 2))


@pytest.mark.parametrize("count", [1, 2, 3, 999, 1000])
def test_any_count(count):
    assert len(stratified_subset(LABELS, count, 0)) == count


def test_every_image_has_the_same_chance():
    """1,500 subsets of a tenth: a count has mean 150 and standard deviation 11.6; five of them are 58."""
    counts = np.zeros(100)
    for seed in range(1500):
        counts[stratified_subset(np.repeat([0, 1], 50), 10, seed)] += 1
    assert abs(counts - 150).max() < 58


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_refused(count):
    with pytest.raises(ValueError, match="`n_train` must"):
        stratified_subset(LABELS, count, 0)
