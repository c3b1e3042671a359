"""Images of any size as a whole or in tiles."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdvae
from tests.helpers.models import make_unet
from tfdvae._utils import limits
from tfdvae.inference import tiles
from tfdvae.inference.exporting import export
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.models.autoencoder import DAE


def moved(axis, by):
    """A function that takes each pixel from so many pixels before, zeros beyond the edge."""

    def function(images):
        made = np.roll(images, by, axis)
        place = [slice(None)] * 4
        place[axis] = slice(0, by) if by > 0 else slice(by, None)
        made[tuple(place)] = 0
        return made

    return function


def mean_of_3x3(images):
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows, columns = images.shape[1:3]
    return sum(wide[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)) / 9


def halved(images):
    """Each pixel becomes the mean of its block of 4x4."""
    count, rows, columns, channels = images.shape
    blocks = images.reshape(count, rows // 4, 4, columns // 4, 4, channels)
    return np.broadcast_to(blocks.mean(axis=(2, 4), keepdims=True), blocks.shape).reshape(
        images.shape
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("function", "reach"),
    [
        (lambda images: images, 0),
        (lambda images: np.zeros_like(images), 0),
        (mean_of_3x3, 1),
        (lambda images: mean_of_3x3(mean_of_3x3(images)), 2),
        (moved(1, 7), 7),
        (moved(2, 7), 7),
        (moved(2, -100), 100),
        (moved(1, 256), 256),
        (halved, 3),
    ],
)
def test_how_far_a_function_sees_is_measured(function, reach, channels):
    assert tiles.measure_reach(function, channels) == reach


@pytest.mark.parametrize(
    "function",
    [moved(1, 257), moved(2, -300), lambda images: images - images.mean((1, 2), keepdims=True)],
)
def test_what_sees_too_far_is_refused(function):
    with pytest.raises(ValueError, match=r"this network sees pixels \d+ pixels away; .* at most"):
        tiles.measure_reach(function, 1)


@pytest.mark.parametrize("size", [(300, 200), (101, 259), (33, 700)])
@pytest.mark.parametrize(("function", "reach"), [(mean_of_3x3, 1), (moved(1, 40), 40)])
def test_tiles_are_what_the_whole_image_is(size, function, reach):
    image = np.random.default_rng(0).random((*size, 2), dtype=np.float32)
    with limits.use(whole_pixels=10_000):
        np.testing.assert_allclose(
            tiles.cut(function, image, reach), function(image[None])[0], atol=1e-6
        )


def test_tiles_have_about_as_many_pixels_as_the_limit_says():
    seen = []

    def function(images):
        seen.append(images.shape[1] * images.shape[2])
        return images

    with limits.use(whole_pixels=128**2):
        tiles.cut(function, np.zeros((500, 600, 1), np.float32), 20)
    assert max(seen) == 128**2
    assert len(seen) == 8 * 10


@pytest.mark.parametrize("size", [(251, 187), (64, 500)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_large_image_is_denoised_in_tiles_as_a_whole(size, channels):
    model = TrainedModel(make_unet((12, 10, channels)))
    image = np.random.default_rng(1).random((2, *size, channels), dtype=np.float32)
    whole = model.denoise(image)
    with limits.use(whole_pixels=128**2):
        np.testing.assert_allclose(model.denoise(image), whole, atol=1e-4)
        seams = tiles.cut(model.denoise, image[0], reach=0)
    assert np.abs(seams - whole[0]).max() > 1e-3, "tiles that do not overlap would show"


def test_how_far_a_model_sees_is_measured_again_when_it_has_learned(turning):
    """Its kernel is one pixel wide at first, and then 3x3."""
    model = keras.models.clone_model(turning[0])
    model.orientations = None
    loaded = TrainedModel(model)
    image = np.random.default_rng(1).random((1, 251, 187, 1), dtype=np.float32)
    kernel = np.zeros((3, 3, 1, 1))
    kernel[1, 1] = 0.5
    model.encoder.set_weights([kernel, np.zeros(1)])
    with limits.use(whole_pixels=64**2):
        np.testing.assert_allclose(loaded.denoise(image), image / 2, atol=1e-6)
        model.encoder.set_weights(turning[0].encoder.get_weights())
        seen = loaded.denoise(image)
    np.testing.assert_allclose(seen, model.denoise(image), atol=1e-6)


def in_eight_orientations(model, images):
    """What a model makes of images that are turned and mirrored, undone again: the mean."""
    made = []
    for mirrored in (images, images[:, :, ::-1]):
        for quarters in range(4):
            turned = model.denoise(np.rot90(mirrored, quarters, (1, 2)))
            made.append(np.rot90(turned, -quarters, (1, 2)))
    return np.mean(made[:4] + [each[:, :, ::-1] for each in made[4:]], axis=0)


@pytest.fixture(scope="module")
def turning(tmp_path_factory):
    """A lopsided model that asks for eight orientations, and files of it."""
    images, code = keras.Input((None, None, 1)), keras.Input((None, None, 1))
    encoder = keras.Model(images, keras.layers.Conv2D(1, 3, padding="same")(images))
    encoder.set_weights([np.random.default_rng(1).random((3, 3, 1, 1)) / 9, np.zeros(1)])
    decoder = keras.Model(code, keras.layers.Rescaling(1)(code))
    model = DAE(encoder, decoder, likelihood="linear:1", image_shape=(12, 10, 1))
    folder = tmp_path_factory.mktemp("turning")
    model.orientations = 8
    model.save(folder / "m.keras")
    export(model, folder / "saved_model")
    return model, folder


@pytest.mark.parametrize("place", ["m.keras", "saved_model"])
@pytest.mark.parametrize("size", [(12, 10), (9, 14)])
def test_arrays_and_datasets_get_the_mean_over_orientations(turning, place, size):
    model, loaded = turning[0], tfdvae.load(turning[1] / place)
    images = np.random.default_rng(2).random((4, *size, 1), dtype=np.float32)
    expected = in_eight_orientations(model, images)
    assert np.abs(expected - model.denoise(images)).max() > 1e-3
    dataset = tf.data.Dataset.from_tensor_slices(images)
    for made in (
        loaded.denoise(images),
        np.concatenate([*loaded.denoise(dataset.batch(3))]),
        np.stack([*dataset.map(loaded.denoise)]),
        np.stack([*loaded.denoise(dataset.map(lambda image: image[..., 0]))])[..., None],
    ):
        np.testing.assert_allclose(made, expected, atol=1e-5)
    errors = np.square(expected - images).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(loaded.anomaly_scores(images), errors, rtol=1e-4)
    np.testing.assert_allclose([*loaded.anomaly_scores(dataset)], errors, rtol=1e-4)
    assert [*loaded.detect(dataset, dataset, 0.5)] == list(loaded.detect(images, images, 0.5))


def test_a_dataset_may_hold_images_of_several_sizes(turning):
    loaded = TrainedModel(turning[0])
    images = [np.random.default_rng(n).integers(0, 256, (9 + n, 7), np.uint8) for n in range(3)]
    dataset = tf.data.Dataset.from_generator(
        lambda: iter(images), output_signature=tf.TensorSpec((None, None), tf.uint8)
    )
    for made, image in zip(loaded.denoise(dataset), images, strict=True):
        assert np.abs(made.numpy().astype(int) - loaded.denoise(image)).max() <= 1
    with pytest.raises(ValueError, match=r"images \(H, W, 1\) or batches of them; got elements of"):
        loaded.denoise(tf.data.Dataset.from_tensors(np.zeros((2, 9, 9, 3), np.float32)))


def test_one_orientation_is_what_files_for_others_hold(turning):
    model, folder = turning
    images = np.random.default_rng(2).random((2, 9, 14, 1), dtype=np.float32)
    served = tf.saved_model.load(str(folder / "saved_model"))
    np.testing.assert_allclose(served.serve(images), model.denoise(images), atol=1e-5)
    mapped = tf.data.Dataset.from_tensors(images).map(model.denoise)
    np.testing.assert_allclose(next(iter(mapped)), model.denoise(images), atol=1e-5)
