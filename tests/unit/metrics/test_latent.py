import itertools

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import tensorflow as tf

from tests.helpers.models import IMAGES, make
from tfdvae._utils import limits
from tfdvae.metrics import latent
from tfdvae.models import networks
from tfdvae.models.variational import VAE

SHAPE, SIGMA = (4, 4, 1), 0.05
LOADINGS = np.linalg.qr(np.random.default_rng(0).normal(size=(16, 2)))[0] * [
    0.1,
    0.06,
]  # orthogonal: the posterior is diagonal
VARIANCE = 1 / (1 + np.square(LOADINGS).sum(axis=0) / SIGMA**2)
CODES = np.random.default_rng(1).normal(size=(400, 2))
LINEAR = (
    (0.5 + CODES @ LOADINGS.T + SIGMA * np.random.default_rng(2).normal(size=(400, 16)))
    .reshape(-1, *SHAPE)
    .astype(np.float32)
)
EXACT = scipy.stats.multivariate_normal(
    np.full(16, 0.5), LOADINGS @ LOADINGS.T + SIGMA**2 * np.eye(16)
).logpdf(LINEAR.reshape(400, 16))


def linear_model(shift=0.0, wider=1.0):
    """p(z) = N(0, I), p(x | z) = N(0.5 + W z, SIGMA^2 I); q has the mean of the exact posterior
    + `shift`, `wider` times its deviation.
    """
    images = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(images)
    mean, log_variance = keras.layers.Dense(2), keras.layers.Dense(2)
    encoder = keras.Model(images, [mean(flat), log_variance(flat)])
    kernel = LOADINGS * VARIANCE / SIGMA**2
    mean.set_weights([kernel, shift - 0.5 * kernel.sum(axis=0)])
    log_variance.set_weights([np.zeros((16, 2)), np.log(VARIANCE * wider**2)])
    code = keras.Input((2,))
    pixels = keras.layers.Dense(16)
    probability = keras.ops.clip(pixels(code), 0.01, 0.99)
    logits = keras.layers.Reshape(SHAPE)(keras.ops.log(probability / (1 - probability)))
    pixels.set_weights([LOADINGS.T, np.full(16, 0.5)])
    return VAE(encoder, keras.Model(code, logits), likelihood=f"gaussian:{SIGMA}")


def test_exact_posterior_gives_the_exact_likelihood_with_any_number_of_samples():
    """p(x, z) / q(z | x) is p(x) whatever z: sign, normaliser and the ratio of prior to
    posterior, to 0.001 nats of about 24.
    """
    estimates = latent.log_likelihood(linear_model(), LINEAR, (1, 3, 300))
    assert list(estimates) == [1, 3, 300]
    for values in estimates.values():
        assert values.dtype == np.float64
        np.testing.assert_allclose(values, EXACT, atol=1e-3)


def test_wrong_posterior_rises_to_the_exact_likelihood():
    """The posterior is moved by 0.7 and 1.5 times as wide.

    With one sample the expected bound is KL(q || p) below the truth.
    """
    model = linear_model(shift=0.7, wider=1.5)
    estimates = latent.log_likelihood(model, LINEAR, (1, 10, 100, 1000), seed=3)
    means = [values.mean() for values in estimates.values()]
    assert means == sorted(means)
    kl = np.sum(0.5 * (1.5**2 + 0.7**2 / VARIANCE - 1) - np.log(1.5))
    many = [latent.log_likelihood(model, LINEAR, (1,), seed)[1].mean() for seed in range(5)]
    assert np.mean(many) == pytest.approx(EXACT.mean() - kl, abs=0.3), (
        "2,000 draws: 4 standard errors"
    )
    assert means[-1] <= EXACT.mean() + 0.01
    assert means[-1] == pytest.approx(EXACT.mean(), abs=0.02)
    np.testing.assert_allclose(estimates[1000], EXACT, atol=0.5)


def tiny():
    """A Bernoulli model of 2x2 pixels with one latent unit, whose weights are large enough that
    it says something.
    """
    model = VAE(*networks.mlp((2, 2, 1), 1, variational=True))
    for variable in model.decoder.trainable_variables:
        variable.assign(1.5 * variable)
    return model


BINARY = np.array(list(itertools.product([0, 1], repeat=4)), np.float32).reshape(-1, 2, 2, 1)


