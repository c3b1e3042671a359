"""Which objective the settings stand for, by the noise that training images are known to have."""

import json
import math

import pytest

from tfdvae import corruptions
from tfdvae.cli.commands.train import parse
from tfdvae.config import TrainConfig
from tfdvae.config.objective import for_noise

NOISY = {"noisy_train": True}
SIGMA = 0.1 * math.sqrt(5)  # of y - n / a with a = 1/2, as y and n have a deviation of 0.1 each


@pytest.mark.parametrize(
    ("noise", "objective", "why"),
    [
        ("gaussian:0.1", "recorrupted", "Gaussian of known strength"),
        ("poisson:0.2", "recorrupted", "that of photons, of known strength"),
        ("speckle:0.3", "masked", "independent from pixel to pixel"),
        ("uniform:0.2", "masked", "independent from pixel to pixel"),
        ("gaussian:0.1,gaussian:0.2", "masked", "independent from pixel to pixel"),
        ("clipped_gaussian:0.1", None, "not the image itself on average"),
        ("salt_and_pepper:0.1", None, "not the image itself on average"),
        ("masking:0.1", None, "not the image itself on average"),
        ("random_erasing:0.5", None, "their pixels depend on one another"),
        ("gaussian:0.1,masking:0.5", None, "not the image itself on average"),
    ],
)
def test_what_noise_allows(noise, objective, why):
    found, reason = for_noise(corruptions.parse(noise))
    assert (found, why in reason, noise in reason) == (objective, True, True)


@pytest.mark.parametrize(
    ("settings", "objective", "injected", "likelihood"),
    [
        ({"model": "dae"}, "observed", "gaussian:0.1", "bernoulli"),
        ({"model": "dvae"}, "observed", "gaussian:0.1", "bernoulli"),
        ({"model": "dae", **NOISY}, "recorrupted", "gaussian:0.1", "linear:1.0"),
        ({"model": "dvae", **NOISY}, "recorrupted", "gaussian:0.1", "linear:0.223607"),
        ({"model": "dae", "network": "unet", **NOISY}, "recorrupted", "gaussian:0.1", "linear:1.0"),
        (
            {"model": "dvae", **NOISY, "train_noise": "0.2"},
            "recorrupted",
            "gaussian:0.2",
            "linear:0.447214",
        ),
        ({"model": "dvae", "noise": 0.1}, "recorrupted", "gaussian:0.1", "linear:0.223607"),
        ({"model": "dae", "noise": "0.25"}, "recorrupted", "gaussian:0.25", "linear:1.0"),
        (
            {"model": "dae", **NOISY, "train_noise": "poisson:0.2"},
            "recorrupted",
            "poisson:0.2",
            "linear:1.0",
        ),
        (
            {"model": "dvae", **NOISY, "train_noise": "poisson:0.2"},
            "recorrupted",
            "poisson:0.2",
            "linear:0.447214",
        ),
        ({"model": "dae", **NOISY, "train_noise": "speckle:0.2"}, "masked", "none", "linear:1.0"),
        ({"model": "dvae", **NOISY, "train_noise": "speckle:0.2"}, "masked", "none", "linear:0.2"),
        (
            {"model": "dae", **NOISY, "train_noise": "clipped_gaussian:0.2"},
            "observed",
            "gaussian:0.1",
            "bernoulli",
        ),
        ({"model": "dae", **NOISY, "train_noise": "none"}, "observed", "gaussian:0.1", "bernoulli"),
        ({"model": "vae", **NOISY}, "observed", "none", "bernoulli"),
        ({"model": "ae", "noise": "auto"}, "observed", "none", "bernoulli"),
        ({"recipe": "conv-dae", **NOISY}, "recorrupted", "gaussian:0.1", "linear:1.0"),
        ({"recipe": "conv-dae", "noise": 0.2}, "recorrupted", "gaussian:0.2", "linear:1.0"),
        (
            {"recipe": "conv-dae", **NOISY, "train_noise": "masking:0.1"},
            "observed",
            "clipped_gaussian:0.1",
            "bernoulli",
        ),
        ({"recipe": "opengenus", **NOISY}, "observed", "clipped_gaussian:0.1", "mse"),
        ({"recipe": "opengenus", "noise": 0.2}, "observed", "clipped_gaussian:0.1", "mse"),
        (
            {"model": "dae", "noisy_dir": "a", "no_classifier": True},
            "observed",
            "none",
            "bernoulli",
        ),
        # What is given is obeyed.
        ({"model": "dvae", **NOISY, "objective": "observed"}, "observed", "gaussian:0.1", None),
        ({"model": "dae", **NOISY, "objective": "masked"}, "masked", "none", "linear:1.0"),
        ({"model": "dvae", **NOISY, "objective": "masked"}, "masked", "none", "linear:0.1"),
        (
            {"model": "dvae", "objective": "recorrupted", "corruption": "0.1"},
            "recorrupted",
            "gaussian:0.1",
            "linear:0.223607",
        ),
        ({"model": "dvae", **NOISY, "likelihood": "gaussian:0.3"}, "recorrupted", None, None),
        ({"model": "dae", **NOISY, "likelihood": "mse"}, "recorrupted", None, "mse"),
        (
            {"model": "dae", **NOISY, "corruption": "0.1"},
            "recorrupted",
            "gaussian:0.1",
            "linear:1.0",
        ),
        ({"model": "dae", **NOISY, "corruption": "0.2"}, "observed", "gaussian:0.2", "bernoulli"),
        ({"model": "dvae", **NOISY, "corruption": "masking:0.5"}, "observed", "masking:0.5", None),
        (
            {"model": "dvae", **NOISY, "likelihood": "bernoulli"},
            "observed",
            "gaussian:0.1",
            "bernoulli",
        ),
        (
            {"recipe": "conv-dae", **NOISY, "likelihood": "bernoulli"},
            "observed",
            "clipped_gaussian:0.1",
            "bernoulli",
        ),
    ],
)
def test_the_objective_is_what_noise_and_settings_allow(settings, objective, injected, likelihood):
    """From Python and, with the same values, from flags."""
    flags = []
    for name, value in settings.items():
        flags += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
    for config in (TrainConfig.of(**settings), parse(flags)[0]):
        assert config.chosen_objective == objective
        assert injected in (None, str(config.injected))
        given = config.generator.likelihood
        assert config.chosen_likelihood == (likelihood or given or "bernoulli")
        resolved = config.replace(
            objective=config.chosen_objective,
            corruption=str(config.injected),
            likelihood=config.chosen_likelihood,
        )
        stored = TrainConfig.from_dict(json.loads(json.dumps(resolved.to_dict())))
        assert stored.chosen_objective == objective
        assert str(stored.injected) == str(config.injected)
        assert stored.chosen_likelihood == config.chosen_likelihood


