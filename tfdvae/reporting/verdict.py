"""What a paired difference says in words: it helps, it does not, it harms, or these data cannot tell."""

import math
from dataclasses import dataclass

import scipy.stats

from tfdvae.metrics import statistics

WORTH = 0.5  # the smallest gain worth having, in points
LEAST_UNITS = 10  # test images, or groups of them, from which their chance can be told


@dataclass(frozen=True)
class Comparison:
    """A training set against another, in points (hundredths) of the metric.

    Attributes:
        augmentation: name of the training set.
        baseline: name of the other one.
        difference: over seeds, and over test images where `image_error` is known.
        adjusted_p: of the difference, after Holm's correction.
        image_error: standard error of the mean difference over test images; None where it is not known.
        family: number of comparisons that Holm's correction is for.
        units: number of test images, or of groups where images come in groups.
        unit: `test images` or `groups of test images`.
    """

    augmentation: str
    baseline: str
    difference: statistics.Difference
    adjusted_p: float
    image_error: float | None
    family: int
    units: int
    unit: str = "test images"


@dataclass(frozen=True)
class Verdict:
    """One of `helps`, `does not help`, `harms` and `cannot tell`, and the sentence that says why."""

    kind: str
    sentence: str


def verdict(comparison: Comparison) -> Verdict:
    """Return what the comparison shows.

    It helps or harms where the adjusted p, which covers other seeds and other test images alike, is below 0.05. It does not help where
    the interval ends below `WORTH`. Otherwise these data cannot tell, nor do they where the chance in the test images is not known;
    the sentence then says about how many seeds and test images would, if the true difference is the one measured: those that find the
    nearer of a gain, after Bonferroni's correction, and its absence four times out of five.
    """
    difference = comparison.difference
    if comparison.image_error is None:
        few = f"{comparison.units} {comparison.unit} are too few to know their chance, at least {LEAST_UNITS} are needed"
        unknown = "the chance in the choice of test images is not known here"
        kind, rest = "cannot tell", f": {few if comparison.units < LEAST_UNITS else unknown}"
    elif comparison.adjusted_p < 0.05:
        kind = "helps" if difference.mean > 0 else "harms"
        rest = (
            f", but by less than {WORTH:g} points"
            if kind == "helps" and difference.high < WORTH
            else ""
        )
    elif difference.high < WORTH:
        kind, rest = "does not help", f": a gain of {WORTH:g} points or more is ruled out"
    else:
        kind, rest = "cannot tell", f": {_what_would_tell(comparison)}"
    name = f"{comparison.augmentation} against {comparison.baseline}"
    subject = (
        f"These data cannot tell whether {name} helps"
        if kind == "cannot tell"
        else f"{name} {kind}"
    )
    return Verdict(kind, f"{subject} ({_numbers(comparison)}){rest}.")


def _numbers(comparison: Comparison) -> str:
    difference, p = comparison.difference, comparison.adjusted_p
    if difference.count == 1:
        return f"{difference.mean:+z.2f} points with 1 seed"
    shown = "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"
    return f"{difference.mean:+z.2f} points, 95% interval {difference.low:+z.2f} to {difference.high:+z.2f}; {difference.count} seeds, {comparison.units:,} {comparison.unit}; {shown} after Holm's correction"


def _what_would_tell(comparison: Comparison) -> str:
    difference = comparison.difference
    if difference.count == 1:
        return "one seed says nothing about the spread between seeds; at least 3 are needed, and 5 are better"
    gain = (
        difference.mean >= WORTH / 2
    )  # nearer to showing a gain than to ruling out one of `WORTH`
    quantiles = [1 - 0.025 / (comparison.family if gain else 1), 0.8]
    distance = difference.mean if gain else WORTH - difference.mean
    allowed = (
        distance / scipy.stats.norm.ppf(quantiles).sum()
    ) ** 2  # found four times out of five with this variance of the mean
    over_images, over_seeds = comparison.image_error**2, difference.deviation**2
    needed = []
    if over_images < allowed / 2:
        seeds = max(difference.count + 1, math.ceil(over_seeds / (allowed - over_images)))
        while distance < scipy.stats.t.ppf(quantiles, seeds - 1).sum() * math.sqrt(
            over_seeds / seeds + over_images
        ):
            seeds += 1  # few seeds have wide tails
        needed.append(_more("seeds", seeds, difference.count))
    elif over_seeds / difference.count < allowed / 2:
        left = allowed - over_seeds / difference.count
        needed.append(
            _more(comparison.unit, comparison.units * over_images / left, comparison.units)
        )
    else:
        needed.append(_more("seeds", over_seeds / (allowed / 2), difference.count))
        needed.append(
            _more(comparison.unit, comparison.units * over_images / (allowed / 2), comparison.units)
        )
    aim = "show the gain" if gain else f"rule out a gain of {WORTH:g} points"
    return f"if the true difference is the one measured, {' and '.join(needed)} would {aim}"


def _more(what: str, needed: float, there: int) -> str:
    """Return how many more are needed, rounded up to 2 significant digits, and one more than there are at least."""
    needed = max(needed, there + 1)
    unit = 10 ** max(0, math.floor(math.log10(needed)) - 1)
    return f"about {math.ceil(round(needed / unit, 9)) * unit:,} {what} instead of {there:,}"