def test_bernoulli_likelihood_is_the_integral_over_the_code():
    """p(x) = integral of N(z; 0, 1) prod p^x (1 - p)^(1 - x), by Simpson's rule, within 0.01 nats;
    over all 16 images it sums to 1.

    Of grey images it is that of the binarised ones.
    """
    model = tiny()
    grid = np.linspace(-8, 8, 1601)
    probability = model.decode(grid[:, None]).reshape(-1, 4).astype(np.float64)

    def integral(binary):
        joint = np.prod(
            np.where(binary.reshape(-1, 1, 4) == 1, probability, 1 - probability), axis=2
        ) * scipy.stats.norm.pdf(grid)
        return np.log(scipy.integrate.simpson(joint, x=grid))

    exact = integral(BINARY)
    assert np.ptp(exact) > 0.5, "the model is not one of uniform images"
    values = latent.log_likelihood(model, BINARY, (5000,))[5000]
    np.testing.assert_allclose(values, exact, atol=0.01)
    assert np.exp(values).sum() == pytest.approx(1, abs=0.005)
    greys = np.random.default_rng(0).random((30, 2, 2, 1), dtype=np.float32)
    expected = integral(latent.binarize(greys, range(30), seed=2))
    np.testing.assert_allclose(
        latent.log_likelihood(model, greys, (5000,), seed=2)[5000], expected, atol=0.01
    )


def test_binarisation_is_frozen_and_has_the_mean_of_the_image():
    greys = np.linspace(-0.2, 1.2, 8, dtype=np.float32)
    images = np.broadcast_to(greys, (3000, 1, 8))[..., None]
    drawn = latent.binarize(images, range(3000), seed=0)
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_allclose(drawn.mean(axis=(0, 1, 3)), np.clip(greys, 0, 1), atol=0.04)
    assert np.array_equal(drawn[7:9], latent.binarize(images[7:9], range(7, 9), seed=0))
    assert not np.array_equal(drawn, latent.binarize(images, range(3000), seed=1))
    assert np.array_equal(latent.binarize(BINARY, range(16), seed=0), BINARY)


@pytest.fixture(scope="module")
def trained(digits):
    model = VAE(*networks.mlp((28, 28, 1), 4, variational=True))
    model.compile(optimizer=keras.optimizers.Adam(2e-3))
    model.fit(digits[0][:1000], batch_size=50, epochs=8, verbose=0)
    return model


def test_one_sample_of_binarised_digits_is_the_grey_bound_on_average(trained, digits):
    """Mean over 438 digits of 8 seeds of the one, and of 8 evaluations of the other: within 4
    standard errors, less than 1% of it.
    """
    images = digits[0][1000:]
    bounds = np.stack([latent.log_likelihood(trained, images, (1,), seed)[1] for seed in range(8)])
    grey = [
        -trained.evaluate(images, batch_size=size, verbose=0, return_dict=True)["loss"]
        for size in range(70, 78)
    ]
    error = np.sqrt(
        bounds.var(axis=0, ddof=1).mean() / bounds.size + np.var(grey, ddof=1) / len(grey)
    )
    assert 4 * error < 0.01 * abs(np.mean(grey))
    assert bounds.mean() == pytest.approx(np.mean(grey), abs=4 * error)
    assert bounds.mean() < -50, "in nats an image, and negative"


def test_more_samples_raise_the_estimate_of_digits(trained, digits):
    means = [
        values.mean()
        for values in latent.log_likelihood(trained, digits[0][1000:1050], (1, 10, 100)).values()
    ]
    assert means == sorted(means)
    assert means[2] - means[0] > 0.5


@pytest.mark.parametrize("name", ["vae three draws", "dvae two copies, three draws"])
def test_draws_of_an_image_depend_on_nothing_else(name):
    """Samples are nested, and the other images, their number and the size of the pieces change
    nothing but the last bits.
    """
    model = make(name)
    whole = latent.log_likelihood(model, IMAGES, (1, 10, 100), seed=4)
    for count in (1, 10, 100):
        np.testing.assert_allclose(
            latent.log_likelihood(model, IMAGES, (count,), seed=4)[count], whole[count], atol=1e-4
        )
    np.testing.assert_allclose(
        latent.log_likelihood(model, IMAGES[:7], (10,), seed=4)[10], whole[10][:7], atol=1e-4
    )
    other = np.concatenate([IMAGES[:1], 1 - IMAGES[1:5]])
    np.testing.assert_allclose(
        latent.log_likelihood(model, other, (10,), seed=4)[10][0], whole[10][0], atol=1e-4
    )
    with limits.use(batch_images=7):
        in_pieces = latent.log_likelihood(model, IMAGES, (1, 10, 100), seed=4)
        again = latent.log_likelihood(model, IMAGES, (1, 10, 100), seed=4)
    for count in (1, 10, 100):
        np.testing.assert_allclose(in_pieces[count], whole[count], atol=1e-4)
    assert all(np.array_equal(again[count], in_pieces[count]) for count in again)
    assert not np.allclose(
        latent.log_likelihood(model, IMAGES, (1,), seed=5)[1], whole[1], atol=1e-2
    )


