"""What training of every model obeys; a new one is tested by being listed."""

import hashlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import PARAMETERS_OF_TRAINING, SHAPES, make, weights_hash
from tfdvae._utils import seeds


@pytest.fixture
def images(network):
    return np.random.default_rng(0).random((50, *SHAPES[network][0]), dtype=np.float32)


@pytest.mark.parametrize(("name", "network"), PARAMETERS_OF_TRAINING)
class TestContractOfTraining:
    def test_a_second_fit_does_not_retrace(self, name, network, images):
        model = make(name, network)
        traced, step = [], model.train_step
        model.train_step = lambda data: (traced.append(1), step(data))[1]
        model.fit(images, batch_size=10, epochs=2, verbose=0)
        count = len(traced)
        model.fit(images, batch_size=10, epochs=2, verbose=0)
        assert len(traced) == count

    def test_other_image_shapes(self, name, network):
        for shape in SHAPES[network][1:]:
            if name == "dae paired" and min(shape[:2]) < 2:
                with pytest.raises(ValueError, match="images of 2x2 pixels at least; got 1x1"):
                    make(name, network, shape=shape)
                continue
            model = make(name, network, shape=shape)
            images = np.random.default_rng(0).random((4, *shape), dtype=np.float32)
            model.fit(images, epochs=1, verbose=0)
            assert model.denoise(images).shape == images.shape
            if model.has_code:
                assert model.encode(images).shape == (4, *model.code_shape)
                assert model.decode(model.encode(images)).shape == images.shape

    def test_fit_on_datasets_of_images_and_of_pairs(self, name, network, images):
        model = make(name, network)
        for data in (images, (images + 0.1, images)):
            batches = tf.data.Dataset.from_tensor_slices(data).batch(16)
            history = model.fit(batches, epochs=2, verbose=0).history
            assert set(history) == set(model.loss_names)
            assert set(model.evaluate(batches, verbose=0, return_dict=True)) == set(
                model.loss_names
            )

    def test_same_seed_same_weights_whatever_the_global_seed(self, name, network, images):
        hashes = []
        for global_seed, seed in ((1, 0), (2, 0), (1, 7)):
            keras.utils.set_random_seed(global_seed)
            model = make(name, network, seed=seed)
            model.fit(images, batch_size=10, epochs=2, verbose=0)
            hashes.append(weights_hash(model))
        assert hashes[0] == hashes[1] != hashes[2]

    def test_gradient_repeats_bit_for_bit(self, name, network, images):
        model = make(name, network, shape=(28, 28, 1))
        rows = 128 if network == "mlp" else 16
        images = tf.constant(np.random.default_rng(0).random((rows, 28, 28, 1), dtype=np.float32))

        @tf.function
        def gradient():
            with tf.GradientTape() as tape:
                step = tf.constant(3, tf.int64)
                losses = model.losses_per_image(
                    images, None, seeds.pair(0, "training", step), step, training=True
                )
                loss = tf.reduce_mean(losses["loss"])
            return tape.gradient(loss, model.trainable_variables)

        hashes = {
            hashlib.sha256(b"".join(part.numpy().tobytes() for part in gradient())).hexdigest()
            for _ in range(100)
        }
        assert len(hashes) == 1

    def test_save_and_load_go_on_as_if_nothing_had_been(self, name, network, images, tmp_path):
        model = make(name, network)
        model.fit(images, batch_size=10, epochs=2, verbose=0)
        model.save(tmp_path / "m.keras")
        loaded = keras.models.load_model(tmp_path / "m.keras")
        assert type(loaded) is type(model)
        assert np.array_equal(loaded.predict(images, verbose=0), model.predict(images, verbose=0))
        for each in (model, loaded):
            each.fit(images, batch_size=10, epochs=2, verbose=0)
        assert weights_hash(loaded) == weights_hash(model)

    def test_mixed_precision(self, name, network, images, tmp_path):
        check_mixed_precision(name, network, images, tmp_path, "bfloat16", epochs=4)


FLOAT16 = [("mlp", "vae"), ("pooled_conv", "dae")]  # others take minutes without units for it


@pytest.mark.slow
@pytest.mark.parametrize(("network", "name"), FLOAT16)
def test_float16_scales_its_loss(network, name, images, tmp_path):
    """Some 12 of the steps do nothing, until the scale is found."""
    check_mixed_precision(name, network, images, tmp_path, "float16", epochs=10)


def check_mixed_precision(name, network, images, folder, kind, epochs):
    model = make(name, network, dtype=f"mixed_{kind}")
    history = model.fit(images, batch_size=10, epochs=epochs, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert model.trainable_variables[0].dtype == "float32"
    *_, last = (layer for layer in model.encoder.layers if layer.weights)
    assert last.compute_dtype == kind
    assert model(images).dtype == tf.float32
    model.save(folder / "m.keras")
    loaded = keras.models.load_model(folder / "m.keras")
    assert np.array_equal(loaded.denoise(images), model.denoise(images))
