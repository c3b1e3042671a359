"""Functions for `tf.data.Dataset.map` and other graphs, on images of any type."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfdvae.image_io.reading import level
from tfdvae.models.inference_mixin import InferenceMixin


def is_lazy(images: object) -> bool:
    """Tell a dataset, or a tensor of a graph, from an array."""
    return isinstance(images, tf.data.Dataset) or tf.is_symbolic_tensor(images)


def map_images(images: Any, function: Callable) -> Any:
    """Return a dataset with a function of `map_function` applied, or the function of a tensor."""
    if isinstance(images, tf.data.Dataset):
        return images.map(function, tf.data.AUTOTUNE)
    return function(images)


def values(dataset: tf.data.Dataset, argument: str) -> np.ndarray:
    """Return the values of a dataset, alone or first in tuples, as one float32 array (N,).

    Args:
        dataset: of numbers or batches of them.
        argument: name used in messages.

    Raises:
        ValueError: a dataset without an end.
    """
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(f"`{argument}` must come to an end; got an endless dataset.")
    elements = (
        element[0] if isinstance(element, tuple) else element
        for element in dataset.as_numpy_iterator()
    )
    return np.concatenate([np.zeros(0, np.float32), *map(np.atleast_1d, elements)])


def oriented(images: tf.Tensor, number: int) -> tf.Tensor:
    """Return `data.patches.oriented` of a tensor (N, H, W, C)."""
    return _turned(tf.reverse(images, [2]) if number >= 4 else images, number % 4)


def restored(images: tf.Tensor, number: int) -> tf.Tensor:
    """Return `data.patches.restored` of a tensor (N, H, W, C)."""
    turned = _turned(images, -number % 4)
    return tf.reverse(turned, [2]) if number >= 4 else turned


def _turned(images: tf.Tensor, quarters: int) -> tf.Tensor:
    """Return images turned by so many times 90 degrees, counter-clockwise."""
    if quarters % 2 == 0:
        return tf.reverse(images, [1, 2]) if quarters else images
    return tf.reverse(tf.transpose(images, (0, 2, 1, 3)), [1 if quarters == 1 else 2])


def map_function(
    core: InferenceMixin,
    function: Callable[[tf.Tensor], tf.Tensor],
    any_size: bool = False,
    keep_dtype: bool = True,
    may_be_nan: bool = False,
    white: float | None = None,
) -> Callable:
    """Return a function for `tf.data.Dataset.map` that applies a function to images.

    It takes images (H, W, C) or batches (N, H, W, C), alone or first in a tuple, of gray images
    also without channels; uint8, uint16 or floats in [0, 1]. All else in a tuple stays as it is.

    Args:
        core: model that says what images fit.
        function: of float32 batches, tensor (N, H, W, C) -> tensor (N, ...).
        any_size: whether images of another size are accepted where the model takes any.
        keep_dtype: whether the function returns images in [0, 1], which get the type and shape of
            those that came in.
        may_be_nan: whether pixels may be NaN, in any channel. All others are then those given, bit
            for bit; images of integers, which have no NaN, are refused.
        white: the value that stands for white in the images; None: the largest value of their type,
            of floats 1.
    """
    height, width, channels = core.image_shape
    taken = core.taken_shape if any_size else core.image_shape
    wanted_shape = f"(H, W, {channels})" if None in taken else f"{core.image_shape}"

    def on_images(images: tf.Tensor, *others: Any) -> Any:
        if not tf.is_tensor(images):
            raise TypeError(
                "a dataset must hold images alone or first in tuples; "
                f"got {type(images).__name__}: map it to tuples."
            )
        flat = channels == 1 and _is_flat(images.shape, (height, width), None in taken)
        batch = images[..., None] if flat else images
        if batch.shape.rank not in (3, 4) or not batch.shape[-3:].is_compatible_with(taken):
            raise ValueError(
                f"a dataset must hold images {wanted_shape} or batches of them; "
                f"got elements of shape {images.shape}."
            )
        if batch.dtype not in (tf.uint8, tf.uint16) and not batch.dtype.is_floating:
            raise TypeError(
                "a dataset must hold images of uint8, uint16 or floats in [0, 1]; "
                f"got {batch.dtype.name}."
            )
        if may_be_nan and not batch.dtype.is_floating:
            raise ValueError(
                f"`missing` is needed for images of {batch.dtype.name}, which have no NaN; a "
                "dataset must hold floats whose missing pixels are NaN."
            )
        unbatched = batch.shape.rank == 3
        batch = tf.ensure_shape(batch[None] if unbatched else batch, (None, *taken))
        floating = batch.dtype.is_floating
        top = white or 1.0 if floating else level(np.dtype(batch.dtype.as_numpy_dtype), white)
        unit = tf.cast(batch, tf.float32) / top
        if white is not None and not floating:
            wanted = f"images must not exceed the white of {top:g}"
            fits = tf.debugging.assert_less_equal(unit, 1.0, wanted)
            with tf.control_dependencies([fits]):
                unit = tf.identity(unit)
        made = function(core.check_tensor(unit, may_be_nan))
        if keep_dtype:
            made = made * top
            made = tf.cast(made if floating else tf.round(made), batch.dtype)
        if may_be_nan:
            missing = tf.reduce_any(tf.math.is_nan(batch), axis=-1, keepdims=True)
            made = tf.where(missing, made, batch)
        made = made[0] if unbatched else made
        made = made[..., 0] if keep_dtype and flat else made
        return (made, *others) if others else made

    return on_images


def _is_flat(shape: tf.TensorShape, size: tuple[int, int], any_size: bool) -> bool:
    """Tell whether gray images, or batches of them, have no channels.

    Images of any size with three dimensions have them where the last one is 1 or unknown.
    """
    if shape.rank not in (2, 3):
        return False
    if shape[-2:].as_list() == list(size):
        return True
    return any_size and (shape.rank == 2 or shape[-1] not in (1, None))
