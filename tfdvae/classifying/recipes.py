"""What classifiers may be trained on, and one classifier trained on it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import keras
import numpy as np

from tfdvae import classifier, corruptions
from tfdvae._utils import seeds
from tfdvae.config import AUTO
from tfdvae.config.classifier import CNN, chosen_classifier
from tfdvae.config.sets import SETS
from tfdvae.data import pipelines
from tfdvae.fitting import training
from tfdvae.metrics import choice
from tfdvae.training_sets.arrays import of_set
from tfdvae.training_sets.denoisers import trained
from tfdvae.training_sets.losses import fall_to_zero

PLAIN = "limited"
"""The training set without augmentation, which others are compared with."""

OF_CLEAN_IMAGES = (PLAIN, "classical")
OF_NOISY_IMAGES = (*OF_CLEAN_IMAGES, "fresh-noise", "denoised")

LARGE = 256  # pixels a side, above which training is slow

_ROUND = 100  # steps between two checkpoints


def candidates(noise_level: float | None) -> tuple[str, ...]:
    """Return the training sets that suit images, `PLAIN` first.

    Args:
        noise_level: standard deviation of Gaussian noise that they have; None: they have none.

    Example:
        >>> candidates(None)
        ('limited', 'classical')
    """
    return OF_CLEAN_IMAGES if noise_level is None else OF_NOISY_IMAGES


def noise_level(images: np.ndarray, given: float | str | None, least: float) -> float | None:
    """Return the standard deviation of the Gaussian noise of images; None where none was asked for.

    Args:
        images: float32 (N, H, W, C) in [0, 1].
        given: the setting `noise`: a number, `auto` or None.
        least: what is too little to be removed, see `choice.least_noise`.

    Raises:
        ValueError: noise that is to be estimated is no Gaussian noise, or there is none.
    """
    if given is None or isinstance(given, float):
        return given
    return choice.gaussian_level(
        images,
        "noise",
        least,
        unknown="Give the standard deviation instead, or leave `noise` out.",
        other="Leave `noise` out: the classifier is then trained on the images as they are.",
    )


def describe_size(image_shape: tuple[int, ...]) -> str:
    """Say that large images are slow; empty where they are not.

    Args:
        image_shape: (H, W, C).
    """
    height, width = image_shape[:2]
    if max(height, width) <= LARGE:
        return ""
    return (
        f"images of {height}x{width} pixels are slow to learn from; --image-size {LARGE}, or less, "
        "is faster and often as good. It is for folders: resize images in memory or in an .npz "
        "file yourself beforehand."
    )


def train(
    images: np.ndarray,
    labels: np.ndarray,
    name: str,
    classes: int,
    steps: int,
    seed: int,
    folder: Path,
    noise_level: float | None = None,
    denoiser_steps: int = 1,
    title: str = "Training",
) -> keras.Model:
    """Return a classifier trained on images, gone on with from its last checkpoint.

    The published CNN up to 32 pixels, above the small ResNet; the rate falls to 0 over the steps.
    Batches are of 128 images up to 64x64 pixels, above of fewer.

    Args:
        images: float32 (N, H, W, C) in [0, 1].
        labels: int (N,).
        name: of the training set, one of `candidates`.
        classes: number of classes.
        steps: of the classifier.
        seed: root seed of weights, order and augmentation.
        folder: of checkpoints.
        noise_level: standard deviation of the Gaussian noise of the images, where they have it.
        denoiser_steps: of the model that denoises them, where the training set has one.
        title: of the progress bar.

    Raises:
        FloatingPointError: the loss became infinite or NaN.

    Example:
        >>> model = train(images, labels, "classical", 10, 1200, 0, Path("checkpoints"))
        >>> logits = model.predict(images)
    """
    row = SETS[name]
    seen = None
    if row.views:
        assert noise_level is not None
        noise_ = corruptions.Gaussian(noise_level)
        denoiser, _ = trained(
            images, "recorrupted", noise_, seed, denoiser_steps, folder / "denoiser"
        )
        seen = denoiser.denoise(images)[:, None]
    arrays, transform = of_set(row, images, labels, noise_level or 0.0, seed, seen)
    model = build(images.shape[1:], classes, seed)
    fall_to_zero(model, steps)
    of_step = partial(
        pipelines.training_batches,
        arrays,
        min(pipelines.batch_size(classifier.BATCH_SIZE, images.shape[1:]), len(images)),
        seed,
        f"classify/{name}",
        transform=transform,
    )
    training.fit(model, of_step, steps, min(_ROUND, steps), folder / "classifier", title)
    return model


def build(image_shape: tuple[int, ...], classes: int, seed: int) -> keras.Model:
    """Return the classifier for images of a shape, compiled, with weights from the seed."""
    height, width, channels = image_shape
    shape, seed = (height, width, channels), seeds.stream(seed, "classifier")
    if (name := chosen_classifier(AUTO, height, width)) != CNN:
        return classifier.build(name, shape, classes, seed)
    return classifier.cnn(shape, classes, seed=seed)
