"""What a paired difference says in words: it helps, it does not, it harms, or these data cannot tell."""

import math
from dataclasses import dataclass

from tfdvae import checks
from tfdvae.reporting import statistics


@dataclass(frozen=True)
class Comparison:
    """A training set against `limited`, in percentage points of the metric.

    Attributes:
        augmentation: name of the training set.
        difference: over seeds.
        adjusted_p: of the difference, after Holm's correction.
        image_low: lower end of the 95% bootstrap interval of the mean difference over test images; None where there is none.
        image_high: upper end; None where there is none.
        test_images: number of them.
    """

    augmentation: str
    difference: statistics.Difference
    adjusted_p: float
    image_low: float | None
    image_high: float | None
    test_images: int


@dataclass(frozen=True)
class Verdict:
    """One of `helps`, `does not help`, `harms` and `cannot tell`, and the sentence that says why."""

    kind: str
    sentence: str


def verdict(comparison: Comparison, worth: float = 0.5) -> Verdict:
    """Return what the comparison shows.

    It helps or harms where the adjusted p is below 0.05 and the images' interval, if there is one, lies on the same side of 0. It does
    not help where both intervals end below `worth`. Otherwise these data cannot tell, and the sentence says how many seeds and test
    images would: those that make the nearer of a gain shown and a gain ruled out likely, if the true difference is the one measured
    (seeds: 80% power before Holm's correction; images: an interval that shrinks with their square root).

    Args:
        comparison: numbers of one training set.
        worth: the smallest gain worth having, in percentage points.

    Raises:
        TypeError, ValueError: `worth` is not a finite number above 0.
    """
    checks.number("worth", worth, 0, above_low=True)
    difference = comparison.difference
    image_low, image_high = (difference.mean if end is None else end for end in (comparison.image_low, comparison.image_high))
    significant = comparison.adjusted_p < 0.05
    excluded = max(difference.high, image_high) < worth
    if significant and difference.mean > 0 and image_low > 0:
        kind, rest = "helps", f", but by less than {_points(worth)}" if excluded else ""
    elif significant and difference.mean < 0 and image_high < 0:
        kind, rest = "harms", ""
    elif excluded:
        kind, rest = "does not help", f": a gain of {_points(worth)} or more is ruled out"
    else:
        kind, rest = "cannot tell", f": {_what_would_tell(comparison, image_low, image_high, worth)}"
    name = comparison.augmentation
    subject = f"These data cannot tell whether {name} helps" if kind == "cannot tell" else f"{name} {kind}"
    return Verdict(kind, f"{subject} ({_numbers(comparison)}){rest}.")


def _points(worth: float) -> str:
    return f"{worth:g} point{'' if worth == 1 else 's'}"


def _numbers(comparison: Comparison) -> str:
    difference, p = comparison.difference, comparison.adjusted_p
    seeds = f"{difference.count} seed{'s' if difference.count > 1 else ''}"
    parts = [f"{difference.mean:+.2f} points over {seeds}"]
    if difference.count > 1:
        parts[0] += f", 95% interval {difference.low:+.2f} to {difference.high:+.2f}"
    if comparison.image_low is not None:
        parts.append(f"over {comparison.test_images:,} test images {comparison.image_low:+.2f} to {comparison.image_high:+.2f}")
    if difference.count > 1:
        parts.append("p < 0.0001 after Holm's correction" if p < 0.0001 else f"p = {p:.3g} after Holm's correction")
    return "; ".join(parts)


def _what_would_tell(comparison: Comparison, image_low: float, image_high: float, worth: float) -> str:
    difference, mean = comparison.difference, comparison.difference.mean
    if difference.count == 1:
        return "one seed says nothing about the spread between seeds; at least 3 are needed, and 5 are better"
    gain = mean >= worth / 2  # nearer to showing a gain than to ruling out one of `worth`
    if gain:
        gap, reach = mean, mean - image_low
        seeds_lack, images_lack = comparison.adjusted_p >= 0.05, image_low <= 0
    else:
        gap, reach = worth - mean, image_high - mean
        seeds_lack, images_lack = difference.high >= worth, image_high >= worth
    needed = []
    if seeds_lack:
        seeds = max(statistics.pairs_needed(difference.deviation, gap), difference.count + 1)
        needed.append(f"about {seeds:,} seeds instead of {difference.count}")
    if images_lack:
        images = max(comparison.test_images * (reach / gap) ** 2, comparison.test_images + 1)
        needed.append(f"about {_round_up(images):,} test images instead of {comparison.test_images:,}")
    aim = "show the gain" if gain else f"rule out a gain of {_points(worth)}"
    return f"if the true difference is the one measured, {' and '.join(needed)} would {aim}"


def _round_up(value: float) -> int:
    """Return `value` rounded up to 2 significant digits, and to a whole number."""
    unit = 10 ** max(0, math.floor(math.log10(value)) - 1)
    return math.ceil(round(value / unit, 9)) * unit
