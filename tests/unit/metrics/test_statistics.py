import math

import numpy as np
import pytest
import scipy.stats

from tfdvae.metrics import statistics


def test_wilson_interval_by_its_formula():
    """(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n) with z = 1.959964, for 80 of
    100.
    """
    z, p, n = 1.959964, 0.8, 100
    centre, half = p + z**2 / (2 * n), z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5
    expected = ((centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n))
    assert statistics.wilson_interval(p, n) == pytest.approx(expected, abs=1e-6)


def test_wilson_interval_of_fewer_independent_cases_keeps_the_proportion():
    """0.97 of 10: (1.94 * 10 + z^2 -+ z sqrt(40 * 0.97 * 0.03 + z^2)) / (2 (10 + z^2))."""
    assert statistics.wilson_interval(0.97, 10) == pytest.approx((0.68116, 0.99796), abs=1e-5)
    for hits in range(11):
        expected = scipy.stats.binomtest(hits, 10).proportion_ci(0.95, method="wilson")
        assert statistics.wilson_interval(hits / 10, 10) == (expected.low, expected.high)


def test_wilson_interval_stays_within_0_and_1():
    assert statistics.wilson_interval(0, 10)[0] == 0
    assert statistics.wilson_interval(1, 10)[1] == 1


def test_prediction_interval():
    """Mean 2, standard deviation 1, three values: 2 -+ 4.302653 * sqrt(1 + 1/3)."""
    assert statistics.prediction_interval([1, 2, 3]) == pytest.approx(
        (2 - 4.302653 * (4 / 3) ** 0.5, 2 + 4.302653 * (4 / 3) ** 0.5)
    )
    assert statistics.prediction_interval([1]) == (float("-inf"), float("inf"))


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
    assert (found.mean, found.deviation) == pytest.approx(
        (differences.mean(), differences.std(ddof=1))
    )
    assert (found.low, found.high, found.p) == pytest.approx(
        (interval.low, interval.high, expected.pvalue)
    )
    assert found.count == len(treated)


def test_paired_difference_by_hand():
    """Differences 2, 3, 4: mean 3, standard deviation 1, t = 3 sqrt(3) with 2 degrees of freedom,
    of which t(0.975) is 4.302653.

    With 2 degrees of freedom, p = 1 - t / sqrt(t^2 + 2) = 1 - sqrt(27 / 29).
    """
    found = statistics.paired_difference([3, 5, 7], [1, 2, 3])
    half = 4.302653 / 3**0.5
    expected = (3, 3 - half, 3 + half, 1 - (27 / 29) ** 0.5, 1, 3)
    assert (
        found.mean,
        found.low,
        found.high,
        found.p,
        found.deviation,
        found.count,
    ) == pytest.approx(expected, rel=1e-6)


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
    assert (found.mean, found.low, found.high, found.p, found.count) == (
        0.5,
        -math.inf,
        math.inf,
        1,
        1,
    )
    assert math.isnan(found.deviation)


@pytest.mark.parametrize(
    ("treated", "baseline", "message"),
    [
        ([1, 2], [1], "`treated` and `baseline` must be equally long.*got 2 and 1"),
        ([], [], "`treated` must be a list of at least one finite number"),
        (
            [1.0],
            [math.nan],
            r"`baseline` must be a list of at least one finite number; got \[nan\]",
        ),
        ([[1.0]], [[1.0]], "`treated`"),
    ],
)
def test_paired_difference_wants_pairs(treated, baseline, message):
    with pytest.raises(ValueError, match=message):
        statistics.paired_difference(treated, baseline)


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [
        ([], []),
        ([0.01], [0.01]),
        ([0.04, 0.01, 0.03], [0.06, 0.03, 0.06]),
        ([0.6, 0.9], [1, 1]),
        ([0.0, 1.0], [0, 1]),
    ],
)
def test_holm(given, adjusted):
    """The smallest of three times 3, the next times 2, the last times 1; none below the one
    before it, none above 1.
    """
    assert statistics.holm(given) == pytest.approx(adjusted)


def _simulated_power(effect, count):
    drawn = np.random.default_rng(0).normal(effect, 1, (100_000, count))
    return np.mean(scipy.stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05)


