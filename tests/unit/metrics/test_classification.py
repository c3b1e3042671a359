import pickle
import subprocess
import sys

import numpy as np
import pytest
import sklearn.metrics

from tests.helpers.processes import ROOT
from tfdvae._utils import seeds
from tfdvae.metrics import classification

# Images 0 to 3 are of class 0, 4 and 5 of class 1, 6 and 7 of class 2. The top classes are 0 0 0 1,
# 1 2, 2 0.
THREE = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.7, 0.2, 0.1],
        [0.6, 0.1, 0.3],
        [0.3, 0.5, 0.2],
        [0.2, 0.7, 0.1],
        [0.1, 0.3, 0.6],
        [0.1, 0.4, 0.5],
        [0.5, 0.1, 0.4],
    ]
)
THREE_LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
# Probability of class 1, from the surest: classes 1 1 0 1 0 0 1 0 0 0. Four are of class 1, six of
# class 0.
ONE = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.45, 0.4, 0.3, 0.2, 0.1])
TWO, TWO_LABELS = np.stack([1 - ONE, ONE], axis=1), np.array([1, 1, 0, 1, 0, 0, 1, 0, 0, 0])
TIED = (
    np.array([[0.1, 0.9], [0.4, 0.6], [0.8, 0.2]]).repeat(2, axis=0),
    np.array([1, 0, 1, 0, 1, 0]),
)
NAMES = ["accuracy", "balanced_accuracy", "auc", "kappa", "quadratic_kappa", "sensitivity@0.9"]
RNG = np.random.default_rng(0)
LABELS = RNG.integers(3, size=3000)
CHANCE = RNG.dirichlet([1, 1, 1], 3000)


def one_hot(classes, number=3):
    return np.eye(number)[classes]


@pytest.mark.parametrize(
    ("name", "probabilities", "labels", "expected"),
    [
        ("accuracy", THREE, THREE_LABELS, 5 / 8),
        ("balanced_accuracy", THREE, THREE_LABELS, (3 / 4 + 1 / 2 + 1 / 2) / 3),
        # agreement 5/8; of chance (4 * 4 + 2 * 2 + 2 * 2) / 64 = 3/8
        ("kappa", THREE, THREE_LABELS, (5 / 8 - 3 / 8) / (1 - 3 / 8)),
        # errors by 1, 1 and 2 classes; of chance (8 + 8 + 4 + 4 + 4 (8 + 8)) / 64 squares an image
        ("quadratic_kappa", THREE, THREE_LABELS, 1 - (6 / 8) / (88 / 64)),
        # nothing is of class 1 of four, and one of class 0 is taken for 2; of chance
        # (2 * 4 + 9 + 1 + 2 * 1) / 3
        ("quadratic_kappa", one_hot([2, 2, 3], 4), np.array([0, 2, 3]), 1 - 4 / (20 / 3)),
        # ordered pairs (of the class, of the rest): class 0 15 of 16; class 1: .7 above all, .3
        # above all but .5 and .4; class 2: .5 above
        # all but .6, .4 likewise
        ("auc", THREE, THREE_LABELS, (15 / 16 + (6 + 4) / 12 + (5 + 5) / 12) / 3),
        ("accuracy", TWO, TWO_LABELS, 7 / 10),
        ("balanced_accuracy", TWO, TWO_LABELS, (3 / 4 + 4 / 6) / 2),
        ("kappa", TWO, TWO_LABELS, (0.7 - 0.5) / (1 - 0.5)),
        ("auc", TWO, TWO_LABELS, (6 + 6 + 5 + 3) / 24),
        # false alarms allowed among six: 0, 1 (1 - 5/6 = 1/6), 2, 3
        ("sensitivity@1", TWO, TWO_LABELS, 2 / 4),
        ("sensitivity@0.9", TWO, TWO_LABELS, 2 / 4),
        ("sensitivity@0.83", TWO, TWO_LABELS, 3 / 4),
        ("sensitivity@0.6", TWO, TWO_LABELS, 3 / 4),
        ("sensitivity@0.5", TWO, TWO_LABELS, 4 / 4),
        # equal probabilities go together: a threshold finds none, one, two or three of each class
        ("sensitivity@0.3", *TIED, 2 / 3),
        ("sensitivity@0.6", *TIED, 1 / 3),
        ("sensitivity@0.7", *TIED, 0),
        ("auc", *TIED, (3 + 3 * 0.5) / 9),
        # no false alarm: class 0 finds .8 .7 .6 of four, class 1 .7 of two, class 2 nothing above
        # .6
        ("sensitivity@1", THREE, THREE_LABELS, (3 / 4 + 1 / 2 + 0) / 3),
        # classes that are absent do not count, whatever is said of them
        ("balanced_accuracy", THREE[:6], THREE_LABELS[:6], (3 / 4 + 1 / 2) / 2),
        ("auc", THREE[:6], THREE_LABELS[:6], (8 / 8 + (4 + 3) / 8) / 2),
    ],
)
def test_by_hand(name, probabilities, labels, expected):
    value = classification.parse(name)(probabilities, labels)
    assert isinstance(value, float)
    assert value == pytest.approx(expected)


