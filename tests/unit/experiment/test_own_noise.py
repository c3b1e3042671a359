import re

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tfdvae import ImageDataset
from tfdvae.config import TrainConfig
from tfdvae.data.image_dataset import Split
from tfdvae.experiment import own_noise

RANDOM = np.random.default_rng(0)
ROWS, COLUMNS = np.mgrid[:32, :32] / 32
PHASES = np.linspace(0, 6, 80)[:, None, None]
CLEAN = (0.5 + 0.2 * np.sin(4 * ROWS + PHASES) * np.cos(3 * COLUMNS))[..., None]
NORMAL = RANDOM.standard_normal(CLEAN.shape)
GAUSSIAN = CLEAN + 0.05 * NORMAL
LIGHT = 0.1 + 0.6 * ROWS[..., None] * CLEAN
PHOTONS = RANDOM.poisson(60 * LIGHT) / 60
SMOOTHED = CLEAN + gaussian_filter(0.15 * NORMAL, (0, 1, 1, 0))
IN_ALL_CHANNELS = (
    np.repeat(CLEAN, 3, -1) + 0.05 * NORMAL + 0.02 * RANDOM.random((*CLEAN.shape[:3], 3))
)
CLIPPED = np.clip(CLEAN - 0.45 + 0.05 * NORMAL, 0, 1)


def dataset(images):
    assert images.min() >= 0
    assert images.max() <= 1
    return ImageDataset.from_arrays(images[:60].astype(np.float32), None, images[60:])


def settle(images=GAUSSIAN, **settings):
    return own_noise.settle(TrainConfig.of(noise="auto", **settings), dataset(images))


@pytest.mark.parametrize("model", ["dae", "dvae"])
def test_gaussian_noise_is_measured(model):
    config, choice = settle(model=model)
    assert config.chosen_objective == choice.objective == "recorrupted"
    assert config.injected.level == pytest.approx(0.05, rel=0.05)
    sigma = config.injected.level * np.sqrt(5) if model == "dvae" else 1
    kind, _, found = config.chosen_likelihood.partition(":")
    assert (kind, float(found)) == ("linear", pytest.approx(sigma, rel=1e-5))
    assert str(choice).startswith("Objective: recorrupted, since the noise is about the same every")


def test_noise_of_photons_is_measured():
    config, choice = settle(PHOTONS, model="dvae")
    assert (config.chosen_objective, str(config.injected)) == ("masked", "none")
    assert config.chosen_likelihood.startswith("linear:0.")
    assert "independent from pixel to pixel" in choice.reason


@pytest.mark.parametrize(
    ("settings", "objective"),
    [
        ({"objective": "masked"}, "masked"),
        ({"objective": "observed"}, "observed"),
        ({"objective": "recorrupted"}, "recorrupted"),
        ({"model": "vae"}, "observed"),
        ({"recipe": "opengenus"}, "observed"),
    ],
)
def test_what_is_asked_for_is_obeyed(settings, objective):
    config, choice = settle(**settings)
    assert (config.chosen_objective, choice.advice) == (objective, "")
    if objective == "recorrupted":
        assert config.injected.level == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"corruption": "0.2"}, "Without `--corruption` it is recorrupted"),
        ({"likelihood": "bernoulli"}, "Without `--likelihood` it is recorrupted"),
    ],
)
def test_settings_that_do_not_fit_the_noise_keep_it(settings, advice):
    config, choice = settle(**settings)
    assert config.chosen_objective == "observed"
    assert advice in choice.advice


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (SMOOTHED, "the noise of neighboring pixels is correlated"),
        (GAUSSIAN[:, :6, :6], "`noise` auto cannot be estimated: .* 8x8 .* Give the standard dev"),
    ],
)
def test_noise_from_which_nothing_can_be_learned_is_refused(images, message):
    with pytest.raises(ValueError, match=message):
        settle(images)


@pytest.mark.parametrize(
    ("images", "settings", "level"),
    [
        (GAUSSIAN, {"noise": 0.3}, 0.3),
        (GAUSSIAN, {"noise": "auto"}, 0.05),
        (GAUSSIAN, {"noise": "auto", "objective": "recorrupted", "corruption": "0.07"}, 0.07),
        (GAUSSIAN, {"noise": "auto", "objective": "masked"}, 0.05),
        (PHOTONS, {"noise": "auto", "objective": "masked"}, np.std(PHOTONS - LIGHT)),
        (SMOOTHED, {"noise": "auto", "objective": "masked"}, None),
        (CLIPPED, {"noise": "auto"}, None),
        (IN_ALL_CHANNELS, {"noise": "auto"}, None),
    ],
)
def test_noise_that_the_error_is_estimated_with(images, settings, level):
    config = TrainConfig.of(**settings)
    if config.data.noise == "auto":
        config, _ = own_noise.settle(config, dataset(images))
    found = own_noise.of_images(config, dataset(images))
    if level is None:
        assert found is None
    else:
        assert found.variance(images).mean() ** 0.5 == pytest.approx(level, rel=0.06)


