"""What a denoising model reconstructs, and from what.

y is an observed image: the clean image x and noise e, which is independent of it and has mean 0.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfdvae import corruptions
from tfdvae.config.objective import RECORRUPTION

HIDDEN = 0.08
"""Fraction of the pixels that are hidden under `masked`, at least one of an image."""

REACH = 2
"""A hidden pixel gets the value of a pixel at most so far away, each way."""


class Sample(NamedTuple):
    """What a step computes its loss from.

    Attributes:
        inputs: float32 (N, H, W, C).
        aims: what they are to become, float32 (N, H, W, C).
        weights: of the pixels in the loss, float32 (N, H, W, 1), 1 on average; None: all 1.
    """

    inputs: tf.Tensor
    aims: tf.Tensor
    weights: tf.Tensor | None = None


def draw(
    objective: str, images: tf.Tensor, corruption: corruptions.Corruption, seed: tf.Tensor
) -> Sample:
    """Return inputs and what they are to become, for an objective.

    - `observed`: y, from y with the corruption. A model that learns so keeps half of the noise that
      it sees.
    - `corrupted`: the corrupted y, from itself.
    - `recorrupted`: of Gaussian noise y - n / a, from y + a n, with n like the noise e, whose level
      the corruption gives. Of photons each goes to the target with a chance of a^2 / (1 + a^2), and
      otherwise to the input; both are scaled to x. The variances of input and target are the same,
      1 + a^2 and 1 + 1 / a^2 times that of e. The errors of both are independent, so that the loss
      is the one against x plus a constant (Pang et al. 2021, Recorrupted-to-Recorrupted; Monroy et
      al. 2025, which has other noises too).
    - `masked`: the values of hidden pixels of y, from all others; a hidden pixel is replaced by one
      of its neighbors. It asks that the noise is independent from pixel to pixel, of any
      distribution (Krull et al. 2019, Noise2Void).
    - `paired`: a pixel of each block of 2x2, from another one beside it, so that inputs and aims
      have half the height and width (Huang et al. 2021, Neighbor2Neighbor, without its
      regularizer). It asks the same of the noise, and that neighboring pixels of x are alike.

    Args:
        objective: its name.
        images: y, float32 (N, H, W, C).
        corruption: what the model injects; of `recorrupted`, the noise, `gaussian:LEVEL` or
            `poisson:LEVEL`.
        seed: int32 (2,).

    Example:
        >>> draw("masked", images, corruptions.parse("none"), seed=(0, 1)).inputs.shape
        TensorShape([16, 64, 64, 1])
    """
    if objective == "masked":
        return _hide(images, seed)
    if objective == "paired":
        return _neighbors(images, seed)
    if objective == "recorrupted" and isinstance(corruption, corruptions.Poisson):
        return _share_photons(images, corruption.level, seed)
    corrupted = corruption(images, seed)
    if objective == "recorrupted":
        noise = corrupted - images
        return Sample(images + RECORRUPTION * noise, images - noise / RECORRUPTION)
    return Sample(corrupted, corrupted if objective == "corrupted" else images)


def _share_photons(images: tf.Tensor, level: float, seed: tf.Tensor) -> Sample:
    """Divide the photons of each pixel between input and target.

    A white pixel has 1 / level^2 photons on average. Values that are no whole number of photons are
    rounded; NaN stays NaN.
    """
    chance = 1 / (1 + RECORRUPTION**2)
    photons = tf.round(tf.maximum(tf.cast(images, tf.float32), 0) / level**2)
    finite = tf.math.is_finite(photons)  # the draw would never end for NaN
    kept = tf.random.stateless_binomial(
        tf.shape(images),
        seed,
        counts=tf.where(finite, photons, 0),
        probs=chance,
        output_dtype=tf.float32,
    )
    kept = tf.where(finite, kept, np.nan)
    return Sample(level**2 * kept / chance, level**2 * (photons - kept) / (1 - chance))


def _hide(images: tf.Tensor, seed: tf.Tensor) -> Sample:
    """Replace some pixels by neighbors of them, as many of each image; the loss is taken there."""
    where, which = tf.unstack(tf.random.split(seed, 2))
    shape = tf.shape(images)
    pixels = shape[1] * shape[2]
    count = tf.maximum(1, tf.cast(tf.round(HIDDEN * tf.cast(pixels, tf.float32)), tf.int32))
    order = tf.random.stateless_uniform([shape[0], pixels], where)
    chosen = tf.math.top_k(order, count).indices
    places = tf.stack([tf.broadcast_to(tf.range(shape[0])[:, None], tf.shape(chosen)), chosen], -1)
    hidden = tf.scatter_nd(places, tf.ones_like(chosen, tf.float32), [shape[0], pixels])
    hidden = tf.reshape(hidden, [shape[0], shape[1], shape[2], 1])
    others = tf.gather_nd(images, _other_places(shape, which), batch_dims=1)
    weights = hidden * tf.cast(pixels / count, tf.float32)
    return Sample(tf.where(hidden > 0, others, images), images, weights)


def _other_places(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Return the row and column of a neighbor of each pixel, int32 (N, H, W, 2).

    Neighbors are the other pixels at most `REACH` away, each as probable; an image of one pixel has
    none, and that pixel stands for it.
    """
    rows, columns = tf.range(shape[1])[:, None], tf.range(shape[2])
    (top, high), (left, wide) = _window(rows, shape[1]), _window(columns, shape[2])
    itself, others = (rows - top) * wide + columns - left, high * wide - 1
    drawn = tf.random.stateless_uniform(shape[:3], seed, 0, 2**31 - 1, tf.int32)
    drawn %= tf.maximum(others, 1)
    drawn = tf.minimum(drawn + tf.cast(drawn >= itself, tf.int32), others)
    return tf.stack([top + drawn // wide, left + drawn % wide], axis=-1)


def _window(places: tf.Tensor, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return where the neighbors of places along an axis begin, and how many there are."""
    first = tf.maximum(places - REACH, 0)
    return first, tf.minimum(places + REACH, size - 1) - first + 1


def _neighbors(images: tf.Tensor, seed: tf.Tensor) -> Sample:
    """Take two pixels beside each other out of each block of 2x2."""
    first, way = tf.unstack(tf.random.split(seed, 2))
    shape = tf.shape(images)
    rows, columns, channels = shape[1] // 2, shape[2] // 2, images.shape[-1]
    cut = images[:, : 2 * rows, : 2 * columns]
    blocks = tf.reshape(cut, [shape[0], rows, 2, columns, 2, channels])
    blocks = tf.reshape(
        tf.transpose(blocks, [0, 1, 3, 2, 4, 5]), [shape[0], rows, columns, 4, channels]
    )
    one = tf.random.stateless_uniform(tf.shape(blocks)[:3], first, 0, 4, tf.int32)
    sideways = tf.random.stateless_uniform(tf.shape(one), way, 0, 2, tf.int32)
    other = tf.bitwise.bitwise_xor(one, 1 + sideways)  # 1: beside it, 2: above or below it
    return Sample(*(tf.gather(blocks, place, batch_dims=3) for place in (one, other)))