@pytest.mark.parametrize("negatives", [3, 7, 10, 30])
def test_a_specificity_that_the_negatives_can_just_reach_is_reached(negatives):
    """The positive is below `false` negatives: it is found at specificity 1 - false / negatives,
    rounding or not, and at none above.
    """
    for false in range(negatives):
        ranks = np.insert(np.arange(negatives, 0, -1.0), false, negatives - false + 0.5)
        one = ranks / (negatives + 1)
        labels = np.zeros(negatives + 1, int)
        labels[false] = 1
        arrays = np.stack([1 - one, one], axis=1), labels
        specificity = (negatives - false) / negatives
        assert classification.parse(f"sensitivity@{specificity!r}")(*arrays) == 1
        if false:
            assert classification.parse(f"sensitivity@{specificity + 1e-6!r}")(*arrays) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes", [2, 3])
def test_perfect_chance_and_hopeless_classifiers(name, classes):
    score, labels = classification.parse(name), LABELS % classes
    assert score(one_hot(labels, classes), labels) == 1
    chance = np.random.default_rng(1).dirichlet(np.ones(classes), len(labels))
    expected = {"auc": 0.5, "kappa": 0, "quadratic_kappa": 0, "sensitivity@0.9": 0.1}.get(
        name, 1 / classes
    )
    assert score(chance, labels) == pytest.approx(expected, abs=0.04), (
        "4 standard errors of a fraction of 3,000 images at 1/2"
    )
    assert score(one_hot((labels + 1) % classes, classes), labels) <= 0.5


@pytest.mark.parametrize("name", NAMES)
def test_ranges(name):
    low = -1 if "kappa" in name else 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        size, classes = rng.integers(2, 30), rng.integers(2, 6)
        labels = np.r_[0, 1, rng.integers(classes, size=size)]
        probabilities = rng.dirichlet(np.full(classes, 0.3), len(labels)).round(1)
        probabilities[:, 0] += 1 - probabilities.sum(axis=1)
        probabilities = np.abs(probabilities) / np.abs(probabilities).sum(axis=1, keepdims=True)
        assert low <= classification.parse(name)(probabilities, labels) <= 1


def test_as_scikit_learn_has_it():
    arrays = CHANCE, LABELS
    assert classification.parse("auc")(*arrays) == pytest.approx(
        sklearn.metrics.roc_auc_score(LABELS, CHANCE, multi_class="ovr")
    )
    predicted = CHANCE.argmax(axis=1)
    assert classification.parse("balanced_accuracy")(*arrays) == pytest.approx(
        sklearn.metrics.balanced_accuracy_score(LABELS, predicted)
    )
    assert classification.parse("kappa")(*arrays) == pytest.approx(
        sklearn.metrics.cohen_kappa_score(LABELS, predicted)
    )
    assert classification.parse("quadratic_kappa")(*arrays) == pytest.approx(
        sklearn.metrics.cohen_kappa_score(LABELS, predicted, weights="quadratic")
    )
    recall = sklearn.metrics.recall_score(LABELS, predicted, average=None)
    np.testing.assert_allclose(classification.class_accuracies(*arrays, 3), recall)


