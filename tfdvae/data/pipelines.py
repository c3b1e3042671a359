"""`tf.data` pipelines: frozen noise, epochs that can start anywhere, classic augmentation."""

from collections.abc import Callable
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from tfdvae._utils import seeds
from tfdvae.corruptions import Corruption, RandomErasing
from tfdvae.data import image_dataset


def freeze_noise(
    images: np.ndarray, index: np.ndarray, corruption: Corruption, seed: int, purpose: str
) -> np.ndarray:
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


def batches(arrays: tuple[np.ndarray, ...], batch_size: int) -> tf.data.Dataset:
    """All images in order, read batch by batch.

    Args:
        arrays: images (N, H, W, C), unsigned integers or float32, in memory or memory-mapped.
        batch_size: images a batch; the last batch may be smaller.

    Returns:
        Dataset of float32 images scaled as by `image_dataset.to_unit`: tuples of batches, or single batches for one array.
    """
    starts = range(0, len(arrays[0]), batch_size)

    def read():
        for start in starts:
            batch = tuple(
                image_dataset.to_unit(array[start : start + batch_size]) for array in arrays
            )
            yield batch if len(batch) > 1 else batch[0]

    specs = tuple(tf.TensorSpec((None, *array.shape[1:]), tf.float32) for array in arrays)
    dataset = tf.data.Dataset.from_generator(
        read, output_signature=specs if len(specs) > 1 else specs[0]
    )
    return dataset.apply(tf.data.experimental.assert_cardinality(len(starts)))


def steps_per_epoch(count: int, batch_size: int, drop_remainder: bool = True) -> int:
    """Batches in an epoch of `count` images: full ones, or with `drop_remainder=False` a smaller last one too; at least one."""
    return max(1, count // batch_size) if drop_remainder else -(-count // batch_size)


def training_batches(
    arrays: tuple[np.ndarray | list[np.ndarray], ...],
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
        arrays: arrays with one row an image, or lists of arrays that follow each other. Memory maps are read as rows are needed.
        batch_size: rows a batch; all rows where there are fewer.
        seed: root seed.
        purpose: name of the order's stream.
        first_step: steps already taken.
        transform: applied to each batch as `transform(seed, *batch)`, with an int32 (2,) seed keyed by (seed, purpose, step).
        drop_remainder: images left over after the last full batch of an epoch sit it out; otherwise they are a smaller batch.

    Returns:
        Dataset of tuples of batches; of single batches for one array.
    """
    arrays = tuple(parts if isinstance(parts, list) else [parts] for parts in arrays)
    count = sum(map(len, arrays[0]))
    per_epoch = steps_per_epoch(count, batch_size, drop_remainder)
    rows = min(batch_size, count)
    readers = tuple(map(_reader, arrays))
    first_epoch, skipped = divmod(first_step, per_epoch)

    def epoch(number):
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count), seeds.pair(seed, f"{purpose}/order", number)
        )
        return tf.data.Dataset.from_tensor_slices(order).batch(rows, drop_remainder)

    def gather(step, index):
        batch = tuple(read(index) for read in readers)
        if transform is not None:
            batch = transform(seeds.pair(seed, f"{purpose}/transform", step), *batch)
        return batch if isinstance(batch, tf.Tensor) or len(batch) > 1 else batch[0]

    batches = (
        tf.data.Dataset.range(first_epoch, np.iinfo(np.int32).max).flat_map(epoch).skip(skipped)
    )
    return batches.enumerate(first_step).map(gather, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _reader(parts: list[np.ndarray]) -> Callable:
    """Return a function from row numbers to these rows of `parts` one after the other, which are copied to memory only if all are there."""
    if not any(isinstance(part, np.memmap) for part in parts):
        return partial(
            tf.gather, tf.constant(np.concatenate(parts) if len(parts) > 1 else parts[0])
        )
    dtype, shape = parts[0].dtype, parts[0].shape[1:]
    ends = np.cumsum([len(part) for part in parts])

    def read(index):
        rows = np.empty((len(index), *shape), dtype)
        for part, end in zip(parts, ends, strict=True):
            place = index - (end - len(part))
            inside = (place >= 0) & (place < len(part))
            rows[inside] = part[place[inside]]
        return rows

    def gather(index):
        return tf.ensure_shape(
            tf.numpy_function(read, [index], dtype, stateful=False), (*index.shape, *shape)
        )

    return gather


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
