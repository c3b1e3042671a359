import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdvae
from tests.helpers.models import make, make_unet
from tests.helpers.processes import ROOT
from tfdvae.inference import image_arrays
from tfdvae.inference.exporting import export
from tfdvae.inference.trained_model import TrainedModel

GRAY = (8, 6, 1)
IMAGES = np.random.default_rng(0).random((5, *GRAY), dtype=np.float32)
UNETS = {channels: make_unet((8, 6, channels)) for channels in (1, 3)}


def model_of(name="dae", network="mlp", shape=GRAY):
    return make(name, network, shape)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A DVAE as a run folder, a .keras file and a SavedModel."""
    folder = tmp_path_factory.mktemp("saved")
    model = model_of("dvae")
    model.fit(IMAGES, epochs=3, verbose=0)
    (folder / "run").mkdir()
    model.save(folder / "run" / "generator.keras")
    model.save(folder / "m.keras")
    export(model, folder / "saved_model")
    return model, folder


@pytest.mark.parametrize("place", ["run", "m.keras", "saved_model"])
def test_all_verbs_from_every_kind_of_model(saved, place):
    model, folder = saved
    loaded = tfdvae.load(folder / place)
    assert loaded.image_shape == GRAY
    np.testing.assert_allclose(loaded.denoise(IMAGES), model.denoise(IMAGES), atol=1e-6)
    np.testing.assert_allclose(loaded.encode(IMAGES), model.encode(IMAGES), atol=1e-5)
    np.testing.assert_allclose(
        loaded.decode(model.encode(IMAGES)), model.denoise(IMAGES), atol=1e-5
    )
    np.testing.assert_allclose(loaded.sample(3, seed=4), model.sample(3, seed=4), atol=1e-6)
    made = loaded.augment(IMAGES, [0, 1, 2, 0, 1], per_image=2, seed=3)
    expected = tfdvae.Augmenter(model).generate(IMAGES, [0, 1, 2, 0, 1], 2, 3)
    np.testing.assert_allclose(made.images, expected.images, atol=1e-5)
    assert np.array_equal(made.labels, expected.labels)
    assert np.array_equal(made.parent_index, expected.parent_index)
    np.testing.assert_allclose(
        loaded.anomaly_scores(IMAGES),
        np.square(model.denoise(IMAGES) - IMAGES).mean((1, 2, 3)),
        rtol=1e-4,
    )


@pytest.mark.parametrize("shape", [(8, 6), (5, 8, 6), (5, 8, 6, 1), (1, 8, 6), (1, 8, 6, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "float16"])
def test_images_come_out_as_they_went_in(shape, dtype):
    model, dtype = model_of(), np.dtype(dtype)
    images = np.random.default_rng(1).random(shape)
    given = (
        images.astype(dtype)
        if dtype.kind == "f"
        else np.rint(images * np.iinfo(dtype).max).astype(dtype)
    )
    made = TrainedModel(model).denoise(given)
    assert made.shape == shape
    assert made.dtype == dtype
    unit = given.astype(np.float32) / (1 if dtype.kind == "f" else np.iinfo(dtype).max)
    expected = model.denoise(unit.reshape(-1, *GRAY)).reshape(shape)
    scale, step = (1, 1e-3) if dtype.kind == "f" else (np.iinfo(dtype).max, 0.501)
    np.testing.assert_allclose(made.astype(float), expected * scale, atol=step)
    assert TrainedModel(model).encode(given).shape == ((3,) if len(shape) == 2 else (len(given), 3))


def test_a_gray_image_of_three_dimensions():
    model = model_of()
    assert TrainedModel(model).denoise(IMAGES[0]).shape == GRAY
    assert TrainedModel(model).encode(IMAGES[0]).shape == (3,)


def test_a_model_of_colour_takes_one_image_of_three_dimensions():
    model = model_of(shape=(8, 6, 3))
    images = np.random.default_rng(1).random((2, 8, 6, 3), dtype=np.float32)
    np.testing.assert_allclose(
        TrainedModel(model).denoise(images[0]), model.denoise(images)[0], atol=1e-6
    )
    assert TrainedModel(model).encode(images[0]).shape == (3,)


def test_a_narrow_range_of_integers_is_scaled_by_their_type():
    given = np.random.default_rng(1).integers(8, 239, (4, 8, 6), dtype=np.uint8)
    model = model_of()
    np.testing.assert_allclose(
        TrainedModel(model).encode(given), model.encode(given[..., None] / 255), atol=1e-5
    )


BAD = {
    "floats of 8 to 238": (
        np.linspace(8, 238, 48).reshape(8, 6),
        ValueError,
        r"scaled to \[0, 1\].*from 8 to 238",
    ),
    "NaN": (np.full((8, 6), np.nan), ValueError, "must be finite"),
    "one channel missing": (
        np.zeros((2, 8, 6, 2), np.uint8),
        ValueError,
        "must have 1 channel, as the model has; got 2",
    ),
    "colour": (
        np.zeros((2, 8, 6, 3), np.uint8),
        ValueError,
        "must have 1 channel, as the model has; got 3",
    ),
    "one in colour": (
        np.zeros((16, 16, 3)),
        ValueError,
        r"must have 1 channel, as the model has; got one of shape \(16, 16, 3\)",
    ),
    "smaller": (np.zeros((4, 4), np.uint8), ValueError, "must be 8x6, .*; got 4x4"),
    "flattened": (
        np.zeros((5, 48)),
        ValueError,
        r"must not be flattened; got 5 rows of 48 values. "
        r"images.reshape\(-1, 8, 6, 1\) shapes them.$",
    ),
    "flattened, with a channel": (
        np.zeros((9, 48, 1)),
        ValueError,
        "must not be flattened; got 9 rows of 48 values",
    ),
    "larger": (
        np.zeros((16, 16), np.uint8),
        ValueError,
        "got 16x16. Larger images .* whose code keeps its place in the image, such as resid",
    ),
    "int64": (
        np.zeros((8, 6), np.int64),
        TypeError,
        "uint8, uint16 or floats in .0, 1.; got int64",
    ),
    "text": (np.array([["a"]]), TypeError, "must be uint8"),
    "one dimension": (
        np.zeros(8),
        ValueError,
        r"must have shape \(H, W\), \(N, H, W\) or \(N, H, W, 1\); got \(8,\)",
    ),
    "nothing": (np.zeros((0, 8, 6)), ValueError, "at least one image"),
}


@pytest.mark.parametrize("case", BAD)
def test_images_that_do_not_fit(case):
    given, error, message = BAD[case]
    with pytest.raises(error, match=message):
        TrainedModel(model_of()).denoise(given)


@pytest.mark.parametrize(("shape", "wide"), [((8, 6, 1), (9, 48)), ((8, 6, 3), (9, 144))])
def test_one_image_as_wide_as_flattened_ones_is_denoised_if_it_says_so(shape, wide):
    model = TrainedModel(model_of("dae", "residual_conv", shape))
    with pytest.raises(ValueError, match=rf"images.reshape\(-1, 8, 6, {shape[-1]}\) shapes them"):
        model.denoise(np.zeros(wide))
    if shape[-1] == 1:
        with pytest.raises(ValueError, match=r"One image of that width is images\[None\]."):
            model.denoise(np.zeros(wide))
        assert model.denoise(np.zeros(wide)[None]).shape == (1, *wide)


def test_flattened_gray_images_are_told_from_a_wide_one_by_a_model_of_colour_too():
    with pytest.raises(
        ValueError, match=r"got 9 rows of 48 values. images.reshape\(-1, 8, 6, 1\) shapes them.$"
    ):
        TrainedModel(model_of("dae", "residual_conv", (8, 6, 3))).denoise(np.zeros((9, 48)))


def test_images_of_one_row_are_not_flattened():
    assert TrainedModel(model_of(shape=(1, 6, 1))).denoise(np.zeros((1, 6))).shape == (1, 6)


@pytest.mark.parametrize("size", [(8, 6), (16, 12), (21, 17), (8, 40)])
def test_tiles_of_what_changes_nothing_are_the_image(size):
    from tfdvae.inference import tiles

    image = np.random.default_rng(0).random((*size, 2), dtype=np.float32)
    np.testing.assert_allclose(
        tiles.blend(lambda batch: batch, image, (8, 6), batch_size=3), image, atol=1e-6
    )


@pytest.mark.parametrize("size", [(8, 6), (21, 17), (500, 300)])
def test_larger_images_in_tiles_without_seams(size):
    """A convolutional model that gives every pixel the same value: any seam would show."""
    model = model_of("dae", "residual_conv")
    for variable in model.decoder.trainable_variables:
        if variable.path.startswith("logits/"):
            variable.assign(
                tf.zeros_like(variable)
                if "bias" not in variable.path
                else tf.fill(variable.shape, 1.0)
            )
    image = np.random.default_rng(0).random(size, dtype=np.float32)
    made = TrainedModel(model).denoise(image)
    assert made.shape == size
    np.testing.assert_allclose(made, 1 / (1 + np.exp(-1)), atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize(
    ("channels", "shape"),
    [
        (1, (5, 4)),
        (1, (30, 21)),
        (1, (2, 5, 14)),
        (1, (2, 14, 5, 1)),
        (1, (1, 1)),
        (3, (5, 4, 3)),
        (3, (2, 30, 21, 3)),
    ],
)
def test_a_model_for_images_of_any_size_takes_smaller_and_larger_ones(channels, shape, dtype):
    model = UNETS[channels]
    given = np.random.default_rng(0).random(shape)
    if np.dtype(dtype).kind == "u":
        given *= np.iinfo(dtype).max
    given = given.astype(dtype)
    made = TrainedModel(model).denoise(given)
    assert (made.dtype, made.shape) == (dtype, shape)
    unit = image_arrays.to_unit(given).astype(np.float32)
    batch = unit.reshape(-1, *shape[-3:]) if channels == 3 or unit.ndim == 4 else unit[..., None]
    batch = batch[None] if batch.ndim == 3 else batch
    expected = model.likelihood.mean(model.encoder(batch)).numpy().reshape(shape)
    step = 1 / np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 0
    np.testing.assert_allclose(image_arrays.to_unit(made), expected, atol=1e-5 + step)
    scores = TrainedModel(model).anomaly_scores(given)
    errors = np.square(expected.reshape(batch.shape) - batch).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(scores, errors, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("verb", "arguments", "message"),
    [
        ("encode", (), "this model has no code"),
        ("decode", (), "this model has no code"),
        ("compress", (4,), "this model has no code"),
        ("augment", (), "nor does a dae without a corruption"),
        ("sample", (), "only a VAE or DVAE has a prior"),
        ("impute", (), "`images` must be 8x6, .*; got 9x6"),
    ],
)
def test_what_a_model_without_a_code_cannot_do(verb, arguments, message):
    given = 3 if verb == "sample" else np.full((2, 9, 6, 1), np.float32(0.5))
    with pytest.raises(ValueError, match=message):
        getattr(TrainedModel(UNETS[1]), verb)(given, *arguments)


def test_a_model_without_a_code_scores_imputes_and_augments():
    model = TrainedModel(
        make_unet(GRAY, corruption="gaussian:0.2", objective="recorrupted", seed=1)
    )
    missing = np.zeros((5, 8, 6), bool)
    missing[:, 2, 3] = True
    filled = model.impute(IMAGES, missing)
    assert np.array_equal(filled[~missing], IMAGES[~missing])
    holes = np.where(missing[..., None], np.float32(0), IMAGES)
    np.testing.assert_allclose(filled[missing], model.denoise(holes)[missing], atol=1e-6)
    made = model.augment(IMAGES, [0, 1, 2, 0, 1], per_image=2, seed=3)
    assert made.images.shape == (10, *GRAY)
    assert not np.array_equal(made.images[:5], made.images[5:])
    assert model.detect(IMAGES, IMAGES).shape == (5,)


def test_a_row_of_values_is_no_flattened_image_if_it_says_so():
    model = TrainedModel(UNETS[1])
    row = np.random.default_rng(0).random((1, 48))
    with pytest.raises(ValueError, match=r"must not be flattened.* is images\[None\]"):
        model.denoise(row)
    assert model.denoise(row[None]).shape == (1, 1, 48)


def test_tiles_are_weighted_by_the_distance_to_their_edges():
    from tfdvae.inference import tiles

    seen = []

    def number(batch):
        first = len(seen)
        seen.extend(batch)
        return np.stack([np.full_like(image, first + i) for i, image in enumerate(batch)])

    image = np.arange(6, dtype=np.float32).reshape(1, 6, 1)
    made = tiles.blend(number, image, (1, 4), batch_size=1)
    assert [tile.ravel().tolist() for tile in seen] == [[0, 1, 2, 3], [2, 3, 4, 5]]
    # weights 1 2 2 1: pixel 2 is (2 * 0 + 1 * 1) / 3, pixel 3 is (1 * 0 + 2 * 1) / 3
    np.testing.assert_allclose(made.ravel(), [0, 0, 1 / 3, 2 / 3, 1, 1], atol=1e-6)


@pytest.mark.parametrize("place", ["m.keras", "saved_model"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("batched", [True, False])
def test_datasets_of_images_with_and_without_labels(saved, place, dtype, batched):
    model, folder = saved
    loaded = tfdvae.load(folder / place)
    given = IMAGES if dtype == "float32" else np.rint(IMAGES * 255).astype(np.uint8)
    dataset = tf.data.Dataset.from_tensor_slices((given, np.arange(5)))
    dataset = dataset.batch(2) if batched else dataset

    def together(found):
        parts = [part.numpy() if batched else part.numpy()[None] for part in found]
        return np.concatenate(parts)

    with_labels = list(loaded.denoise(dataset))
    assert together(label for _, label in with_labels).tolist() == [0, 1, 2, 3, 4]
    made = together(image for image, _ in with_labels)
    assert made.dtype == dtype
    np.testing.assert_allclose(
        made.astype(float),
        loaded.denoise(given).astype(float),
        atol=1 if dtype == "uint8" else 1e-5,
    )
    alone = together(loaded.encode(dataset.map(lambda image, label: image)))
    np.testing.assert_allclose(
        alone, model.encode(IMAGES if dtype == "float32" else given / 255), atol=1e-5
    )


@pytest.mark.parametrize("batched", [True, False])
def test_datasets_of_images_without_channels(batched):
    loaded = TrainedModel(model_of())
    dataset = tf.data.Dataset.from_tensor_slices(IMAGES[..., 0])
    made = list(loaded.denoise(dataset.batch(2) if batched else dataset))
    assert made[0].shape == ((2, 8, 6) if batched else (8, 6))
    np.testing.assert_allclose(
        np.concatenate(made) if batched else np.stack(made),
        loaded.denoise(IMAGES[..., 0]),
        atol=1e-6,
    )


def test_one_trace_does_for_batches_of_any_size():
    loaded = TrainedModel(model_of())
    for count in (5, 2, 1):
        loaded.denoise(IMAGES[:count])
    assert loaded.core.graphs["call"].experimental_get_tracing_count() == 1


@pytest.mark.parametrize("place", ["m.keras", "saved_model"])
def test_a_fixed_size_of_batches_stays_known(saved, place):
    loaded = tfdvae.load(saved[1] / place)
    dataset = tf.data.Dataset.from_tensor_slices(IMAGES).batch(2, drop_remainder=True)
    for made in (
        loaded.denoise(dataset),
        loaded.encode(dataset),
        loaded.anomaly_scores(dataset),
        dataset.map(tfdvae.Augmenter(loaded).map_function()),
    ):
        assert made.element_spec.shape[0] == 2


@pytest.mark.parametrize(
    "images",
    [255 * IMAGES, np.where(IMAGES > 0.9, np.nan, IMAGES), IMAGES - 9, IMAGES - 1],
    ids=["255", "NaN", "-9", "-1"],
)
def test_a_dataset_of_another_scale_is_refused_as_it_runs(images):
    loaded = TrainedModel(model_of())
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be finite and scaled to"):
        list(loaded.denoise(tf.data.Dataset.from_tensor_slices(images)))


def test_scores_and_filled_images_of_a_dataset():
    loaded = TrainedModel(model_of())
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, np.arange(5))).batch(2)
    scores = np.concatenate([score for score, _ in loaded.anomaly_scores(dataset)])
    np.testing.assert_allclose(scores, loaded.anomaly_scores(IMAGES), rtol=1e-5)
    lacking = np.where(np.random.default_rng(1).random(IMAGES.shape) < 0.4, np.nan, IMAGES).astype(
        np.float32
    )
    filled = np.concatenate(
        list(loaded.impute(tf.data.Dataset.from_tensor_slices(lacking).batch(2)))
    )
    np.testing.assert_allclose(filled, loaded.impute(lacking), atol=1e-6)
    with pytest.raises(ValueError, match="`missing` must be left out"):
        loaded.impute(dataset, np.zeros(GRAY, bool))


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("shape", [GRAY, GRAY[:2], (8, 6, 3)])
def test_a_dataset_keeps_its_known_pixels_bit_for_bit(shape, batched):
    loaded = TrainedModel(model_of(shape=(*shape, 1) if len(shape) == 2 else shape))
    generator = np.random.default_rng(2)
    images = generator.random((5, *shape))  # float64: float32 would round them
    lacking = np.where(generator.random(images.shape) < 0.2, np.nan, images)
    dataset = tf.data.Dataset.from_tensor_slices(lacking)
    made = list(loaded.impute(dataset.batch(2) if batched else dataset))
    filled = np.concatenate([part if batched else part[None] for part in made])
    assert filled.dtype == np.float64
    np.testing.assert_allclose(filled, loaded.impute(lacking), atol=1e-6)
    lost = np.isnan(lacking).reshape(5, *GRAY[:2], -1).any(axis=-1, keepdims=True)
    known = np.broadcast_to(~lost, (5, *GRAY[:2], images[0].size // 48)).reshape(images.shape)
    assert np.array_equal(filled[known], images[known])


def test_an_image_of_a_dataset_without_a_known_pixel_is_refused_as_it_runs():
    lacking = IMAGES.copy()
    lacking[3] = np.nan
    dataset = tf.data.Dataset.from_tensor_slices(lacking)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have a known pixel"):
        list(TrainedModel(model_of()).impute(dataset))


def as_given(images, kind):
    """Images as an array, as a dataset of single ones, and as batches with labels."""
    if kind == "array":
        return images
    dataset = tf.data.Dataset.from_tensor_slices((images, np.arange(len(images))))
    return dataset.map(lambda image, label: image) if kind == "dataset" else dataset.batch(7)


@pytest.mark.parametrize("given", ["array", "dataset", "batches"])
@pytest.mark.parametrize("normal", ["array", "dataset", "batches"])
def test_detect_by_the_scores_of_normal_images(given, normal):
    loaded = TrainedModel(model_of())
    usual = np.random.default_rng(0).random((40, *GRAY), dtype=np.float32)
    images = np.concatenate([usual / 2, usual])
    threshold = np.sort(loaded.anomaly_scores(usual))[-5]  # four of forty exceed it
    found = loaded.detect(as_given(images, given), as_given(usual, normal), 0.1)
    if given != "array":
        parts = [part[0] if isinstance(part, tuple) else part for part in found]
        found = np.concatenate(parts) if given == "batches" else np.stack(parts)
    expected = loaded.anomaly_scores(images)
    sure = np.abs(expected - threshold) > 1e-6
    assert found.dtype == bool
    assert (expected > threshold)[sure].any()
    assert found[sure].tolist() == (expected > threshold)[sure].tolist()


def test_detect_refuses_what_does_not_fit():
    loaded = TrainedModel(model_of())
    with pytest.raises(
        ValueError, match="`false_positive_rate` must be a finite number between 0 and 1; got 5"
    ):
        loaded.detect(IMAGES, IMAGES, 5)
    with pytest.raises(TypeError, match="`false_positive_rate` must be a number"):
        loaded.detect(IMAGES, IMAGES, "5%")
    dataset = tf.data.Dataset.from_tensor_slices(IMAGES)
    with pytest.raises(ValueError, match="`normal` must hold at least one image; got none"):
        loaded.detect(IMAGES, dataset.take(0))
    with pytest.raises(ValueError, match="`normal` must come to an end"):
        loaded.detect(IMAGES, dataset.repeat())
    with pytest.raises(ValueError, match="`normal` must be 8x6"):
        loaded.detect(IMAGES, np.zeros((3, 9, 6), np.float32))


@pytest.mark.parametrize("seed", [1, 3])
def test_no_image_exceeds_its_own_score_however_it_is_scored(seed):
    """Of a model and images whose scores are rounded otherwise in other batches and in a graph."""
    loaded = tfdvae.load("clothing-dvae")
    alike = np.repeat(
        np.random.default_rng(seed).random((1, 28, 28, 1), dtype=np.float32), 40, axis=0
    )
    for normal in (alike, alike[:1]):
        assert not loaded.detect(alike, normal).any()
        for size in (1, 7):
            assert not np.concatenate(
                list(loaded.detect(tf.data.Dataset.from_tensor_slices(alike).batch(size), normal))
            ).any()


def test_augment_a_dataset():
    """Two synthetic images of each image with its label, others in each epoch; the first are
    those of `map_function`.
    """
    loaded = TrainedModel(model_of())
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, np.arange(5)))
    augmented = loaded.augment(dataset, per_image=2, seed=3)
    first, second = (list(augmented.as_numpy_iterator()) for _ in range(2))
    assert [label for _, label in first] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]
    images = np.stack([image for image, _ in first])
    assert images.shape == (10, *GRAY)
    assert not np.allclose(images[:5], images[5:], atol=1e-4)
    assert not np.allclose(images, np.stack([image for image, _ in second]), atol=1e-4)
    drawn = np.stack(
        [image for image, _ in dataset.map(tfdvae.Augmenter(loaded).map_function(seed=3))]
    )
    np.testing.assert_array_equal(images[:5], drawn)
    with pytest.raises(ValueError, match="must be left out for a dataset"):
        loaded.augment(dataset, np.arange(5))
    with pytest.raises(ValueError, match="`per_image` must be"):
        loaded.augment(dataset, per_image=0)
    with pytest.raises(TypeError, match="`labels` must hold whole numbers"):
        loaded.augment(IMAGES)


@pytest.mark.parametrize("network", ["mlp", "residual_conv"])
def test_a_dataset_whose_shapes_are_not_known_beforehand(network):
    """As of tf.io.decode_png: whatever comes is an image (H, W, C), and one of another size is
    refused.
    """
    loaded = TrainedModel(model_of("dae", network))

    def unknown(images):
        return tf.data.Dataset.from_generator(
            lambda: iter(images), output_signature=tf.TensorSpec((None, None, None), tf.float32)
        )

    np.testing.assert_allclose(
        np.stack(list(loaded.denoise(unknown(IMAGES)))), loaded.denoise(IMAGES), atol=1e-6
    )
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="is not compatible with expected shape"
    ):
        list(loaded.denoise(unknown([np.zeros((9, 7, 1), np.float32)])))


def test_known_pixels_of_any_type_stay_as_they_are():
    given = np.where(np.random.default_rng(1).random(IMAGES.shape) < 0.4, np.nan, np.float64(0.1))
    made = TrainedModel(model_of()).impute(given)
    assert made.dtype == np.float64
    assert (made[~np.isnan(given)] == 0.1).all()


def test_a_dataset_that_does_not_fit():
    loaded = TrainedModel(model_of())
    with pytest.raises(
        ValueError,
        match=r"must hold images \(8, 6, 1\) or batches of them; got elements of shape \(5, 5, 1\)",
    ):
        loaded.denoise(tf.data.Dataset.from_tensor_slices(np.zeros((3, 5, 5, 1), np.float32)))
    with pytest.raises(TypeError, match="alone or first in tuples; got dict"):
        loaded.denoise(tf.data.Dataset.from_tensor_slices({"image": IMAGES}))
    with pytest.raises(TypeError, match=r"uint8, uint16 or floats in .0, 1.; got int64"):
        loaded.denoise(tf.data.Dataset.from_tensor_slices(np.zeros((3, *GRAY), np.int64)))


@pytest.mark.parametrize("place", ["m.keras", "saved_model"])
def test_augmenter_draws_afresh_each_epoch_and_repeats_by_its_seed(saved, place):
    _, folder = saved
    dataset = tf.data.Dataset.from_tensor_slices((IMAGES, np.arange(5))).batch(5)

    def epochs(seed):
        augmented = dataset.map(tfdvae.Augmenter(folder / place).map_function(seed=seed))
        return [next(iter(augmented))[0].numpy() for _ in range(2)]

    first, second = epochs(0)
    assert first.shape == IMAGES.shape
    assert not np.array_equal(first, second)
    assert np.array_equal(epochs(0)[0], first)
    assert not np.array_equal(epochs(1)[0], first)


def test_augmenter_draws_from_the_posterior(saved):
    """Its mean over many draws is that of the Augmenter, within four standard errors of a pixel."""
    model, folder = saved
    count = 500
    many = tf.data.Dataset.from_tensors(np.repeat(IMAGES[:1], count, axis=0)).map(
        tfdvae.Augmenter(folder / "m.keras").map_function()
    )
    drawn = next(iter(many)).numpy()
    expected = tfdvae.Augmenter(model).generate(IMAGES[:1], [0], count, 0).images
    error = np.sqrt(drawn.var(axis=0) / count + expected.var(axis=0) / count)
    assert (np.abs(drawn.mean(axis=0) - expected.mean(axis=0)) < 4.5 * error + 1e-6).all()


def test_augmenter_of_a_dae_corrupts_and_of_an_ae_is_refused(tmp_path):
    model = model_of("dae")
    model.save(tmp_path / "dae.keras")
    dataset = tf.data.Dataset.from_tensors(IMAGES).map(
        tfdvae.Augmenter(tmp_path / "dae.keras").map_function()
    )
    made = next(iter(dataset)).numpy()
    assert made.shape == IMAGES.shape
    assert not np.allclose(made, model.denoise(IMAGES), atol=1e-4)
    model_of("ae").save(tmp_path / "ae.keras")
    with pytest.raises(ValueError, match="a plain autoencoder makes no synthetic images"):
        tfdvae.Augmenter(tmp_path / "ae.keras").map_function()


def test_a_layer_in_a_model_of_ones_own_that_saves_and_loads(saved, tmp_path):
    model, folder = saved
    layer = tfdvae.load(folder / "run").keras_model
    layer.trainable = False
    mine = keras.Sequential(
        [keras.Input(GRAY), layer, keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    mine.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    mine.fit(IMAGES, np.array([0, 1, 2, 0, 1]), epochs=2, verbose=0)
    np.testing.assert_allclose(
        layer.denoise(IMAGES),
        model.denoise(IMAGES),
        atol=1e-6,
        err_msg="the frozen layer was trained",
    )
    mine.save(tmp_path / "mine.keras")
    again = keras.models.load_model(tmp_path / "mine.keras")
    np.testing.assert_allclose(
        again.predict(IMAGES, verbose=0), mine.predict(IMAGES, verbose=0), atol=1e-6
    )
    with pytest.raises(ValueError, match="a SavedModel has no Keras model"):
        _ = tfdvae.load(folder / "saved_model").keras_model


def test_imputation_of_nan_or_marked_pixels():
    model = model_of("dae two copies")
    loaded, missing = TrainedModel(model), np.zeros((5, 8, 6), bool)
    missing[:, 2:4, 1:5] = True
    holed = np.where(missing[..., None], np.nan, IMAGES)
    filled = loaded.impute(holed)
    assert np.array_equal(filled[~missing], IMAGES[~missing])
    assert np.isfinite(filled).all()
    integers = np.rint(IMAGES * 255).astype(np.uint8)[..., 0]
    by_mask = loaded.impute(integers, missing[0])
    assert by_mask.dtype == np.uint8
    assert np.array_equal(by_mask[~missing], integers[~missing])
    np.testing.assert_allclose(by_mask[missing] / 255, filled[..., 0][missing], atol=0.02)
    assert loaded.impute(integers[0], missing[0]).shape == (8, 6)
    assert loaded.impute(np.ma.masked_array(integers)).tolist() == integers.tolist()
    assert loaded.impute(IMAGES).tolist() == IMAGES.tolist()
    with pytest.raises(ValueError, match="`missing` is needed for images of uint8"):
        loaded.impute(tf.data.Dataset.from_tensor_slices(integers))
    with pytest.raises(ValueError, match="`missing` is needed for images of uint8"):
        loaded.impute(integers)
    with pytest.raises(ValueError, match=r"`missing` must have shape"):
        loaded.impute(integers, missing[:3])


def test_models_that_cannot_be_loaded(tmp_path, saved):
    with pytest.raises(FileNotFoundError, match="there is no nothing-here"):
        tfdvae.load("nothing-here")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        ValueError,
        match=r"must be a run folder with a generator\.keras, or a SavedModel; it is neither",
    ):
        tfdvae.load(tmp_path / "empty")
    (tmp_path / "text.keras").write_text("hello")
    with pytest.raises(ValueError, match=r"text\.keras is no model that can be loaded"):
        tfdvae.load(tmp_path / "text.keras")
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="must be a DAE, VAE or DVAE; got Sequential"):
        tfdvae.load(tmp_path / "other.keras")
    (tmp_path / "m.keras").write_bytes((saved[1] / "m.keras").read_bytes()[:3000])
    with pytest.raises(ValueError, match=r"m\.keras is no model that can be loaded"):
        tfdvae.load(tmp_path / "m.keras")
    tf.saved_model.save(tf.Module(), str(tmp_path / "plain"))
    with pytest.raises(ValueError, match="is no SavedModel that tfdvae exported"):
        tfdvae.load(tmp_path / "plain")
    export(model_of(), tmp_path / "cut")
    (tmp_path / "cut" / "variables" / "variables.index").unlink()
    with pytest.raises(ValueError, match="is a damaged SavedModel"):
        tfdvae.load(tmp_path / "cut")


def test_sampling_needs_a_prior():
    with pytest.raises(ValueError, match="only a VAE or DVAE has a prior"):
        TrainedModel(model_of()).sample(3)


def test_to_dtype_rounds():
    assert image_arrays.to_dtype(
        np.array([0, 0.5, 1], np.float32), np.dtype(np.uint8)
    ).tolist() == [0, 128, 255]


DEEP = np.random.default_rng(3).integers(0, 4096, (5, *GRAY), dtype=np.uint16)


@pytest.fixture(scope="module")
def of_12_bits(tmp_path_factory):
    """A DVAE of 12-bit images in files of 16, on white, as a .keras file and a SavedModel."""
    folder = tmp_path_factory.mktemp("deep")
    model = model_of("dvae")
    model.white, model.background = 4095, "black"
    model.save(folder / "m.keras")
    export(model, folder / "saved_model")
    return model, folder


@pytest.mark.parametrize("place", [None, "m.keras", "saved_model", "again"])
def test_a_model_knows_the_white_of_its_images(of_12_bits, place):
    model, folder = of_12_bits
    if place == "again":
        tfdvae.export(tfdvae.load(folder / "m.keras"), folder / "again")
    loaded = tfdvae.load(model if place is None else folder / place)
    assert (loaded.white, loaded.background) == (4095, "black")
    unit = DEEP.astype(np.float32) / np.float32(4095)
    expected = model.denoise(unit)
    clean = loaded.denoise(DEEP)
    assert clean.dtype == np.uint16
    np.testing.assert_allclose(clean, expected * 4095, atol=0.6)
    np.testing.assert_allclose(loaded.encode(DEEP), model.encode(unit), atol=1e-5)
    scores = np.square(expected - unit).mean((1, 2, 3))
    np.testing.assert_allclose(loaded.anomaly_scores(DEEP), scores, rtol=1e-4)
    made = loaded.augment(DEEP, np.zeros(5, int), per_image=1)
    unit_made = tfdvae.Augmenter(model).generate(unit, np.zeros(5, int), 1)
    np.testing.assert_allclose(made.images, unit_made.images * 4095, atol=0.6)
    missing = np.zeros((8, 6), bool)
    missing[2:4] = True
    filled = loaded.impute(DEEP, missing)
    assert np.array_equal(filled[:, ~missing], DEEP[:, ~missing])
    assert filled.max() <= 4095


def test_the_white_of_a_dataset_in_a_graph(of_12_bits):
    loaded = tfdvae.load(of_12_bits[0])
    dataset = tf.data.Dataset.from_tensor_slices(DEEP).batch(2)
    found = np.concatenate(list(loaded.denoise(dataset).as_numpy_iterator()))
    assert np.abs(found.astype(int) - loaded.denoise(DEEP)).max() <= 1
    made = dataset.map(tfdvae.Augmenter(loaded).map_function(seed=0))
    assert 0.1 < np.mean([batch.mean() / 4095 for batch in made.as_numpy_iterator()]) < 0.9
    above = tf.data.Dataset.from_tensors(np.full((1, *GRAY), 5000, np.uint16))
    with pytest.raises(tf.errors.InvalidArgumentError, match="must not exceed the white of 4095"):
        list(loaded.denoise(above))


def test_another_white(of_12_bits):
    model, folder = of_12_bits
    loaded = tfdvae.load(folder / "m.keras", white=65535, background="white")
    assert (loaded.white, loaded.background) == (65535, "white")
    np.testing.assert_allclose(
        loaded.denoise(DEEP * 16), model.denoise(DEEP * 16 / np.float32(65535)) * 65535, atol=2
    )
    assert tfdvae.load(loaded) is loaded
    assert tfdvae.load(loaded, white=1).white == 1
    eight_bit = (DEEP // 16).astype(np.uint8)
    assert np.array_equal(loaded.denoise(eight_bit), tfdvae.load(model).denoise(eight_bit)), (
        "8 bits cannot hold that white and keep their own"
    )
    for given in (0, -1.5, np.nan):
        with pytest.raises(ValueError, match="`white` must be a finite number above 0"):
            tfdvae.load(model, white=given)
    with pytest.raises(TypeError, match="`white` must be a number"):
        tfdvae.load(model, white="auto")
    with pytest.raises(ValueError, match="`background` must be one of white, black"):
        tfdvae.load(model, background="red")


def test_floats_have_the_white_of_the_model(of_12_bits, caplog):
    model = of_12_bits[0]
    loaded = tfdvae.load(model)
    floats = DEEP.astype(np.float64)
    np.testing.assert_allclose(
        loaded.denoise(floats), 4095 * model.denoise(DEEP / np.float32(4095)), rtol=1e-4
    )
    assert not caplog.records
    for _ in range(2):
        loaded.denoise(IMAGES)
    (record,) = caplog.records
    assert "no value above 1, and their `white` is 4095" in record.getMessage()


def test_values_above_white_are_refused(of_12_bits):
    with pytest.raises(ValueError, match="must not exceed the `white` of 4,095; got 4,096"):
        tfdvae.load(of_12_bits[0]).denoise(DEEP + np.uint16(4096 - DEEP.max()))


def test_a_model_without_a_white_says_nothing_of_it(saved):
    model, folder = saved
    assert not {"white", "background"} & set(model.get_config())
    about = json.loads((folder / "saved_model/assets.extra/tfdvae.json").read_text())
    assert not {"white", "background"} & set(about)
    assert tfdvae.load(folder / "m.keras").white is None


FIXTURES = sorted(ROOT.joinpath("tests/fixtures").glob("*/*.npz"))
assert FIXTURES


@pytest.mark.parametrize("suffix", [".keras", "-saved_model"])
@pytest.mark.parametrize("expected", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_models_of_earlier_versions(expected, suffix):
    loaded = tfdvae.load(expected.with_name(expected.stem + suffix))
    with np.load(expected) as kept:
        np.testing.assert_allclose(loaded.denoise(kept["images"]), kept["denoised"], atol=1e-5)
        np.testing.assert_allclose(loaded.encode(kept["images"]), kept["codes"], atol=1e-4)
