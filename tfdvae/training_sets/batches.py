"""What is done to the batches of a training set, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import tensorflow as tf

from tfdvae import classifier, corruptions
from tfdvae.config import DEFAULT_CORRUPTION
from tfdvae.config.classifier import RESNET
from tfdvae.data import pipelines

Step = Callable[..., tuple]  # (seed, images, *others) -> (images, *others)
LIGHT = 0.2  # largest change of contrast and of channels, as a part of them


def size(own: str | None, image_shape: tuple[int, ...]) -> int:
    """Return how many images a step of a classifier takes: 128, where there are as many.

    The small residual network takes fewer above 64x64 pixels.

    Args:
        own: the function that makes the classifier; None: it is the published CNN.
        image_shape: (H, W, C).

    Example:
        >>> size(None, (80, 80, 1)), size("tfdvae.classifier:resnet", (80, 80, 1))
        (128, 64)
    """
    if own != RESNET:
        return classifier.BATCH_SIZE
    most = pipelines.batch_size(classifier.BATCH_SIZE, image_shape)
    return 2 ** int(math.log2(most))  # which any usual number of devices can share


def check_size(own: str | None, image_shape: tuple[int, ...], source: str | None) -> None:
    """Refuse to go on with a small residual network that had larger batches in earlier versions.

    Args:
        own: the function that makes the classifier; None: it is the published CNN.
        image_shape: (H, W, C).
        source: the fingerprint of its file that a folder has; of the small residual network earlier
            versions alone kept one.

    Raises:
        ValueError: saying so.

    Example:
        >>> check_size("tfdvae.classifier:resnet", (64, 64, 1), "5c1f")
    """
    rows = size(own, image_shape)
    if own == RESNET and source and rows != classifier.BATCH_SIZE:
        height, width = image_shape[:2]
        raise ValueError(
            f"`classifier` {own} had batches of {classifier.BATCH_SIZE} images when this was begun "
            f"with an earlier version, and has {rows} of {height}x{width} now: begin in another "
            "folder, which `output` names."
        )


def transform(names: Sequence[str], level: float) -> Step | None:
    """Return the steps one after the other, as a `transform` of `training_batches`; None if none.

    - `noise`: Gaussian noise of 0.1.
    - `classical`: flips, shifts and erasing.
    - `geometry`: flips, and shifts by whole pixels, which leave noise as it is.
    - `orientations`: see `orientations`.
    - `light`: see `light`.
    - `fresh noise`: see `fresh_noise`.
    - `noise to remove`: see `noise_to_remove`.
    - `mix`: see `mix`.
    - `twice`: see `twice`.

    Args:
        names: of the steps, in order.
        level: standard deviation of the noise of the training images.

    Raises:
        KeyError: no such step.

    Example:
        >>> step = transform(("mix", "geometry", "fresh noise"), 0.2)
        >>> images, labels = step((0, 1), images, views, labels)
    """
    steps: dict[str, Step] = {
        "noise": _noise,
        "classical": pipelines.classic_augmentation(),
        "geometry": pipelines.classic_augmentation(erasing=False, whole_pixels=True),
        "orientations": orientations,
        "light": light,
        "fresh noise": lambda seed, *batch: fresh_noise(seed, level, *batch),
        "noise to remove": lambda seed, *batch: noise_to_remove(seed, level, *batch),
        "mix": mix,
        "twice": twice,
    }
    chosen = [steps[name] for name in names]
    if len(chosen) < 2:
        return chosen[0] if chosen else None

    def chain(seed: tf.Tensor, *batch: tf.Tensor) -> tuple:
        # The last step gets the first seed: committed results were made so.
        for step, own in zip(chosen, reversed(_split(seed, len(chosen))), strict=True):
            batch = step(own, *batch)
        return batch

    return chain


def mix(seed: tf.Tensor, images: tf.Tensor, views: tf.Tensor, *others: tf.Tensor) -> tuple:
    """Return images (1 - t) y + t d, with a random strength t and view d of each; views are gone.

    Args:
        seed: int32 (2,).
        images: y, float32 (N, H, W, C).
        views: float32 (N, K, H, W, C); each of the K is as probable.
        others: what else the batch has.

    Example:
        >>> images, labels = mix((0, 1), images, views, labels)
    """
    strength_seed, choice = _split(seed, 2)
    count, kinds = tf.shape(views)[0], tf.shape(views)[1]
    number = tf.random.stateless_uniform([count], choice, 0, kinds, tf.int32)
    chosen = tf.gather(views, number, axis=1, batch_dims=1)
    strength = _for_each(strength_seed, images)
    return ((1 - strength) * images + strength * chosen, *others)


def twice(seed: tf.Tensor, *batch: tf.Tensor) -> tuple:
    """Return each part of a batch, (N, ...), and once more after it, (2N, ...).

    What follows changes an image otherwise each time: `losses.change_loss` compares the two.

    Example:
        >>> images, labels = twice((0, 1), images, labels)
    """
    return tuple(tf.concat([part, part], axis=0) for part in batch)


def fresh_noise(seed: tf.Tensor, level: float, images: tf.Tensor, *others: tf.Tensor) -> tuple:
    """Return images with Gaussian noise, whose standard deviation is random for each of them.

    Args:
        seed: int32 (2,).
        level: the largest standard deviation; all in [0, level] are as probable.
        images: float32 (N, H, W, C).
        others: what else the batch has.

    Example:
        >>> images, labels = fresh_noise((0, 1), 0.2, images, labels)
    """
    strength_seed, noise_seed = _split(seed, 2)
    noise = tf.random.stateless_normal(tf.shape(images), noise_seed)
    return (images + level * _for_each(strength_seed, images) * noise, *others)


def noise_to_remove(
    seed: tf.Tensor, level: float, images: tf.Tensor, labels: tf.Tensor, *weights: tf.Tensor
) -> tuple:
    """Return images with `fresh_noise`, and as targets their labels and the images without it.

    Args:
        seed: int32 (2,).
        level: the largest standard deviation.
        images: float32 (N, H, W, C).
        labels: (N,).
        weights: of the labels, float32 (N,), where there are any.

    Example:
        >>> images, (labels, before) = noise_to_remove((0, 1), 0.2, images, labels)
    """
    (noisy,) = fresh_noise(seed, level, images)
    return (noisy, (labels, images), *weights)


def orientations(seed: tf.Tensor, images: tf.Tensor, *others: tf.Tensor) -> tuple:
    """Return images, each in one of its eight orientations: mirrored or not, and turned.

    Turns are quarter turns, so that values stay as they are. Images that are not square keep their
    size: they have four orientations, without quarter turns.

    Args:
        seed: int32 (2,).
        images: float32 (N, H, W, C).
        others: what else the batch has.

    Example:
        >>> images, labels = orientations((0, 1), images, labels)
    """
    chosen = tf.unstack(_for_each(seed, images, 3) < 0.5, axis=-1)
    for axis, mirrored in zip((1, 2), chosen[:2], strict=True):
        images = tf.where(mirrored[..., None], tf.reverse(images, [axis]), images)
    if images.shape[1] == images.shape[2]:
        images = tf.where(chosen[2][..., None], tf.transpose(images, (0, 2, 1, 3)), images)
    return (images, *others)


def light(seed: tf.Tensor, images: tf.Tensor, *others: tf.Tensor) -> tuple:
    """Return images of other contrast, and with other strengths of their channels.

    The contrast of an image changes by a random factor, around the mean of each channel; then each
    channel is multiplied by a random factor of its own, which changes brightness and color.

    Args:
        seed: int32 (2,).
        images: float32 (N, H, W, C).
        others: what else the batch has.

    Example:
        >>> images, labels = light((0, 1), images, labels)
    """
    factors = 1 + LIGHT * (2 * _for_each(seed, images, 1 + images.shape[-1]) - 1)
    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    return (factors[..., 1:] * (mean + factors[..., :1] * (images - mean)), *others)


def _noise(seed: tf.Tensor, images: tf.Tensor, *others: tf.Tensor) -> tuple:
    return (corruptions.parse(DEFAULT_CORRUPTION)(images, seed), *others)


def _for_each(seed: tf.Tensor, images: tf.Tensor, count: int = 1) -> tf.Tensor:
    """Return random numbers in [0, 1) for each image, (N, 1, 1, count)."""
    return tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, count], seed)


def _split(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
    return tf.unstack(tf.random.split(seed, count))
