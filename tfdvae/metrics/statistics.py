"""Intervals and tests of means, differences and proportions."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.special
import scipy.stats

from tfdvae._utils import checks


@dataclass(frozen=True)
class Difference:
    """Mean difference of pairs, in the unit of the values compared.

    Attributes:
        mean: of treated minus baseline.
        low: lower end of the 95% t-interval of the mean; minus infinity for a single pair.
        high: upper end; infinity for a single pair.
        p: two-sided, of the t-test; 1 for a single pair.
        deviation: standard deviation of the differences; NaN for a single pair.
        count: number of pairs.
        error: standard error of the mean, with that of the test images where it was given;
            infinity for a single pair.
        degrees_of_freedom: of the t-distribution.
    """

    mean: float
    low: float
    high: float
    p: float
    deviation: float
    count: int
    error: float
    degrees_of_freedom: float


def wilson_interval(proportion: float, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval (Wilson, 1927) of a proportion.

    Args:
        proportion: observed, between 0 and 1.
        count: independent cases in which it was observed; times the proportion it need not be
            whole.
        confidence: of the interval.

    Example:
        >>> low, high = wilson_interval(0.8, 100)
    """
    z = float(scipy.special.ndtri(0.5 + 0.5 * confidence))
    total = 2 * (count + z**2)
    middle = (2 * count * proportion + z**2) / total
    half = z / total * math.sqrt(4 * count * proportion * (1 - proportion) + z**2)
    low = 0.0 if proportion == 0 else middle - half
    return low, 1.0 if proportion == 1 else middle + half


def mean_and_half_width(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the mean of independent values and half the width of its t-interval.

    The latter is NaN for a single value.

    Example:
        >>> mean, half = mean_and_half_width([0.60, 0.61, 0.62])
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan")
    return mean, float(
        scipy.stats.t.ppf((1 + confidence) / 2, len(values) - 1)
        * np.std(values, ddof=1)
        / np.sqrt(len(values))
    )


def prediction_interval(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval in which one more value of the same normal distribution falls.

    It is infinite for a single value.
    """
    mean, half = mean_and_half_width(values, confidence)
    half = math.inf if len(values) < 2 else half * float(np.sqrt(len(values) + 1))
    return mean - half, mean + half


def paired_difference(
    treated: list[float], baseline: list[float], image_error: float = 0.0, units: float = math.inf
) -> Difference:
    """Return the mean of treated minus baseline, with interval and test, from paired values.

    The variance of the mean over pairs and the one over test images, which all pairs share, add up;
    the degrees of freedom are Satterthwaite's (1946). Without the latter it is the paired t-test.
    Differences that are rounding errors of the values (below 1e-12 of the greatest) count as zero.

    Args:
        treated: one value for each pair.
        baseline: likewise, in the same order.
        image_error: standard error of the mean difference over test images (`shared_error`).
        units: independent test images, or groups of them.

    Raises:
        ValueError: no values, unequal numbers of them, or values that are NaN or infinite.

    Example:
        >>> paired_difference([0.84, 0.86, 0.85], [0.82, 0.83, 0.84]).mean
        0.02
    """
    given = {"treated": treated, "baseline": baseline}
    pairs = [checks.array(name, values).astype(np.float64) for name, values in given.items()]
    for name, values in zip(given, pairs, strict=True):
        if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
            raise ValueError(
                f"`{name}` must be a list of at least one finite number; got {values.tolist()}."
            )
    if len(pairs[0]) != len(pairs[1]):
        raise ValueError(
            "`treated` and `baseline` must be equally long, as they are pairs; "
            f"got {len(pairs[0])} and {len(pairs[1])} values."
        )
    differences = pairs[0] - pairs[1]
    count, mean = len(differences), float(differences.mean())
    rounding = 1e-12 * np.abs(pairs).max()
    if count == 1:
        return Difference(mean, -math.inf, math.inf, 1.0, math.nan, 1, math.inf, 0)
    deviation = 0.0 if np.ptp(differences) <= rounding else float(differences.std(ddof=1))
    variance = deviation**2 / count
    total = variance + image_error**2
    if total == 0:
        return Difference(
            mean, mean, mean, float(abs(mean) <= rounding), 0.0, count, 0.0, count - 1
        )
    inverse = variance**2 / (count - 1) + image_error**4 / (units - 1)
    freedom = total**2 / inverse if inverse else math.inf
    error = math.sqrt(total)
    half = float(scipy.stats.t.ppf(0.975, freedom)) * error
    p = 2 * float(scipy.stats.t.sf(abs(mean) / error, freedom))
    return Difference(mean, mean - half, mean + half, p, deviation, count, error, freedom)


def shared_error(replicates: np.ndarray, units: float) -> float:
    """Return the standard error over test images that the differences of all seeds share.

    It is the root of the mean covariance between the bootstrap replicates of two seeds. The
    variance within a seed is left out: the spread of the seeds' differences holds it already. The
    variance of a bootstrap of n units is (n - 1) / n of the true one, and is corrected for that.

    Args:
        replicates: float (seeds, B), differences on the same resamples of the test images; of a
            single seed, its own standard deviation is taken.
        units: independent test images, or groups of them.
    """
    covariance = np.atleast_2d(np.cov(replicates))
    count = len(covariance)
    shared = (
        (covariance.sum() - np.trace(covariance)) / (count * (count - 1))
        if count > 1
        else covariance[0, 0]
    )
    return math.sqrt(max(0.0, float(shared)) * units / (units - 1))


def detectable_difference(difference: Difference, power: float = 0.8) -> float:
    """Return about the smallest true difference that one such test at 5% finds with this power.

    It is infinite for a single pair.
    """
    if difference.count == 1:
        return math.inf
    return (
        float(scipy.stats.t.ppf([0.975, power], difference.degrees_of_freedom).sum())
        * difference.error
    )


def holm(p_values: list[float]) -> list[float]:
    """Return p-values adjusted for their number by the method of Holm (1979), in the order given.

    Example:
        >>> holm([0.01, 0.04])
        [0.02, 0.04]
    """
    order = np.argsort(p_values)
    adjusted = (
        np.maximum.accumulate(np.array(p_values)[order] * np.arange(len(p_values), 0, -1))
        if len(p_values)
        else order
    )
    result = np.empty(len(p_values))
    result[order] = np.minimum(adjusted, 1)
    return result.tolist()
