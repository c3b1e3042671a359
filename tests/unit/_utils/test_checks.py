import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tfdvae._utils import checks


@pytest.mark.parametrize(
    ("value", "near"),
    [("dvea", "'dvae'"), ("DVAE", "'dvae'"), ("gausian", "'gaussian'"), ("zzz", None)],
)
def test_choice_suggests_the_nearest_names(value, near):
    with pytest.raises(ValueError, match=r"`model` must be one of dvae, gaussian; got") as error:
        checks.choice("model", value, ("dvae", "gaussian"))
    assert ("Did you mean" in str(error.value)) == (near is not None)
    assert near is None or near in str(error.value)


@pytest.mark.parametrize("value", ["digits", "./a b", "n" * 255, "/".join(["n" * 255] * 15)])
def test_text_that_can_be_a_path(value):
    assert checks.text("dataset", value) == value


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("", "not be empty; got ''"),
        (" \t", r"not be empty; got ' \\t'"),
        ("a\0", "hold no null character"),
        ("a/" + "n" * 256, "be a path with names of at most 255 bytes.*got 256 and 258: 'a/nnn"),
        ("ö" * 128, "be a path with names of at most 255 bytes.*got 256 and 256"),
        ("a/" * 2048, "be a path with.* of at most 4,095 in all; got 1 and 4,096"),
    ],
)
def test_text_that_can_be_no_path(value, wanted):
    with pytest.raises(ValueError, match=f"`dataset` must {wanted}"):
        checks.text("dataset", value)


def test_every_text_of_settings_is_checked():
    @dataclasses.dataclass
    class Settings:
        seed: int = 0
        output: str | None = None
        sets: tuple[str, ...] = ()

    checks.texts(Settings(output="out", sets=("a",)))
    with pytest.raises(ValueError, match="`output` must not be empty"):
        checks.texts(Settings(output=""))
    with pytest.raises(ValueError, match="`sets` must not be empty"):
        checks.texts(Settings(sets=("a", "")))
    with pytest.raises(ValueError, match="`output` must be a path"):
        checks.texts(Settings(output="n" * 256))
    checks.texts(Settings(sets=("n" * 256,)))  # which are no paths
    with pytest.raises(ValueError, match="`sets` must hold no null character"):
        checks.texts(Settings(sets=("a\0",)))


@pytest.mark.parametrize("value", [None, b"x", 5, ["a"], ("a",)])
def test_a_path_of_settings_is_text_or_a_path(value):
    @dataclasses.dataclass
    class Settings:
        dataset: str = "auto"
        output: str | None = None
        seed: int = 0

    checks.texts(Settings(dataset=Path("a"), output=Path("b")))
    with pytest.raises(
        TypeError, match=rf"`dataset` must be text; got .*\({type(value).__name__}\)"
    ):
        checks.texts(Settings(dataset=value))
    if value is not None:
        with pytest.raises(TypeError, match="`output` must be text; got "):
            checks.texts(Settings(output=value))


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.25), np.int64(1)])
def test_number_within(value):
    assert checks.number("level", value, 0, 1) == value


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan"), float("inf")])
def test_number_outside_names_argument_and_value(value):
    with pytest.raises(
        ValueError, match=rf"`level` must be a finite number between 0 and 1; got {value}"
    ):
        checks.number("level", value, 0, 1)


@pytest.mark.parametrize("value", ["0.1", None, True, [0.1]])
def test_number_of_wrong_type(value):
    with pytest.raises(TypeError, match="`level` must be a number"):
        checks.number("level", value, 0, 1)


def test_number_above_low():
    with pytest.raises(ValueError, match="above 0"):
        checks.number("rate", 0.0, 0, above_low=True)


@pytest.mark.parametrize("value", [1.0, "1", None, True])
def test_integer_of_wrong_type(value):
    with pytest.raises(TypeError, match="`epochs` must be a whole number"):
        checks.integer("epochs", value, 1)


def broken(image):
    images = np.full((4, 3, 3, 1), 0.5)
    images[2] = image
    return images


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (broken(np.nan), "must be finite; image 2 holds NaN or infinite values"),
        (np.full((4, 3, 3, 1), np.nan), "must be finite; image 0 and 3 more hold NaN"),
        (np.full((1, 3, 3, 1), np.nan), "must be finite; it holds NaN"),
        (broken(np.inf), "must be finite; image 2"),
        (np.zeros((3, 3, 1)), r"shape \(N, H, W, C\); got \(3, 3, 1\)"),
        (np.zeros((0, 3, 3, 1)), "at least one image"),
        (np.full((2, 3, 3, 1), 255), r"\[0, 1\]; got values from 255 to 255"),
        (broken(-0.01), r"\[0, 1\]; got values from -0.01"),
    ],
)
def test_images_refused(value, message):
    with pytest.raises(ValueError, match=message):
        checks.images("images", value)


@pytest.mark.parametrize(
    "value",
    [np.full((1, 2, 2, 1), "a"), np.zeros((1, 2, 2, 1), complex), np.full((1, 2, 2, 1), None)],
)
def test_images_of_wrong_type(value):
    with pytest.raises(TypeError, match="`images` must hold real numbers"):
        checks.images("images", value)


def test_images_of_another_shape():
    with pytest.raises(
        ValueError, match=r"`x` must have shape \(N, 28, 28, 1\); got \(2, 3, 3, 1\)"
    ):
        checks.images("x", np.zeros((2, 3, 3, 1)), (28, 28, 1))


def test_noise_may_exceed_the_range_but_a_wrong_scale_is_refused(noise):
    images = noise(20, 8, 8, 1)
    noisy = images + np.random.default_rng(0).normal(0, 0.5, images.shape)
    assert np.allclose(checks.images("images", noisy, scale="noisy"), noisy)
    for wrong in (images * 255, images * 2 - 2, images - 3):
        with pytest.raises(ValueError, match=r"scaled to \[0, 1\]"):
            checks.images("images", wrong, scale="noisy")


def test_a_free_scale_takes_images_around_0_but_not_8_bit_ones(noise):
    images = noise(20, 8, 8, 1) * 2 - 1
    assert np.array_equal(checks.images("images", images, scale="free"), images)
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        checks.images("images", images * 128 + 127, scale="free")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([0.5, 1], TypeError),
        ([0, 1, 2], ValueError),
        ([[0], [1]], ValueError),
        ([-1, 0], ValueError),
    ],
)
def test_labels_refused(value, error):
    with pytest.raises(error, match="`labels` must"):
        checks.labels("labels", value, 2)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**63, "`epochs` must be a whole number of at most 9,223,372,036,854,775,807; got 92233"),
        (10**400, r"`epochs` must be a finite number at least 1; got 1000000000\.\.\. \(401 char"),
        (-(10**400), r"`epochs` must be a finite number at least 1; got -100000000\.\.\. \(402"),
    ],
)
def test_integers_that_are_too_long(value, message):
    with pytest.raises(ValueError, match=message):
        checks.integer("epochs", value, 1)


def test_the_largest_integers():
    assert checks.integer("seed", 2**63 - 1, 0) == 2**63 - 1
    assert checks.integer("count", np.uint64(7), 0) == 7