def test_the_likelihood_of_a_dvae_is_the_noise_of_its_targets():
    sigma = float(TrainConfig.of(**NOISY).chosen_likelihood.removeprefix("linear:"))
    assert sigma == pytest.approx(SIGMA, rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, ""),
        ({"model": "vae", **NOISY}, ""),
        (
            NOISY,
            "Objective: recorrupted, since the noise is Gaussian of known strength (gaussian:0.1).",
        ),
        ({**NOISY, "objective": "masked"}, "Objective: masked, since the settings say so."),
        (
            {**NOISY, "train_noise": "speckle:0.2", "corruption": "0.1"},
            "The model keeps part of the noise of the images: its objective is observed, since "
            "masked injects nothing, where 0.1 is to be injected. Without `--corruption` it is "
            "masked, which keeps none.",
        ),
        (
            {**NOISY, "corruption": "0.3"},
            "The model keeps part of the noise of the images: its objective is observed, since "
            "gaussian:0.3 is not the noise of the images, gaussian:0.1. Without `--corruption` it "
            "is recorrupted, which keeps none.",
        ),
        (
            {**NOISY, "likelihood": "bernoulli"},
            "The model keeps part of the noise of the images: its objective is observed, since the "
            "likelihood bernoulli clips what recorrupted reconstructs. Without `--likelihood` it "
            "is recorrupted, which keeps none.",
        ),
        (
            {**NOISY, "train_noise": "masking:0.5"},
            "The model keeps part of the noise of the images: its objective is observed, since "
            "images with masking:0.5 are not the image itself on average, or their pixels depend "
            "on one another. No objective for noisy images alone fits such noise.",
        ),
    ],
)
def test_the_choice_says_why(settings, told):
    assert str(TrainConfig.of(**settings).choice) == told


def test_a_stored_run_keeps_the_objective_that_it_names():
    """Of an earlier version: `observed` on noisy images, which is no longer the default."""
    stored = TrainConfig.of(**NOISY, objective="observed").to_dict()
    config = TrainConfig.from_dict(json.loads(json.dumps(stored)))
    assert (config.chosen_objective, config.chosen_likelihood) == ("observed", "bernoulli")
    assert config.identity() != TrainConfig.of(**NOISY).identity()
    assert TrainConfig().identity() == TrainConfig.of(objective="observed").identity()
