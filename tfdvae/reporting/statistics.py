"""Intervals, tests and tables, from numbers and rows alone."""

import bisect
import math
from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW

from tfdvae import checks


@dataclass(frozen=True)
class Difference:
    """Mean difference of pairs, in the unit of the values compared.

    Attributes:
        mean: of treated minus baseline.
        low: lower end of the 95% t-interval of the mean; minus infinity for a single pair.
        high: upper end; infinity for a single pair.
        p: two-sided, of the paired t-test; 1 for a single pair.
        deviation: standard deviation of the differences; NaN for a single pair.
        count: number of pairs.
    """

    mean: float
    low: float
    high: float
    p: float
    deviation: float
    count: int


def wilson_interval(proportion: float, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion observed in `count` independent cases."""
    result = scipy.stats.binomtest(round(proportion * count), count).proportion_ci(confidence, method="wilson")
    return float(result.low), float(result.high)


def mean_and_half_width(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the mean of independent values and half the width of its t-interval; NaN for a single value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, float("nan")
    return mean, float(scipy.stats.t.ppf((1 + confidence) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))


def plus_minus(values: list[float], digits: int = 2, style: str = "f") -> str:
    """Return how tables give the mean of independent values and half its 95% t-interval: `1.23 ± 0.45`; of one value the value alone."""
    mean, half = mean_and_half_width(values)
    shown = f"{mean:.{digits}{style}}"
    return shown if np.isnan(half) else f"{shown} ± {half:.{digits if style == 'f' else 2}{style}}"


def prediction_interval(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return where one more value of the same normal distribution falls; infinite for a single value."""
    mean, half = mean_and_half_width(values, confidence)
    half = float("inf") if len(values) < 2 else half * np.sqrt(len(values) + 1)
    return mean - half, mean + half


def paired_difference(treated: list[float], baseline: list[float]) -> Difference:
    """Return the mean of treated minus baseline, with interval and test, from values paired by position.

    Differences that are rounding errors of the values (below 1e-12 of the greatest) count as none.

    Raises:
        ValueError: no values, not as many of one as of the other, or values that are NaN or infinite.
    """
    pairs = [np.asarray(values, dtype=np.float64) for values in (treated, baseline)]
    for name, values in zip(("treated", "baseline"), pairs, strict=True):
        if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
            raise ValueError(f"`{name}` must be a list of at least one finite number; got {values.tolist()}.")
    if len(pairs[0]) != len(pairs[1]):
        raise ValueError(
            f"`treated` and `baseline` must be equally long, as they are pairs; got {len(pairs[0])} and {len(pairs[1])} values."
        )
    differences = pairs[0] - pairs[1]
    rounding = 1e-12 * np.abs(pairs).max()
    count, mean = len(differences), float(differences.mean())
    if count == 1:
        return Difference(mean, -math.inf, math.inf, 1.0, math.nan, 1)
    if np.ptp(differences) <= rounding:
        return Difference(mean, mean, mean, float(abs(mean) <= rounding), 0.0, count)
    sample = DescrStatsW(differences)
    low, high = sample.tconfint_mean(0.05)
    return Difference(mean, float(low), float(high), float(sample.ttest_mean(0)[1]), float(differences.std(ddof=1)), count)


def holm(p_values: list[float]) -> list[float]:
    """Return p-values adjusted for their number by Holm's method, in the order given."""
    return multipletests(p_values, method="holm")[1].tolist()


def _power(effect: float, count: int) -> float:
    """Return how likely a two-sided paired t-test at 5% finds a mean difference of `effect` standard deviations, with its sign."""
    chance = float(TTestPower().power(effect, count, alpha=0.025, alternative="larger"))
    return 1.0 if math.isnan(chance) else chance  # the noncentral t of SciPy has gaps where nothing but 1 is left


def detectable_difference(deviation: float, count: int, power: float = 0.8) -> float:
    """Return the smallest true mean difference that a paired t-test at 5% finds with this power; infinite for fewer than 2 pairs.

    Args:
        deviation: standard deviation of the differences, in the unit of the result.
        count: number of pairs.
        power: probability of finding it.

    Raises:
        TypeError, ValueError: `deviation` is not a number from 0, or `power` not one between 0.05 and 0.999.
    """
    checks.number("power", power, 0.05, 0.999)
    if count < 2:
        return math.inf
    return checks.number("deviation", deviation, 0) * float(scipy.optimize.brentq(lambda effect: _power(effect, count) - power, 0, 1e4))


def pairs_needed(deviation: float, difference: float, power: float = 0.8) -> int:
    """Return how many pairs a paired t-test at 5% needs to find a true mean difference with this power: from 2 to a thousand million.

    Args:
        deviation: standard deviation of the differences.
        difference: true mean difference, in the same unit.
        power: probability of finding it.

    Raises:
        TypeError, ValueError: `deviation` is not a number from 0, `difference` not one above 0, or `power` not one between 0.05
            and 0.999.
    """
    checks.number("power", power, 0.05, 0.999)
    checks.number("difference", difference, 0, above_low=True)
    if checks.number("deviation", deviation, 0) == 0:
        return 2
    counts = range(2, 10**9)
    return 2 + bisect.bisect_left(counts, power, key=lambda count: _power(difference / deviation, count))


def bootstrap_interval(replicates: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of bootstrap replicates (N,).

    Raises:
        ValueError: there are none, or some are NaN or infinite.
    """
    replicates = np.asarray(replicates, dtype=np.float64)
    if replicates.ndim != 1 or replicates.size == 0 or not np.isfinite(replicates).all():
        raise ValueError(f"`replicates` must be at least one finite number in one dimension; got shape {replicates.shape}.")
    low, high = np.quantile(replicates, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def noise_label(test_corruption: str) -> str:
    """Return how a table names a test corruption: `no noise`, `2.5%` for Gaussian noise, otherwise its own name."""
    if test_corruption == "none":
        return "no noise"
    kind, _, level = test_corruption.partition(":")
    if "," in level:
        return test_corruption
    return f"{100 * float(level):g}%" if kind == "gaussian" else test_corruption


def accuracy_table(rows: list[dict]) -> str:
    """Return accuracies in percent with their intervals as a Markdown table: a line a training set, a column a test corruption.

    Args:
        rows: long rows; those with metric `accuracy`, `accuracy_low` and `accuracy_high` are used.
    """
    cells = {(row["augmentation"], row["test_corruption"], row["metric"]): 100 * float(row["value"]) for row in rows}
    accuracies = [row for row in rows if row["metric"] == "accuracy"]
    columns = list(dict.fromkeys(row["test_corruption"] for row in accuracies))
    lines = ["| trained on | " + " | ".join(map(noise_label, columns)) + " |", "|---" * (len(columns) + 1) + "|"]
    for augmentation in dict.fromkeys(row["augmentation"] for row in accuracies):
        values = []
        for column in columns:
            value, low, high = (cells[augmentation, column, metric] for metric in ("accuracy", "accuracy_low", "accuracy_high"))
            values.append(f"{value:.2f} ({low:.2f} to {high:.2f})")
        lines.append(f"| {training_set_label(augmentation)} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def psnr_table(rows: list[dict]) -> str:
    """Return the PSNR of corrupted and of denoised test images as a Markdown table, a column a test corruption.

    Args:
        rows: long rows; those with metric `psnr_input` and `psnr` are used.
    """
    cells = {(row["metric"], row["test_corruption"]): float(row["value"]) for row in rows}
    columns = [test for metric, test in cells if metric == "psnr"]
    lines = ["| images | " + " | ".join(map(noise_label, columns)) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, metric in (("as given", "psnr_input"), ("denoised", "psnr")):
        values = ["" if test == "none" and metric == "psnr_input" else f"{cells[metric, test]:.2f}" for test in columns]
        lines.append(f"| {name} | " + " | ".join(values) + " |")
    return "\n".join(lines)


def training_set_label(augmentation: str) -> str:
    """Return how tables and figures name a training set."""
    return f"limited + {augmentation.upper()}" if augmentation in ("dae", "vae", "dvae") else augmentation
