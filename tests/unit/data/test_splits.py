import numpy as np
import pytest

from tfdvae.data.splits import (
    check_classes,
    describe_absent,
    describe_subset,
    hold_out,
    hold_out_of_each_class,
    hold_out_test,
    stratified_subset,
)

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2, 5], [600, 300, 90, 10]))


def test_class_proportions_by_largest_remainder():
    """Shares of 57 of 1,000: 34.2, 17.1, 5.13 and 0.57; the remainder goes to the last class."""
    chosen = stratified_subset(LABELS, 57, seed=0)
    assert dict(zip(*np.unique(LABELS[chosen], return_counts=True), strict=True)) == {
        0: 34,
        1: 17,
        2: 5,
        5: 1,
    }
    assert len(set(chosen)) == 57
    assert np.array_equal(chosen, np.sort(chosen))


def test_seeds():
    assert np.array_equal(stratified_subset(LABELS, 100, 1), stratified_subset(LABELS, 100, 1))
    assert not np.array_equal(stratified_subset(LABELS, 100, 1), stratified_subset(LABELS, 100, 2))


@pytest.mark.parametrize("count", [1, 2, 3, 999, 1000])
def test_any_count(count):
    assert len(stratified_subset(LABELS, count, 0)) == count


def test_every_image_has_the_same_chance():
    """1,500 subsets of a tenth: a count has mean 150 and standard deviation 11.6.

    Five of them are 58.
    """
    counts = np.zeros(100)
    for seed in range(1500):
        counts[stratified_subset(np.repeat([0, 1], 50), 10, seed)] += 1
    assert abs(counts - 150).max() < 58


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_refused(count):
    with pytest.raises(ValueError, match="`n_train` must"):
        stratified_subset(LABELS, count, 0)


def test_hold_out_takes_a_fifth_of_each_class_always_the_same():
    train, test = hold_out_test(LABELS)
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(1000))
    assert dict(zip(*np.unique(LABELS[test], return_counts=True), strict=True)) == {
        0: 120,
        1: 60,
        2: 18,
        5: 2,
    }
    assert np.array_equal(hold_out_test(LABELS)[1], test)
    assert list(test[:12]) == [13, 14, 18, 45, 47, 51, 60, 65, 71, 74, 76, 77], (
        "as published results had it"
    )
    assert [len(part) for part in hold_out_test(np.zeros(2, int))] == [1, 1]
    with pytest.raises(ValueError, match="at least two images"):
        hold_out_test(np.zeros(1, int))


@pytest.mark.parametrize(
    ("train", "test", "held_out", "message"),
    [
        ([0, 0, 1, 1], [1], False, None),
        ([0, 0, 1], [1], True, None),
        ([0, 0, 2, 2], [], False, None),
        ([0, 0, 1], [1], False, "a single one of b"),
        ([0, 0, 1], [0], True, "a single one of b"),
        ([0, 0], [0], False, "at least two classes .* got 1"),
        ([0, 0, 1, 1], [2], False, "none of class 2"),
    ],
)
def test_classes(train, test, held_out, message):
    arguments = np.array(train, int), np.array(test, int), "abc", held_out
    if message is None:
        check_classes(*arguments)
    else:
        with pytest.raises(ValueError, match=message):
            check_classes(*arguments)


@pytest.mark.parametrize(
    ("sizes", "held_out"),
    [
        ([120, 120, 3], [24, 24, 1]),
        ([120, 120, 2, 2], [24, 24, 1, 1]),
        ([120, 120, 1], [24, 24, 0]),
        ([3] * 10, [1] * 10),
        ([2, 2], [1, 1]),
    ],
)
def test_of_rare_classes_one_image_is_held_out(sizes, held_out):
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    train, test = hold_out_test(labels)
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(len(labels)))
    assert np.bincount(labels[test], minlength=len(sizes)).tolist() == held_out
    assert np.array_equal(test, hold_out_test(labels)[1])


@pytest.mark.parametrize("sizes", [[120, 120, 30], [600, 300, 90, 10], [5, 5, 5]])
def test_without_rare_classes_the_same_images_are_held_out_as_ever(sizes):
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(sizes)), sizes))
    for ours, plain in zip(hold_out_test(labels), hold_out(labels), strict=True):
        assert np.array_equal(ours, plain)


def test_classes_without_test_images_are_told():
    train = np.array([0, 0, 1, 2, 3])
    assert describe_absent(train, train, "abcd") == ""
    text = describe_absent(train, np.array([0, 2]), "abcd")
    assert text.startswith("there are no test images of b, d: ")
    assert text.endswith("are then means over 2 of the 4 classes")


def test_classes_that_a_subset_leaves_out_are_told():
    assert describe_subset(LABELS, 100, "abcdef") == ""
    text = describe_subset(LABELS, 20, "abcdef")
    assert text.startswith("the 20 training images of `n_train` have none of f")


def test_whole_groups_of_each_class_are_held_out():
    """Of each class a fifth of its images or more, up to a group, and never the largest group."""
    labels = np.repeat([0, 1], [20, 12])
    groups = np.repeat([0, 1, 2, 3, 4, 5], [10, 3, 3, 4, 2, 10])
    for seed in range(20):
        train, test = hold_out_of_each_class(labels, groups, seed=seed)
        assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(32))
        assert not set(groups[train]) & set(groups[test])
        assert not {0, 5} & set(groups[test])
        assert set(groups[test]) & {1, 2, 3}
        assert 4 <= (labels[test] == 0).sum() <= 7
        assert (labels[test] == 1).sum() == 2


def test_groups_that_cannot_be_held_out_of_each_class():
    assert hold_out_of_each_class(np.array([0, 0, 1]), np.array([0, 1, 2])) is None
    assert hold_out_of_each_class(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2])) is None


def test_two_groups_of_each_class_are_enough():
    labels, groups = np.repeat([0, 1], 10), np.repeat([0, 1, 2, 3], 5)
    train, test = hold_out(labels, groups)
    assert set(labels[train]) == set(labels[test]) == {0, 1}
    assert not set(groups[train]) & set(groups[test])
