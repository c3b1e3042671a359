import numpy as np
import pytest

from tfdvae.metrics import statistics
from tfdvae.reporting.verdict import Comparison, describe_mean, verdict


def comparison(
    mean,
    deviation=0.1,
    image_error=0.1,
    seeds=5,
    p=None,
    family=1,
    units=10_000,
    unit="test images",
):
    """Seeds at equal distances around the mean, with this standard deviation."""
    spread = np.arange(seeds) - (seeds - 1) / 2
    values = mean + (deviation * spread / spread.std(ddof=1) if seeds > 1 else spread)
    difference = statistics.paired_difference(list(values), [0.0] * seeds, image_error or 0.0)
    return Comparison(
        "dvae",
        "limited",
        difference,
        difference.p if p is None else p,
        image_error,
        family,
        units,
        unit,
    )


CASES = {
    "gain": (comparison(1.2), "helps"),
    "small gain": (comparison(0.3, 0.1, 0.01), "helps"),
    "loss": (comparison(-1.2), "harms"),
    "nothing": (comparison(0.0), "does not help"),
    "loss, not significant after Holm": (comparison(-1.2, p=0.06), "does not help"),
    "gain, not significant after Holm": (comparison(1.2, p=0.05), "cannot tell"),
    "seeds too few": (comparison(0.4, 2.0, 0.05), "cannot tell"),
    "images too few": (comparison(0.4, 0.1, 1.0), "cannot tell"),
    "both too few": (comparison(0.1, 2.0, 1.0), "cannot tell"),
    "one seed": (comparison(1.5, seeds=1), "cannot tell"),
    "images unknown": (comparison(1.2, image_error=None), "cannot tell"),
    "images unknown, nothing": (comparison(0.0, image_error=None), "cannot tell"),
    "few groups": (
        comparison(1.2, image_error=None, units=4, unit="groups of test images"),
        "cannot tell",
    ),
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
    ("case", "start", "end"),
    [
        (
            "gain",
            "dvae against limited helps (+1.20 points, 95% interval +",
            "; 5 seeds, 10,000 test images; p < 0.0001 after Holm's correction).",
        ),
        (
            "small gain",
            "dvae against limited helps (+0.30 points",
            "after Holm's correction), but by less than 0.5 points.",
        ),
        (
            "nothing",
            "dvae against limited does not help (+0.00 points",
            "p = 1 after Holm's correction): a gain of 0.5 points or more is ruled out.",
        ),
        (
            "one seed",
            "These data cannot tell whether dvae against limited helps (+1.50 points with 1 seed): "
            "one seed says nothing",
            "5 are better.",
        ),
        (
            "images unknown",
            "These data cannot tell whether dvae against limited helps (+1.20",
            ": the chance in the choice of test images is not known here.",
        ),
        (
            "few groups",
            "These data cannot tell whether dvae against limited helps (+1.20",
            ": 4 groups of test images are too few to know their chance, at least 10 are needed.",
        ),
    ],
)
def test_sentence(case, start, end):
    sentence = verdict(CASES[case][0]).sentence
    assert sentence.startswith(start)
    assert sentence.endswith(end)


def test_seeds_that_would_show_a_gain():
    """A gain of 0.4 allows a variance of (0.4 / 2.8016)^2 = 0.020385, of which the images take
    0.0025: 4 / 0.017885 = 223.7, so 230.
    """
    assert verdict(CASES["seeds too few"][0]).sentence.endswith(
        "about 230 seeds instead of 5 would show the gain."
    )


def test_images_that_would_show_a_gain():
    """0.020385 less 0.1^2 / 5 = 0.018385 are left: 10,000 * 1 / 0.018385 = 543,922."""
    assert verdict(CASES["images too few"][0]).sentence.endswith(
        "about 550,000 test images instead of 10,000 would show the gain."
    )


def test_what_would_rule_out_a_gain():
    """From 0.1 it is 0.4 to a gain of 0.5; each gets half of 0.020385: 4 / 0.010193 = 392 seeds,
    10,000 / 0.010193 = 981,112 images.
    """
    assert verdict(CASES["both too few"][0]).sentence.endswith(
        "about 400 seeds instead of 5 and about 990,000 test images instead of 10,000 would rule "
        "out a gain of 0.5 points."
    )


def test_more_seeds_are_needed_in_a_larger_family():
    """0.05 / 14 two-sided is found at 2.9137 standard errors: (0.5 / 3.7553)^2 = 0.017727, less
    0.0036 leaves 0.014127: 0.36 / 0.014127 = 25.5.

    That is for known variances; with 30 degrees of freedom it is (3.162 + 0.854) * sqrt(0.36 / 31 +
    0.0036) = 0.495.
    """
    given = comparison(0.5, 0.6, 0.06, p=0.12, family=14)
    assert verdict(given).sentence.endswith("about 31 seeds instead of 5 would show the gain.")


def test_few_seeds_have_wide_tails():
    """2 less image error: normal quantiles ask for (2.8016 * 1 / 2)^2 = 1.96 seeds, so for one more
    than the 4; with 4 degrees of freedom (2.776 + 0.941) / sqrt(5) = 1.66 are below 2. In a family
    of 14 it is 2.09 with 7 seeds and 1.84 with 8.
    """
    assert (
        "about 5 seeds instead of 4"
        in verdict(comparison(2.0, 1.0, 1e-3, seeds=4, p=0.06)).sentence
    )
    assert (
        "about 8 seeds instead of 4"
        in verdict(comparison(2.0, 1.0, 1e-3, seeds=4, p=0.06, family=14)).sentence
    )


def test_more_is_asked_for_than_there_is():
    assert (
        "about 6 seeds instead of 5 would show the gain"
        in verdict(CASES["gain, not significant after Holm"][0]).sentence
    )


@pytest.mark.parametrize(
    ("metric", "present", "classes", "said"),
    [
        ("auc", 2, 3, "auc is a mean over 2 of 3 classes: the others have no test images."),
        ("sensitivity@0.9", 4, 5, "sensitivity@0.9 is a mean over 4 of 5 classes"),
        ("balanced_accuracy", 9, 10, "balanced_accuracy is a mean over 9 of 10"),
        ("auc", 3, 3, ""),
        ("accuracy", 2, 3, ""),
        ("kappa", 2, 3, ""),
        ("auc", None, 3, ""),
    ],
)
def test_over_how_many_classes_a_metric_is_a_mean(metric, present, classes, said):
    found = describe_mean(metric, present, classes)
    assert found.startswith(said)
    assert bool(found) == bool(said)