@pytest.mark.parametrize(
    ("images", "settings", "told"),
    [
        (GAUSSIAN, {}, "The images look noisy: a standard deviation of 1[23] of 255"),
        (GAUSSIAN, {"model": "ae"}, "The AE learns to return them as they are, with that noise"),
        (GAUSSIAN, {"objective": "masked"}, "The objective learns from it, but"),
        (CLEAN + 0.004 * NORMAL, {}, None),
        (CLEAN, {}, None),
        (SMOOTHED, {}, None),
        (np.full_like(CLEAN, 0.5), {}, None),
        (GAUSSIAN[:, :6, :6], {}, None),
        (GAUSSIAN, {"noisy_train": True}, None),
        (GAUSSIAN, {"noise": "auto"}, None),
        (CLIPPED, {"noise": "auto"}, r"\d+% of the pixels are clipped"),
        (GAUSSIAN, {"noise": 0.05}, None),
        (GAUSSIAN, {"noise": 0.3}, "`noise` is 76.5 of 255, but the pictures look like 12"),
        (PHOTONS, {"noise": 0.05}, "`noise` is for Gaussian noise that is the same everywhere"),
    ],
)
def test_notes(images, settings, told):
    found = own_noise.notes(TrainConfig.of(**settings), dataset(images))
    assert len(found) == (told is not None)
    assert all(re.search(told, text) for text in found)


@pytest.mark.parametrize(
    ("second", "level"),
    [(GAUSSIAN, 0.05), (SMOOTHED, 0.042), (CLEAN, 0), (GAUSSIAN[:, :3, :3], 0)],
)
def test_second_images_of_pairs_are_noisy_or_not(second, level):
    first = CLEAN + 0.1 * RANDOM.standard_normal(CLEAN.shape)
    first = first[:, : second.shape[1], : second.shape[2]]
    split = Split(second, np.zeros(80, int), first)
    pairs = ImageDataset("pairs", (), split, split)
    told = own_noise.of_second(pairs)
    assert (0 if told is None else told.variance**0.5) == pytest.approx(level, rel=0.1)
    config = TrainConfig.of(model="dae", noisy_dir="first", no_classifier=True)
    found = own_noise.notes(config, pairs)
    assert len(found) == (level > 0)
    assert all(
        "images of `dataset` are noisy too: a standard deviation of 1" in text for text in found
    )


NOISY = CLEAN + 0.1 * RANDOM.standard_normal(CLEAN.shape)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (NOISY, CLEAN, []),
        (NOISY, NOISY, ["no noise that those of `dataset` do not"]),
        (NOISY, NOISY + 0.01, ["no noise that those of `dataset` do not"]),
        (CLEAN, NOISY, ["are the folders swapped"]),
        (
            NOISY,
            CLEAN + 0.1,
            ["`dataset` are brighter than those of `noisy_dir`, on average by 26"],
        ),
        (NOISY, 0.7 * CLEAN, ["`dataset` are darker than"]),
        (
            np.clip(CLEAN - 0.45 + 0.05 * RANDOM.standard_normal(CLEAN.shape), 0, 1),
            CLIPPED,
            ["are noisy too", "of the pixels are clipped"],
        ),
        (NOISY[:, :3, :3], NOISY[:, :3, :3], []),
    ],
)
def test_notes_of_pairs(first, second, told):
    split = Split(second, np.zeros(80, int), first)
    config = TrainConfig.of(model="dae", noisy_dir="first", no_classifier=True)
    found = own_noise.notes(config, ImageDataset("pairs", (), split, split))
    assert len(found) == len(told)
    assert all(part in text for part, text in zip(told, found, strict=True))


def test_clipped_noise_is_told_beside_what_speaks_against_its_level():
    found = own_noise.notes(TrainConfig.of(noise=0.05), dataset(CLIPPED))
    assert re.search(r"\d+% of the pixels are clipped", found[0])


def test_the_likelihood_is_of_the_noise_that_is_injected():
    config, _ = settle(objective="recorrupted", corruption="0.07")
    assert config.chosen_likelihood == "linear:0.156525"  # 0.07 x sqrt(5)


def test_a_level_that_is_needed_and_is_not_there_is_asked_for():
    ramps = ROWS[..., None] / 2 + np.zeros_like(CLEAN)
    with pytest.raises(ValueError, match="`noise` auto finds none, and `objective` recorrupted"):
        settle(ramps, objective="recorrupted")
