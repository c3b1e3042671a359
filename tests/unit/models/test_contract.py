"""What every model on every network obeys; a new one is tested by being listed."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import (
    IMAGES,
    PARAMETERS_OF_CASES,
    SHAPE,
    SHAPES,
    make,
)
from tfdvae import registry
from tfdvae._utils import seeds
from tfdvae.corruptions import KINDS
from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE
from tfdvae.models.variational import DVAE, VAE


@pytest.fixture
def images(network):
    return np.random.default_rng(0).random((50, *SHAPES[network][0]), dtype=np.float32)


@pytest.mark.parametrize(("name", "network"), PARAMETERS_OF_CASES)
class TestContract:
    def test_fit_evaluate_predict_on_arrays(self, name, network, images):
        model = make(name, network)
        history = model.fit(
            images, batch_size=10, epochs=4, verbose=0, validation_data=(images,)
        ).history
        expected = set(model.loss_names)
        assert set(history) == expected | {f"val_{key}" for key in expected}
        assert all(np.isfinite(values).all() for values in history.values())
        assert history["loss"][-1] < history["loss"][0]
        losses = model.evaluate(images, verbose=0, return_dict=True)
        assert set(losses) == expected
        assert losses == model.evaluate(images, verbose=0, return_dict=True), (
            "each evaluation draws the same noise"
        )
        predicted = model.predict(images, verbose=0)
        assert predicted.shape == images.shape
        assert predicted.min() >= 0
        assert predicted.max() <= 1

    def test_pairs_are_used_as_given(self, name, network, images):
        model = make(name, network)
        if model.variational:
            return
        wanted = model.likelihood.nll(images, model.decoder(model.encoder(images * 0.5)))
        losses = model.evaluate(images * 0.5, images, verbose=0, return_dict=True)
        assert losses["loss"] == pytest.approx(float(np.mean(wanted)), rel=1e-5)

    def test_history_shows_epoch_means(self, name, network, images):
        """With a learning rate of 0: the mean over batches that are computed one by one, with
        the noise of their step.
        """
        model = make(name, network, compiled=False)
        model.compile(optimizer=keras.optimizers.SGD(0.0))
        batches = tf.data.Dataset.from_tensor_slices(images).batch(10)
        expected = {loss: [] for loss in model.loss_names}
        for step, batch in enumerate(batches):
            seed = seeds.pair(model.seed, "training", step)
            for loss, values in model.losses_per_image(
                batch, None, seed, tf.constant(step), training=True
            ).items():
                expected[loss].append(np.mean(values))
        history = model.fit(batches, epochs=1, verbose=0).history
        for loss, values in expected.items():
            assert np.ptp(values) > 0
            assert history[loss][0] == pytest.approx(np.mean(values), rel=1e-4)

    def test_config_round_trip(self, name, network):
        model = make(name, network, compiled=False)
        config = json.loads(json.dumps(model.get_config()))
        again = type(model).from_config(config)
        assert json.dumps(again.get_config()) == json.dumps(model.get_config())
        assert again.corruption == model.corruption

    def test_denoise_is_decode_of_encode_whatever_the_batch_size(self, name, network, images):
        model = make(name, network)
        expected = model.denoise(images)
        np.testing.assert_allclose(model.denoise(images, batch_size=7), expected, atol=1e-6)
        if model.has_code:
            np.testing.assert_allclose(model.decode(model.encode(images)), expected, atol=1e-6)
        np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-6)

    def test_bad_images(self, name, network, images):
        model = make(name, network)
        broken = [
            (np.where(images > 0.99, np.nan, images), "finite"),
            (images[0], "shape"),
            (images[:, :3], r"must have shape \(N, "),
            (images * 255, r"\[0, 1\]"),
            (images[:0], "at least one"),
        ]
        if model.likelihood.kind == "bernoulli":
            broken.append((images - 2, r"\[0, 1\]"))
        verbs = [model.fit, model.evaluate, model.predict, model.denoise]
        verbs += [model.encode] if model.has_code else []
        for wrong, message in broken:
            for verb in verbs:
                if "must have shape" in message and verb == model.denoise and model.any_size:
                    assert verb(wrong).shape == wrong.shape
                    continue
                with pytest.raises(ValueError, match=message):
                    verb(wrong)
        for verb in verbs:
            with pytest.raises(TypeError, match=r"got uint8. Scale integers first, .* / 255"):
                verb((images * 255).astype(np.uint8))

    def test_bad_datasets(self, name, network, images):
        model = make(name, network)
        for wrong, error in (
            (np.full_like(images, np.nan), ValueError),
            (images * 255, ValueError),
            ((images * 255).astype(np.uint8), TypeError),
        ):
            for verb in (model.fit, model.evaluate):
                with pytest.raises(error, match=r"must .*(Scale|scaled|finite)"):
                    verb(tf.data.Dataset.from_tensor_slices(wrong).batch(10))

    def test_bad_calls(self, name, network, images):
        model = make(name, network)
        with pytest.raises(ValueError, match="Labels are not used"):
            model.fit(images, np.zeros(50))
        with pytest.raises(ValueError, match="Labels are not used"):
            model.fit(
                tf.data.Dataset.from_tensor_slices((images, np.zeros(50))).batch(10), verbose=0
            )
        other = images[..., :1] if model.any_size else images[:, :3]
        with pytest.raises(ValueError, match="`x` must hold images of shape"):
            model.fit(tf.data.Dataset.from_tensor_slices(other).batch(10), verbose=0)
        with pytest.raises(ValueError, match="as many images"):
            model.fit(images, images[:3])
        with pytest.raises(ValueError, match="validation_data"):
            model.fit(
                tf.data.Dataset.from_tensor_slices(images).batch(10),
                validation_split=0.1,
                verbose=0,
            )
        for labels in (np.zeros(50, np.int64), np.zeros((50, 10), np.float32)):
            with pytest.raises(ValueError, match="Labels are not used"):
                model.fit(tf.data.Dataset.from_tensor_slices((images, labels)).batch(10), verbose=0)
        with pytest.raises(ValueError, match="sample weights"):
            model.fit(
                tf.data.Dataset.from_tensor_slices((images, images, np.ones(50))).batch(10),
                verbose=0,
            )
        for size in (0, -1):
            for verb in (model.fit, model.denoise, *([model.encode] if model.has_code else [])):
                with pytest.raises(ValueError, match="`batch_size`"):
                    verb(images, batch_size=size)
        if model.has_code:
            with pytest.raises(ValueError, match=r"`codes` must have shape \(N, \d"):
                model.decode(np.zeros((2, 4)))
            with pytest.raises(ValueError, match="`codes` must be finite"):
                model.decode(np.full((2, *model.code_shape), np.nan))
        else:
            for verb in (model.encode, model.decode):
                with pytest.raises(ValueError, match="this model has no code"):
                    verb(images)
        for wrong in ({"loss": "mse"}, {"metrics": ["mae"]}):
            with pytest.raises(ValueError, match="the loss and the metrics are the model's own"):
                model.compile(optimizer="adam", **wrong)

    def test_regularizers_enter_the_loss(self, name, network, images):
        plain, model = make(name, network), make(name, network)
        network, layer = ("decoder", "logits") if model.has_code else ("encoder", "last")
        kernels = [getattr(each, network).get_layer(layer).kernel for each in (plain, model)]
        for kernel in kernels:
            kernel.assign(kernel + 0.1)  # those of a U-Net begin as zeros
        kernel.regularizer = keras.regularizers.L2(0.5)
        before, after = (
            each.evaluate(images, verbose=0, return_dict=True) for each in (plain, model)
        )
        assert after["loss"] == pytest.approx(
            before["loss"] + 0.5 * float(np.square(kernel.numpy()).sum()), rel=1e-4
        )
        assert after["reconstruction_loss"] == pytest.approx(
            before["reconstruction_loss"], rel=1e-5
        )


PARAMETERS = {  # 28x28x1 images, 4 latent units: total, not trainable
    ("mlp", False): (235_796, 0),
    ("mlp", True): (236_312, 0),
    ("strided_conv", False): (87_125 + 80, 80),
    ("strided_conv", True): (87_641 + 80, 80),
    ("pooled_conv", False): (186_511, 642),
    ("pooled_conv", True): (213_143, 642),
    ("pooled_conv_inference", False): (186_511, 642),
    ("pooled_conv_inference", True): (213_143, 642),
    ("residual_conv", False): (113_349, 0),
    ("residual_conv", True): (113_481, 0),
    ("slim_residual_conv", False): (57_957, 0),
    ("slim_residual_conv", True): (58_089, 0),
    ("unet", False): (265_297, 0),
    ("spatial_unet", False): (237_101, 0),
    ("spatial_unet", True): (237_681, 0),
}


@pytest.mark.parametrize(("network", "variational"), PARAMETERS)
def test_parameter_counts(network, variational):
    shape = (28, 28, 1)
    pair = networks.build(network, shape, 4, variational=variational)
    likelihood = "linear:1" if network == "unet" else "bernoulli"
    for cls in (VAE, DVAE) if variational else (DAE,):
        model = cls(*pair, likelihood=likelihood, image_shape=shape)
        assert (
            model.count_params(),
            model.count_params()
            - sum(np.prod(weight.shape) for weight in model.trainable_variables),
        ) == PARAMETERS[network, variational]


def test_every_network_is_listed():
    assert {network for network, _ in PARAMETERS} == set(registry.NETWORKS.names()) == set(SHAPES)


@pytest.mark.parametrize(
    ("kind", "cls"),
    [*((kind, DAE) for kind in KINDS.names() if kind != "none"), ("gaussian", DVAE)],
)
def test_every_corruption_can_be_injected(kind, cls):
    model = cls(*networks.mlp(SHAPE, 3, variational=cls.variational), corruption=f"{kind}:0.5")
    model.compile(optimizer="adam")
    assert np.isfinite(model.fit(IMAGES, epochs=1, verbose=0).history["loss"]).all()


def conv_pair(variational):
    """A user's own networks: convolutional, with a spatial code."""
    images = keras.Input((8, 8, 1))
    hidden = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(images)
    heads = [keras.layers.Conv2D(2, 3, padding="same")(hidden) for _ in range(1 + variational)]
    code = keras.Input((4, 4, 2))
    logits = keras.layers.Conv2DTranspose(1, 3, strides=2, padding="same")(code)
    return keras.Model(images, heads if variational else heads[0]), keras.Model(code, logits)


