import math

import numpy as np
import pytest
import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import seeds
from tfdvae._utils.registry import Registry
from tfdvae.corruptions import KINDS, Corruption, parse, register

LEVELS = {kind: 0.3 for kind in KINDS.names() if kind != "none"}
SEED = (1, 2)
WITHOUT_CHANCE = ("blur", "contrast", "jpeg")


@pytest.mark.parametrize("kind", LEVELS)
class TestContract:
    """What every corruption obeys; a new one is tested by being listed in `KINDS`."""

    def test_text_and_back(self, kind):
        for level in (0, 0.025, 0.1, 1 / 3, 1):
            corruption = KINDS.get(kind)(level)
            assert parse(str(corruption)) == corruption

    def test_level_0_is_the_identity(self, kind, noise):
        images = noise(3, 5, 6, 2)
        assert np.array_equal(KINDS.get(kind)(0.0)(images, SEED), images)

    def test_a_function_of_images_and_seed(self, kind, noise):
        images, corruption = noise(8, 12, 10, 1), KINDS.get(kind)(0.9)
        first = corruption(images, SEED).numpy()
        tf.random.set_seed(5)
        assert np.array_equal(first, corruption(images, SEED))
        assert np.array_equal(first, corruption(images, (1, 3))) == (kind in WITHOUT_CHANCE)
        assert not np.array_equal(first, images)

    def test_same_numbers_in_a_graph(self, kind, noise):
        images, corruption = noise(8, 12, 10, 3), KINDS.get(kind)(0.5)
        graph = tf.function(
            corruption,
            input_signature=[tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((2,), tf.int32)],
        )
        np.testing.assert_allclose(graph(images, SEED), corruption(images, SEED), atol=1e-6)

    def test_xla_compiles_it_or_it_says_no(self, kind, noise):
        corruption, images = KINDS.get(kind)(0.5), noise(8, 12, 10, 3)
        compiled = tf.function(corruption, jit_compile=True)
        if corruption.compiles:
            changed = compiled(images, SEED)  # with other numbers of its own
            assert changed.shape == images.shape
            assert not np.array_equal(changed, images)
        else:
            with pytest.raises(tf.errors.InvalidArgumentError, match="unsupported operations"):
                compiled(images, SEED)

    @pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 7, 3, 3), (1, 28, 28, 1)])
    @pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
    def test_keeps_shape_and_dtype(self, kind, shape, dtype, noise):
        images = tf.cast(noise(*shape), dtype)
        corrupted = KINDS.get(kind)(0.5)(images, SEED)
        assert corrupted.shape == shape
        assert corrupted.dtype == images.dtype
        assert np.isfinite(tf.cast(corrupted, tf.float32)).all()

    def test_stronger_level_changes_more(self, kind, noise):
        images = noise(200, 10, 10, 1)
        errors = [
            float(tf.reduce_mean(tf.square(KINDS.get(kind)(level)(images, SEED) - images)))
            for level in (0.05, 0.2, 0.5, 1.0)
        ]
        assert errors == sorted(errors)
        assert errors[0] < errors[1] < errors[2] < errors[3]

    def test_whether_a_model_can_learn_from_it_alone(self, kind):
        """Mean of the image, and errors of pixels beside each other that are independent."""
        images = np.tile(np.linspace(0, 1, 12, dtype=np.float32)[:, None], (4000, 1, 12))[..., None]
        errors = KINDS.get(kind)(0.3)(images, SEED).numpy() - images
        spread = max(errors.std(), 1e-3)
        unbiased = np.abs(errors.mean(axis=0)).max() < 6 * spread / math.sqrt(len(errors))
        beside = np.mean(errors[:, :, 1:] * errors[:, :, :-1]) / spread**2
        assert KINDS.get(kind).keeps_mean == (unbiased and abs(beside) < 0.01)

    @pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
    def test_level_outside(self, kind, share):
        with pytest.raises(ValueError, match=f"level of {kind}"):
            KINDS.get(kind)(share * KINDS.get(kind).highest_level)

    def test_highest_level(self, kind):
        assert KINDS.get(kind).highest_level == {"blur": 100}.get(kind, 1)

    def test_refuses_integers_and_other_ranks(self, kind):
        with pytest.raises(TypeError, match="floating point"):
            KINDS.get(kind)(0.5)(np.zeros((1, 3, 3, 1), np.uint8), SEED)
        with pytest.raises(ValueError, match="shape"):
            KINDS.get(kind)(0.5)(np.zeros((3, 3, 1), np.float32), SEED)

    def test_is_documented(self, kind):
        assert KINDS.get(kind).__doc__
        assert KINDS.get(kind).unit
        assert KINDS.get(kind).reference


GREY = np.full((100, 20, 20, 2), 0.5, np.float32)


def test_gaussian_is_level_times_the_stateless_normal(noise):
    images = noise(4, 6, 5, 1)
    expected = images + 0.1 * tf.random.stateless_normal(images.shape, SEED).numpy()
    np.testing.assert_allclose(parse("gaussian:0.1")(images, SEED), expected, atol=1e-7)


