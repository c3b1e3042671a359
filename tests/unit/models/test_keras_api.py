"""What Keras offers to every model works with ours: compile, fit, save, load, export, summary."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdvae
from tests.helpers.models import IMAGES, SHAPE, make, weights_hash
from tfdvae.models.autoencoder import DAE
from tfdvae.models.base import DenoisingModel


def own_networks():
    """Networks of a user, who gave them no names."""
    images = keras.Input(SHAPE)
    encoder = keras.Model(images, keras.layers.Dense(3)(keras.layers.Flatten()(images)))
    decoder = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(60), keras.layers.Reshape(SHAPE)]
    )
    return encoder, decoder


def test_validation_split_holds_out_the_last_images():
    split, given = (make("dvae") for _ in range(2))
    history = split.fit(IMAGES, batch_size=10, epochs=2, validation_split=0.3, verbose=0).history
    expected = given.fit(
        IMAGES[:35], batch_size=10, epochs=2, validation_data=(IMAGES[35:],), verbose=0
    ).history
    assert history == expected
    assert weights_hash(split) == weights_hash(given)
    pairs = make("dae").fit(IMAGES * 0.9, IMAGES, epochs=1, validation_split=0.3, verbose=0)
    assert "val_loss" in pairs.history
    for fraction, message in ((1.0, "must leave images"), (1.5, "between 0 and 1")):
        with pytest.raises(ValueError, match=f"`validation_split` {message}|{message}"):
            split.fit(IMAGES, validation_split=fraction, verbose=0)


BYTES = np.rint(255 * IMAGES).astype(np.uint8)
SET = tf.data.Dataset.from_tensor_slices


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (BYTES, TypeError, "`x` must hold floating point images .* got uint8"),
        ((BYTES,), TypeError, "`x` must hold floating point images"),
        ((IMAGES, BYTES), TypeError, "`y` must hold floating point images"),
        (
            (IMAGES, np.zeros(50)),
            ValueError,
            r"`y` must be target images .* got shape \(50,\). Labels",
        ),
        ((IMAGES, IMAGES[:3]), ValueError, "`x` and `y` must hold as many images; got 50"),
        ((IMAGES, IMAGES, np.ones(50)), ValueError, "sample weights are not supported"),
        (IMAGES[:, :3], ValueError, r"`x` must have shape \(N, 6, 5, 2\)"),
        (IMAGES * np.nan, ValueError, "`x` must be finite"),
        (SET(BYTES).batch(10), TypeError, "`x` must hold floating point images"),
        (SET((IMAGES, np.zeros(50))).batch(10), ValueError, "`y` must hold images .*Labels are"),
        (SET(255 * IMAGES).batch(10), ValueError, "`first batch of x` must be"),
    ],
)
def test_validation_data_are_checked_before_training(given, error, message):
    for images in (IMAGES, SET(IMAGES).batch(10)):
        model = make("dae")
        with pytest.raises(error, match=f"`validation_data`: {message}"):
            model.fit(images, epochs=1, validation_data=given, verbose=0)
        assert model.optimizer.iterations == 0


def test_validation_data_are_checked_once_and_may_have_noise():
    class Counting(DAE):
        checked = ()

        def check_images(self, name, *args, **kwargs):
            self.checked += (name,)
            return super().check_images(name, *args, **kwargs)

    model = Counting(*own_networks(), corruption="none")
    model.compile(optimizer="adam")
    model.fit(IMAGES, epochs=3, validation_data=(1.1 * IMAGES - 0.05,), verbose=0)
    assert model.checked == ("x", "x")


@pytest.mark.parametrize("options", [{}, {"validation_batch_size": 7}])
def test_validation_is_in_batches_of_its_own_size_or_of_the_training(options):
    class Batches(keras.callbacks.Callback):
        count = 0

        def on_test_batch_end(self, batch, logs=None):
            self.count += 1

    callback = Batches()
    make("dae").fit(
        IMAGES, batch_size=10, validation_data=IMAGES, callbacks=[callback], verbose=0, **options
    )
    assert callback.count == (8 if options else 5)


@pytest.mark.parametrize("name", ["dae", "dvae"])
def test_a_compiled_model_is_loaded_compiled_and_without_a_warning(name, tmp_path):
    model = make(name)
    model.fit(IMAGES, batch_size=10, epochs=1, verbose=0)
    model.save(tmp_path / "m.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        loaded = keras.models.load_model(tmp_path / "m.keras")
        make(name).save(tmp_path / "new.keras")
        assert keras.models.load_model(tmp_path / "new.keras").compiled
    assert loaded.compiled
    assert int(loaded.optimizer.iterations) == 5
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    make(name, compiled=False).save(tmp_path / "plain.keras")
    assert not keras.models.load_model(tmp_path / "plain.keras").compiled


@pytest.mark.parametrize("file", ["m.h5", "m.hdf5", "m", "m.tf"])
def test_a_file_that_could_not_be_loaded_is_not_saved(file, tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.keras"):
        make("dae").save(tmp_path / file)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("state", ["built", "fitted", "loaded"])
def test_export_of_keras(state, tmp_path):
    model = make("dvae", compiled=state != "built")
    if state == "fitted":
        model.fit(IMAGES, epochs=1, verbose=0)
    if state == "loaded":
        model.save(tmp_path / "m.keras")
        model = keras.models.load_model(tmp_path / "m.keras")
    model.export(tmp_path / "saved_model", verbose=False)
    exported = tf.saved_model.load(tmp_path / "saved_model")
    np.testing.assert_allclose(exported.serve(IMAGES[:7]), model.denoise(IMAGES[:7]), atol=1e-6)


@pytest.mark.parametrize(
    ("corruption", "compiles"),
    [("gaussian:0.1", True), ("poisson:0.2", False), ("gaussian:0.1,poisson:0.2", False)],
)
def test_keras_is_told_what_xla_cannot_compile(corruption, compiles):
    assert make("dae", corruption=corruption).supports_jit is compiles


def test_summary_names_encoder_and_decoder():
    """Where Keras named them; a name of the user's own stays, and no network is renamed."""
    encoder, decoder = own_networks()
    named = keras.Model(encoder.inputs, encoder.outputs, name="mine")
    for model, names in (
        (DAE(encoder, decoder), ("encoder (Functional)", "decoder (Sequential)")),
        (DAE(named, decoder), ("mine (Functional)", "decoder (Sequential)")),
    ):
        kept = model.encoder.name, model.decoder.name
        lines = []
        model.summary(print_fn=lambda line, lines=lines: lines.append(line))
        assert all(name in "\n".join(lines) for name in names)
        assert (model.encoder.name, model.decoder.name) == kept


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_loaded_model_in_the_graph_of_a_dataset(batched, dtype):
    model = tfdvae.load(make("dae", shape=(6, 5, 1)))
    pictures = np.random.default_rng(0).random((8, 6, 5, 1), dtype=np.float32)
    pictures = pictures if dtype == "float32" else np.rint(255 * pictures).astype(np.uint8)
    dataset = tf.data.Dataset.from_tensor_slices((pictures, np.arange(8)))
    dataset = dataset.batch(4) if batched else dataset
    mapped = list(dataset.map(lambda images, labels: (model.denoise(images), labels)))
    made = np.concatenate([part if batched else part[None] for part, _ in mapped])
    assert made.dtype == dtype
    step = 1e-5 if dtype == "float32" else 1
    np.testing.assert_allclose(made.astype(float), model.denoise(pictures).astype(float), atol=step)
    methods = [model.encode, model.anomaly_scores]
    if dtype == "float32":
        methods.append(model.impute)
    else:
        with pytest.raises(ValueError, match="images of uint8, which have no NaN"):
            dataset.map(lambda images, labels: model.impute(images))
    for method in methods:
        assert len(list(dataset.map(lambda images, labels, method=method: method(images)))) == len(
            mapped
        )
    with pytest.raises(TypeError, match="map_function"):
        dataset.map(lambda images, labels: model.augment(images))


