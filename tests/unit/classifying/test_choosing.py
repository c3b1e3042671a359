import numpy as np
import pytest

from tfdvae.classifying import choosing
from tfdvae.classifying.choosing import Gain

PARTS = [np.arange(start, 100, 5) for start in range(5)]  # each has two of the images 60 to 69


def certain(right):
    """Probabilities of two classes, of images of class 0, that are right where `right` is."""
    right = np.asarray(right, float)
    return np.stack([right, 1 - right], axis=1)


def test_folds_have_each_image_once_and_each_class_evenly():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    found = choosing.folds(labels, None, 5, seed=0)
    assert np.array_equal(np.sort(np.concatenate(found)), np.arange(100))
    assert all(np.bincount(labels[fold]).tolist() == [10, 6, 4] for fold in found)
    again = choosing.folds(labels, None, 5, seed=0)
    assert all(map(np.array_equal, found, again))


def test_groups_stay_together():
    labels, groups = np.tile([0, 1], 20), np.repeat(np.arange(10), 4)
    for fold in choosing.folds(labels, groups, 5, seed=2**40):
        assert not np.isin(groups[fold], np.delete(groups, fold)).any()


def test_no_fold_is_empty():
    """Of these large groups scikit-learn leaves one of five folds without images."""
    sizes, classes = [12, 3, 5, 2, 14], [0, 1, 2, 0, 0]
    labels, groups = np.repeat(classes, sizes), np.repeat(np.arange(5), sizes)
    found = choosing.folds(labels, groups, 5, seed=0)
    assert [len(fold) for fold in found] == [12, 2, 14, 8]


def test_there_are_no_more_folds_than_images_of_a_class():
    assert len(choosing.folds(np.array([0, 0, 0, 1, 1, 1]), None, 5, seed=0)) == 3


@pytest.mark.parametrize(
    ("labels", "groups", "message"),
    [
        ([0, 1], None, r"two images of a class; the largest class has 1 \(`n_train` 2\)"),
        ([0, 0, 1], [7, 7, 7], r"two groups of images; got 1 \(`n_train` 3\)"),
    ],
)
def test_images_that_cannot_be_in_two_folds_are_refused(labels, groups, message):
    groups = None if groups is None else np.array(groups)
    with pytest.raises(ValueError, match=f"`folds` need {message}"):
        choosing.folds(np.array(labels), groups, 5, seed=0)


def test_the_interval_of_a_gain_is_that_of_the_mean_difference():
    """60 of 100 right, and the same with ten more: differences of 0 and 1, ten of them 1."""
    plain, better = np.arange(100) < 60, np.arange(100) < 70
    labels = np.zeros(100, np.int64)
    found = choosing.gains(
        {"limited": certain(plain), "classical": certain(better)},
        labels,
        None,
        PARTS,
        "accuracy",
        0,
    )
    error = np.std(better.astype(float) - plain, ddof=1) / 10
    assert found[0].difference == pytest.approx(0.1)
    assert found[0].high - found[0].difference == pytest.approx(1.96 * error, rel=0.1)
    assert found[0].kind == "helps"


def test_folds_that_differ_more_than_images_do_make_the_interval():
    """Of five folds of 20 images one has all of ten that are better: differences of 0 and 0.5."""
    plain, better = np.arange(100) < 60, np.arange(100) < 70
    given = {"limited": certain(plain), "classical": certain(better)}
    parts = np.split(np.arange(100), 5)
    found = choosing.gains(given, np.zeros(100, np.int64), None, parts, "accuracy", 0)
    error = np.std([0, 0, 0, 0.5, 0], ddof=1) / np.sqrt(5)
    of_five = 2.776  # Student's t, 4 degrees of freedom
    assert found[0].high - found[0].difference == pytest.approx(of_five * error, rel=1e-3)
    assert found[0].kind == "not decided"


def test_a_gain_that_is_chance_of_the_trainings_is_seldom_claimed():
    """In each of 3 folds of 30 images the better of two equal trainings is a matter of chance."""
    random = np.random.default_rng(0)
    parts, labels = np.split(np.arange(90), 3), np.zeros(90, np.int64)
    claims = 0
    for _ in range(60):
        right = np.clip(random.normal(0.6, 0.15, (2, 3, 1)), 0, 1)
        plain, other = (random.random((2, 3, 30)) < right).reshape(2, 90)
        given = {"limited": certain(plain), "classical": certain(other)}
        found = choosing.gains(given, labels, None, parts, "accuracy", 0)
        claims += found[0].kind != "not decided"
    assert claims <= 6  # 3 are expected, and with a normal quantile 11


def test_intervals_of_several_are_wider_and_of_few_images_unknown():
    plain, better = np.arange(100) < 60, np.arange(100) < 70
    given = {"limited": certain(plain), "classical": certain(better)}
    alone = choosing.gains(given, np.zeros(100, np.int64), None, PARTS, "accuracy", 0)
    both = choosing.gains(
        given | {"denoised": certain(plain)}, np.zeros(100, np.int64), None, PARTS, "accuracy", 0
    )
    assert both[0].high > alone[0].high
    few = {name: values[56:64] for name, values in given.items()}
    found = choosing.gains(few, np.zeros(8, np.int64), None, [np.arange(8)], "accuracy", 0)
    assert (found[0].low, found[0].high) == (-np.inf, np.inf)
    groups = np.arange(100) // 20
    grouped = choosing.gains(given, np.zeros(100, np.int64), groups, PARTS, "accuracy", 0)
    assert grouped[0].kind == "not decided"  # five groups


def test_the_plain_one_is_taken_where_none_is_ahead():
    worse, equal = Gain("classical", 0.7, 0.8, -0.2, 0.0), Gain("denoised", 0.8, 0.8, -0.1, 0.1)
    ahead = Gain("fresh-noise", 0.81, 0.8, -0.1, 0.1)
    assert choosing.best([worse, equal], "limited") == "limited"
    assert choosing.best([worse, equal, ahead], "limited") == "fresh-noise"
