import math

import numpy as np
import pytest
import scipy.stats

from tfdvae.reporting import statistics


def test_wilson_interval_by_its_formula():
    """(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with z = 1.959964, for 80 of 100."""
    z, p, n = 1.959964, 0.8, 100
    centre, half = p + z**2 / (2 * n), z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    expected = ((centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n))
    assert statistics.wilson_interval(p, n) == pytest.approx(expected, abs=1e-6)


def test_wilson_interval_stays_within_0_and_1():
    assert statistics.wilson_interval(0, 10)[0] == 0
    assert statistics.wilson_interval(1, 10)[1] == 1


@pytest.mark.parametrize(
    ("corruption", "label"), [("none", "no noise"), ("gaussian:0.025", "2.5%"), ("masking:0.5", "masking:0.5"), ("gaussian:1", "100%")]
)
def test_noise_label(corruption, label):
    assert statistics.noise_label(corruption) == label


def test_accuracy_table():
    rows = [
        {"augmentation": augmentation, "test_corruption": corruption, "metric": metric, "value": str(value + shift)}
        for augmentation, shift in (("limited", 0.0), ("dvae", 0.01))
        for corruption in ("none", "gaussian:0.1")
        for metric, value in (("accuracy", 0.8), ("accuracy_low", 0.75), ("accuracy_high", 0.85), ("loss", 3.0))
    ]
    assert statistics.accuracy_table(rows).splitlines() == [
        "| trained on | no noise | 10% |",
        "|---|---|---|",
        "| limited | 80.00 (75.00 to 85.00) | 80.00 (75.00 to 85.00) |",
        "| limited + DVAE | 81.00 (76.00 to 86.00) | 81.00 (76.00 to 86.00) |",
    ]


def test_prediction_interval():
    """Mean 2, standard deviation 1, three values: 2 -+ 4.302653 * sqrt(1 + 1/3)."""
    assert statistics.prediction_interval([1, 2, 3]) == pytest.approx((2 - 4.302653 * (4 / 3) ** 0.5, 2 + 4.302653 * (4 / 3) ** 0.5))
    assert statistics.prediction_interval([1]) == (float("-inf"), float("inf"))


def test_psnr_table():
    rows = [
        {"metric": metric, "test_corruption": test, "value": value}
        for test, values in (("none", (48.13, 30)), ("gaussian:0.1", (20.0, 26.789)))
        for metric, value in zip(("psnr_input", "psnr"), values, strict=True)
    ]
    assert statistics.psnr_table(rows).splitlines() == [
        "| images | no noise | 10% |",
        "|---|---|---|",
        "| as given |  | 20.00 |",
        "| denoised | 30.00 | 26.79 |",
    ]


@pytest.mark.parametrize(
    ("treated", "baseline"),
    [
        ([3, 5, 7], [1, 2, 3]),
        ([80.1, 81.3, 79.5, 80.0, 80.9], [80.0, 81.9, 79.0, 79.1, 80.2]),
        ([0, 1], [0, 3]),
        ([-1e-9, 0, 3e-9], [0, 0, 0]),
    ],
)
def test_paired_difference_is_that_of_scipy(treated, baseline):
    found = statistics.paired_difference(treated, baseline)
    expected = scipy.stats.ttest_rel(treated, baseline)
    interval = expected.confidence_interval(0.95)
    differences = np.subtract(treated, baseline)
    assert (found.mean, found.deviation) == pytest.approx((differences.mean(), differences.std(ddof=1)))
    assert (found.low, found.high, found.p) == pytest.approx((interval.low, interval.high, expected.pvalue))
    assert found.count == len(treated)


def test_paired_difference_by_hand():
    """Differences 2, 3, 4: mean 3, standard deviation 1, t = 3 sqrt(3) with 2 degrees of freedom, of which t(0.975) is 4.302653.

    With 2 degrees of freedom, p = 1 - t / sqrt(t^2 + 2) = 1 - sqrt(27 / 29).
    """
    found = statistics.paired_difference([3, 5, 7], [1, 2, 3])
    half = 4.302653 / 3**0.5
    expected = (3, 3 - half, 3 + half, 1 - (27 / 29) ** 0.5, 1, 3)
    assert (found.mean, found.low, found.high, found.p, found.deviation, found.count) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("treated", "baseline", "mean", "p"),
    [
        ([3, 3], [1, 1], 2, 0),
        ([1, 2, 3], [1, 2, 3], 0, 1),
        ([0.3, 80.3], [0.1 + 0.2, 80.1 + 0.2], 0, 1),
        ([80.3, 90.3], [80.1, 90.1], 0.2, 0),
    ],
    ids=["equal", "none", "rounding errors", "equal but for rounding"],
)
def test_paired_difference_without_spread(treated, baseline, mean, p):
    found = statistics.paired_difference(treated, baseline)
    assert (found.p, found.deviation) == (p, 0)
    assert found.low == found.mean == found.high == pytest.approx(mean, abs=1e-12)


