import itertools

import keras
import numpy as np
import pytest

from tfdvae.classifier import cnn


def test_published_parameters_and_layers():
    model = cnn((28, 28, 1), 10)
    assert model.count_params() == 1_658_890
    assert model.output_shape == (None, 10)
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)


def test_reflect_padding_by_numpy():
    """First convolution of one image against a NumPy sum over the image padded with `reflect`."""
    model = cnn((6, 5, 2), 3)
    image = np.random.default_rng(0).random((6, 5, 2), dtype=np.float32)
    layer = model.get_layer("conv_1")
    kernel, bias = (weight.numpy() for weight in (layer.kernel, layer.bias))
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    expected = np.array([[np.einsum("ijc,ijco->o", padded[r : r + 3, c : c + 3], kernel) for c in range(5)] for r in range(6)]) + bias
    found = keras.Model(model.input, layer.output)(image[None]).numpy()[0]
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-5)


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        *itertools.product(["float32", "mixed_bfloat16"], [(28, 28, 1), (7, 9, 3), (2, 2, 1)]),
        *itertools.product(["mixed_float16"], [(7, 9, 3), (2, 2, 1)]),  # 28x28 takes minutes in float16 on a CPU
    ],
)
def test_learns_and_survives_saving(shape, dtype, tmp_path):
    labels = np.arange(60) % 3
    images = np.random.default_rng(0).random((60, *shape), dtype=np.float32) * 0.3 + labels[:, None, None, None] * 0.3
    model = cnn(shape, 3, dtype=dtype)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer) == (dtype == "mixed_float16")
    history = model.fit(images, labels, epochs=15, batch_size=20, verbose=0).history
    assert history["accuracy"][-1] > 0.6
    logits = model.predict(images, verbose=0)
    assert logits.dtype == np.float32
    model.save(tmp_path / "c.keras")
    assert np.array_equal(keras.models.load_model(tmp_path / "c.keras").predict(images, verbose=0), logits)


def test_initial_weights_belong_to_the_seed():
    keras.utils.set_random_seed(1)
    first = cnn((4, 4, 1), 2, seed=3).get_weights()
    keras.utils.set_random_seed(2)
    again, other = cnn((4, 4, 1), 2, seed=3).get_weights(), cnn((4, 4, 1), 2, seed=4).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_too_small():
    with pytest.raises(ValueError, match="image height and width"):
        cnn((1, 5, 1), 2)