@pytest.mark.filterwarnings("error")
def test_one_class_alone_leaves_scores_undefined():
    arrays = one_hot(np.zeros(4, int)), np.zeros(4, int)
    values = {name: classification.parse(name)(*arrays) for name in NAMES}
    assert values == pytest.approx(
        dict(zip(NAMES, [1, 1, *[np.nan] * 4], strict=True)), nan_ok=True
    )


def test_names():
    for name in NAMES:
        assert classification.parse(name).name == name
        assert pickle.loads(pickle.dumps(classification.parse(name))) == classification.parse(name)
    assert classification.parse("sensitivity@0.90") == classification.parse("sensitivity@0.9")
    assert classification.parse("sensitivity@1").name == "sensitivity@1.0"
    assert classification.parse("sensitivity@0.8") != classification.parse("sensitivity@0.9")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "acuracy",
            "`metric` must be one of accuracy, balanced_accuracy, auc, kappa, "
            "quadratic_kappa, sensitivity@SPECIFICITY; got 'acuracy'.*'accuracy'",
        ),
        (
            "sensitivity",
            "`metric` must be one of .*got 'sensitivity'. Did you mean 'sensitivity@SPECIFICITY'",
        ),
        ("accuracy@0.9", "`metric` must be one of .*got 'accuracy@0.9'"),
        ("ece", "`metric` must be one of .*got 'ece'"),
        ("", "`metric` must be one of"),
        ("sensitivity@", "`metric` must be sensitivity@SPECIFICITY.*got 'sensitivity@'"),
        (
            "sensitivity@high",
            "such as sensitivity@0.9, with a specificity above 0 and at most 1; got "
            "'sensitivity@high'",
        ),
        ("sensitivity@90", "above 0 and at most 1; got 'sensitivity@90'"),
        ("sensitivity@0", "above 0 and at most 1; got 'sensitivity@0'"),
        ("sensitivity@nan", "above 0 and at most 1; got 'sensitivity@nan'"),
        ("sensitivity@-0.1", "above 0 and at most 1; got 'sensitivity@-0.1'"),
    ],
)
def test_names_that_are_none(text, message):
    with pytest.raises(ValueError, match=message):
        classification.parse(text)


def test_probabilities_of_logits_and_of_probabilities():
    logits = np.array([[0, np.log(3)], [1000, 1000]], np.float32)
    made = classification.probabilities(logits)
    assert made.dtype == np.float64
    np.testing.assert_allclose(made, [[0.25, 0.75], [0.5, 0.5]], rtol=1e-6)
    for given, exact in (
        (THREE, THREE),
        (THREE.astype(np.float32), THREE),
        (THREE * 0.9995, THREE),
        (one_hot(LABELS), one_hot(LABELS)),
    ):
        np.testing.assert_allclose(classification.probabilities(given), exact, atol=1e-7)
    for logits in (THREE * 0.99, THREE + np.array([1, -1, 0]), np.zeros((2, 3))):
        assert classification.probabilities(logits).sum(axis=1) == pytest.approx(1, abs=1e-12)
        assert not np.array_equal(classification.probabilities(logits), logits)


def test_calibration_error_by_hand():
    """Two bins: tops of 0.5 (both right) are in (0, 0.5]; 0.6 (wrong) and 0.8, 1 (right) in
    (0.5, 1].
    """
    top = np.array([0.5, 0.5, 0.6, 0.8, 1])
    probabilities, labels = np.stack([top, 1 - top], axis=1), np.array([0, 0, 1, 0, 0])
    expected = 2 / 5 * abs(2 / 2 - 0.5) + 3 / 5 * abs(2 / 3 - 2.4 / 3)
    assert classification.expected_calibration_error(
        probabilities, labels, bins=2
    ) == pytest.approx(expected)
    assert classification.expected_calibration_error(
        probabilities, labels, bins=1
    ) == pytest.approx(abs(4 / 5 - 3.4 / 5))
    # fifteen bins keep 0.5 together and put the others into one each
    assert classification.expected_calibration_error(probabilities, labels) == pytest.approx(
        (1 + 0.6 + 0.2 + 0) / 5
    )


def test_calibration_error_of_calibrated_sure_and_wrong_classifiers():
    rng = np.random.default_rng(3)
    labels = np.array([rng.choice(3, p=row) for row in CHANCE])
    assert classification.expected_calibration_error(CHANCE, labels) < 0.04, (
        "labels are drawn from the probabilities"
    )
    assert classification.expected_calibration_error(one_hot(LABELS), LABELS) == 0
    assert classification.expected_calibration_error(one_hot((LABELS + 1) % 3), LABELS) == 1


