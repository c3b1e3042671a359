"""Draws of the posterior by what `tfdvae.load` returns."""

import numpy as np
import pytest
import tensorflow as tf

import tfdvae
from tests.helpers.models import make, make_known_posterior
from tfdvae._utils import limits
from tfdvae.data.patches import oriented, restored
from tfdvae.inference.exporting import export
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.models import posterior

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.uniform(0.4, 0.6, (3, 8, 6, 1)).astype(np.float32)


def known(number, seed=0, shape=(8, 6, 1)):
    return 0.05 * posterior.noise(shape, seed, number)


@pytest.fixture(scope="module", params=["keras", "saved_model"])
def loaded(request, tmp_path_factory):
    model, path = make_known_posterior(), tmp_path_factory.mktemp("saved") / "m.keras"
    model.posterior_samples = 4
    if request.param == "keras":
        model.save(path)
    else:
        path = export(model, path.with_name("saved"))
    return tfdvae.load(path)


def test_draws_of_a_loaded_model(loaded):
    drawn = loaded.sample_around(PICTURES, count=3, seed=1)
    assert (drawn.shape, drawn.dtype) == ((3, 3, 8, 6, 1), np.float32)
    np.testing.assert_allclose(drawn[:, 2], PICTURES + known(2, seed=1), atol=1e-6)
    spread = loaded.uncertainty(PICTURES, samples=3, seed=1)
    assert (spread.shape, spread.dtype) == ((3, 8, 6, 1), np.float32)
    np.testing.assert_allclose(spread, drawn.std(axis=1, ddof=1), atol=1e-6)
    mean = loaded.denoise(PICTURES, samples=3, seed=1)
    np.testing.assert_allclose(mean, drawn.mean(axis=1), atol=1e-6)
    both = loaded.mean_and_spread(PICTURES, samples=3, seed=1)
    assert all(np.array_equal(*pair) for pair in zip(both, (mean, spread), strict=True))


def test_as_many_draws_as_the_model_asks_for(loaded):
    made = loaded.denoise(PICTURES)
    assert np.array_equal(made, loaded.denoise(PICTURES, samples=4, seed=0))
    np.testing.assert_allclose(
        made - PICTURES, [np.mean([*map(known, range(4))], 0)] * 3, atol=1e-6
    )


@pytest.mark.parametrize("shape", [(16, 9), (2, 16, 9), (16, 9, 1), (2, 16, 9, 1)])
def test_images_as_they_come(loaded, shape):
    pictures = RANDOM.integers(100, 150, shape, dtype=np.uint8)
    batch = (pictures / np.float32(255)).reshape(-1, 16, 9, 1)
    single = shape[0] == 16
    drawn = loaded.sample_around(pictures, count=2)
    spread = loaded.uncertainty(pictures, samples=2)
    assert drawn.shape == ((2, 16, 9, 1) if single else (2, 2, 16, 9, 1))
    assert spread.shape == ((16, 9, 1) if single else (2, 16, 9, 1))
    expected = batch[:, None] + [known(number, shape=(16, 9, 1)) for number in range(2)]
    np.testing.assert_allclose(drawn, expected[0] if single else expected, atol=1e-6)
    made = loaded.denoise(pictures, samples=2)
    assert (made.shape, made.dtype) == (shape, np.uint8)
    np.testing.assert_allclose(made.reshape(batch.shape) / 255, expected.mean(axis=1), atol=0.003)


def test_large_pictures_in_tiles_equal_the_whole(loaded):
    picture = RANDOM.uniform(0.4, 0.6, (1, 150, 170, 1)).astype(np.float32)
    whole = loaded.sample_around(picture, count=2)
    with limits.use(whole_pixels=64**2):
        tiled = loaded.sample_around(picture, count=2)
    np.testing.assert_allclose(tiled, whole, atol=1e-6)


def test_draws_take_turns_in_the_orientations():
    core = make_known_posterior()
    core.orientations = 8
    drawn = TrainedModel(core).sample_around(PICTURES, count=9)
    for number, way in ((1, 1), (4, 4), (6, 6), (8, 0)):
        noise = known(number, shape=oriented(PICTURES, way).shape[1:])
        expected = PICTURES + restored(noise[None], way)
        np.testing.assert_allclose(drawn[:, number], expected, atol=1e-6)


@pytest.mark.parametrize("verb", ["sample_around", "uncertainty", "mean_and_spread"])
@pytest.mark.parametrize(
    ("name", "images", "options", "error", "message"),
    [
        ("dae", PICTURES, {}, ValueError, "only a VAE or DVAE has a posterior"),
        ("dvae", PICTURES, {"seed": -1}, ValueError, "`seed` must be"),
        ("dvae", np.zeros((1, 16, 12, 1)), {}, ValueError, "`images` must be 8x6"),
        ("dvae", PICTURES * np.nan, {}, ValueError, "NaN"),
        ("dvae", tf.data.Dataset.from_tensors(PICTURES), {}, TypeError, "got a dataset"),
    ],
)
def test_refused(verb, name, images, options, error, message):
    model = TrainedModel(make(name, shape=(8, 6, 1)))
    with pytest.raises(error, match=message):
        getattr(model, verb)(images, **options)


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        ("sample_around", {"count": 0}, "`count` must be"),
        ("sample_around", {"count": 10**12}, "`count` .* of memory"),
        ("uncertainty", {"samples": 1}, "`samples` must be"),
        ("denoise", {"samples": 0}, "`samples` must be"),
    ],
)
def test_refused_numbers(verb, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(TrainedModel(make_known_posterior()), verb)(PICTURES, **options)


def test_draws_of_a_dataset_are_refused():
    images = tf.data.Dataset.from_tensors(PICTURES)
    with pytest.raises(TypeError, match="got a dataset"):
        TrainedModel(make("dvae", shape=(8, 6, 1))).denoise(images, samples=2)


def test_draws_of_a_dae_are_refused():
    with pytest.raises(ValueError, match="only a VAE or DVAE has a posterior"):
        TrainedModel(make("dae", shape=(8, 6, 1))).denoise(PICTURES, samples=2)
