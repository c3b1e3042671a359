"""Arrays and datasets as users of Python have them: masked, rounded, standardized, labelled."""

import logging
from logging.handlers import BufferingHandler

import numpy as np
import pytest
import tensorflow as tf

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.models import make
from tfdvae.data import sources
from tfdvae.models import networks

SHAPE = (28, 28, 1)
IMAGES = 0.5 + 0.5 * np.sin(np.linspace(0, 40, 6 * 784, dtype=np.float32)).reshape(6, *SHAPE)
LABELS = np.arange(6) % 2
HOLES = np.random.default_rng(0).random(IMAGES.shape[:3]) < 0.3
MASKED = np.ma.masked_array(IMAGES, HOLES[..., None])
UNMASKED = np.ma.masked_array(IMAGES)


def _model():
    return tfdvae.load("clothing-dvae")


def _keras_model():
    return make("dvae", shape=SHAPE)


def _masked_is_missing(folder, command):
    model = _model()
    expected = model.impute(IMAGES, HOLES)
    filled = model.impute(MASKED)
    assert type(filled) is np.ndarray
    assert np.array_equal(filled, expected)
    bytes_ = np.ma.masked_array(np.rint(255 * IMAGES).astype(np.uint8), HOLES[..., None])
    assert np.array_equal(model.impute(bytes_), model.impute(bytes_.data, HOLES))
    assert np.array_equal(model.impute(list(MASKED)), expected)
    assert np.array_equal(model.impute(MASKED[0, ..., 0]), model.impute(MASKED[:1])[0, ..., 0])


def _mask_and_missing(folder, command):
    model, others = _model(), np.random.default_rng(1).random(HOLES.shape) < 0.1
    assert np.array_equal(model.impute(MASKED, others), model.impute(IMAGES, HOLES | others))
    with_nan = np.where(others[..., None], np.nan, MASKED.data)
    masked = np.ma.masked_array(with_nan, HOLES[..., None])
    expected = model.impute(np.nan_to_num(with_nan), HOLES | others)
    np.testing.assert_allclose(model.impute(masked), expected, atol=1e-6)


def _nothing_missing(folder, command):
    for images in (IMAGES, UNMASKED):
        assert np.array_equal(_model().impute(images), IMAGES)
    assert np.array_equal(_model().impute(IMAGES, np.zeros(HOLES.shape, bool)), IMAGES)


def _refused_by(name, *calls):
    for call in calls:
        with pytest.raises(ValueError, match=rf"`{name}` must have a value everywhere; .* masked"):
            call()


def _masked_elsewhere(folder, command):
    model, keras_model = _model(), _keras_model()
    augmenter = tfdvae.Augmenter(model)
    _refused_by(
        "images",
        lambda: model.denoise(MASKED),
        lambda: model.denoise(list(MASKED)),
        lambda: model.encode(MASKED),
        lambda: model.anomaly_scores(MASKED),
        lambda: model.detect(MASKED, IMAGES),
        lambda: model.compress(MASKED, 4),
        lambda: model.augment(MASKED, LABELS),
        lambda: augmenter.generate(MASKED, LABELS),
        lambda: keras_model.denoise(MASKED),
    )
    _refused_by("normal", lambda: model.detect(IMAGES, MASKED))
    _refused_by(
        "x",
        lambda: keras_model.fit(MASKED, verbose=0),
        lambda: keras_model.evaluate(MASKED, verbose=0),
        lambda: keras_model.predict(MASKED, verbose=0),
    )
    _refused_by("y", lambda: keras_model.fit(IMAGES, MASKED, verbose=0))
    _refused_by("inputs", lambda: keras_model(MASKED))
    _refused_by("codes", lambda: model.decode(np.ma.masked_less(model.encode(IMAGES), 0)))
    with pytest.raises(ValueError, match=r"`\.filled\(value\)` sets them\. `tfdvae\.load\(model\)"):
        model.denoise(MASKED)


def _masked_datasets(folder, command):
    from_arrays = tfdvae.ImageDataset.from_arrays
    labels = np.ma.masked_array(LABELS, [0, 0, 1, 0, 0, 0])
    _refused_by("train_images", lambda: from_arrays(MASKED, LABELS))
    _refused_by("train_labels", lambda: from_arrays(IMAGES, labels))
    _refused_by("test_images", lambda: from_arrays(IMAGES, LABELS, MASKED, LABELS))
    _refused_by("test_labels", lambda: from_arrays(IMAGES, LABELS, IMAGES, labels))
    _refused_by("labels", lambda: _model().augment(IMAGES, labels))


