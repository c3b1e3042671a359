"""Random square patches of pictures of any size, for training."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from tfdvae._utils import seeds
from tfdvae.data import pipelines
from tfdvae.data.image_dataset import to_unit

ORIENTATIONS = 8
"""Turns by 90 degrees, each as it is and mirrored."""


def oriented(images: np.ndarray, number: int) -> np.ndarray:
    """Return images turned and mirrored.

    Args:
        images: (N, H, W, C).
        number: 0 to 7: turns by 90 degrees, from 4 on of the mirrored images; 0 changes nothing.

    Example:
        >>> oriented(images, 1).shape == np.rot90(images, 1, (1, 2)).shape
        True
    """
    return np.rot90(images[:, :, ::-1] if number >= 4 else images, number % 4, (1, 2))


def restored(images: np.ndarray, number: int) -> np.ndarray:
    """Return images as they were before `oriented` with that number."""
    turned = np.rot90(images, -(number % 4), (1, 2))
    return turned[:, :, ::-1] if number >= 4 else turned


def training_patches(
    pictures: Sequence[np.ndarray],
    size: int,
    batch_size: int,
    seed: int,
    purpose: str,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Return endless batches of patches, from any step on as if earlier steps had been taken.

    Each patch comes from a picture that is chosen in proportion to its pixels, at a random place
    and in a random orientation. What a step gets depends on (seed, purpose, step) alone. Memory
    does not grow with the pictures where they are memory-mapped.

    Args:
        pictures: (H, W, C) each, unsigned integers or floats, at least `size` high and wide.
        size: of a patch.
        batch_size: patches a batch.
        seed: root seed.
        purpose: name of the stream of random numbers.
        first_step: steps already taken.

    Returns:
        Dataset of float32 (batch_size, size, size, C), integers scaled to [0, 1].

    Raises:
        ValueError: a picture that is smaller than a patch.
    """
    for picture in pictures:
        if min(picture.shape[:2]) < size:
            height, width = picture.shape[:2]
            raise ValueError(
                f"`size` of patches must be at most that of every picture; got {size} with one of "
                f"{height}x{width}."
            )
    pixels = np.array([math.prod(picture.shape[:2]) for picture in pictures], float)
    shares = np.cumsum(pixels / pixels.sum())
    root = seeds.stream(seed, purpose)

    def batch(step: int) -> np.ndarray:
        random = np.random.default_rng([root, step])
        found = []
        for _ in range(batch_size):
            picture = pictures[min(int(np.searchsorted(shares, random.random())), len(shares) - 1)]
            top, left = (int(random.integers(side - size + 1)) for side in picture.shape[:2])
            patch = to_unit(np.asarray(picture[top : top + size, left : left + size]))
            found.append(oriented(patch[None], int(random.integers(ORIENTATIONS)))[0])
        return np.stack(found).astype(np.float32)

    def batches() -> Iterator[np.ndarray]:
        step = first_step
        while True:
            yield batch(step)
            step += 1

    shape = (batch_size, size, size, pictures[0].shape[-1])
    dataset = tf.data.Dataset.from_generator(
        batches, output_signature=tf.TensorSpec(shape, tf.float32)
    )
    return pipelines.ending_at_once(dataset.prefetch(2))