def test_no_more_than_a_batch_is_decoded_at_a_time(monkeypatch):
    model, seen = make("vae"), []
    nll = type(model.likelihood).nll
    monkeypatch.setattr(
        type(model.likelihood),
        "nll",
        lambda self, target, logits: seen.append(logits.shape[0]) or nll(self, target, logits),
    )
    tf.config.run_functions_eagerly(True)
    try:
        with limits.use(batch_images=64):
            latent.log_likelihood(model, IMAGES[:9], (10, 20))
            latent.log_likelihood(model, IMAGES[:2], (100,))
    finally:
        tf.config.run_functions_eagerly(False)
    assert seen == [60, 60, 60, 64, 36, 64, 36]


def test_codes_of_any_rank_and_half_precision():
    """The same weights in bfloat16 give the same estimates to its precision; a code may have a
    place in the image.
    """
    images = np.random.default_rng(0).random((5, 8, 6, 2), dtype=np.float32)
    full, half = (
        latent.log_likelihood(
            make("vae", "residual_conv", dtype=dtype, compiled=False), images, (20,)
        )[20]
        for dtype in ("float32", "mixed_bfloat16")
    )
    assert half.dtype == np.float64
    np.testing.assert_allclose(half, full, rtol=0.02)


@pytest.mark.parametrize(
    ("model", "arguments", "error", "message"),
    [
        ("dae", (IMAGES,), TypeError, "`model` must be variational, a VAE or DVAE; got DAE"),
        ("dvae", (IMAGES, ()), ValueError, "`samples` must hold at least one number"),
        (
            "dvae",
            (IMAGES, (10, 0)),
            ValueError,
            "`samples` must be a finite number at least 1; got 0",
        ),
        ("dvae", (IMAGES, (2.5,)), TypeError, "`samples` must be a whole number; got 2.5"),
        (
            "dvae",
            (IMAGES, 10),
            TypeError,
            r"`samples` must be whole numbers such as \(1, 10, 100\); got 10 \(int\)",
        ),
        (
            "dvae",
            (IMAGES, (1,), -1),
            ValueError,
            "`seed` must be a finite number at least 0; got -1",
        ),
        (
            "dvae",
            (IMAGES[:, :5],),
            ValueError,
            r"`images` must have shape \(N, 6, 5, 2\); got \(50, 5, 5, 2\)",
        ),
        ("dvae", (IMAGES * np.nan,), ValueError, "`images` must be finite"),
        ("dvae", (IMAGES * 255,), ValueError, r"`images` must be images scaled to \[0, 1\]"),
    ],
)
def test_bad_input(model, arguments, error, message):
    with pytest.raises(error, match=message):
        latent.log_likelihood(make(model, compiled=False), *arguments)


def grey(*values):
    """Images of 2x2 pixels that are all of one grey: their distance is twice the difference."""
    return np.array(values, np.float32).repeat(4).reshape(-1, 2, 2, 1)


def test_memorization_by_hand():
    """Distances 0, 0.02, 0.4 of the synthetic images; 0.2 and 0.4 of the held-out ones, whose
    1st percentile is 0.202.
    """
    found = latent.memorization(grey(0, 0.51, 0.8), grey(0, 0.5, 1), grey(0.1, 0.3))
    assert found == pytest.approx(
        {"nearest_distance": 0.02, "nearest_distance_held_out": 0.3, "closer_than_held_out": 2 / 3},
        abs=1e-6,
    )


def test_memorization_of_copies_and_of_other_images(digits):
    train, held_out, others = digits[0][:700], digits[0][700:1100], digits[0][1100:]
    copies, fresh = (
        latent.memorization(images, train, held_out) for images in (train[:100], others)
    )
    assert copies["nearest_distance"] == pytest.approx(0, abs=1e-3)
    assert copies["closer_than_held_out"] == 1
    assert copies["nearest_distance_held_out"] == fresh["nearest_distance_held_out"]
    assert fresh["nearest_distance"] == pytest.approx(fresh["nearest_distance_held_out"], rel=0.05)
    assert fresh["closer_than_held_out"] < 0.05, "0.01 expected"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"synthetic": IMAGES[:, :5]},
            r"`synthetic` must have shape \(N, 6, 5, 2\); got \(50, 5, 5, 2\)",
        ),
        ({"held_out": IMAGES[:0]}, "`held_out` must hold at least one image"),
        ({"train": IMAGES[0]}, r"`train` must have shape \(N, H, W, C\); got \(6, 5, 2\)"),
        ({"synthetic": IMAGES * np.nan}, "`synthetic` must be finite"),
        ({"held_out": IMAGES * 255}, "`held_out` must be images scaled"),
    ],
)
def test_bad_images(changed, message):
    with pytest.raises(ValueError, match=message):
        latent.memorization(**{"synthetic": IMAGES, "train": IMAGES, "held_out": IMAGES} | changed)