def _nothing_masked(folder, command):
    model = _model()
    assert np.array_equal(model.denoise(UNMASKED), model.denoise(IMAGES))
    dataset = tfdvae.ImageDataset.from_arrays(UNMASKED, np.ma.masked_array(LABELS))
    assert type(dataset.train.images) is np.ndarray
    made = model.augment(UNMASKED, np.ma.masked_array(LABELS), per_image=1)
    assert np.array_equal(made.images, model.augment(IMAGES, LABELS, per_image=1).images)


@table(
    Case("np.ma with masked pixels, impute", "they are what is missing", _masked_is_missing),
    Case("np.ma and `missing` or NaN", "both are missing", _mask_and_missing),
    Case("impute without NaN or mask", "images as they are", _nothing_missing),
    Case("np.ma with masked pixels, other methods", "refused by name", _masked_elsewhere),
    Case("np.ma in from_arrays, and labels", "refused by name", _masked_datasets),
    Case("np.ma without masked values", "read as an array", _nothing_masked),
)
def test_masked_arrays(case, tmp_path, command):
    case.check(tmp_path, command)


def _hair(dtype):
    images = IMAGES.astype(dtype)
    images[0, 0, 0] = np.nextafter(dtype(1), dtype(2))
    images[1, 0, 0] = -1e-7
    return images


def _clipped(dtype):
    def check(folder, command):
        images = _hair(dtype)
        dataset = tfdvae.ImageDataset.from_arrays(images, LABELS, images, LABELS)
        assert np.array_equal(dataset.test.images, np.clip(images, 0, 1).astype(np.float32))
        np.savez(folder / "d.npz", x_train=images, y_train=LABELS)
        loaded = sources.load(str(folder / "d.npz"))
        assert loaded.train.images.max() <= 1
        keras_model = _keras_model()
        keras_model.fit(images, epochs=1, verbose=0)
        keras_model.fit(IMAGES, images, epochs=1, verbose=0)
        given = images.tobytes()
        assert _model().denoise(images).shape == images.shape
        assert images.tobytes() == given

    return check


def _larger_excess(folder, command):
    images = IMAGES.astype(np.float64)
    images[2, 3, 3] = 1.000003
    message = r"must be finite and in \[0, 1\]; image 2 has values from .* to 1\.000003\."
    with pytest.raises(ValueError, match=message):
        tfdvae.ImageDataset.from_arrays(images, LABELS)
    with pytest.raises(ValueError, match=r"in \[0, 1\]; got values from .* to 1\.000003\."):
        _keras_model().fit(images, verbose=0)


def _probabilities(folder, command):
    from tfdvae.metrics import classification

    hair = np.array([[np.nextafter(np.float32(1), np.float32(2)), 0], [0.25, 0.75]], np.float32)
    np.testing.assert_allclose(classification.probabilities(hair), hair, atol=1e-6)
    assert classification.parse("accuracy")(hair, np.array([0, 1])) == 1


@table(
    Case("float16 a step above 1", "clipped", _clipped(np.float16)),
    Case("float32 a step above 1", "clipped", _clipped(np.float32)),
    Case("float64 a step above 1", "clipped", _clipped(np.float64)),
    Case("1.000003", "refused, with all digits", _larger_excess),
    Case("probabilities a step above 1", "still probabilities", _probabilities),
)
def test_rounding(case, tmp_path, command):
    case.check(tmp_path, command)


def _standardized(images):
    def check(folder, command):
        model = _model()
        for verb in (model.denoise, model.encode, model.anomaly_scores):
            for given in (images, images[:1]):
                with pytest.raises(ValueError, match=r"`images` .*\[0, 1\].*standardized, or"):
                    verb(given)
            data = tf.data.Dataset.from_tensor_slices(images)
            with pytest.raises(tf.errors.InvalidArgumentError, match="must be finite and scaled"):
                list(verb(data.batch(3)))
        np.save(folder / "z.npy", images)
        done = command("denoise", "clothing-dvae", "z.npy", "out.npy")
        assert done.returncode == 2
        assert "standardized" in done.stderr
        assert not (folder / "out.npy").exists()

    return check


def _noisy(folder, command):
    model, generator = _model(), np.random.default_rng(0)
    for images in (IMAGES, np.zeros_like(IMAGES), np.ones_like(IMAGES)):
        for noise in (generator.normal(0, 1, images.shape), generator.uniform(-1, 1, images.shape)):
            noisy = (images + noise).astype(np.float32)
            assert np.isfinite(model.denoise(noisy)).all()
            assert len(list(model.denoise(tf.data.Dataset.from_tensor_slices(noisy)))) == 6


