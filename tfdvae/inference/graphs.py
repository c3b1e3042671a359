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


def map_function(
    core: InferenceMixin,
    function: Callable[[tf.Tensor], tf.Tensor],
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
        keep_dtype: whether the function returns images in [0, 1], which get the type and shape of
            those that came in.
        may_be_nan: whether pixels may be NaN, in any channel. All others are then those given, bit
            for bit; images of integers, which have no NaN, are refused.
        white: the value that stands for white in the images; None: the largest value of their type,
            of floats 1.
    """
    height, width, channels = core.image_shape

    def on_images(images: tf.Tensor, *others: Any) -> Any:
        if not tf.is_tensor(images):
            raise TypeError(
                "a dataset must hold images alone or first in tuples; "
                f"got {type(images).__name__}: map it to tuples."
            )
        flat = (
            channels == 1
            and images.shape.rank in (2, 3)
            and images.shape[-2:].as_list() == [height, width]
        )
        batch = images[..., None] if flat else images
        if batch.shape.rank not in (3, 4) or not batch.shape[-3:].is_compatible_with(
            core.image_shape
        ):
            raise ValueError(
                f"a dataset must hold images {core.image_shape} or batches of them; "
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
        batch = tf.ensure_shape(batch[None] if unbatched else batch, (None, *core.image_shape))
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
