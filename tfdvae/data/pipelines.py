"""`tf.data` pipelines: frozen noise, epochs that can start anywhere, classic augmentation."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tfdvae import seeds
from tfdvae.corruptions import Corruption, RandomErasing


def freeze_noise(images: np.ndarray, index: np.ndarray, corruption: Corruption, seed: int, purpose: str) -> np.ndarray:
    """Corrupt every image once, with noise that depends only on (seed, purpose, corruption, index of the image).

    The same image gets the same noise in every subset, order and batch size.

    Args:
        images: float32 (N, H, W, C) in [0, 1].
        index: int (N,), the position of each image in its dataset.
        corruption: what is applied, not clipped.
        seed: root seed.
        purpose: name of the use, such as `observed` or `test`.

    Returns:
        float32 (N, H, W, C).
    """
    if corruption.level == 0:
        return images
    noise_seeds = seeds.pair(seed, f"{purpose}/{corruption}", index)
    noisy = tf.data.Dataset.from_tensor_slices((images, noise_seeds)).map(
        lambda image, noise_seed: corruption(image[None], noise_seed)[0], tf.data.AUTOTUNE
    )
    return np.concatenate(list(noisy.batch(500).as_numpy_iterator()))


def steps_per_epoch(count: int, batch_size: int, drop_remainder: bool = True) -> int:
    """Batches in an epoch of `count` images: full ones, or with `drop_remainder=False` a smaller last one too; at least one."""
    return max(1, count // batch_size) if drop_remainder else -(-count // batch_size)


def training_batches(
    arrays: tuple[np.ndarray, ...],
    batch_size: int,
    seed: int,
    purpose: str,
    first_step: int = 0,
    transform: Callable | None = None,
    drop_remainder: bool = True,
) -> tf.data.Dataset:
    """Endless shuffled batches that can start at any step, as if the steps before had been taken.

    Epoch e is in the order keyed (seed, purpose, e).

    Args:
        arrays: arrays with one row an image.
        batch_size: rows a batch; all rows where there are fewer.
        seed: root seed.
        purpose: name of the order's stream.
        first_step: steps already taken.
        transform: applied to each batch as `transform(seed, *batch)`, with an int32 (2,) seed keyed by (seed, purpose, step).
        drop_remainder: images left over after the last full batch of an epoch sit it out; otherwise they are a smaller batch.

    Returns:
        Dataset of tuples of batches; of single batches for one array.
    """
    count = len(arrays[0])
    per_epoch = steps_per_epoch(count, batch_size, drop_remainder)
    rows = min(batch_size, count)
    tensors = tuple(map(tf.constant, arrays))
    first_epoch, skipped = divmod(first_step, per_epoch)

    def epoch(number):
        order = tf.random.experimental.stateless_shuffle(tf.range(count), seeds.pair(seed, f"{purpose}/order", number))
        return tf.data.Dataset.from_tensor_slices(order).batch(rows, drop_remainder)

    def gather(step, index):
        batch = tuple(tf.gather(tensor, index) for tensor in tensors)
        if transform is not None:
            batch = transform(seeds.pair(seed, f"{purpose}/transform", step), *batch)
        return batch if isinstance(batch, tf.Tensor) or len(batch) > 1 else batch[0]

    batches = tf.data.Dataset.range(first_epoch, np.iinfo(np.int32).max).flat_map(epoch).skip(skipped)
    return batches.enumerate(first_step).map(gather, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


class _GivenSeeds(keras.random.SeedGenerator):
    """Hands a Keras layer seeds split from a given one, in place of its own variable state."""

    def __init__(self, seed, count: int = 16):
        self._seeds = iter(tf.unstack(tf.random.split(seed, count)))

    def next(self, ordered: bool = True):
        return next(self._seeds)


def classic_augmentation(flips: bool = True, shifts: float = 0.1, erasing: bool = True) -> Callable:
    """Return the `transform` of classic augmentation, by Keras layers with stateless seeds.

    Args:
        flips: mirror half of the images left to right.
        shifts: largest shift each way as a fraction of height and width; what comes in is 0.
        erasing: set one rectangle of 2 to 33% of the area to 0 in half of the images.

    Returns:
        A function (seed, images, *others) -> (images, *others); images float (N, H, W, C).
    """
    layers: list[keras.layers.Layer] = []
    if flips:
        layers.append(keras.layers.RandomFlip("horizontal"))
    if shifts:
        layers.append(keras.layers.RandomTranslation(shifts, shifts, fill_mode="constant"))
    erase = RandomErasing(0.5 if erasing else 0.0)

    def transform(seed, images, *others):
        layer_seed, erasing_seed = tf.unstack(tf.random.split(seed, 2))
        given = _GivenSeeds(layer_seed)
        for layer in layers:
            drawn = layer.get_random_transformation(images, training=True, seed=given)
            images = layer.transform_images(images, drawn, training=True)
        return (erase(images, erasing_seed), *others)

    return transform