def _of_another_likelihood(folder, command):
    """Such a model may have learned from any scale, so it says so and goes on."""
    model = make("vae three draws", shape=SHAPE)
    handler = BufferingHandler(100)
    logging.getLogger("tfdvae").addHandler(handler)
    try:
        model.denoise(2 * IMAGES - 1)
        model.encode(2 * IMAGES - 1)
        model.denoise(IMAGES)
    finally:
        logging.getLogger("tfdvae").removeHandler(handler)
    (note,) = [record.getMessage() for record in handler.buffer]
    assert note.startswith("NOTE: `images` do not look like images scaled to [0, 1]: they")


@table(
    Case("z-scored images", "refused", _standardized((IMAGES - IMAGES.mean()) / IMAGES.std())),
    Case("images in [-1, 1]", "refused", _standardized(2 * IMAGES - 1)),
    Case("Gaussian noise of level 1", "denoised", _noisy),
    Case("[-1, 1], a Gaussian likelihood", "a NOTE", _of_another_likelihood),
)
def test_scales(case, tmp_path, command):
    case.check(tmp_path, command)


def _labelled(elements, hint=r"Labels are not used: .*leaves the labels out"):
    def check(folder, command):
        model = _keras_model()
        data = tf.data.Dataset.from_tensor_slices(elements).batch(2)
        for verb in (model.fit, model.evaluate):
            with pytest.raises((TypeError, ValueError), match=hint):
                verb(data, verbose=0)

    return check


def _predicted(folder, command):
    model = _keras_model()
    data = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(2)
    np.testing.assert_allclose(
        model.predict(data, verbose=0), model.predict(IMAGES, verbose=0), atol=1e-6
    )


@table(
    Case("(image, integer)", "the hint that labels are not used", _labelled((IMAGES, LABELS))),
    Case(
        "(uint8 image, integer)",
        "that hint first",
        _labelled((np.rint(255 * IMAGES).astype(np.uint8), LABELS)),
    ),
    Case("(image, one-hot)", "that hint", _labelled((IMAGES, np.eye(2)[LABELS]))),
    Case("(image, integer, weight)", "that hint", _labelled((IMAGES, LABELS, np.ones(6)))),
    Case("((image, image), integer)", "that hint", _labelled(((IMAGES, IMAGES), LABELS))),
    Case(
        "{image, label}",
        "named",
        _labelled({"image": IMAGES, "label": LABELS}, "a dict with image, label"),
    ),
    Case("(image, integer) for predict", "predictions of the images", _predicted),
)
def test_labelled_datasets(case, tmp_path, command):
    case.check(tmp_path, command)


def _raises(error, message, call):
    def check(folder, command):
        with pytest.raises(error, match=message):
            call()

    return check


@table(
    Case(
        "augment(images)",
        "the labels are asked for",
        _raises(TypeError, "`labels` must .* got None", lambda: _model().augment(IMAGES)),
    ),
    Case(
        "from_arrays of one class",
        "a hint without flags",
        _raises(
            ValueError,
            r"got 1 \(train_labels=None",
            lambda: tfdvae.ImageDataset.from_arrays(IMAGES, LABELS * 0),
        ),
    ),
    Case(
        "networks.build of (28, 28)",
        "refused by name",
        _raises(
            ValueError,
            r"`image_shape` must be \(H, W, C\); got \(28, 28\)",
            lambda: networks.build("mlp", (28, 28), 4, variational=True),
        ),
    ),
    Case(
        "networks.build(output=3)",
        "refused by name",
        _raises(
            TypeError,
            "`output` is no argument",
            lambda: networks.build("mlp", SHAPE, 4, variational=True, output=3),
        ),
    ),
    Case(
        "uint8 to model(x)",
        "refused by name",
        _raises(
            TypeError,
            "`inputs` must be floating point",
            lambda: _keras_model()(np.zeros((1, *SHAPE), np.uint8)),
        ),
    ),
)
def test_arguments(case, tmp_path, command):
    case.check(tmp_path, command)


def _imputed(folder, command):
    """Arrays are imputed in pieces, of which some may lack nothing."""
    many = np.concatenate([np.where(HOLES[..., None], np.nan, IMAGES), *[IMAGES] * 50])
    np.save(folder / "some.npy", many)
    done = command("impute", "clothing-dvae", "some.npy", "out.npy")
    assert done.returncode == 0
    assert "none was filled in" not in done.stdout
    assert np.array_equal(np.load(folder / "out.npy")[6:], many[6:])
    np.save(folder / "none.npy", IMAGES)
    done = command("impute", "clothing-dvae", "none.npy", "same.npy")
    assert done.returncode == 0
    assert "NOTE: no pixel of none.npy is NaN, so none was filled in" in done.stdout
    assert np.array_equal(np.load(folder / "same.npy"), IMAGES)


@table(Case("impute of an array without NaN", "a NOTE", _imputed))
def test_nothing_to_impute(case, tmp_path, command):
    case.check(tmp_path, command)
