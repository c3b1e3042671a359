import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import IMAGES, make
from tfdvae._utils import unit_range
from tfdvae.models import tensor_checks, training_data

LABELS = np.arange(50) % 3
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
WEIGHTS = np.ones(50, np.float32)
LABELED = {
    "integers": (IMAGES, LABELS),
    "integers and uint8": ((255 * IMAGES).astype(np.uint8), LABELS),
    "floats": (IMAGES, LABELS.astype(np.float32)),
    "one-hot": (IMAGES, ONE_HOT),
    "weights": (IMAGES, LABELS, WEIGHTS),
    "nested": ((IMAGES, IMAGES), LABELS),
    "dict of labels": (IMAGES, {"class": LABELS}),
}


@pytest.fixture(scope="module")
def model():
    return make("dae")


def batches(elements):
    return tf.data.Dataset.from_tensor_slices(elements).batch(10)


@pytest.mark.parametrize("verb", ["fit", "evaluate"])
@pytest.mark.parametrize("kind", LABELED)
def test_labels_of_a_dataset_are_told_at_once(model, kind, verb):
    with pytest.raises(ValueError, match=r"Labels are not used: .*lambda image, \*others: image"):
        getattr(model, verb)(batches(LABELED[kind]), verbose=0)
    unbatched = tf.data.Dataset.from_tensor_slices(LABELED[kind])
    with pytest.raises(ValueError, match="Labels are not used"):
        getattr(model, verb)(unbatched, verbose=0)


@pytest.mark.parametrize(
    ("elements", "error", "message"),
    [
        (
            {"image": IMAGES, "label": LABELS},
            TypeError,
            "`x` must hold .* a dict with image, label",
        ),
        (((IMAGES, IMAGES),), TypeError, "`x` must hold .* a tuple of 2"),
        ((IMAGES, IMAGES, WEIGHTS), ValueError, r"weights are not supported.*\*others: image"),
        ((IMAGES, IMAGES, WEIGHTS, WEIGHTS), ValueError, "must hold images alone or pairs; .* 4"),
    ],
)
def test_elements_of_other_structures(model, elements, error, message):
    for verb in (model.fit, model.evaluate):
        with pytest.raises(error, match=message):
            verb(batches(elements), verbose=0)


def test_single_images_are_told_how_to_become_batches(model):
    with pytest.raises(ValueError, match=r"got \(6, 5, 2\). `dataset.batch\(32\)` makes batches"):
        model.fit(tf.data.Dataset.from_tensor_slices(IMAGES), verbose=0)


def test_predict_takes_the_images_of_a_labelled_dataset_and_checks_them(model):
    made = model.predict(batches((IMAGES, LABELS)), verbose=0)
    np.testing.assert_allclose(made, model.denoise(IMAGES), atol=1e-6)
    with pytest.raises(TypeError, match=r"got uint8\. Scale integers first"):
        model.predict(batches((255 * IMAGES).astype(np.uint8)), verbose=0)
    with pytest.raises(TypeError, match="a dict with image"):
        model.predict(batches({"image": IMAGES}), verbose=0)


@pytest.mark.parametrize("verb", ["fit", "evaluate", "predict"])
def test_a_later_batch_that_does_not_fit_ends_the_work(model, verb):
    data = batches(np.concatenate([IMAGES, 255 * IMAGES]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be finite and scaled"):
        getattr(model, verb)(data, verbose=0)


def test_many_checked_batches_come_in_their_order(model):
    images = np.random.default_rng(0).random((300, *IMAGES.shape[1:]), np.float32)
    data = tf.data.Dataset.from_tensor_slices(images).batch(7)
    checked = training_data.checked(model, data)
    assert int(checked.cardinality()) == int(data.cardinality())
    assert np.array_equal(np.concatenate(list(checked.as_numpy_iterator())), images)


def test_checked_batches_are_those_given(model):
    given = [(IMAGES[:7], IMAGES[7:14]), (IMAGES[14:], IMAGES[14:] / 2)]
    spec = tf.TensorSpec(None, tf.float32)
    data = tf.data.Dataset.from_generator(lambda: iter(given), output_signature=(spec, spec))
    checked = training_data.checked(model, data)
    for pair, expected in zip(checked.as_numpy_iterator(), given, strict=True):
        assert all(map(np.array_equal, pair, expected))
    assert checked.element_spec[0].shape == (None, *IMAGES.shape[1:])


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ((IMAGES, LABELS), ValueError, "`validation_data`: `y` must be target images"),
        (((255 * IMAGES).astype(np.uint8),), TypeError, "`validation_data`: .* got uint8"),
        ((IMAGES, IMAGES, WEIGHTS), ValueError, "`validation_data`: sample weights"),
        (batches((IMAGES, LABELS)), ValueError, "`validation_data`: .*Labels are not used"),
    ],
)
def test_validation_data_are_checked_before_training(model, data, error, message):
    before = model.get_weights()
    with pytest.raises(error, match=message):
        model.fit(IMAGES, validation_data=data, verbose=0)
    assert all(map(np.array_equal, before, model.get_weights()))


@pytest.mark.parametrize("images", [(IMAGES, LABELS), {"image": IMAGES}])
def test_arrays_in_a_tuple_or_dict(model, images):
    for verb in (model.fit, model.evaluate, model.predict):
        with pytest.raises(TypeError, match=r"`x` must be images; got a (tuple|dict)"):
            verb(images)


def test_single_batches_are_checked(model):
    for verb in (model.train_on_batch, model.test_on_batch, model.predict_on_batch):
        with pytest.raises(TypeError, match=r"got uint8\. Scale integers first"):
            verb((255 * IMAGES).astype(np.uint8))
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            verb(255 * IMAGES)
    assert np.isfinite(model.test_on_batch(IMAGES)).all()


def test_a_call_refuses_integers(model):
    with pytest.raises(TypeError, match=r"`inputs` must be floating point images .* got uint8"):
        model((255 * IMAGES).astype(np.uint8))
    with pytest.raises(TypeError, match=r"got uint8"):
        keras.Sequential([keras.Input(IMAGES.shape[1:], dtype="uint8"), model])
    np.testing.assert_allclose(model(IMAGES.astype(np.float64)), model.denoise(IMAGES), atol=1e-6)


@pytest.mark.parametrize("noise", [0, 0.3, 1])
@pytest.mark.parametrize("scale", [1, 2, 4])
def test_noise_explains_the_same_in_a_graph(noise, scale):
    smooth = 0.5 + 0.5 * np.sin(np.linspace(0, 9, 784)).reshape(1, 28, 28, 1)
    noisy = scale * smooth - scale / 4 + np.random.default_rng(0).normal(0, noise, smooth.shape)
    expected = unit_range.noise_explains(noisy)
    assert bool(tensor_checks.noise_explains(tf.constant(noisy, tf.float32))) == expected