def test_gaussian_moments():
    """80,000 values: the standard deviation of a sample is within 1% of its own, five standard
    errors are 1.3%.
    """
    error = parse("gaussian:0.2")(GREY, SEED).numpy() - GREY
    assert abs(error.mean()) < 5 * 0.2 / np.sqrt(error.size)
    assert error.std() == pytest.approx(0.2, rel=0.013)


def test_poisson_counts_photons():
    """Its variance is level^2 times the value, and its values are multiples of level^2."""
    for value in (0.0, 0.25, 1.0):
        images = np.full((1, 200, 200, 1), value, np.float32)
        noisy = parse("poisson:0.2")(images, SEED).numpy()
        assert noisy.mean() == pytest.approx(value, abs=0.005)
        assert noisy.var() == pytest.approx(0.04 * value, rel=0.05)
        np.testing.assert_allclose(noisy / 0.04, np.rint(noisy / 0.04), atol=1e-4)
    assert not parse("poisson:0.2")(np.full((1, 9, 9, 1), -0.5, np.float32), SEED).numpy().any()


def test_speckle_grows_with_brightness():
    images = np.concatenate([np.zeros_like(GREY), np.full_like(GREY, 0.25), np.ones_like(GREY)])
    error = parse("speckle:0.2")(images, SEED).numpy() - images
    assert [part.std() for part in np.split(error, 3)] == pytest.approx([0, 0.05, 0.2], rel=0.02)


def test_uniform_fills_its_interval():
    error = parse("uniform:0.3")(GREY, SEED).numpy() - GREY
    assert -0.3 <= error.min() < -0.299
    assert 0.299 < error.max() <= 0.3
    assert error.std() == pytest.approx(0.3 / np.sqrt(3), rel=0.01)


def test_masking_sets_the_fraction_of_pixels_to_0_in_all_channels():
    """40,000 pixels: five standard errors of a fraction of 0.3 are 0.0115."""
    masked = parse("masking:0.3")(GREY, SEED).numpy()
    assert set(np.unique(masked)) == {0, 0.5}
    assert np.array_equal(masked[..., 0], masked[..., 1])
    assert (masked == 0).mean() == pytest.approx(0.3, abs=0.0115)


def test_salt_and_pepper_has_equal_shares():
    """40,000 pixels: five standard errors of a fraction of 0.15 are 0.009."""
    corrupted = parse("salt_and_pepper:0.3")(GREY, SEED).numpy()
    assert set(np.unique(corrupted)) == {0, 0.5, 1}
    assert np.array_equal(corrupted[..., 0], corrupted[..., 1])
    assert (corrupted == 0).mean() == pytest.approx(0.15, abs=0.009)
    assert (corrupted == 1).mean() == pytest.approx(0.15, abs=0.009)


def test_random_erasing_erases_one_rectangle_in_the_given_share():
    images = np.ones((2000, 28, 28, 1), np.float32)
    erased = parse("random_erasing:0.5")(images, SEED).numpy()[..., 0] == 0
    hit = erased.any(axis=(1, 2))
    assert hit.mean() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(2000))
    for mask in erased[hit]:
        rows, columns = mask.any(axis=1), mask.any(axis=0)
        assert np.array_equal(mask, rows[:, None] & columns[None, :])
        assert np.ptp(np.flatnonzero(rows)) + 1 == rows.sum()
        assert np.ptp(np.flatnonzero(columns)) + 1 == columns.sum()
        assert 0.3 / 1.3 < rows.sum() / columns.sum() < 3.3 * 1.3, (
            "aspect 0.3 to 3.3, up to rounding to whole pixels"
        )
    areas = erased[hit].mean(axis=(1, 2))
    assert areas.min() > 0.01
    assert areas.max() < 0.36
    assert areas.mean() == pytest.approx((0.02 + 0.33) / 2, abs=0.01)


