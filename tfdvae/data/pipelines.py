"""`tf.data` pipelines: frozen noise, epochs that can start at any step, classic augmentation."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf

from tfdvae._utils import seeds
from tfdvae.corruptions import Corruption, RandomErasing
from tfdvae.data import image_dataset

Array: TypeAlias = np.ndarray | list[np.ndarray]
Transform: TypeAlias = Callable[..., tuple[tf.Tensor, ...] | tf.Tensor]


def ending_at_once(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return a dataset whose iterators end as soon as they are left.

    TensorFlow tunes a dataset in a thread that sleeps for 10 ms, then twice as long each time. Who
    leaves an iterator may wait until it wakes, so that each `fit` took up to twice its time. Here
    there is no such thread. The elements are the same. What the dataset says of it itself holds.

    Example:
        >>> model.fit(ending_at_once(batches), steps_per_epoch=100)
    """
    if dataset.options().autotune.enabled is not None:
        return dataset
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def freeze_noise(
    images: np.ndarray, index: np.ndarray, corruption: Corruption, seed: int, purpose: str
) -> np.ndarray:
    """Return images that are corrupted once, each with the noise of its own.

    The noise depends only on the seed, the purpose, the corruption and the index of the image. So
    an image gets the same noise in every subset, order and batch size.

    Args:
        images: float32 (N, H, W, C) in [0, 1].
        index: int (N,), the position of each image in its dataset.
        corruption: what is applied.
        seed: root seed.
        purpose: name of the use, such as `observed` or `test`.

    Returns:
        float32 (N, H, W, C), not clipped to [0, 1].

    Example:
        >>> noisy = freeze_noise(images, np.arange(len(images)), Gaussian(0.1), 0, "test")
    """
    if corruption.level == 0:
        return images
    noise_seeds = seeds.pair(seed, f"{purpose}/{corruption}", index)
    noisy = tf.data.Dataset.from_tensor_slices((images, noise_seeds)).map(
        lambda image, noise_seed: corruption(image[None], noise_seed)[0], tf.data.AUTOTUNE
    )
    return np.concatenate(list(ending_at_once(noisy.batch(500)).as_numpy_iterator()))


def batches(arrays: tuple[np.ndarray, ...], batch_size: int) -> tf.data.Dataset:
    """Return all images in order, read batch by batch.

    Args:
        arrays: images (N, H, W, C), unsigned integers or float32, in memory or memory-mapped.
        batch_size: images a batch; the last batch may be smaller.

    Returns:
        Dataset of float32 images scaled as by `image_dataset.to_unit`: tuples of batches, or single
        batches for one array.
    """
    starts = range(0, len(arrays[0]), batch_size)

    def read() -> Iterator[np.ndarray | tuple[np.ndarray, ...]]:
        for start in starts:
            batch = tuple(
                image_dataset.to_unit(array[start : start + batch_size]) for array in arrays
            )
            yield batch if len(batch) > 1 else batch[0]

    specs = tuple(tf.TensorSpec((None, *array.shape[1:]), tf.float32) for array in arrays)
    dataset = tf.data.Dataset.from_generator(
        read, output_signature=specs if len(specs) > 1 else specs[0]
    )
    return ending_at_once(dataset.apply(tf.data.experimental.assert_cardinality(len(starts))))


_PIXELS = 64 * 64  # of an image up to which batches are full
_LEAST = 4  # images of a batch, however large they are