def test_class_accuracies_by_hand():
    np.testing.assert_array_equal(
        classification.class_accuracies(THREE, THREE_LABELS, 3), [3 / 4, 1 / 2, 1 / 2]
    )
    np.testing.assert_array_equal(
        classification.class_accuracies(THREE[:6], THREE_LABELS[:6], 4),
        [3 / 4, 1 / 2, np.nan, np.nan],
    )


@pytest.mark.parametrize("name", NAMES)
def test_bootstrap_is_the_score_of_resamples(name):
    score = classification.parse(name)
    values = classification.bootstrap(score, CHANCE[:200], LABELS[:200], 20, seed=5)
    assert values.shape == (20,)
    assert values.dtype == np.float64
    generator = seeds.generator(5, "bootstrap")
    for value in values[:3]:
        index = generator.integers(200, size=200)
        assert value == pytest.approx(score(CHANCE[index], LABELS[index]))
    assert np.array_equal(
        values, classification.bootstrap(score, CHANCE[:200], LABELS[:200], 20, seed=5)
    )
    assert np.array_equal(
        values[:7], classification.bootstrap(score, CHANCE[:200], LABELS[:200], 7, seed=5)
    )
    assert not np.array_equal(
        values, classification.bootstrap(score, CHANCE[:200], LABELS[:200], 20, seed=6)
    )


def test_bootstraps_of_two_classifiers_are_paired():
    """The other classifier errs on one image more: each replicate differs by how often that
    image was drawn, and by no more.
    """
    better = one_hot(np.where(np.arange(500) < 100, (LABELS[:500] + 1) % 3, LABELS[:500]))
    worse = better.copy()
    worse[300] = np.roll(worse[300], 1)
    accuracy = classification.parse("accuracy")
    one, other = (
        classification.bootstrap(accuracy, probabilities, LABELS[:500], 400, seed=0)
        for probabilities in (better, worse)
    )
    times = (one - other) * 500
    assert np.all(times > -1e-9)
    np.testing.assert_allclose(times, times.round(), atol=1e-9)
    assert times.mean() == pytest.approx(1, abs=0.2), "Poisson of mean 1: 4 standard errors of 400"
    balanced = classification.parse("balanced_accuracy")
    one, other = (
        classification.bootstrap(balanced, probabilities, LABELS[:500], 50, seed=0)
        for probabilities in (better, worse)
    )
    assert np.all(one >= other)


def test_standard_error_of_the_accuracy():
    """sqrt(p (1 - p) / n) within 8%: 1,000 replicates have a standard error of 1 / sqrt(2,000) =
    2.2% of it.
    """
    size, wrong = 10_000, 2_500
    labels = np.arange(size) % 3
    probabilities = one_hot(np.where(np.arange(size) < wrong, (labels + 1) % 3, labels))
    values = classification.bootstrap(
        classification.parse("accuracy"), probabilities, labels, 1000, seed=0
    )
    expected = np.sqrt(0.75 * 0.25 / size)
    assert values.std() == pytest.approx(expected, rel=0.08)
    assert values.mean() == pytest.approx(0.75, abs=4 * expected / np.sqrt(1000))


NAN = np.where(THREE == 0.8, np.nan, THREE)


@pytest.mark.parametrize(
    ("outputs", "error", "message"),
    [
        (NAN, ValueError, "`outputs` must be finite"),
        (THREE + np.inf, ValueError, "`outputs` must be finite"),
        (
            THREE[:, :1],
            ValueError,
            r"`outputs` must have shape \(N, K\), one column for each of at least two classes; "
            r"got \(8, 1\)",
        ),
        (THREE[:, 0], ValueError, r"`outputs` must have shape \(N, K\).*got \(8,\)"),
        (THREE[None], ValueError, r"got \(1, 8, 3\)"),
        (THREE[:0], ValueError, r"got \(0, 3\)"),
        (THREE.astype(str), TypeError, "`outputs` must hold real numbers; got dtype <U"),
    ],
)
def test_bad_outputs(outputs, error, message):
    with pytest.raises(error, match=message):
        classification.probabilities(outputs)