def test_random_erasing_reaches_every_pixel():
    erased = parse("random_erasing:1")(np.ones((5000, 12, 12, 1), np.float32), SEED).numpy() == 0
    assert erased.any(axis=0).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", "none"),
        ("0", "none"),
        (0, "none"),
        ("0.025", "gaussian:0.025"),
        (0.1, "gaussian:0.1"),
        ("gaussian:1e-1", "gaussian:0.1"),
        ("salt-and-pepper:0.2", "salt_and_pepper:0.2"),
        (" masking:0.5 ", "masking:0.5"),
        (corruptions.Speckle(0.5), "speckle:0.5"),
    ],
)
def test_parse(text, expected):
    assert str(parse(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gausian:0.1", "Did you mean 'gaussian'"),
        ("gaussian", "kind:level"),
        ("gaussian:", "kind:level"),
        ("gaussian:abc", "kind:level"),
        ("gaussian:-0.1", "between 0 and 1; got -0.1"),
        ("1.5", "between 0 and 1; got 1.5"),
        ("gaussian:nan", "finite"),
        ("none:0.1", "no level"),
        ("", "must be one of"),
        ("masking:0.1:0.2", "kind:level"),
    ],
)
def test_parse_refuses(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_none_takes_no_level():
    with pytest.raises(ValueError, match="no level"):
        corruptions.NoCorruption(0.5)


def test_seed_pairs_are_seeds(noise):
    images = noise(2, 4, 4, 1)
    assert parse("gaussian:0.1")(images, seeds.pair(0, "x", 3)).shape == images.shape


def test_clipped_gaussian_is_the_gaussian_clipped(noise):
    images = noise(20, 9, 8, 2)
    expected = np.clip(corruptions.Gaussian(0.4)(images, SEED), 0, 1)
    assert np.array_equal(corruptions.ClippedGaussian(0.4)(images, SEED), expected)


class TestOneOf:
    def test_text_and_back(self):
        corruption = parse("gaussian:0.1, masking:0.5,none")
        assert str(corruption) == "gaussian:0.1,masking:0.5,none"
        assert parse(str(corruption)) == corruption
        assert corruption.level == 0.5

    def test_each_image_suffers_one_with_equal_chances(self):
        """3,000 images: a third each, within four standard deviations, 4 sqrt(3000 * 2/9) = 103."""
        corrupted = parse("masking:1,uniform:0.1,none")(
            np.full((3000, 2, 2, 1), 0.5, np.float32), SEED
        ).numpy()
        black, same = (corrupted == 0).all(axis=(1, 2, 3)), (corrupted == 0.5).all(axis=(1, 2, 3))
        near = ~black & ~same & (abs(corrupted - 0.5) <= 0.1).all(axis=(1, 2, 3))
        assert black.sum() + same.sum() + near.sum() == 3000
        for count in (black.sum(), same.sum(), near.sum()):
            assert abs(count - 1000) < 103

    def test_a_function_of_images_and_seed(self, noise):
        images, corruption = noise(8, 12, 10, 1), parse("masking:0.5,gaussian:0.3")
        assert np.array_equal(corruption(images, SEED), corruption(images, SEED))
        assert not np.array_equal(corruption(images, SEED), corruption(images, (1, 3)))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("masking:0.5,", "must be one of"),
            ("masking:0.5,masking:0.5", "none of them twice"),
            ("masking:0.5,gausian:1", "gaussian"),
        ],
    )
    def test_refused(self, text, message):
        with pytest.raises(ValueError, match=message):
            parse(text)


def test_a_kind_whose_unit_has_no_bound(monkeypatch):
    kinds = Registry("corruption")
    kinds.add("gaussian", corruptions.Gaussian)
    monkeypatch.setattr("tfdvae.corruptions.base.KINDS", kinds)

    @register
    class Shifted(Corruption):
        """Moved by as many values as the level says."""

        kind = "shifted_in_a_test"
        unit = "steps of 8 bits"
        reference = "this test"
        highest_level = math.inf

        def _apply(self, tf, images, seed):
            return images + self.level / 255

    corruption = parse("shifted-in-a-test:51")
    assert str(corruption) == "shifted_in_a_test:51"
    np.testing.assert_allclose(corruption(GREY, SEED), GREY + 0.2)
    assert parse(f"{corruption},gaussian:0.1").level == 51
    for level in ("-1", "inf", "nan"):
        with pytest.raises(ValueError, match="must be a finite number at least 0"):
            parse(f"shifted_in_a_test:{level}")
    with pytest.raises(ValueError, match="another name"):
        register(type("Other", (Shifted,), {}))


@pytest.mark.parametrize(
    ("attributes", "error", "message"),
    [
        ({"kind": "a:b"}, ValueError, "`kind` must be lower-case letters"),
        ({"kind": "a,b"}, ValueError, "got 'a,b'"),
        ({"kind": 3}, TypeError, "must have a text `kind`"),
        ({"unit": ""}, TypeError, "must have a text `unit`"),
        ({"reference": None}, TypeError, "must have a text `reference`"),
        ({"highest_level": "a"}, ValueError, "`highest_level` must be a number above 0"),
        ({"highest_level": math.nan}, ValueError, "got nan"),
    ],
)
def test_a_class_that_could_not_be_used_is_not_registered(attributes, error, message):
    whole = {"kind": "mine", "unit": "fraction", "reference": "a test"}
    with pytest.raises(error, match=message):
        register(type("Mine", (Corruption,), whole | attributes))
    assert attributes.get("kind", "mine") not in KINDS


def test_what_is_no_class_is_not_registered():
    with pytest.raises(TypeError, match="must be a subclass of Corruption"):
        register(lambda images, seed: images)


def test_a_kind_that_does_nothing_cannot_be_made():
    kind = type("Idle", (Corruption,), {"kind": "idle", "unit": "none", "reference": "a test"})
    with pytest.raises(TypeError, match="abstract method"):
        kind(0.5)


@pytest.mark.parametrize(
    ("corruption", "label"),
    [
        ("none", "no noise"),
        ("gaussian:0.025", "2.5%"),
        ("masking:0.5", "masking:0.5"),
        ("gaussian:1", "100%"),
    ],
)
def test_label_in_tables_and_figures(corruption, label):
    assert corruptions.label(corruption) == label
