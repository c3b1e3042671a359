"""Losses against NumPy and SciPy."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import seeds
from tfdvae.models import likelihoods, networks
from tfdvae.models.autoencoder import DAE
from tfdvae.models.variational import DVAE, VAE, kl_weight

SHAPE = (4, 3, 1)
IMAGES = np.random.default_rng(0).random((6, *SHAPE), dtype=np.float32)
LOGITS = np.random.default_rng(1).normal(0, 2, (6, *SHAPE)).astype(np.float32)
SEED = seeds.pair(0, "x", 3)


def bce(target, logits):
    p = 1 / (1 + np.exp(-logits.astype(np.float64)))
    return -(target * np.log(p) + (1 - target) * np.log(1 - p)).sum(axis=(1, 2, 3))


def test_bernoulli_is_the_binary_cross_entropy_summed_over_pixels():
    np.testing.assert_allclose(
        likelihoods.Bernoulli().nll(IMAGES, LOGITS), bce(IMAGES, LOGITS), rtol=1e-5
    )
    keras_bce = keras.ops.binary_crossentropy(IMAGES, LOGITS, from_logits=True)
    np.testing.assert_allclose(
        likelihoods.Bernoulli().nll(IMAGES, LOGITS), np.sum(keras_bce, axis=(1, 2, 3)), rtol=1e-5
    )


def test_bernoulli_of_extreme_logits_is_finite():
    logits = np.array([-1e4, 1e4, 0, 50], np.float32).reshape(4, 1, 1, 1)
    target = np.array([0, 1, 0.5, 0], np.float32).reshape(4, 1, 1, 1)
    np.testing.assert_allclose(
        likelihoods.Bernoulli().nll(target, logits), [0, 0, np.log(2), 50], atol=1e-5
    )


def test_bernoulli_clips_noisy_targets():
    noisy = IMAGES * 3 - 1
    np.testing.assert_allclose(
        likelihoods.Bernoulli().nll(noisy, LOGITS), bce(np.clip(noisy, 0, 1), LOGITS), rtol=1e-5
    )


@pytest.mark.parametrize("sigma", [0.1, 1.0, 2.5])
def test_gaussian_is_the_normal_density(sigma):
    mean = 1 / (1 + np.exp(-LOGITS.astype(np.float64)))
    expected = -scipy.stats.norm(mean, sigma).logpdf(IMAGES).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(likelihoods.Gaussian(sigma).nll(IMAGES, LOGITS), expected, rtol=1e-5)


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_linear_is_the_normal_density_around_the_output_itself(sigma):
    outside = IMAGES * 3 - 1
    expected = -scipy.stats.norm(LOGITS, sigma).logpdf(outside).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(likelihoods.Linear(sigma).nll(outside, LOGITS), expected, rtol=1e-5)


def test_images_of_linear_are_clipped_and_those_of_the_loss_are_not():
    linear = likelihoods.Linear(1.0)
    assert LOGITS.min() < -1
    assert LOGITS.max() > 2
    assert np.array_equal(linear.mean(LOGITS), np.clip(LOGITS, 0, 1))
    assert np.array_equal(linear.expected(LOGITS), LOGITS)
    assert not linear.unit_range


@pytest.mark.parametrize("text", ["bernoulli", "mse", "gaussian:0.5", "linear:0.5"])
def test_weights_of_pixels(text):
    """The loss of each pixel is that of an image whose other pixels weigh nothing."""
    likelihood = likelihoods.parse(text)
    weights = np.random.default_rng(2).random((6, *SHAPE), dtype=np.float32)
    each = [
        likelihood.nll(IMAGES, LOGITS, mask) * np.sum(weights * mask, axis=(1, 2, 3))
        for mask in np.eye(12, dtype=np.float32).reshape(12, 1, *SHAPE)
    ]
    weighted = likelihood.nll(IMAGES, LOGITS, weights)
    np.testing.assert_allclose(weighted, np.sum(each, axis=0), rtol=1e-5)
    ones = np.ones_like(weights)
    np.testing.assert_allclose(
        likelihood.nll(IMAGES, LOGITS, ones), likelihood.nll(IMAGES, LOGITS), rtol=1e-6
    )


def test_mean_squared_error_is_the_mean_over_pixels():
    mean = 1 / (1 + np.exp(-LOGITS.astype(np.float64)))
    target = IMAGES * 2 - 1
    np.testing.assert_allclose(
        likelihoods.MeanSquaredError().nll(target, LOGITS),
        np.mean((target - mean) ** 2, axis=(1, 2, 3)),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    "text", ["bernoulli", "mse", "gaussian:0.25", "gaussian:0.123456789", "linear:0.25"]
)
def test_likelihood_text_and_back(text):
    assert str(likelihoods.parse(text)) == text
    assert likelihoods.parse(likelihoods.parse(text)) == likelihoods.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "gaussian:abc",
        "gaussian:-1",
        "gaussian:",
        "gaussian",
        "linear",
        "linear:0",
        "bernoulli:3",
        "mse:1",
        "bernouli",
        "",
    ],
)
def test_likelihood_refused(text):
    with pytest.raises(ValueError, match="`likelihood` must be"):
        likelihoods.parse(text)


def losses(model, step=None):
    return {
        name: value.numpy()
        for name, value in model.losses_per_image(
            tf.constant(IMAGES), None, SEED, step, False
        ).items()
    }


def test_ae_reconstructs_the_image():
    model = DAE(*networks.mlp(SHAPE, 2, variational=False), corruption="none")
    expected = bce(IMAGES, model.decoder(model.encoder(IMAGES)).numpy())
    np.testing.assert_allclose(losses(model)["loss"], expected, rtol=1e-5)


@pytest.mark.parametrize("objective", ["observed", "corrupted"])
@pytest.mark.parametrize("samples", [1, 3])
def test_dae_reconstructs_its_target_from_the_corrupted_image(objective, samples):
    model = DAE(
        *networks.mlp(SHAPE, 2, variational=False),
        "masking:0.5",
        objective,
        corruption_samples=samples,
    )
    copies = np.repeat(IMAGES, samples, axis=0)
    corrupted = corruptions.parse("masking:0.5")(copies, SEED).numpy()
    expected = bce(
        copies if objective == "observed" else corrupted,
        model.decoder(model.encoder(corrupted)).numpy(),
    )
    np.testing.assert_allclose(
        losses(model)["loss"], expected.reshape(6, samples).mean(axis=1), rtol=1e-5
    )


def variational_pair(mean, log_variance):
    """An encoder that gives the same posterior for every image, and a decoder that ignores
    nothing.
    """
    images = keras.Input(SHAPE)
    flat = keras.layers.Flatten()(images)
    heads = [
        keras.layers.Dense(len(mean), kernel_initializer="zeros", name=name)(flat)
        for name in ("mean", "log_variance")
    ]
    encoder = keras.Model(images, heads)
    encoder.get_layer("mean").bias.assign(mean)
    encoder.get_layer("log_variance").bias.assign(log_variance)
    return encoder, networks.mlp(SHAPE, len(mean), variational=True)[1]


def test_kl_of_a_normal_posterior_by_hand():
    """KL(N(m, s^2) || N(0, 1)) = (m^2 + s^2 - log s^2 - 1) / 2; for m = 1, s^2 = 1: 0.5; for m =
    0, s^2 = e: (e - 2) / 2.
    """
    model = VAE(*variational_pair([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    np.testing.assert_allclose(
        losses(model)["kl_loss"], np.full(6, 0.5 + (np.e - 2) / 2), rtol=1e-6
    )


def test_log_variance_is_bounded():
    model = VAE(*variational_pair([0.0, 0.0], [1e4, -1e4]))
    assert np.isfinite(losses(model)["loss"]).all()


@pytest.mark.parametrize("draws", [1, 4])
def test_vae_reconstruction_is_the_mean_over_draws(draws):
    """Against a NumPy estimate with 4,000 draws of its own: five standard errors."""
    mean, log_variance = np.array([0.5, -1.0], np.float32), np.array([-0.5, 0.3], np.float32)
    model = VAE(*variational_pair(mean, log_variance), latent_samples=draws)
    codes = mean + np.exp(0.5 * log_variance) * np.random.default_rng(0).standard_normal(
        (4000, 2)
    ).astype(np.float32)
    logits = model.decoder(codes).numpy()
    each = bce(np.repeat(IMAGES[:1], 4000, axis=0), logits)
    estimates = np.array(
        [
            model.losses_per_image(
                tf.constant(IMAGES[:1]), None, seeds.pair(0, "x", i), None, False
            )["reconstruction_loss"].numpy()[0]
            for i in range(400)
        ]
    )
    assert estimates.mean() == pytest.approx(
        each.mean(), abs=5 * each.std() * np.sqrt(1 / 4000 + 1 / (400 * draws))
    )
    assert estimates.std() == pytest.approx(each.std() / np.sqrt(draws), rel=0.25)


def test_dvae_without_a_shift_of_the_input_is_a_vae():
    """An encoder that ignores its input makes the denoising bound the evidence bound."""
    pair = variational_pair([0.5, -1.0], [-0.5, 0.3])
    np.testing.assert_allclose(
        losses(DVAE(*pair, corruption="gaussian:0.5"))["loss"],
        losses(VAE(*pair))["loss"],
        rtol=1e-5,
    )


def test_dvae_encodes_the_corrupted_and_reconstructs_the_observed():
    """The posterior is made all but certain, so that the loss is that of a DAE plus the KL of
    the corrupted image.
    """
    encoder, decoder = networks.mlp(SHAPE, 2, variational=True)
    encoder.get_layer("log_variance").set_weights([np.zeros((128, 2)), np.full(2, -30.0)])
    model = DVAE(encoder, decoder, corruption="gaussian:0.3", corruption_samples=2)
    corruption_seed = tf.random.split(SEED, 2)[0]
    copies = np.repeat(IMAGES, 2, axis=0)
    corrupted = corruptions.parse("gaussian:0.3")(copies, corruption_seed)
    mean = encoder(corrupted)[0].numpy()
    kl = 0.5 * (mean**2 + np.exp(-30) + 30 - 1).sum(axis=1).reshape(6, 2).mean(axis=1)
    reconstruction = bce(copies, decoder(mean).numpy()).reshape(6, 2).mean(axis=1)
    found = losses(model)
    np.testing.assert_allclose(found["kl_loss"], kl, rtol=1e-5)
    np.testing.assert_allclose(found["reconstruction_loss"], reconstruction, rtol=1e-4)


def test_beta_weighs_the_kl():
    pair = variational_pair([1.0, 0.0], [0.0, 0.0])
    found = losses(VAE(*pair, beta=3.0))
    np.testing.assert_allclose(found["loss"], found["reconstruction_loss"] + 3 * 0.5, rtol=1e-6)


@pytest.mark.parametrize(
    ("step", "beta", "warmup", "expected"),
    [
        (0, 2.0, 0, 2.0),
        (0, 2.0, 10, 0.0),
        (5, 2.0, 10, 1.0),
        (10, 2.0, 10, 2.0),
        (99, 2.0, 10, 2.0),
        (None, 2.0, 10, 2.0),
    ],
)
def test_kl_weight(step, beta, warmup, expected):
    assert float(kl_weight(step, beta, warmup)) == expected


def test_warmup_happens_inside_the_compiled_step():
    """With a constant KL of 0.5, loss minus reconstruction is 0.5 * beta * step / warmup at each
    step.
    """
    model = VAE(*variational_pair([1.0, 0.0], [0.0, 0.0]), beta=2.0, beta_warmup_steps=4)
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    history = model.fit(IMAGES, batch_size=6, epochs=6, verbose=0).history
    weights = (np.array(history["loss"]) - np.array(history["reconstruction_loss"])) / 0.5
    np.testing.assert_allclose(weights, [0, 0.5, 1, 1.5, 2, 2], atol=1e-4)


def test_sample_decodes_the_prior():
    model = VAE(*networks.mlp(SHAPE, 2, variational=True))
    assert np.array_equal(model.sample(5, seed=1), model.sample(5, seed=1))
    assert not np.array_equal(model.sample(5, seed=1), model.sample(5, seed=2))
    codes = np.random.default_rng(0).standard_normal((20000, 2)).astype(np.float32)
    expected = model.decode(codes)
    spread = expected.std(axis=0)
    found = model.sample(20000, seed=3)
    assert np.all(np.abs(found.mean(axis=0) - expected.mean(axis=0)) < 5 * spread / 100)


def test_mean_squared_error_is_no_likelihood_of_a_vae():
    pair = networks.mlp((8, 8, 1), 2, variational=True)
    for model in (VAE, DVAE):
        with pytest.raises(ValueError, match="`likelihood` mse"):
            model(*pair, likelihood="mse")
