import math

import pytest
import scipy.stats

from tfdvae.reporting import statistics
from tfdvae.reporting.verdict import Comparison, verdict


def comparison(mean, half, p, images=None, *, count=5, name="dvae"):
    """A comparison of `count` seeds with an interval of the seeds of this half width, and an interval of 10,000 test images."""
    deviation = half * math.sqrt(count) / scipy.stats.t.ppf(0.975, count - 1)
    difference = statistics.Difference(mean, mean - half, mean + half, p, deviation, count)
    return Comparison(name, difference, p, *(images or (None, None)), 10_000)


ONE_SEED = Comparison("vae", statistics.paired_difference([81.5], [80]), 1.0, 0.9, 2.1, 10_000)
CASES = {
    "gain": (comparison(1.2, 0.4, 0.001, (0.8, 1.6)), "helps"),
    "gain, images unknown": (comparison(1.2, 0.4, 0.001), "helps"),
    "small gain": (comparison(0.2, 0.1, 0.01, (0.1, 0.3)), "helps"),
    "loss": (comparison(-1.2, 0.4, 0.001, (-1.6, -0.8)), "harms"),
    "loss, images unknown": (comparison(-1.2, 0.4, 0.001), "harms"),
    "nothing": (comparison(0.0, 0.3, 1.0, (-0.4, 0.4)), "does not help"),
    "small loss, images include 0": (comparison(-0.2, 0.1, 0.01, (-0.5, 0.1)), "does not help"),
    "loss, not significant after Holm": (comparison(-1.2, 1.0, 0.06, (-1.6, -0.8)), "does not help"),
    "nothing, images unknown": (comparison(0.0, 0.49, 1.0), "does not help"),
    "p of exactly 0.05": (comparison(1.2, 1.2, 0.05, (0.8, 1.6)), "cannot tell"),
    "interval up to exactly 0.5": (comparison(0.0, 0.5, 1.0), "cannot tell"),
    "images up to exactly 0": (comparison(1.2, 0.4, 0.001, (0.0, 2.4)), "cannot tell"),
    "seeds too few": (comparison(0.4, 1.0, 0.3, (0.1, 0.7)), "cannot tell"),
    "images too few": (comparison(0.4, 0.3, 0.02, (-0.2, 1.0)), "cannot tell"),
    "both too few": (comparison(0.1, 1.0, 0.8, (-0.9, 1.1)), "cannot tell"),
    "one too wide for a gain, the other for none": (comparison(0.4, 0.3, 0.02, (-0.05, 0.45)), "cannot tell"),
    "one seed": (ONE_SEED, "cannot tell"),
}


@pytest.mark.parametrize("case", CASES)
def test_kind(case):
    given, kind = CASES[case]
    found = verdict(given)
    assert found.kind == kind
    assert kind in found.sentence
    assert "nan" not in found.sentence
    assert "inf" not in found.sentence


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (
            "gain",
            "dvae helps (+1.20 points over 5 seeds, 95% interval +0.80 to +1.60; over 10,000 test images +0.80 to +1.60;"
            " p = 0.001 after Holm's correction).",
        ),
        (
            "small gain",
            "dvae helps (+0.20 points over 5 seeds, 95% interval +0.10 to +0.30; over 10,000 test images +0.10 to +0.30;"
            " p = 0.01 after Holm's correction), but by less than 0.5 points.",
        ),
        (
            "loss, images unknown",
            "dvae harms (-1.20 points over 5 seeds, 95% interval -1.60 to -0.80; p = 0.001 after Holm's correction).",
        ),
        (
            "nothing",
            "dvae does not help (+0.00 points over 5 seeds, 95% interval -0.30 to +0.30; over 10,000 test images -0.40 to +0.40;"
            " p = 1 after Holm's correction): a gain of 0.5 points or more is ruled out.",
        ),
        (
            "one seed",
            "These data cannot tell whether vae helps (+1.50 points over 1 seed; over 10,000 test images +0.90 to +2.10):"
            " one seed says nothing about the spread between seeds; at least 3 are needed, and 5 are better.",
        ),
    ],
)
def test_sentence(case, sentence):
    assert verdict(CASES[case][0]).sentence == sentence


def test_seeds_that_would_show_a_gain():
    """Half width 1 of 5 seeds is a deviation of sqrt(5) / 2.776445 = 0.80537; G*Power 3.1 gives 34 pairs for d = 0.5."""
    given = comparison(0.80537 / 2, 1.0, 0.3)
    assert verdict(given).sentence.endswith(
        ": if the true difference is the one measured, about 34 seeds instead of 5 would show the gain."
    )


def test_images_that_would_show_a_gain():
    """The interval reaches 0.6 below the mean of 0.4: (0.6 / 0.4)^2 = 2.25 times as many images make it reach 0.4."""
    assert verdict(CASES["images too few"][0]).sentence.endswith(
        ": if the true difference is the one measured, about 23,000 test images instead of 10,000 would show the gain."
    )


def test_what_would_rule_out_a_gain():
    """From 0.1 it is 0.4 to a gain of 0.5. Seeds: d = 0.4 / 0.80537. Images: (1.0 / 0.4)^2 = 6.25 times as many."""
    seeds = statistics.pairs_needed(0.80537, 0.4)
    assert verdict(CASES["both too few"][0]).sentence.endswith(
        f": if the true difference is the one measured, about {seeds} seeds instead of 5 and about 63,000 test images instead of 10,000"
        " would rule out a gain of 0.5 points."
    )


def test_only_what_is_lacking_is_asked_for():
    assert "test images instead" not in verdict(CASES["seeds too few"][0]).sentence
    assert "seeds instead" not in verdict(CASES["images too few"][0]).sentence
    crossed = verdict(CASES["one too wide for a gain, the other for none"][0]).sentence
    assert crossed.endswith("about 13,000 test images instead of 10,000 would show the gain.")


def test_more_is_asked_for_than_there_is():
    """Where the correction alone makes p large, and where an interval ends at 0."""
    assert "about 6 seeds instead of 5" in verdict(comparison(1.2, 0.4, 0.06)).sentence
    assert "about 11,000 test images instead of 10,000" in verdict(CASES["images up to exactly 0"][0]).sentence


def test_worth_having():
    given = comparison(0.0, 0.6, 1.0)
    assert verdict(given).kind == "cannot tell"
    assert verdict(given, worth=1).sentence.endswith(": a gain of 1 point or more is ruled out.")
    with pytest.raises(ValueError, match="`worth` must be a finite number above 0; got 0"):
        verdict(given, worth=0)


def test_tiny_p():
    assert "p < 0.0001 after Holm's correction" in verdict(comparison(1.2, 0.1, 1e-6)).sentence