@keras.saving.register_keras_serializable(package="tests")
class Halves(keras.Model):
    """A user's own subclassed encoder with two outputs, which knows no shape before it is
    called.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.heads = [keras.layers.Dense(3), keras.layers.Dense(3)]

    def call(self, images):
        flat = keras.ops.reshape(images, (-1, 60))
        return [head(flat) for head in self.heads]


@keras.saving.register_keras_serializable(package="tests")
class Back(keras.Model):
    """A user's own subclassed decoder."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(60)

    def call(self, codes):
        return keras.ops.reshape(self.dense(codes), (-1, *SHAPE))


def test_own_subclassed_networks(tmp_path):
    with pytest.raises(ValueError, match="or give `image_shape`"):
        VAE(Halves(), Back())
    model = VAE(Halves(), Back(), image_shape=SHAPE)
    model.compile(optimizer="adam")
    model.fit(IMAGES, epochs=2, verbose=0)
    assert model.sample(2).shape == (2, *SHAPE)
    model.save(tmp_path / "m.keras")
    assert np.array_equal(
        keras.models.load_model(tmp_path / "m.keras").denoise(IMAGES), model.denoise(IMAGES)
    )


@pytest.mark.parametrize("cls", [DAE, VAE, DVAE])
def test_own_networks_with_a_spatial_code(cls, tmp_path, noise):
    model = cls(*conv_pair(cls.variational))
    model.compile(optimizer="adam")
    images = noise(20, 8, 8, 1)
    model.fit(images, epochs=2, verbose=0)
    assert model.encode(images).shape == (20, 4, 4, 2)
    if cls.variational:
        assert model.sample(3).shape == (3, 8, 8, 1)
    model.save(tmp_path / "m.keras")
    assert np.array_equal(
        keras.models.load_model(tmp_path / "m.keras").denoise(images), model.denoise(images)
    )


