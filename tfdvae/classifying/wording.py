"""The verdict in plain words, and what is said of each class."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tfdvae.classifying.choosing import Gain
from tfdvae.classifying.recipes import PLAIN
from tfdvae.metrics.confusion import ClassScores, Share
from tfdvae.reporting.document import in_sentence

HARDLY, HALF = 0.25, 0.5
"""Shares of the images of a class below which it is hardly ever found, or less often than not."""

FEW = 10
"""Images of a class below which nothing is known of it."""

WORDS = {
    PLAIN: "without augmentation",
    "classical": "with mirroring, shifts and covering a rectangle",
    "fresh-noise": "with mirroring, shifts and fresh noise",
    "denoised": "with mirroring, shifts, fresh noise and denoised images",
}
"""Training sets, as a sentence goes on."""


def verdict(gains: list[Gain], metric: str, quick: bool) -> str:
    """Return whether augmentation helps, in sentences without terms of statistics.

    Args:
        gains: of all training sets over the plain one.
        metric: they are of.
        quick: the training was a first look.

    Example:
        >>> verdict([Gain("classical", 0.69, 0.75, -0.15, 0.03)], "accuracy", quick=True)
        'Not decided. Without augmentation 75 of 100 images are right, with mirroring, ...'
    """
    first = max(gains, key=lambda gain: gain.difference)
    start, end = {
        "helps": ("Augmentation helps.", "chance alone hardly explains this."),
        "harms": ("Augmentation harms.", "chance alone hardly explains this."),
        "not decided": ("Not decided.", "chance alone could explain this."),
    }[first.kind]
    plain, other = (_shown(value, metric) for value in (first.plain, first.value))
    if metric == "accuracy":
        text = f"Without augmentation {plain} of 100 images are right, {WORDS[first.name]} {other}"
    else:
        text = f"Without augmentation the {metric} is {plain}, {WORDS[first.name]} {other}"
    if first.plain == first.value and first.kind == "not decided":
        end = "there is no difference."
    return f"{start} {text}; {end}" + (" A quick look only." if quick else "")


def _shown(value: float, metric: str) -> str:
    return f"{100 * value:.0f}" if metric == "accuracy" else f"{value:.3f}"


def used(recipe: str) -> str:
    """Say how the classifier in the folder was trained, and why, in a sentence.

    Example:
        >>> used("limited")
        'The classifier here was trained on all images without augmentation: nothing was better ...'
    """
    why = "nothing was better" if recipe == PLAIN else "that was best"
    return (
        f"The classifier here was trained on all images {WORDS[recipe]}: {why} in cross-validation."
    )


def of_class(name: str, scores: ClassScores) -> str:
    """Say how often a class is found, and how often others are taken for it, as Markdown.

    Example:
        >>> of_class("benign", scores)
        '**benign**: of 100 such images it finds 83 (71 to 91), and of 100 others it takes 12 ...'
    """
    shown = f"**{in_sentence(name)}**"
    if not scores.count:
        return f"{shown}: there are no such images here."
    found, wrong = scores.sensitivity, scores.specificity.rest
    return (
        f"{shown}: of 100 such images it finds {_of_100(found)}, and of 100 others it takes "
        f"{_of_100(wrong)} for it."
    )


def _of_100(share: Share) -> str:
    if not share.whole:
        return "an unknown number"
    low, high = (100 * end for end in share.interval)
    return f"{100 * share.value:.0f} ({low:.0f} to {high:.0f})"


def warning(name: str, scores: ClassScores) -> str:
    """Warn of a class that is mostly not found, or of which little is known, as Markdown.

    Returns:
        A sentence; empty where there is nothing to warn of.
    """
    shown = in_sentence(name)
    if not scores.count:
        return ""
    found = scores.sensitivity
    often = ""
    if found.value < HARDLY:
        often = "hardly ever found"
    elif found.value < HALF and scores.count >= FEW:
        often = "found less often than not"
    if often:
        return f"**Warning: {shown} is {often}**: {found.part:,} of {found.whole:,} images."
    if scores.count < FEW:
        return (
            f"**Note:** {shown} has {scores.count:,} images, too few to know how often it is found."
        )
    return ""


def percent(share: Share) -> str:
    """Return a share with its interval in percent, for a table; empty where it is unknown.

    Example:
        >>> percent(Share(8, 10))
        '80 (49 to 94)'
    """
    return "" if not share.whole else _of_100(share)


def points(gain: Gain) -> str:
    """Return a gain in points, hundredths of the metric, with its interval.

    Example:
        >>> points(Gain("classical", 0.82, 0.8, 0.01, 0.03))
        '+2.0 (+1.0 to +3.0)'
    """
    if not math.isfinite(gain.low):
        return f"{100 * gain.difference:+z.1f} (too few images for an interval)"
    low, high = 100 * gain.low, 100 * gain.high
    return f"{100 * gain.difference:+z.1f} ({low:+z.1f} to {high:+z.1f})"


def time_left(left: Mapping[str, int], seconds: Mapping[str, float]) -> str:
    """Say about how long the trainings take that are left.

    Args:
        left: how many, by training set.
        seconds: of one of them, by training set; those of others count as the longest of these.

    Example:
        >>> time_left({"limited": 2, "classical": 4}, {"limited": 30.0, "classical": 15.0})
        'About 2.0 minutes are left: 6 more trainings.'
    """
    longest = max(seconds.values())
    total = sum(count * seconds.get(name, longest) for name, count in left.items())
    untimed = [name for name, count in left.items() if count and name not in seconds]
    told = f", of which those of {' and '.join(untimed)} are not timed yet" if untimed else ""
    return f"About {total / 60:.1f} minutes are left: {sum(left.values())} more trainings{told}."