def test_images_add_their_variance():
    """Differences 1, 2, 3: variance of the mean 1/3.

    With an error of the images of 1: 4/3 in all, freedom 2 * (4/3 / (1/3))^2 = 32.
    """
    found = statistics.paired_difference([11, 12, 13], [10, 10, 10], image_error=1.0)
    assert found.degrees_of_freedom == pytest.approx(32)
    assert found.error == pytest.approx(math.sqrt(4 / 3))
    half = scipy.stats.t.ppf(0.975, 32) * math.sqrt(4 / 3)
    assert (found.low, found.high) == pytest.approx((2 - half, 2 + half))
    assert found.p == pytest.approx(2 * scipy.stats.t.sf(2 / math.sqrt(4 / 3), 32))
    alone = statistics.paired_difference([1.0, 1.0], [0.0, 0.0], image_error=0.5)
    assert (alone.low, alone.high) == pytest.approx((1 - 0.98, 1 + 0.98), abs=1e-3)


@pytest.mark.parametrize(
    ("seeds", "over_seeds", "over_images"),
    [
        (5, 1.0, 0.45),
        (3, 0.2, 1.0),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [(5, 1.0, 0.0), (5, 1.0, 1.0), (20, 1.0, 0.22)]
        ),
    ],
)
def test_no_difference_is_claimed_in_one_of_twenty_cases(seeds, over_seeds, over_images):
    """20,000 simulated studies without a true difference, fixed seed; 5% within 1 point (six
    standard errors of the simulation).
    """
    generator = np.random.default_rng(0)
    shared = generator.normal(0, over_images, 20_000)
    claimed = 0
    for images in shared:
        values = images + generator.normal(0, over_seeds, seeds)
        claimed += statistics.paired_difference(values, np.zeros(seeds), over_images).p < 0.05
    assert claimed / 20_000 == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(
    ("units", "seeds", "over_seeds", "over_images", "over_both"),
    [
        (100, 5, 0.02, 0.3, 0.5),
        (100, 5, 0.0, 0.0, 0.5),
        (20, 5, 0.1, 0.5, 0.5),
        (10, 5, 0.0, 0.5, 0.1),
    ],
)
def test_what_images_share_is_counted_once(units, seeds, over_seeds, over_images, over_both):
    """2,000 simulated studies without a true difference, with bootstrapped images; 5% within 1.5
    points (three standard errors of the simulation).
    """
    generator = np.random.default_rng(0)
    claimed = 0
    for _ in range(2000):
        each = (
            generator.normal(0, over_seeds, (seeds, 1))
            + generator.normal(0, over_images, units)
            + generator.normal(0, over_both, (seeds, units))
        )
        drawn = generator.multinomial(units, np.full(units, 1 / units), 200) / units
        error = statistics.shared_error(each @ drawn.T, units)
        claimed += (
            statistics.paired_difference(each.mean(axis=1), np.zeros(seeds), error, units).p < 0.05
        )
    assert claimed / 2000 == pytest.approx(0.05, abs=0.015)


def test_shared_error_by_hand():
    """Covariance of the two seeds' replicates: (1 * 2 + 0 + 1 * 2) / 2 = 2; of four units, 2 * 4
    / 3.
    """
    assert statistics.shared_error(np.array([[1.0, 2, 3], [10, 12, 14]]), 4) == pytest.approx(
        (8 / 3) ** 0.5
    )
    assert statistics.shared_error(np.array([[1.0, 2, 3], [3, 2, 1]]), 4) == 0
    assert statistics.shared_error(np.array([[1.0, 2, 3]]), 1e12) == pytest.approx(1)


def test_few_images_have_few_degrees_of_freedom():
    """Without spread over seeds, an error of 1 from 5 units has 4 degrees of freedom, of which
    t(0.975) is 2.776.
    """
    found = statistics.paired_difference([1.0, 1.0], [0.0, 0.0], image_error=1.0, units=5)
    assert (found.degrees_of_freedom, found.high) == pytest.approx((4, 1 + 2.776), abs=1e-3)


def test_detectable_difference_is_found_four_times_out_of_five():
    """Simulated with 5 pairs of deviation 1; textbook approximation, so within 4 points of 80%."""
    generator = np.random.default_rng(0)
    values = generator.normal(0, 1, (4000, 5))
    smallest = statistics.detectable_difference(
        statistics.paired_difference([1.0, -1.0, 0.0, 1.0, -1.0], [0.0] * 5)
    )
    unit = smallest / statistics.paired_difference([1.0, -1.0, 0.0, 1.0, -1.0], [0.0] * 5).deviation
    found = np.mean(
        [statistics.paired_difference(row + unit, np.zeros(5)).p < 0.05 for row in values]
    )
    assert found == pytest.approx(0.8, abs=0.04)
    assert statistics.detectable_difference(statistics.paired_difference([1.0], [0.0])) == math.inf