def dense(inputs, *outputs):
    """A model of dense layers from one shape to others."""
    start = keras.Input(inputs)
    flat = keras.layers.Flatten()(start)
    ends = [
        keras.layers.Reshape(shape)(keras.layers.Dense(int(np.prod(shape)))(flat))
        for shape in outputs
    ]
    return keras.Model(start, ends if len(ends) > 1 else ends[0])


def decoder(*layers):
    return keras.Sequential([keras.Input((3,)), *layers])


def functional_sigmoid():
    code = keras.Input((3,))
    return keras.Model(
        code, keras.ops.sigmoid(keras.layers.Reshape(SHAPE)(keras.layers.Dense(60)(code)))
    )


SIGMOIDS = {
    "activation": lambda: decoder(
        keras.layers.Dense(60), keras.layers.Reshape(SHAPE), keras.layers.Activation("sigmoid")
    ),
    "dense": lambda: decoder(keras.layers.Dense(60, "sigmoid"), keras.layers.Reshape(SHAPE)),
    "operation": lambda: functional_sigmoid(),
    "nested": lambda: decoder(
        decoder(keras.layers.Dense(60, "sigmoid"), keras.layers.Reshape(SHAPE))
    ),
}


@pytest.mark.parametrize("end", SIGMOIDS)
def test_decoder_that_ends_in_a_sigmoid(end):
    with pytest.raises(ValueError, match="leave out its final sigmoid"):
        DAE(dense(SHAPE, (3,)), SIGMOIDS[end]())