ACCURACY = classification.parse("accuracy")


@pytest.mark.parametrize(
    "function",
    [
        ACCURACY,
        classification.expected_calibration_error,
        lambda probabilities, labels: classification.class_accuracies(probabilities, labels, 3),
        lambda probabilities, labels: classification.bootstrap(
            ACCURACY, probabilities, labels, 2, 0
        ),
    ],
)
@pytest.mark.parametrize(
    ("probabilities", "labels", "error", "message"),
    [
        (NAN, THREE_LABELS, ValueError, "`probabilities` must be finite"),
        (THREE[:, 0], THREE_LABELS, ValueError, r"`probabilities` must have shape \(N, K\)"),
        (
            THREE * 2,
            THREE_LABELS,
            ValueError,
            r"values from 0.2 to 1.6, sums from 2 to 2. `classification.probabilities` makes them "
            r"of logits",
        ),
        (
            THREE - 0.2,
            THREE_LABELS,
            ValueError,
            r"`probabilities` must be in \[0, 1\] with rows that sum to 1; "
            r"got values from -0.1 to 0.6",
        ),
        (THREE, THREE_LABELS[:5], ValueError, r"`labels` must have shape \(8,\)"),
        (THREE, THREE_LABELS / 2, TypeError, "`labels` must hold whole numbers"),
        (THREE, THREE_LABELS - 1, ValueError, "`labels` must be class numbers from 0; got -1"),
        (THREE, THREE_LABELS + 1, ValueError, "`labels` must be class numbers below 3; got 3"),
    ],
)
def test_bad_arrays(function, probabilities, labels, error, message):
    with pytest.raises(error, match=message):
        function(probabilities, labels)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda: classification.expected_calibration_error(THREE, THREE_LABELS, bins=0),
            "`bins` must be a finite number at least 1; got 0",
        ),
        (
            lambda: classification.class_accuracies(THREE, THREE_LABELS, 1),
            "`classes` must be a finite number at least 2; got 1",
        ),
        (
            lambda: classification.bootstrap(ACCURACY, THREE, THREE_LABELS, 0, 0),
            "`count` must be a finite number at least 1; got 0",
        ),
    ],
)
def test_bad_numbers(function, message):
    with pytest.raises(ValueError, match=message):
        function()


def test_names_are_checked_without_what_is_slow_to_import():
    code = (
        "import sys; from tfdvae.metrics import classification; "
        "classification.parse('sensitivity@0.9'); print([m for m in ('tensorflow', 'sklearn', "
        "'scipy') if m in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        == "[]\n"
    )


def test_groups_are_resampled_whole():
    """20 groups of 10 images that are all right or all wrong: the standard error is that of 20
    cases, not of 200.
    """
    right = np.repeat(np.arange(20) % 2, 10)
    probabilities = np.stack([1 - right, right], axis=1).astype(float)
    labels, groups = np.ones(200, int), np.repeat(np.arange(20), 10)
    values = classification.bootstrap(
        classification.parse("accuracy"), probabilities, labels, 2000, 0, groups
    )
    assert values.std() == pytest.approx((0.25 / 20) ** 0.5, rel=0.05)
    assert np.array_equal(np.unique(np.round(values * 20)) / 20, np.unique(values.round(10)))


def test_probabilities_of_bfloat16_are_probabilities():
    import tensorflow as tf

    exact = tf.nn.softmax(np.random.default_rng(0).normal(size=(500, 10)).astype(np.float32))
    found = classification.probabilities(tf.cast(exact, tf.bfloat16).numpy())
    np.testing.assert_allclose(found, exact, atol=0.01)
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize("classes", [2, 4])
def test_auc_of_resamples_is_that_of_each(classes):
    """With ties, and resamples so small that classes are absent from some."""
    generator = np.random.default_rng(1)
    labels = generator.integers(0, classes, 12)
    probabilities = generator.integers(1, 4, (12, classes)).astype(float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    auc = classification.parse("auc")
    found = classification.bootstrap(auc, probabilities, labels, 200, 0)
    drawn = seeds.generator(0, "bootstrap")
    expected = [
        auc.function(probabilities[index], labels[index])
        for index in (drawn.integers(12, size=12) for _ in range(200))
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
