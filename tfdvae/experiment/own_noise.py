"""The noise that images have by themselves: what it allows to learn, and what is to be said of it.

Test images are not looked at for it.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfdvae import corruptions
from tfdvae.config import TrainConfig
from tfdvae.config.objective import OF_NOISY_IMAGES, Choice, fitted, target_likelihood
from tfdvae.data.image_dataset import ImageDataset, to_unit
from tfdvae.metrics import choice, noise, noise_of_pairs
from tfdvae.metrics.noise import NoiseEstimate
from tfdvae.metrics.noise_of_pairs import SecondNoise

CONSIDERABLE = 0.015
"""Standard deviation of noise from which a run says that images look noisy."""

CONSIDERABLE_OF_SECOND = 0.02
"""That of noise of the second images of pairs; what first ones lack, where clipped, is below it."""

_NO_NOISE = 0.004  # standard deviation below which first images of pairs have none
_SHIFT = 0.05  # of the mean, from which images of pairs differ in brightness
_GLANCED = 400_000  # values of which a run sees that
_CERTAIN = 0.1  # correlation of neighboring pixels below which it is noise and not structure


def settle(config: TrainConfig, dataset: ImageDataset) -> tuple[TrainConfig, Choice]:
    """Return the settings that the noise of the images allows, and the objective with its reason.

    Where noise is to be estimated (`noise` auto), it is done here.

    Args:
        config: settings.
        dataset: the images.

    Raises:
        ValueError: noise that cannot be estimated, or from which no model can learn.
    """
    generator = config.generator
    learns = generator.objective in (None, *OF_NOISY_IMAGES)
    if config.data.noise != "auto" or not generator.denoising or not learns:
        return config, config.choice
    found, least = _estimate(dataset.train.images)
    gaussian = corruptions.Gaussian(found.floor)
    chosen = config.choice
    if generator.objective is None:
        chosen = Choice(*choice.choose(found, least))
        chosen = fitted(chosen, gaussian, generator.corruption, generator.likelihood)
    settings: dict[str, Any] = {"objective": chosen.objective}
    injects = chosen.objective == "recorrupted" and generator.corruption is None
    weighs = (
        generator.variational and generator.likelihood is None and chosen.objective != "observed"
    )
    if (injects or weighs) and not found.floor > 0:
        raise ValueError(
            f"`noise` auto finds none, and `objective` {chosen.objective} needs it. Give the "
            "standard deviation instead."
        )
    if injects:
        settings["corruption"] = str(gaussian)
    if weighs:
        injected = gaussian if generator.corruption is None else config.injected
        level = injected.level if chosen.objective == "recorrupted" else found.level
        settings["likelihood"] = target_likelihood(chosen.objective, level)
    return config.replace(**settings), chosen


def of_images(config: TrainConfig, dataset: ImageDataset) -> NoiseEstimate | None:
    """Return the noise of the images, for an estimate of the error; None where it is not known.

    It is that which is given or which the model learned with, otherwise an estimate. Noise that
    pixels or channels share allows no estimate of the error, nor does clipped noise.

    Args:
        config: with `noise`.
        dataset: the images.
    """
    if isinstance(config.data.noise, float):
        return NoiseEstimate.gaussian(config.data.noise)
    if config.chosen_objective == "recorrupted":
        gaussian = isinstance(config.injected, corruptions.Gaussian)
        return NoiseEstimate.gaussian(config.injected.level) if gaussian else None
    try:
        found, least = _estimate(dataset.train.images)
        even = choice.choose(found, least)[0] == "recorrupted"
    except ValueError:
        return None
    if even:
        return NoiseEstimate.gaussian(found.floor)
    shared = (found.correlation, found.channel_correlation)
    fits = found.clipped <= choice.CLIPPED and not any(map(math.isnan, shared))
    return found if fits and abs(shared[1]) <= choice.CHANNELS else None


def of_second(dataset: ImageDataset) -> SecondNoise | None:
    """Return the noise that the second images of pairs have; None where they look clean.

    Images smaller than 4x4 pixels, of which that cannot be said, count as clean.

    Args:
        dataset: of pairs, whose `images` are the second ones.
    """
    try:
        found = noise_of_pairs.of_second(*_looked_at(dataset))
    except ValueError:
        return None
    return found if found.variance >= CONSIDERABLE_OF_SECOND**2 else None


def notes(config: TrainConfig, dataset: ImageDataset) -> list[str]:
    """Return what the user should know of the noise of the images, in sentences.

    Where nothing is said of noise, and they look noisy, that a model keeps it; where they are said
    to be noisy, that their noise is clipped, or looks like another one than the one that is given;
    of pairs, that the second images are noisy too, or the first ones are not, and that one are the
    brighter ones.
    """
    images = dataset.train.images
    try:
        if config.data.noise is not None:
            looked = _spread(images, noise.MOST_VALUES)
            found = noise.estimate(looked)
            told = [_of_clipped(found)] if found.clipped > choice.CLIPPED else []
            if isinstance(config.data.noise, float):
                least = choice.least_noise([images[: len(looked)]])
                told += choice.doubts(found, config.data.noise, least)
            return told
        if config.data.noisy_dir:
            return _of_pairs(dataset)
        if config.data.condition == "noisy":
            return []
        found = noise.estimate(_spread(images, _GLANCED))
    except ValueError:
        return []
    certain = abs(found.correlation) < _CERTAIN  # of texture it is more, of too few places NaN
    return [_of_noise(found, config)] if certain and found.floor >= CONSIDERABLE else []


def _of_pairs(dataset: ImageDataset) -> list[str]:
    first, second = _looked_at(dataset)
    found = []
    try:
        if noise_of_pairs.of_second(second, first).variance < _NO_NOISE**2:
            found.append(
                "The images of `noisy_dir` show no noise that those of `dataset` do not have: are "
                "the folders swapped, or copies of one another? There is then nothing to learn."
            )
        elif (told := of_second(dataset)) is not None:
            found.append(_of_second(told.variance))
            estimate = noise.estimate(second)
            found += [_of_clipped(estimate)] if estimate.clipped > choice.CLIPPED else []
    except ValueError:  # small images
        pass
    shift = 255 * float(
        np.mean([np.mean(b) - np.mean(a) for a, b in zip(first, second, strict=True)])
    )
    if abs(shift) > 255 * _SHIFT:
        found.append(
            f"The images of `dataset` are {'brighter' if shift > 0 else 'darker'} than those of "
            f"`noisy_dir`, on average by {abs(shift):.2g} of 255. What is denoised gets their "
            "brightness, and the PSNR is measured in it."
        )
    return found


def _looked_at(dataset: ImageDataset) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray]]:
    """Return some first and second images of pairs."""
    first, second = dataset.train.noisy, dataset.train.images
    assert first is not None
    return _spread(first, noise.MOST_VALUES), _spread(second, noise.MOST_VALUES)


def _of_second(variance: float) -> str:
    return (
        "The images of `dataset` are noisy too: a standard deviation of "
        f"{255 * variance**0.5:.2g} of 255. Where the noise of both images of a pair is "
        "independent and of mean 0, the model learns the image without noise all the same "
        "(Noise2Noise). PSNR is then estimated, as no image is clean."
    )


def _of_clipped(found: NoiseEstimate) -> str:
    return (
        f"{100 * found.clipped:.0f}% of the pixels are clipped. On average, clipped noise does not "
        "leave the image as it is: dark places stay too bright and bright ones too dark, which no "
        "estimate here knows."
    )


def _of_noise(found: NoiseEstimate, config: TrainConfig) -> str:
    model = config.generator.model.upper()
    keeps = f"The {model} learns to return them as they are, with that noise"
    if config.chosen_objective in OF_NOISY_IMAGES:
        keeps = "The objective learns from it, but what is measured takes them for images without"
    return (
        f"The images look noisy: a standard deviation of {255 * found.floor:.2g} of 255, or fine "
        f"texture. {keeps}. If it is noise, `--noise auto` says so and takes an objective that "
        "removes it, and `tfdvae denoise --learn` gives the images without it."
    )


def _estimate(images: np.ndarray) -> tuple[NoiseEstimate, float]:
    """Return the noise of images, and what is too little to be removed."""
    looked = _spread(images, noise.MOST_VALUES)
    try:
        return noise.estimate(looked), choice.least_noise([images[: len(looked)]])
    except ValueError as error:
        raise ValueError(
            f"`noise` auto cannot be estimated: {error} Give the standard deviation instead."
        ) from None


def _spread(images: np.ndarray, most: int) -> Sequence[np.ndarray]:
    """Return images that have so many values at most, evenly spread over all; one at least."""
    count = min(len(images), max(1, most // images[0].size))
    places = np.linspace(0, len(images) - 1, count).astype(int)
    return [to_unit(np.asarray(images[place])) for place in places]
