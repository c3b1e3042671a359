"""The verdict on a paired difference: it helps, does not help, harms, or these data cannot tell."""

import math
from dataclasses import dataclass

import scipy.stats

from tfdvae.metrics import statistics

MIN_EFFECT_POINTS = 0.5  # the smallest gain worth having, in points
MIN_UNITS = 10  # test images, or groups of them, below which their chance cannot be estimated


@dataclass(frozen=True)
class Comparison:
    """A training set against another, in points (hundredths) of the metric.

    Attributes:
        augmentation: name of the training set.
        baseline: name of the other one.
        difference: over seeds, and over test images where `image_error` is known.
        adjusted_p: of the difference, after Holm's correction.
        image_error: standard error of the mean difference over test images; None if it is not
            known.
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
    """The kind, `helps`, `does not help`, `harms` or `cannot tell`, and why in a sentence."""

    kind: str
    sentence: str


def verdict(comparison: Comparison) -> Verdict:
    """Return what the comparison shows.

    It helps or harms where the adjusted p, which is about other seeds and other test images alike,
    is below 0.05. It does not help where the interval ends below `MIN_EFFECT_POINTS`. Otherwise
    these data cannot tell, nor do they where the chance in the choice of test images is not known.
    The sentence then says about how many seeds and test images would be enough, if the true
    difference is the one measured: so many that they would show a gain (after Bonferroni's
    correction), or rule out one of `MIN_EFFECT_POINTS`, whichever is nearer, four times out of
    five.

    Example:
        >>> difference = statistics.paired_difference([85, 86, 85.5], [84, 85, 84.6], 0.1)
        >>> verdict(Comparison("dvae", "limited", difference, difference.p, 0.1, 1, 10_000)).kind
        'helps'
    """
    difference = comparison.difference
    if comparison.image_error is None:
        few = (
            f"{comparison.units} {comparison.unit} are too few to know their chance, "
            f"at least {MIN_UNITS} are needed"
        )
        unknown = "the chance in the choice of test images is not known here"
        kind, rest = "cannot tell", f": {few if comparison.units < MIN_UNITS else unknown}"
    elif comparison.adjusted_p < 0.05:
        kind = "helps" if difference.mean > 0 else "harms"
        rest = (
            f", but by less than {MIN_EFFECT_POINTS:g} points"
            if kind == "helps" and difference.high < MIN_EFFECT_POINTS
            else ""
        )
    elif difference.high < MIN_EFFECT_POINTS:
        kind, rest = (
            "does not help",
            f": a gain of {MIN_EFFECT_POINTS:g} points or more is ruled out",
        )
    else:
        kind, rest = "cannot tell", f": {_what_would_tell(comparison)}"
    name = f"{comparison.augmentation} against {comparison.baseline}"
    subject = (
        f"These data cannot tell whether {name} helps"
        if kind == "cannot tell"
        else f"{name} {kind}"
    )
    return Verdict(kind, f"{subject} ({_numbers(comparison)}){rest}.")


def describe_mean(metric: str, present: int | None, classes: int) -> str:
    """Say over how many classes a metric is a mean; empty where over all, or where it is no mean.

    Args:
        metric: its name.
        present: classes that have test images; None where that is not known.
        classes: all classes.

    Example:
        >>> describe_mean("auc", 2, 3)
        'auc is a mean over 2 of 3 classes: the others have no test images.'
    """
    is_mean = metric.partition("@")[0] in ("auc", "balanced_accuracy", "sensitivity")
    if present in (None, classes) or not is_mean:
        return ""
    return (
        f"{metric} is a mean over {present:,} of {classes:,} classes: the others have no test "
        "images."
    )


def _numbers(comparison: Comparison) -> str:
    difference, p = comparison.difference, comparison.adjusted_p
    if difference.count == 1:
        return f"{difference.mean:+z.2f} points with 1 seed"
    shown = "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"
    return (
        f"{difference.mean:+z.2f} points, "
        f"95% interval {difference.low:+z.2f} to {difference.high:+z.2f}; "
        f"{difference.count} seeds, {comparison.units:,} {comparison.unit}; "
        f"{shown} after Holm's correction"
    )


def _what_would_tell(comparison: Comparison) -> str:
    difference = comparison.difference
    if difference.count == 1:
        return (
            "one seed says nothing about the spread between seeds; "
            "at least 3 are needed, and 5 are better"
        )
    # nearer to showing a gain than to ruling out one of `MIN_EFFECT_POINTS`
    gain = difference.mean >= MIN_EFFECT_POINTS / 2
    quantiles = [1 - 0.025 / (comparison.family if gain else 1), 0.8]
    distance = difference.mean if gain else MIN_EFFECT_POINTS - difference.mean
    # with this variance of the mean it is found four times out of five
    allowed = (distance / scipy.stats.norm.ppf(quantiles).sum()) ** 2
    assert comparison.image_error is not None
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
    aim = "show the gain" if gain else f"rule out a gain of {MIN_EFFECT_POINTS:g} points"
    return f"if the true difference is the one measured, {' and '.join(needed)} would {aim}"


def _more(what: str, needed: float, there: int) -> str:
    """Return how many are needed, rounded up to 2 significant digits, and one more at least."""
    needed = max(needed, there + 1)
    unit = 10 ** max(0, math.floor(math.log10(needed)) - 1)
    return f"about {math.ceil(round(needed / unit, 9)) * unit:,} {what} instead of {there:,}"
