import pytest

from tfdvae.classifying import wording
from tfdvae.classifying.choosing import Gain
from tfdvae.metrics.confusion import ClassScores, Share

START = (
    "Without augmentation 75 of 100 images are right, with mirroring, shifts and covering a "
    "rectangle"
)


@pytest.mark.parametrize(
    ("gain", "metric", "quick", "text"),
    [
        (
            Gain("classical", 0.69, 0.75, -0.15, 0.03),
            "accuracy",
            True,
            f"Not decided. {START} 69; chance alone could explain this. A quick look only.",
        ),
        (
            Gain("classical", 0.80, 0.75, 0.01, 0.09),
            "accuracy",
            False,
            f"Augmentation helps. {START} 80; chance alone hardly explains this.",
        ),
        (
            Gain("classical", 0.60, 0.75, -0.2, -0.1),
            "accuracy",
            False,
            f"Augmentation harms. {START} 60; chance alone hardly explains this.",
        ),
        (
            Gain("denoised", 0.75, 0.75, -0.2, 0.2),
            "auc",
            False,
            "Not decided. Without augmentation the auc is 0.750, with mirroring, shifts, fresh "
            "noise and denoised images 0.750; there is no difference.",
        ),
    ],
)
def test_the_verdict_is_in_plain_words(gain, metric, quick, text):
    assert wording.verdict([gain], metric, quick) == text


def test_the_best_of_several_is_told():
    found = [Gain("classical", 0.6, 0.7, -0.2, 0.1), Gain("fresh-noise", 0.75, 0.7, -0.1, 0.2)]
    assert "fresh noise 75" in wording.verdict(found, "accuracy", False)


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        ("limited", "without augmentation: nothing was better in cross-validation."),
        (
            "classical",
            "with mirroring, shifts and covering a rectangle: that was best in cross-validation.",
        ),
    ],
)
def test_the_choice_is_told_with_its_reason(recipe, text):
    assert wording.used(recipe) == f"The classifier here was trained on all images {text}"


def scores(found, count):
    others = Share(88, 100)
    return ClassScores(count, Share(found, count), others, Share(found, found + 12))


def test_a_class_is_told_of_in_hundreds():
    text = wording.of_class("a|b", scores(8, 10))
    assert text == (
        "**a\\|b**: of 100 such images it finds 80 (49 to 94), and of 100 others it takes 12 "
        "(7 to 20) for it."
    )
    assert wording.of_class("c", scores(0, 0)) == "**c**: there are no such images here."


@pytest.mark.parametrize(
    ("found", "count", "text"),
    [
        (2, 40, "**Warning: rare is hardly ever found**: 2 of 40 images."),
        (1, 6, "**Warning: rare is hardly ever found**: 1 of 6 images."),
        (14, 40, "**Warning: rare is found less often than not**: 14 of 40 images."),
        (4, 10, "**Warning: rare is found less often than not**: 4 of 10 images."),
        (4, 9, "**Note:** rare has 9 images, too few to know how often it is found."),
        (20, 40, ""),
        (5, 6, "**Note:** rare has 6 images, too few to know how often it is found."),
        (30, 40, ""),
        (0, 0, ""),
    ],
)
def test_a_class_that_is_mostly_not_found_is_warned_of(found, count, text):
    assert wording.warning("rare", scores(found, count)) == text


def test_points():
    assert wording.points(Gain("classical", 0.82, 0.8, 0.01, 0.03)) == "+2.0 (+1.0 to +3.0)"
    unknown = Gain("classical", 0.8, 0.8, float("-inf"), float("inf"))
    assert wording.points(unknown) == "+0.0 (too few images for an interval)"


def test_the_time_that_is_left():
    """2 of 30 seconds, and 4 that count as the longest that are known."""
    left = {"limited": 2, "fresh-noise": 0, "denoised": 4}
    assert wording.time_left(left, {"limited": 30.0}) == (
        "About 3.0 minutes are left: 6 more trainings, of which those of denoised are not timed "
        "yet."
    )
    assert wording.time_left(left, {"limited": 30.0, "denoised": 300.0}) == (
        "About 21.0 minutes are left: 6 more trainings."
    )
