"""Checks of the values of images while a graph runs, those of `checks.images` on arrays, and of
codes.
"""

from typing import Any

import numpy as np
import tensorflow as tf

from tfdvae._utils import checks, unit_range

_WANTED = "images must be finite and scaled to [0, 1], which noise may exceed"


def check_values(images: tf.Tensor, unit: bool) -> tf.Tensor:
    """Return images (N, H, W, C) as a tensor whose values are checked as the graph runs.

    Args:
        images: float32; H and W are known.
        unit: whether they are scaled to [0, 1], which noise may exceed, and not as the user likes.

    Returns:
        The same images. The graph ends with an `InvalidArgumentError` if they do not fit.
    """
    fits = _within(images, *(unit_range.NOISY if unit else unit_range.FREE))
    if unit:
        fits &= _within(tf.reduce_mean(images), *unit_range.NOISY_MEAN) & noise_explains(images)
    with tf.control_dependencies([tf.debugging.Assert(fits, [_WANTED])]):
        return tf.identity(images)


def _within(values: tf.Tensor, low: float, high: float) -> tf.Tensor:
    return tf.reduce_all((values >= low) & (values <= high))


def noise_explains(images: tf.Tensor) -> tf.Tensor:
    """Return `unit_range.noise_explains` of float32 images (N, H, W, C), as a tensor."""
    beyond = tf.reduce_mean(tf.square(images - tf.clip_by_value(images, 0.0, 1.0)))
    mean = tf.clip_by_value(tf.reduce_mean(images), 0.0, 1.0)
    pairs = [
        (images[:, 1:], images[:, :-1]) if axis == 1 else (images[:, :, 1:], images[:, :, :-1])
        for axis in (1, 2)
        if images.shape[axis] > 1
    ]
    if not pairs:
        return tf.constant(True)
    noise = tf.reduce_min([tf.reduce_mean(tf.square(a - b)) / 2 for a, b in pairs])
    chance = unit_range.chance(tf.cast(tf.size(images), tf.float32))
    variance = tf.math.reduce_variance(images)
    return (beyond <= 0.25**2) | (variance <= chance * (mean * (1 - mean) + noise))


def floats(argument: str, value: Any) -> np.ndarray:
    """Return an array of numbers as float32.

    Raises:
        TypeError: text or other objects.
        ValueError: as of `checks.array`.
    """
    array = checks.array(argument, value)
    if array.dtype.kind in "OSU":
        raise TypeError(f"`{argument}` must be numbers; got {array.dtype}.")
    return array.astype(np.float32, copy=False)
