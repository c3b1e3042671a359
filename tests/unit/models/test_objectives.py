"""What is reconstructed, and from what: each objective against NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import make, make_unet
from tfdvae import corruptions
from tfdvae.config import OBJECTIVES
from tfdvae.models import networks, objectives
from tfdvae.models.autoencoder import DAE
from tfdvae.models.variational import DVAE

SEED = tf.constant([3, 5])
IMAGES = np.random.default_rng(0).random((6, 8, 7, 2), dtype=np.float32)
INJECTED = {
    "observed": "masking:0.5",
    "corrupted": "masking:0.5",
    "recorrupted": "gaussian:0.2",
    "masked": "none",
    "paired": "none",
}


def draw(objective, images, corruption=None, seed=SEED):
    corruption = corruptions.parse(corruption or INJECTED[objective])
    sample = objectives.draw(objective, tf.constant(images), corruption, tf.constant(seed))
    return [None if part is None else part.numpy() for part in sample]


def numbered(count, height, width, channels=2):
    """Images in which each value says where it stands: (image, row, column), then the channel."""
    size = count * height * width
    places = np.arange(size, dtype=np.float32).reshape(count, height, width, 1)
    return np.concatenate([places + channel * size for channel in range(channels)], axis=-1)


def origins(values, images):
    """Return image, row and column that pixels came from; their channels must be together."""
    count, height, width, channels = images.shape
    size = count * height * width
    for channel in range(1, channels):
        assert np.array_equal(values[..., channel], values[..., 0] + channel * size)
    return np.unravel_index(values[..., 0].astype(int), (count, height, width))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_an_objective_repeats_with_its_seed(objective):
    first, again, other = (draw(objective, IMAGES, seed=seed) for seed in ([3, 5], [3, 5], [3, 6]))
    for one, two in zip(first, again, strict=True):
        assert (one is None and two is None) or np.array_equal(one, two)
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("objective", ["observed", "corrupted"])
def test_the_image_or_the_input_itself(objective):
    corrupted = corruptions.parse("masking:0.5")(IMAGES, SEED).numpy()
    inputs, aims, weights = draw(objective, IMAGES)
    assert np.array_equal(inputs, corrupted)
    assert np.array_equal(aims, IMAGES if objective == "observed" else corrupted)
    assert weights is None


def test_recorrupted_adds_half_of_fresh_noise_and_takes_twice_of_it_away():
    noise = corruptions.parse("gaussian:0.2")(np.zeros_like(IMAGES), SEED).numpy()
    assert noise.std() == pytest.approx(0.2, rel=0.1)
    inputs, aims, weights = draw("recorrupted", IMAGES)
    np.testing.assert_allclose(inputs, IMAGES + 0.5 * noise, atol=1e-6)
    np.testing.assert_allclose(aims, IMAGES - 2 * noise, atol=1e-6)
    assert weights is None


@pytest.mark.parametrize(("level", "correlation"), [(0.2, 0), (0.1, 0.6)])
def test_errors_of_input_and_target_are_uncorrelated_at_the_right_level(level, correlation):
    """With noise of standard deviation s and recorruption of level t the covariance is s^2 - t^2,
    the variances are s^2 + t^2 / 4 and s^2 + 4 t^2.
    """
    clean = np.random.default_rng(1).random((20, 100, 100, 1))
    noise = np.random.default_rng(2).normal(0, 0.2, clean.shape)
    observed = (clean + noise).astype(np.float32)
    inputs, aims, _ = draw("recorrupted", observed, f"gaussian:{level}")
    measured = np.corrcoef((inputs - clean).ravel(), (aims - clean).ravel())[0, 1]
    if correlation:
        correlation = (0.04 - level**2) / np.sqrt((0.04 + level**2 / 4) * (0.04 + 4 * level**2))
        assert correlation > 0.5
    assert abs(measured - correlation) < 4 / np.sqrt(clean.size)


def test_recorrupted_divides_photons():
    """Each is in the input or in the target; with a chance of 0.8 and 0.2, for a is 1 / 2."""
    photons = np.random.default_rng(3).integers(0, 30, (40, 50, 50, 1))
    photons[:, :5] = 0
    level = 0.2
    observed = (level**2 * photons).astype(np.float32)
    inputs, aims, weights = draw("recorrupted", observed, f"poisson:{level}")
    assert weights is None
    kept, given = 0.8 * inputs / level**2, 0.2 * aims / level**2
    np.testing.assert_allclose(kept + given, photons, atol=1e-4)
    np.testing.assert_allclose(kept, np.rint(kept), atol=1e-4)
    for share, chance in ((kept, 0.8), (given, 0.2)):
        error = 5 * np.sqrt(photons.sum() * 0.16)
        assert abs(float(np.sum(share)) - chance * photons.sum()) < error
        of_nine = np.asarray(share)[photons == 9]
        assert of_nine.var() == pytest.approx(9 * 0.16, rel=0.1)  # of a binomial distribution
    assert not np.any(inputs[:, :5])
    again, other = (
        draw("recorrupted", observed, "poisson:0.2", seed)[0] for seed in (SEED, [3, 6])
    )
    assert np.array_equal(again, inputs)
    assert not np.array_equal(other, inputs)


def test_errors_of_input_and_target_of_photons_are_uncorrelated_and_0_on_average():
    clean = np.random.default_rng(4).random((20, 100, 100, 1))
    observed = 0.04 * np.random.default_rng(5).poisson(clean / 0.04)
    inputs, aims, _ = draw("recorrupted", observed.astype(np.float32), "poisson:0.2")
    errors = [np.asarray(part, np.float64) - clean for part in (inputs, aims)]
    assert abs(np.corrcoef(*map(np.ravel, errors))[0, 1]) < 4 / np.sqrt(clean.size)
    for error, factor in zip(errors, (1.25, 5), strict=True):
        variance = factor * 0.04 * clean.mean()
        assert error.var() == pytest.approx(variance, rel=0.03)
        assert abs(error.mean()) < 4 * np.sqrt(variance / clean.size)
    none = draw("recorrupted", np.float32([[[[-0.3], [0.0]]]]), "poisson:0.2")
    assert not np.any(none[:2]), "what is below 0 has no photons"


def test_what_is_no_number_of_photons_stays_so():
    """The draw of TensorFlow never ends for it."""
    images = np.float32([0.2, np.nan, np.inf, 0.4]).reshape(1, 4, 1, 1)
    for part in draw("recorrupted", images, "poisson:0.2")[:2]:
        assert np.isfinite(part.ravel()).tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("height", "width"), [(30, 40), (7, 9), (1, 8), (9, 1), (2, 2), (1, 2), (1, 1)]
)
def test_masked_hides_some_pixels_behind_neighbors(height, width):
    images = numbered(50, height, width)
    inputs, aims, weights = draw("masked", images)
    assert np.array_equal(aims, images)
    hidden = weights[..., 0] > 0
    count = max(1, round(0.08 * height * width))
    assert (hidden.sum(axis=(1, 2)) == count).all()
    np.testing.assert_allclose(weights[hidden], height * width / count, rtol=1e-6)
    np.testing.assert_allclose(weights.mean(axis=(1, 2, 3)), 1, rtol=1e-5)
    assert np.array_equal(inputs[~hidden], images[~hidden])
    image, row, column = np.nonzero(hidden)
    from_image, from_row, from_column = origins(inputs[hidden], images)
    assert np.array_equal(from_image, image)
    away = np.maximum(abs(from_row - row), abs(from_column - column))
    assert away.max() <= 2
    assert (away.min() > 0) == (height * width > 1)


def test_masked_hides_exactly_so_many_pixels_of_large_images():
    """Among many random numbers some are equal."""
    images = np.zeros((1, 1000, 1000, 1), np.float32)
    for seed in (15, 16):  # where the numbers of the last hidden and the next pixel are equal
        _, _, weights = draw("masked", images, seed=[0, seed])
        assert np.count_nonzero(weights) == 80_000


def test_masked_hides_all_pixels_alike_behind_all_neighbors_alike():
    images = np.tile(numbered(1, 6, 6, 1), (20_000, 1, 1, 1))
    inputs, _, weights = draw("masked", images)
    places = np.nonzero(weights[..., 0])
    counts = np.bincount(places[1] * 6 + places[2], minlength=36)
    expected = 20_000 * 3 / 36
    assert np.abs(counts - expected).max() < 4 * np.sqrt(expected)
    for row, column in ((2, 2), (0, 0)):
        at_place = inputs[weights[:, row, column, 0] > 0, row, column, 0].astype(int)
        near = {
            6 * down + right
            for down in range(max(0, row - 2), row + 3)
            for right in range(max(0, column - 2), column + 3)
        } - {6 * row + column}
        counts = np.bincount(at_place, minlength=36)
        assert set(np.flatnonzero(counts)) == near
        expected = len(at_place) / len(near)
        assert np.abs(counts[sorted(near)] - expected).max() < 4 * np.sqrt(expected)


@pytest.mark.parametrize(("height", "width"), [(8, 6), (7, 9), (2, 2), (2, 3)])
def test_paired_takes_two_pixels_beside_each_other_of_each_block(height, width):
    images = numbered(200, height, width)
    inputs, aims, weights = draw("paired", images)
    assert weights is None
    assert inputs.shape == aims.shape == (200, height // 2, width // 2, 2)
    image, row, column = np.indices(inputs.shape[:3])
    pairs = set()
    one, other = origins(inputs, images), origins(aims, images)
    for found in (one, other):
        assert np.array_equal(found[0], image)
        assert np.array_equal(found[1] // 2, row)
        assert np.array_equal(found[2] // 2, column)
    assert (abs(one[1] - other[1]) + abs(one[2] - other[2]) == 1).all()
    within = [2 * (found[1] % 2) + found[2] % 2 for found in (one, other)]
    pairs = np.unique(np.stack([place.ravel() for place in within]), axis=1, return_counts=True)
    assert pairs[0].shape == (2, 8)
    expected = inputs[..., 0].size / 8
    assert np.abs(pairs[1] - expected).max() < 4 * np.sqrt(expected)


@pytest.mark.parametrize("name", ["dae masked", "dae recorrupted"])
def test_the_loss_is_taken_where_pixels_are_hidden(name):
    options = {"corruption_samples": 2, "likelihood": "linear:0.5"}
    options["corruption"] = INJECTED[name.split()[1]]
    model = make(name, "mlp", IMAGES.shape[1:], **options)
    losses = model.losses_per_image(tf.constant(IMAGES), None, SEED, None, training=False)
    copies = np.repeat(IMAGES, 2, axis=0)
    inputs, aims, weights = draw(name.split()[1], copies)
    made = model.decoder(model.encoder(inputs)).numpy()
    each = 0.5 * (((aims - made) / 0.5) ** 2 + np.log(2 * np.pi * 0.25))
    each = each if weights is None else each * weights
    expected = each.sum(axis=(1, 2, 3)).reshape(-1, 2).mean(axis=1)
    np.testing.assert_allclose(losses["loss"], expected, rtol=1e-4)


def any_size(kernel=3, stride=1):
    """Encoder and decoder of a DVAE that take images of any size."""

    def conv(inputs, kind, units):
        return kind(units, kernel, stride, padding="same")(inputs)

    images, code = keras.Input((None, None, 1)), keras.Input((None, None, 2))
    heads = [conv(images, keras.layers.Conv2D, 2) for _ in range(2)]
    logits = conv(code, keras.layers.Conv2DTranspose, 1)
    return keras.Model(images, heads), keras.Model(code, logits)


def test_a_variational_model_learns_from_neighbors():
    model = DVAE(
        *any_size(),
        corruption="none",
        objective="paired",
        likelihood="gaussian:0.1",
        image_shape=(8, 6, 1),
    )
    assert model.any_size
    assert model.has_code
    model.compile(optimizer="adam")
    images = IMAGES[:, :, :6, :1]
    assert np.isfinite(model.fit(images, verbose=0).history["loss"]).all()
    assert model.denoise(IMAGES[:, :5, :, :1]).shape == (6, 5, 7, 1)
    assert model.encode(images).shape == (6, 8, 6, 2)


def test_networks_that_do_not_return_images_of_the_size_given_take_that_of_the_model_alone():
    """Halved sizes come back even."""
    model = DVAE(*any_size(stride=2), corruption="gaussian:0.1", image_shape=(8, 6, 1))
    assert not model.any_size
    with pytest.raises(ValueError, match=r"`images` must have shape \(N, 8, 6, 1\)"):
        model.denoise(IMAGES[:, :5, :, :1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"objective": "recorrupted", "corruption": "none"},
            "must be gaussian:LEVEL or poisson:LEVEL, .* `objective` recorrupted; got none",
        ),
        (
            {"objective": "recorrupted", "corruption": "masking:0.2"},
            "must be gaussian:LEVEL or poisson:LEVEL, .* got masking:0.2",
        ),
        (
            {"objective": "recorrupted", "corruption": "gaussian:0.1", "likelihood": "bernoulli"},
            r"`likelihood` must be linear:SIGMA, .* leave \[0, 1\]; got bernoulli",
        ),
        (
            {"objective": "masked", "corruption": "gaussian:0.1"},
            "`corruption` must be none with `objective` masked, .* got gaussian:0.1",
        ),
        (
            {"objective": "paired", "corruption": "gaussian:0.1"},
            "`corruption` must be none with `objective` paired, .* got gaussian:0.1",
        ),
        (
            {"objective": "paired", "corruption": "none"},
            "`objective` paired .* networks for images of any size, .* got 8x7 and networks for "
            "that size alone",
        ),
    ],
)
def test_what_an_objective_needs(options, message):
    pair = networks.mlp((8, 7, 2), 3, variational=False)
    with pytest.raises(ValueError, match=message):
        DAE(*pair, **{"likelihood": "linear:1", **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (1, 8, 1), "objective": "paired"}, "of 2x2 pixels at least; got 1x8"),
        *(
            (
                {"likelihood": likelihood},
                "`likelihood` must be linear:SIGMA with a network without a code, .* "
                f"got {likelihood}",
            )
            for likelihood in ("bernoulli", "gaussian:0.5", "mse")
        ),
    ],
)
def test_what_a_unet_does_not_learn(options, message):
    with pytest.raises(ValueError, match=message):
        make_unet(**options)