def batch_size(most: int, image_shape: tuple[int, ...]) -> int:
    """Return how many images are taken at once: fewer above 64x64 pixels, as memory ends.

    Args:
        most: up to 64x64 pixels.
        image_shape: (H, W, C).

    Example:
        >>> batch_size(128, (28, 28, 1)), batch_size(128, (256, 128, 3))
        (128, 16)
    """
    pixels = image_shape[0] * image_shape[1]
    return min(most, max(_LEAST, most * _PIXELS // pixels))


def steps_per_epoch(count: int, batch_size: int, drop_remainder: bool = True) -> int:
    """Return the number of batches in an epoch of `count` images, at least one.

    Args:
        count: of images.
        batch_size: images a batch.
        drop_remainder: there are full batches alone; otherwise the last one may be smaller.
    """
    return max(1, count // batch_size) if drop_remainder else -(-count // batch_size)


def training_batches(
    arrays: Sequence[Array],
    batch_size: int,
    seed: int,
    purpose: str,
    first_step: int = 0,
    transform: Transform | None = None,
    drop_remainder: bool = True,
) -> tf.data.Dataset:
    """Return endless shuffled batches from any step on, as if earlier steps had been taken.

    The order of epoch e depends on (seed, purpose, e) alone.

    Args:
        arrays: arrays with one row an image, or lists of arrays that follow each other. Memory maps
            are read when rows are needed.
        batch_size: rows a batch; all rows where there are fewer.
        seed: root seed.
        purpose: name of the stream of random numbers.
        first_step: steps already taken.
        transform: applied to each batch as `transform(seed, *batch)`, with an int32 (2,) seed that
            depends on (seed, purpose, step).
        drop_remainder: leave out the images after the last full batch of an epoch; otherwise they
            are a smaller batch.

    Returns:
        Dataset of tuples of batches; of single batches for one array.

    Example:
        >>> for x, y in training_batches((images, labels), 32, seed=0, purpose="fit").take(100):
        ...     step(x, y)
    """
    parts = [array if isinstance(array, list) else [array] for array in arrays]
    count = sum(map(len, parts[0]))
    per_epoch = steps_per_epoch(count, batch_size, drop_remainder)
    rows = min(batch_size, count)
    readers = tuple(map(_reader, parts))
    first_epoch, skipped = divmod(first_step, per_epoch)

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(
            tf.range(count), seeds.pair(seed, f"{purpose}/order", number)
        )
        return tf.data.Dataset.from_tensor_slices(order).batch(rows, drop_remainder)

    def gather(step: tf.Tensor, index: tf.Tensor) -> tf.Tensor | tuple[tf.Tensor, ...]:
        batch = tuple(read(index) for read in readers)
        if transform is not None:
            batch = transform(seeds.pair(seed, f"{purpose}/transform", step), *batch)
        return batch if isinstance(batch, tf.Tensor) or len(batch) > 1 else batch[0]

    batches = (
        tf.data.Dataset.range(first_epoch, np.iinfo(np.int32).max).flat_map(epoch).skip(skipped)
    )
    gathered = batches.enumerate(first_step).map(gather, tf.data.AUTOTUNE)
    return ending_at_once(gathered.prefetch(tf.data.AUTOTUNE))


def _reader(parts: list[np.ndarray]) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function from row numbers to the rows of arrays that follow each other.

    Arrays are copied to memory as one, unless any of them is memory-mapped.
    """
    if not any(isinstance(part, np.memmap) for part in parts):
        return partial(
            tf.gather, tf.constant(np.concatenate(parts) if len(parts) > 1 else parts[0])
        )
    dtype, shape = parts[0].dtype, parts[0].shape[1:]
    ends = np.cumsum([len(part) for part in parts])

    def read(index: np.ndarray) -> np.ndarray:
        rows = np.empty((len(index), *shape), dtype)
        for part, end in zip(parts, ends, strict=True):
            place = index - (end - len(part))
            inside = (place >= 0) & (place < len(part))
            rows[inside] = part[place[inside]]
        return rows

    def gather(index: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(
            tf.numpy_function(read, [index], dtype, stateful=False), (*index.shape, *shape)
        )

    return gather


class _GivenSeeds(keras.random.SeedGenerator):
    """Gives a Keras layer seeds that are split from one seed: no generator with state."""

    def __init__(self, seed: tf.Tensor, count: int = 16):
        self._seeds = iter(tf.unstack(tf.random.split(seed, count)))

    def next(self, ordered: bool = True) -> tf.Tensor:
        return next(self._seeds)


def classic_augmentation(
    flips: bool = True, shifts: float = 0.1, erasing: bool = True, whole_pixels: bool = False
) -> Transform:
    """Return classic augmentation as a `transform` of `training_batches`.

    Keras layers with stateless seeds do it.

    Args:
        flips: mirror half of the images left to right.
        shifts: largest shift each way as a fraction of height and width; new pixels are 0.
        erasing: set a rectangle of 2 to 33% of the area to 0 in half of the images.
        whole_pixels: shift by whole pixels. Other shifts take means of neighboring pixels, which
            removes part of the noise.

    Returns:
        A function (seed, images, *others) -> (images, *others); images float (N, H, W, C).
    """
    layers: list[keras.layers.Layer] = []
    if flips:
        layers.append(keras.layers.RandomFlip("horizontal"))
    if shifts:
        interpolation = "nearest" if whole_pixels else "bilinear"
        layers.append(
            keras.layers.RandomTranslation(
                shifts, shifts, fill_mode="constant", interpolation=interpolation
            )
        )
    erase = RandomErasing(0.5 if erasing else 0.0)

    def transform(seed: tf.Tensor, images: tf.Tensor, *others: tf.Tensor) -> tuple[tf.Tensor, ...]:
        layer_seed, erasing_seed = tf.unstack(tf.random.split(seed, 2))
        given = _GivenSeeds(layer_seed)
        for layer in layers:
            drawn = layer.get_random_transformation(images, training=True, seed=given)
            images = layer.transform_images(images, drawn, training=True)
        return (erase(images, erasing_seed), *others)

    return transform