@pytest.mark.parametrize("name", ["dae", "vae", "dvae"])
def test_a_keras_model_in_the_graph_of_a_dataset(name):
    model = make(name)
    dataset = tf.data.Dataset.from_tensor_slices(IMAGES).batch(20)
    for method in (model.denoise, model.encode):
        made = np.concatenate(list(dataset.map(method)))
        np.testing.assert_allclose(made, method(IMAGES), atol=1e-5)
    codes = tf.data.Dataset.from_tensor_slices(model.encode(IMAGES)).batch(20)
    decoded = np.concatenate(list(codes.map(model.decode)))
    np.testing.assert_allclose(decoded, model.denoise(IMAGES), atol=1e-5)
    with pytest.raises(ValueError, match=r"`images` must have shape \(N, 6, 5, 2\)"):
        dataset.unbatch().map(model.denoise)
    with pytest.raises(TypeError, match=r"got uint8. Scale integers first"):
        dataset.map(lambda images: model.denoise(tf.cast(images, tf.uint8)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be finite and scaled"):
        list(dataset.map(lambda images: model.denoise(255 * images)))


@pytest.mark.parametrize("name", ["class_weight", "sample_weight"])
def test_weights_of_images_are_refused_by_name(name):
    model = make("dae")
    with pytest.raises(ValueError, match=f"`{name}` must be left out"):
        model.fit(IMAGES, **{name: {0: 1.0}})


def test_a_model_without_losses_cannot_be_made():
    class Lossless(DenoisingModel):
        variational = False
        loss_names = ("loss",)

    with pytest.raises(TypeError, match=r"abstract.*losses_per_image"):
        Lossless(*own_networks(), "none", "observed", "bernoulli", 1, 0)


@pytest.mark.parametrize("x", [None, 5, 0.5, "images", b"images"])
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_what_is_no_image_at_all_is_refused(method, x):
    model = make("dae")
    with pytest.raises(TypeError, match="`x` must be images, an array or a dataset of them; got "):
        getattr(model, method)(x)
