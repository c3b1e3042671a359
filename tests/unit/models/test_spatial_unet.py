"""Two U-Nets with a code as large as the image."""

import keras
import numpy as np
import pytest

from tfdvae.config import TrainConfig
from tfdvae.models import build, networks
from tfdvae.models.variational import DVAE

SIZES = [(1, 9), (12, 10)]


def images_of(height, width, channels=1, count=2):
    random = np.random.default_rng(0)
    return random.normal(0.5, 1, (count, height, width, channels)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_an_untrained_network_is_the_identity_with_little_noise(height, width, dtype):
    encoder, decoder = networks.spatial_unet(
        (8, 8, 2), 3, variational=True, filters=4, dtype=dtype, mean=0.5, deviation=2.0
    )
    images = images_of(height, width, 2)
    mean, log_variance = encoder(images)
    assert mean.shape == log_variance.shape == (2, height, width, 3)
    np.testing.assert_allclose(mean[..., :2], (images - 0.5) / 2, atol=1e-6)
    assert not np.any(mean[..., 2])
    np.testing.assert_allclose(log_variance, -4)
    made = decoder(mean)
    assert made.dtype == "float32"
    np.testing.assert_allclose(made, images, atol=1e-5)


def test_fewer_channels_than_the_image_has_hold_the_first_of_them():
    encoder, decoder = networks.spatial_unet((8, 8, 3), 1, variational=False, filters=4)
    images = images_of(6, 5, 3)
    code = encoder(images)
    assert np.array_equal(code, images[..., :1])
    assert np.array_equal(decoder(code)[..., :1], images[..., :1])
    assert not np.any(decoder(code)[..., 1:])


def test_posterior_and_draws_of_images_of_any_size(tmp_path):
    pair = networks.spatial_unet((12, 10, 1), 2, variational=True, filters=4)
    model = DVAE(*pair, likelihood="linear:0.1", image_shape=(12, 10, 1))
    random = np.random.default_rng(0)
    for variable in model.trainable_variables:  # so that it does something
        size = max(1, np.prod(variable.shape[:-1]))
        variable.assign(random.normal(0, 0.5 / np.sqrt(size), variable.shape))
    assert (model.any_size, model.code_shape) == (True, (12, 10, 2))
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    for height, width in SIZES:
        images = np.clip(images_of(height, width), 0, 1)
        drawn = model.sample_around(images, count=3)
        assert drawn.shape == (2, 3, height, width, 1)
        assert drawn.std(axis=1).mean() > 0.01
        np.testing.assert_allclose(loaded.sample_around(images, count=3), drawn, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "draws"),
    [
        ({"network": "spatial_unet"}, 16),
        ({"network": "residual_conv"}, None),  # as in earlier versions
        ({"network": "spatial_unet", "model": "dae"}, None),
        ({"network": "spatial_unet", "objective": "observed", "likelihood": "bernoulli"}, None),
    ],
)
def test_a_dvae_of_noisy_images_asks_for_draws(settings, draws):
    given = {"objective": "recorrupted", "corruption": "gaussian:0.1", "likelihood": "linear:0.2"}
    config = TrainConfig.of(**{"model": "dvae", **given, **settings})
    assert build.build_generator(config, (12, 10, 1)).posterior_samples == draws


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deviation": 0}, "`deviation` must be a finite number above 0; got 0"),
        ({"latent_dim": 0}, "`latent_dim` must be a finite number at least 1; got 0"),
    ],
)
def test_refused(options, message):
    settings = {"latent_dim": 1, "variational": True} | options
    with pytest.raises(ValueError, match=message):
        networks.spatial_unet((8, 8, 1), **settings)
