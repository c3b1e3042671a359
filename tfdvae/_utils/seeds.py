"""One root seed into named, independent streams of random numbers.

Nothing here has state: a seed is a function of (root, purpose, counter), where the counter is an
epoch, an optimizer step or the index of an image. So the numbers do not depend on batch size,
order, threads or a resume.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


def stream(root: int, purpose: str) -> int:
    """Return the number of the stream `purpose` of the root seed: an int in [0, 2**31)."""
    digest = hashlib.sha256(f"{root}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def pair(root: int, purpose: str, counter: int | np.ndarray | tf.Tensor) -> tf.Tensor:
    """Return the seed of a stateless TensorFlow operation: int32 (..., 2).

    Args:
        root: root seed.
        purpose: name of the stream.
        counter: whole number, or integer tensor of any shape for one seed an element.
    """
    import tensorflow as tf

    counter = tf.cast(counter, tf.int32)
    return tf.stack([tf.fill(tf.shape(counter), stream(root, purpose)), counter], axis=-1)


def of_32_bits(root: int) -> int:
    """Return a root seed for libraries whose seeds are below 2**32: smaller ones are as they are.

    Example:
        >>> of_32_bits(5)
        5
    """
    return root if root < 2**32 else stream(root, "32 bits")


def generator(root: int, purpose: str) -> np.random.Generator:
    """Return a NumPy generator for the stream `purpose` of the root seed."""
    return np.random.default_rng(stream(root, purpose))
