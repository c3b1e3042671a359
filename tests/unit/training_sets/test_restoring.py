"""A classifier that learns to denoise too, its loss against NumPy."""

import keras
import numpy as np
import pytest

from tfdvae import classifier
from tfdvae.config.sets import RESTORING
from tfdvae.training_sets import losses, restoring

LEVEL = 0.2


def batch(shape=(12, 12, 1), count=6):
    generator = np.random.default_rng(0)
    before = generator.random((count, *shape), dtype=np.float32)
    noisy = before + LEVEL * generator.normal(size=before.shape).astype(np.float32)
    return noisy, before, np.arange(count) % 3


def test_the_loss_is_that_of_the_classifier_and_the_error_over_the_variance_of_the_noise():
    model = classifier.cnn((12, 12, 1), 3)
    both = restoring.learner(model, LEVEL)
    noisy, before, labels = batch()
    logits, restored = both.predict(noisy, verbose=0)
    np.testing.assert_array_equal(logits, model.predict(noisy, verbose=0))
    said = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    entropy = -np.mean(said[np.arange(6), labels])
    error = np.mean((restored - before) ** 2) / LEVEL**2
    found = both.evaluate(noisy, (labels, before), verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(entropy + RESTORING * error, rel=1e-5)


def test_a_weight_is_that_of_all_an_image_has():
    model = classifier.cnn((12, 12, 1), 3)
    both = restoring.learner(model, LEVEL)
    noisy, before, labels = batch()
    one = np.eye(6, dtype=np.float32)[2] * 6
    alone = slice(2, 3)
    found = both.evaluate(noisy, (labels, before), sample_weight=one, verbose=0)[0]
    expected = both.evaluate(noisy[alone], (labels[alone], before[alone]), verbose=0)[0]
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shape", [(12, 12, 1), (13, 9, 3)])
@pytest.mark.parametrize("network", ["cnn", "resnet"])
def test_it_learns_to_denoise_and_the_classifier_with_it(network, shape):
    """Maps of features are smaller than the images, whose size need be no multiple of theirs."""
    keras.utils.set_random_seed(0)
    model = getattr(classifier, network)(shape, 3)
    losses.change_loss(model, smoothing=0.1)
    losses.fall_to_zero(model, 100)
    both = restoring.learner(model, LEVEL)
    assert both.outputs[1].shape == (None, *shape)
    noisy, before, labels = batch(shape)
    weights = model.get_weights()
    first = both.evaluate(noisy, (labels, before), verbose=0)
    both.fit(noisy, (labels, before), epochs=60, verbose=0)
    last = both.evaluate(noisy, (labels, before), verbose=0)
    restored, of_classes = first[2] - last[2], first[1] - last[1]
    assert restored > 0.2 * first[2]
    assert of_classes > 0
    moved = [not np.array_equal(*pair) for pair in zip(weights, model.get_weights(), strict=True)]
    assert all(moved[:2])
    np.testing.assert_array_equal(
        model.predict(noisy, verbose=0), both.predict(noisy, verbose=0)[0]
    )


@pytest.mark.parametrize("strides", [1, 2])
def test_what_is_restored_is_where_it_was_in_the_image(strides):
    """Of images whose rows, or columns, tell where they are; without padding, at an odd size."""
    image = keras.Input((13, 9, 1))
    maps = keras.layers.Conv2D(1, 3, strides=strides, use_bias=False)
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(maps(image)))
    model = keras.Model(image, outputs)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    center = np.zeros((3, 3, 1, 1), np.float32)
    center[1, 1] = 1
    maps.set_weights([center])
    both = restoring.learner(model, LEVEL)
    both.layers[-1].set_weights([center, np.zeros(1, np.float32)])
    rows, columns = np.mgrid[:13, :9].astype(np.float32)[..., None]
    restored = both.predict(np.stack([rows, columns]), verbose=0)[1]
    off = np.abs(restored - np.stack([rows, columns]))
    assert off.max() <= 1.5


@pytest.mark.parametrize("shape", [(12, 12, 1), (13, 9, 3)])
def test_it_can_be_compiled_as_on_a_gpu(shape):
    """Keras compiles training steps there with XLA, which lacks the gradients of some resizing."""
    both = restoring.learner(classifier.cnn(shape, 3), LEVEL)
    noisy, before, labels = batch(shape)
    expected = both.evaluate(noisy, (labels, before), verbose=0)[0]
    both.jit_compile = True
    found = both.fit(noisy, (labels, before), shuffle=False, verbose=0).history["loss"][0]
    assert found == pytest.approx(expected, rel=1e-4)


def test_layers_of_a_classifier_may_have_any_name():
    layers = [keras.Input((12, 12, 1)), keras.layers.Conv2D(3, 3, name="restored")]
    model = of_layers([*layers, keras.layers.Flatten(), keras.layers.Dense(3, name="classes")])
    assert len(restoring.learner(model, LEVEL).outputs) == 2


def flat(image_shape):
    return [keras.Input(image_shape), keras.layers.Flatten(), keras.layers.Dense(3)]


def of_layers(layers):
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


class WithOwnStep(keras.Sequential):
    def train_step(self, data):
        return super().train_step(data)


def test_what_has_no_maps_of_features():
    """Those of the input alone, or of a model within it, are none of its own."""
    image = keras.Input((12, 12, 1))
    inner = keras.Sequential([image, keras.layers.Conv2D(3, 3)])
    pooled = [image, inner, keras.layers.GlobalAveragePooling2D()]
    scaled = [image, keras.layers.Rescaling(2.0), *pooled[1:]]
    of_any_size = keras.Input((None, None, 1))
    mean = keras.layers.GlobalAveragePooling2D()
    any_size = [of_any_size, keras.layers.Conv2D(3, 3), mean]
    one = [image, keras.layers.Conv2D(3, 12), keras.layers.Flatten()]
    for layers in (flat((12, 12, 1)), pooled, scaled, any_size, one):
        with pytest.raises(ValueError, match="`sets` restoring needs a `classifier` of images of"):
            restoring.learner(of_layers(layers), LEVEL)


def test_a_training_of_its_own_is_refused():
    own = WithOwnStep([keras.Input((12, 12, 1)), keras.layers.Conv2D(3, 3)])
    own.compile("adam", "sparse_categorical_crossentropy")
    without_loss = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Conv2D(3, 3)])
    without_loss.compile("adam")
    for model in (own, without_loss):
        with pytest.raises(ValueError, match="with a loss given to compile, and without a"):
            restoring.learner(model, LEVEL)


def test_its_learning_curve_is_that_of_the_classifier():
    keras.utils.set_random_seed(0)
    both = restoring.learner(classifier.cnn((12, 12, 1), 3), LEVEL)
    noisy, before, labels = batch()
    history = both.fit(noisy, (labels, before), verbose=0).history
    entry = {"step": 2} | {name: values[0] for name, values in history.items()}
    found = restoring.of_classifier(entry)
    assert set(found) == {"step", "loss", "accuracy", "restored_loss"}
    assert found["loss"] + RESTORING * found["restored_loss"] == pytest.approx(entry["loss"])
