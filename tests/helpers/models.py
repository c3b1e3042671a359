"""Small models of every kind on every network, for the tests that all of them obey."""

import hashlib

import keras
import numpy as np
import pytest

from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE
from tfdvae.models.variational import DVAE, VAE

SHAPE = (6, 5, 2)
IMAGES = np.random.default_rng(0).random((50, *SHAPE), dtype=np.float32)

MODELS = {
    "ae": (DAE, {"corruption": "none"}),
    "dae": (DAE, {"corruption": "gaussian:0.2"}),
    "dae corrupted target": (
        DAE,
        {"corruption": "gaussian:0.2", "objective": "corrupted", "likelihood": "gaussian:0.5"},
    ),
    "dae two copies": (DAE, {"corruption": "masking:0.5", "corruption_samples": 2}),
    "dae recorrupted": (  # of so much noise that there is something to learn at once
        DAE,
        {
            "corruption": "gaussian:0.5",
            "objective": "recorrupted",
            "likelihood": "linear:0.5",
            "corruption_samples": 4,
        },
    ),
    "dae recorrupted photons": (
        DAE,
        {
            "corruption": "poisson:0.5",
            "objective": "recorrupted",
            "likelihood": "linear:0.5",
            "corruption_samples": 4,
        },
    ),
    "dae masked": (
        DAE,
        {
            "corruption": "none",
            "objective": "masked",
            "likelihood": "linear:1",
            "corruption_samples": 4,
        },
    ),
    "dae paired": (  # for networks that take images of any size
        DAE,
        {"corruption": "none", "objective": "paired", "likelihood": "linear:1"},
    ),
    "vae": (VAE, {"beta": 0.5, "beta_warmup_steps": 5}),
    "vae three draws": (VAE, {"latent_samples": 3, "likelihood": "gaussian:0.3"}),
    "dvae": (DVAE, {"corruption": "gaussian:0.2"}),
    "dvae corrupted target": (DVAE, {"corruption": "uniform:0.2", "objective": "corrupted"}),
    "dvae recorrupted": (
        DVAE,
        {"corruption": "gaussian:0.2", "objective": "recorrupted", "likelihood": "linear:0.5"},
    ),
    "dvae recorrupted photons": (
        DVAE,
        {
            "corruption": "poisson:0.5",
            "objective": "recorrupted",
            "likelihood": "linear:0.5",
            "corruption_samples": 4,
        },
    ),
    "dvae masked": (  # a linear output begins at 0, so that there is something to learn
        DVAE,
        {
            "corruption": "none",
            "objective": "masked",
            "likelihood": "linear:0.5",
            "corruption_samples": 4,
        },
    ),
    "dvae two copies, three draws": (
        DVAE,
        {"corruption": "salt_and_pepper:0.2", "corruption_samples": 2, "latent_samples": 3},
    ),
}
SHAPES = {
    "mlp": [SHAPE, (7, 9, 3), (1, 1, 1)],
    "strided_conv": [(12, 20, 2), (28, 28, 1)],
    "pooled_conv": [(16, 20, 2), (28, 28, 1)],
    "pooled_conv_inference": [(16, 20, 2), (28, 28, 1)],
    "residual_conv": [(8, 6, 2), (28, 28, 1)],
    "slim_residual_conv": [(8, 6, 2), (28, 28, 1)],
    "unet": [(12, 10, 2), (7, 9, 3), (1, 1, 1)],
    "spatial_unet": [(12, 10, 2), (7, 9, 3), (1, 1, 1)],
}
CONVOLUTIONAL = (
    "strided_conv",
    "pooled_conv",
    "residual_conv",
)  # the others differ from one of them in one thing
OF_NOISY_IMAGES = ("dae recorrupted", "dae masked", "dae paired")
CASES = [
    *(("mlp", name) for name in MODELS if name != "dae paired"),
    *((network, name) for network in CONVOLUTIONAL for name in ("dae", "dvae")),
    *(("unet", name) for name in OF_NOISY_IMAGES),
    ("residual_conv", "dvae recorrupted"),
    ("spatial_unet", "dvae recorrupted"),
]
FAST = {("strided_conv", "dae")}  # of the convolutional ones; the others take minutes together
SLOW = (  # "dae recorrupted" and "dvae masked" have their parts, but for the photons
    "dae masked",
    "dvae recorrupted",
    "dvae recorrupted photons",
)


def case(network, name, slow):
    marks = pytest.mark.slow if slow else ()
    return pytest.param(name, network, id=f"{network}-{name}", marks=marks)


PARAMETERS_OF_CASES = [
    case(network, name, name in SLOW if network == "mlp" else (network, name) not in FAST)
    for network, name in CASES
]
# For tests that train again and again: of the models on mlp, those that have between them every
# part of the others (no corruption, another target, likelihood and warm-up, copies and draws);
# of the convolutional networks, each as a DVAE, and one as a DAE too; unet with each objective.
OF_ALL_PARTS = (
    "ae",
    "dae corrupted target",
    "vae",
    "dvae two copies, three draws",
)
PARAMETERS_OF_TRAINING = [
    each
    for each in PARAMETERS_OF_CASES
    if each.values[0] in OF_ALL_PARTS
    or (each.values[1] != "mlp" and each.values[0] == "dvae")
    or each.values[1] in ("residual_conv", "unet", "spatial_unet")
]
PARAMETERS_OF_TRAINING += [
    case("mlp", name, slow=True)
    for name in ("dae recorrupted", "dae recorrupted photons", "dvae masked")
]


def make(name, network="mlp", shape=None, seed=0, dtype="float32", compiled=True, **options):
    cls, settings = MODELS[name]
    shape = shape or SHAPES[network][0]
    pair = networks.build(network, shape, 3, variational=cls.variational, seed=seed, dtype=dtype)
    options = {"image_shape": shape, **settings, **options}
    model = cls(*pair, **options, seed=seed, dtype=dtype)
    if compiled:
        rate = 1e-3 if "unet" in network else 1e-2  # larger steps throw a U-Net far off at first
        model.compile(optimizer=keras.optimizers.Adam(rate))
    return model


def weights_hash(model):
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()


def make_unet(shape=(12, 10, 1), filters=4, seed=0, **options):
    """A small U-Net whose weights are all random, so that it does something."""
    pair = networks.unet(shape, variational=False, filters=filters)
    settings = {
        "corruption": "none",
        "objective": "masked",
        "likelihood": "linear:1",
        "image_shape": shape,
    }
    model = DAE(*pair, **{**settings, **options})
    random = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        size = max(1, np.prod(variable.shape[:-1]))
        variable.assign(random.normal(0, 0.5 / np.sqrt(size), variable.shape))
    return model


def make_known_posterior(shape=(8, 6, 1), deviation=0.05, **options):
    """A DVAE for images of any size: a draw is the image and noise of a known deviation."""
    images = keras.Input((None, None, shape[-1]))
    log_variance = keras.layers.Rescaling(0, 2 * np.log(deviation))(images)
    encoder = keras.Model(images, [keras.layers.Rescaling(1)(images), log_variance])
    code = keras.Input((None, None, shape[-1]))
    decoder = keras.Model(code, keras.layers.Rescaling(1)(code))
    return DVAE(encoder, decoder, likelihood="linear:0.1", image_shape=shape, **options)
