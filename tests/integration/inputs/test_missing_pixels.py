"""Missing pixels as users of Python have them: in batches, datasets and whole numbers."""

from unittest import mock

import numpy as np
import pytest
import tensorflow as tf

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.models import make

SHAPE = (8, 6, 1)
RANDOM = np.random.default_rng(0)
BYTES = RANDOM.integers(0, 256, (5, *SHAPE), np.uint8)
WORDS = BYTES.astype(np.uint16) * 257
IMAGES = BYTES / np.float32(255)
HOLES = RANDOM.random(IMAGES.shape[:3]) < 0.3
NOTE = "no pixel of `images` is NaN or masked, so none was filled in"


def _model():
    return tfdvae.load(make("dvae", shape=SHAPE))


def _whole_numbers(folder, caplog):
    """Known pixels were replaced too, as none is known to be missing."""
    model = _model()
    for images in (BYTES, WORDS, BYTES[..., 0]):
        dataset = tf.data.Dataset.from_tensor_slices((images, np.arange(5)))
        for given in (dataset, dataset.batch(2)):
            with pytest.raises(ValueError, match=f"`missing` is needed .* {images.dtype}, which"):
                model.impute(given)
        with pytest.raises(ValueError, match=f"`missing` is needed .* {images.dtype}, which"):
            model.impute(images)
    images = tf.data.Dataset.from_tensor_slices(BYTES)
    with pytest.raises(ValueError, match="a dataset must hold floats whose missing pixels are NaN"):
        images.map(model.impute)


def _floats(folder, caplog):
    model = _model()
    holed = np.where(HOLES[..., None], np.float32(np.nan), IMAGES)
    made = np.stack(list(model.impute(tf.data.Dataset.from_tensor_slices(holed))))
    assert np.array_equal(made[~HOLES], IMAGES[~HOLES])
    assert not np.isnan(made).any()
    complete = model.impute(tf.data.Dataset.from_tensor_slices(IMAGES).batch(2))
    assert np.array_equal(np.concatenate(list(complete)), IMAGES)


def _batches(folder, caplog):
    """The third of them lacks nothing."""
    model, lost = _model(), np.where(HOLES[..., None], np.nan, IMAGES)
    for given, kind in ((lost, np.float64), (lost.astype(np.float32), np.float32)):
        caplog.clear()
        batches = (given[:2], given[2:4], IMAGES[:2].astype(kind), given[4:])
        made = [model.impute(batch) for batch in batches]
        assert np.array_equal(made[2], batches[2])
        assert made[2].dtype == kind
        assert not any(np.isnan(batch).any() for batch in made)
        assert caplog.text.count(NOTE) == 1


def _complete(folder, caplog):
    model = _model()
    for images in (IMAGES, IMAGES[0], IMAGES[..., 0], np.ma.masked_array(IMAGES), list(IMAGES)):
        caplog.clear()
        made = model.impute(images)
        assert type(made) is np.ndarray
        assert np.array_equal(made, np.asarray(images))
        assert caplog.text.count(NOTE) == 1
    for bad in (IMAGES[:, :3], 255 * IMAGES):
        with pytest.raises(ValueError, match="`images` must"):
            model.impute(bad)


def _masked_whole_numbers(folder, caplog):
    """A mask says which pixels are known, also where that is all of them."""
    model, none = _model(), np.zeros(BYTES.shape, bool)
    for images in (BYTES, WORDS):
        for masked in (np.ma.masked_array(images), np.ma.masked_array(images, none)):
            for given in (masked, list(masked)):
                caplog.clear()
                made = model.impute(given)
                assert made.dtype == images.dtype
                assert np.array_equal(made, images)
                assert caplog.text.count(NOTE) == 1


def _marked(folder, caplog):
    for images in (IMAGES, BYTES):
        assert np.array_equal(_model().impute(images, np.zeros(SHAPE[:2], bool)), images)
    assert NOTE not in caplog.text


def _not_asked(folder, caplog):
    model = _model()
    with mock.patch.object(model.core, "denoise", side_effect=RuntimeError("asked")) as denoise:
        for given in (IMAGES, np.ma.masked_array(BYTES)):
            made = model.impute(given)
            assert made.dtype == given.dtype
            assert np.array_equal(made, given)
        with pytest.raises(ValueError, match="images scaled to"):
            model.impute(IMAGES * 255)
        assert not denoise.called
        with pytest.raises(RuntimeError, match="asked"):
            model.impute(np.where(HOLES[..., None], np.nan, IMAGES))


@table(
    Case("a dataset of uint8 or uint16", "refused, as an array of them is", _whole_numbers),
    Case("a dataset of floats", "known pixels stay bit for bit", _floats),
    Case("batches, of which one lacks nothing", "all filled in, that one as it is", _batches),
    Case("floats without NaN", "as they are, with a NOTE", _complete),
    Case("np.ma of uint8 without masked pixels", "as they are, with a NOTE", _masked_whole_numbers),
    Case("`missing` that marks nothing", "as they are", _marked),
    Case("no missing pixel", "the model is not asked, images are checked", _not_asked),
)
def test_impute(case, tmp_path, caplog):
    case.check(tmp_path, caplog)