def test_decoder_with_a_sigmoid_inside():
    code = keras.Input((3,))
    gated = keras.layers.Multiply()(
        [keras.layers.Dense(60)(code), keras.layers.Dense(60, "sigmoid")(code)]
    )
    DAE(dense(SHAPE, (3,)), keras.Model(code, keras.layers.Reshape(SHAPE)(gated)))
    DAE(
        dense(SHAPE, (3,)),
        decoder(
            keras.layers.Dense(9, "sigmoid"), keras.layers.Dense(60), keras.layers.Reshape(SHAPE)
        ),
    )


def dictionary():
    """An encoder whose output is a dictionary."""
    images = keras.Input(SHAPE)
    code = keras.layers.Dense(3)(keras.layers.Flatten()(images))
    return keras.Model(images, {"mean": code, "log_variance": code})


def test_scaled_loss_is_not_forgotten():
    with pytest.raises(ValueError, match="`dtype` must be mixed_float16"):
        DAE(*networks.mlp(SHAPE, 3, variational=False, dtype="mixed_float16"))


@pytest.mark.parametrize(
    ("cls", "encoder", "decoder", "error", "message"),
    [
        (
            DAE,
            lambda: "mlp",
            lambda: dense((3,), SHAPE),
            TypeError,
            "`encoder` must be a keras.Model; got str",
        ),
        (
            DAE,
            lambda: dense(SHAPE, (3,)),
            lambda: keras.layers.Dense(3),
            TypeError,
            "`decoder` must be a keras.Model",
        ),
        (
            DAE,
            lambda: keras.Sequential([keras.layers.Dense(3)]),
            lambda: dense((3,), SHAPE),
            ValueError,
            "known input",
        ),
        (
            DAE,
            lambda: dense((30,), (3,)),
            lambda: dense((3,), SHAPE),
            ValueError,
            "one input of images",
        ),
        (
            DAE,
            lambda: dense(SHAPE, (3,), (3,)),
            lambda: dense((3,), SHAPE),
            ValueError,
            "one output, the code",
        ),
        (
            VAE,
            lambda: dense(SHAPE, (3,)),
            lambda: dense((3,), SHAPE),
            ValueError,
            "two outputs of one shape, mean and log-variance",
        ),
        (
            DVAE,
            lambda: dense(SHAPE, (3,), (4,)),
            lambda: dense((3,), SHAPE),
            ValueError,
            "two outputs of one shape",
        ),
        (
            DAE,
            lambda: dense(SHAPE, (3,)),
            lambda: dense((4,), SHAPE),
            ValueError,
            r"`decoder` must take the encoder's code",
        ),
        (
            DAE,
            lambda: dense(SHAPE, (3,)),
            lambda: dense((3,), (6, 5, 1)),
            ValueError,
            r"shape of the images, \(None, 6, 5, 2\)",
        ),
        (VAE, dictionary, lambda: dense((3,), SHAPE), ValueError, "a list of two outputs"),
        (DAE, dictionary, lambda: dense((3,), SHAPE), ValueError, "one output, the code"),
        (
            DAE,
            lambda: keras.Sequential(
                [
                    keras.Input(batch_shape=(10, *SHAPE)),
                    keras.layers.Flatten(),
                    keras.layers.Dense(3),
                ]
            ),
            lambda: dense((3,), SHAPE),
            ValueError,
            "any N",
        ),
    ],
)
def test_networks_that_do_not_fit(cls, encoder, decoder, error, message):
    with pytest.raises(error, match=message):
        cls(encoder(), decoder())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corruption": "gausian:0.1"}, "Did you mean 'gaussian'"),
        ({"objective": "clean"}, "`objective`"),
        ({"likelihood": "poisson"}, "`likelihood`"),
        ({"likelihood": "gaussian:0"}, "`likelihood`"),
        ({"corruption_samples": 0}, "`corruption_samples`"),
        ({"beta": -1.0}, "`beta`"),
        ({"latent_samples": 0}, "`latent_samples`"),
        ({"beta_warmup_steps": -1}, "`beta_warmup_steps`"),
        ({"seed": -1}, "`seed`"),
    ],
)
def test_bad_settings(options, message):
    with pytest.raises(ValueError, match=message):
        DVAE(dense(SHAPE, (3,), (3,)), dense((3,), SHAPE), **options)


@pytest.mark.parametrize("options", [{"latent_dim": 0}, {"image_shape": (0, 5, 1)}])
def test_bad_network_sizes(options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}`"):
        networks.mlp(**{"image_shape": SHAPE, "latent_dim": 3, "variational": True} | options)


def test_networks_share_no_random_state():
    first, second, other = (
        networks.mlp(SHAPE, 3, variational=True, seed=seed)[0].get_weights() for seed in (0, 0, 1)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], other[0])