def test_paired_difference_of_one_pair():
    found = statistics.paired_difference([2.5], [2])
    assert (found.mean, found.low, found.high, found.p, found.count) == (0.5, -math.inf, math.inf, 1, 1)
    assert math.isnan(found.deviation)


@pytest.mark.parametrize(
    ("treated", "baseline", "message"),
    [
        ([1, 2], [1], "`treated` and `baseline` must be equally long.*got 2 and 1"),
        ([], [], "`treated` must be a list of at least one finite number"),
        ([1.0], [math.nan], r"`baseline` must be a list of at least one finite number; got \[nan\]"),
        ([[1.0]], [[1.0]], "`treated`"),
    ],
)
def test_paired_difference_wants_pairs(treated, baseline, message):
    with pytest.raises(ValueError, match=message):
        statistics.paired_difference(treated, baseline)


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [([], []), ([0.01], [0.01]), ([0.04, 0.01, 0.03], [0.06, 0.03, 0.06]), ([0.6, 0.9], [1, 1]), ([0.0, 1.0], [0, 1])],
)
def test_holm(given, adjusted):
    """The smallest of three times 3, the next times 2, the last times 1; none below the one before it, none above 1."""
    assert statistics.holm(given) == pytest.approx(adjusted)


def _simulated_power(effect, count):
    drawn = np.random.default_rng(0).normal(effect, 1, (100_000, count))
    return np.mean(scipy.stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05)


@pytest.mark.parametrize(("count", "power"), [(2, 0.8), (2, 0.95), (3, 0.8), (5, 0.8), (20, 0.5)])
def test_detectable_difference_is_found_as_often_as_asked(count, power):
    """The standard error of the simulated power is at most 0.0016. With power 0.5 and few pairs the wrong sign would count as well."""
    effect = statistics.detectable_difference(1.0, count, power)
    assert _simulated_power(effect, count) == pytest.approx(power, abs=0.008)
    assert statistics.detectable_difference(0.3, count, power) == pytest.approx(0.3 * effect)


def test_detectable_difference_published():
    """G*Power 3.1, difference of two dependent means, two-sided 5%, power 0.8: dz 0.5 needs 34 pairs, 0.8 needs 15, 0.2 needs 199."""
    for effect, count in ((0.5, 34), (0.8, 15), (0.2, 199)):
        assert statistics.pairs_needed(1.0, effect) == count
        assert statistics.detectable_difference(1.0, count) < effect < statistics.detectable_difference(1.0, count - 1)


def test_detectable_difference_at_its_ends():
    assert statistics.detectable_difference(1.0, 1) == math.inf
    assert statistics.detectable_difference(math.nan, 1) == math.inf
    assert statistics.detectable_difference(0.0, 3) == 0


@pytest.mark.parametrize("effect", [0.01, 0.1, 1, 1.3, 3, 10, 12.613637220374423, 1000])
def test_pairs_needed_and_the_detectable_difference_agree(effect):
    count = statistics.pairs_needed(2.0, 2 * effect)
    assert statistics.detectable_difference(2.0, count) <= 2 * effect
    assert statistics.detectable_difference(2.0, count - 1) > 2 * effect


def test_pairs_needed_for_a_small_effect():
    """For many pairs (z(0.975) + z(0.8))^2 / effect^2 = 7.848880 / 1e-4, and a few more: t has wider tails."""
    assert 0 <= statistics.pairs_needed(1.0, 0.01) - 78488.8 < 4


def test_pairs_needed_without_spread():
    assert statistics.pairs_needed(0.0, 0.5) == 2


@pytest.mark.parametrize(
    ("arguments", "name"), [((1.0, 0), "difference"), ((1.0, -1), "difference"), ((math.nan, 1.0), "deviation"), ((1.0, 1.0, 1.0), "power")]
)
def test_pairs_needed_wants_numbers(arguments, name):
    with pytest.raises(ValueError, match=f"`{name}` must be a finite number"):
        statistics.pairs_needed(*arguments)


def test_bootstrap_interval():
    """Of 0 to 1000, 2.5% lie below 25 and above 975."""
    replicates = np.random.default_rng(0).permutation(1001)
    assert statistics.bootstrap_interval(replicates) == pytest.approx((25, 975))
    assert statistics.bootstrap_interval(replicates, 0.5) == pytest.approx((250, 750))


@pytest.mark.parametrize("replicates", [[], [1, math.nan], [[1.0, 2.0]]])
def test_bootstrap_interval_wants_replicates(replicates):
    with pytest.raises(ValueError, match="`replicates` must be"):
        statistics.bootstrap_interval(np.array(replicates))
