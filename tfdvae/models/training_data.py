"""Checks of what is given to `fit`, `evaluate` and `predict`, made before any work starts."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdvae._utils import checks
from tfdvae.data import pipelines
from tfdvae.models.inference_mixin import InferenceMixin

LABELS_HINT = (
    "Labels are not used: give the images alone, or pairs of (input, target) images. "
    "`dataset.map(lambda image, *others: image)` leaves the labels out."
)


def is_array(x: object) -> bool:
    """Tell arrays, lists and tensors from datasets and generators."""
    return isinstance(x, (np.ndarray, list)) or tf.is_tensor(x)


def check_arrays(
    model: InferenceMixin, x: Any, y: Any = None, noisy: bool = False
) -> tuple[np.ndarray, ...]:
    """Return images, or images and their targets, as checked float32 arrays.

    Args:
        model: whose images they are.
        x: images.
        y: targets, or None.
        noisy: whether noise may exceed [0, 1] where there are no targets.

    Raises:
        TypeError, ValueError: arrays of a wrong type, shape or range, or labels.
    """
    if y is None:
        return (model.check_images("x", x, "noisy" if noisy else "unit"),)
    x = model.check_images("x", x)
    if np.ndim(y) != 4:
        raise ValueError(
            f"`y` must be target images like `x`; got shape {np.shape(y)}. "
            "Labels are not used: leave `y` out."
        )
    y = model.check_images("y", y, "unit")
    if len(x) != len(y):
        raise ValueError(f"`x` and `y` must hold as many images; got {len(x)} and {len(y)}.")
    return x, y


def split(
    arrays: tuple[np.ndarray, ...], fraction: float
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return arrays for training and for validation: as in Keras, the last rows are held out.

    Raises:
        ValueError: a fraction outside (0, 1), or one that leaves no image to either.
    """
    checks.number("validation_split", fraction, 0, 1)
    count = len(arrays[0])
    first = math.floor(count * (1.0 - fraction))
    if first in (0, count):
        raise ValueError(
            "`validation_split` must leave images to train on and to validate on; "
            f"got {fraction} of {count} images."
        )
    return tuple(a[:first] for a in arrays), tuple(a[first:] for a in arrays)


def check_validation(model: InferenceMixin, data: Any) -> Any:
    """Return `validation_data` of `fit`, checked as `evaluate` does.

    Args:
        model: whose images they are.
        data: images or (input, target) pairs as arrays, or a dataset; anything else is returned
            as it is.

    Raises:
        TypeError, ValueError: naming it; see `check_arrays` and `checked`.
    """
    try:
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        if weights is not None:
            raise ValueError("sample weights are not supported.")
        if is_array(x):
            return check_arrays(model, x, y, noisy=True)
        return checked(model, x) if isinstance(x, tf.data.Dataset) else data
    except (TypeError, ValueError) as error:
        raise type(error)(f"`validation_data`: {error}") from None


def refuse_structure(x: object) -> None:
    """Refuse nothing, a number or text, and arrays in a dict or a tuple, as models of several
    inputs take them.

    Raises:
        TypeError: saying how images are given.
    """
    if x is None or isinstance(x, (str, bytes, int, float)):
        raise TypeError(f"`x` must be images, an array or a dataset of them; got {x!r}.")
    if isinstance(x, (dict, tuple)):
        raise TypeError(
            f"`x` must be images; got {_describe(x)}. Give the images alone, or the input as `x` "
            "and the target images as `y`."
        )


def checked(
    model: InferenceMixin, data: tf.data.Dataset, with_targets: bool = True
) -> tf.data.Dataset:
    """Return a dataset of batches whose values are checked as they come.

    What it holds is looked at first, then its first batch; for that it is iterated once more, as it
    is in every epoch. The others are checked in their order while earlier ones are worked on.

    Args:
        model: whose images they are.
        data: of batches of images, or of (input, target) pairs.
        with_targets: whether targets are used; otherwise all but the images is left out.

    Raises:
        TypeError, ValueError: images of a wrong type or shape, labels, or sample weights; a first
            batch of the wrong range. What is wrong with later batches is an `InvalidArgumentError`
            of TensorFlow's, as they come.
    """

    def parts(*data: Any) -> tuple[Any, Any]:
        element = data if len(data) > 1 else data[0]
        return unpack(model, element) if with_targets else (unpack_inputs(model, element), None)

    def check(*data: Any) -> Any:
        found = [_check_batch(model, images) for images in parts(*data) if images is not None]
        return tuple(found) if len(found) > 1 else found[0]

    parts(data.element_spec)
    for batch in pipelines.ending_at_once(data.take(1)):
        for name, images in zip(("x", "y"), parts(batch), strict=True):
            if images is not None:
                model.check_images(f"first batch of {name}", images, any_size=model.any_size)
    checking = data.map(check, num_parallel_calls=tf.data.AUTOTUNE)
    return pipelines.ending_at_once(checking.prefetch(tf.data.AUTOTUNE))


def _check_batch(model: InferenceMixin, images: tf.Tensor) -> tf.Tensor:
    """Return a batch as it is, its shape known and its values checked as the graph runs."""
    images = tf.ensure_shape(images, (None, *model.taken_shape))
    with tf.control_dependencies([model.check_tensor(tf.cast(images, tf.float32))]):
        return tf.identity(images)


def unpack_inputs(model: InferenceMixin, data: Any) -> Any:
    """Return the images of a batch, or of its spec, their type and shape checked; all else is left.

    Raises:
        TypeError, ValueError: images of a wrong type or shape.
    """
    inputs = data[0] if isinstance(data, (tuple, list)) and data else data
    _check_images("x", inputs, model)
    return inputs


def unpack(model: InferenceMixin, data: Any) -> tuple[Any, Any]:
    """Return images and targets of a batch, or of its spec, their types and shapes checked.

    Raises:
        TypeError, ValueError: images of a wrong type or shape, labels, or sample weights.
    """
    if isinstance(data, (tuple, list)) and len(data) > 3:
        raise ValueError(f"a batch must hold images alone or pairs; got {_describe(data)}.")
    inputs, target, weights = keras.utils.unpack_x_y_sample_weight(data)
    target = None if type(target).__name__ == "NoneTensorSpec" else target
    if target is not None and not _are_images(target, model):
        got = tf.TensorShape(target.shape) if _is_dense(target) else _describe(target)
        wanted = _shown(model)
        raise ValueError(f"`y` must hold images of shape (N, {wanted}); got {got}. {LABELS_HINT}")
    if weights is not None and type(weights).__name__ != "NoneTensorSpec":
        raise ValueError(
            "sample weights are not supported. `dataset.map(lambda image, *others: image)` leaves "
            "them out."
        )
    _check_images("x", inputs, model)
    if target is not None:
        _check_images("y", target, model)
    return inputs, target


def _are_images(target: Any, model: InferenceMixin) -> bool:
    """Tell targets, whose type may be wrong, from labels."""
    if not _is_dense(target):
        return False
    shape = tf.TensorShape(target.shape)
    if shape.rank is None:
        return target.dtype.is_floating
    return shape.is_compatible_with((None, *model.taken_shape))


def _check_images(name: str, images: Any, model: InferenceMixin) -> None:
    if not _is_dense(images):
        raise TypeError(
            f"`{name}` must hold images, an array of them in each batch; got {_describe(images)}. "
            "`dataset.map` can take the images out."
        )
    if not images.dtype.is_floating:
        raise TypeError(
            f"`{name}` must hold floating point images in [0, 1]; got {images.dtype.name}. "
            "Scale integers first, such as images / 255."
        )
    if not tf.TensorShape(images.shape).is_compatible_with((None, *model.taken_shape)):
        wanted = _shown(model)
        shape = tf.TensorShape(images.shape)
        hint = " `dataset.batch(32)` makes batches." if shape.rank == 3 else ""
        raise ValueError(f"`{name}` must hold images of shape (N, {wanted}); got {shape}.{hint}")


def _shown(model: InferenceMixin) -> str:
    """Return the sizes of the images that a model takes: `28, 28, 1`, or `H, W, 1` for any size."""
    return ", ".join(
        name if size is None else str(size)
        for name, size in zip("HWC", model.taken_shape, strict=True)
    )


def _is_dense(value: Any) -> bool:
    return tf.is_tensor(value) or isinstance(value, tf.TensorSpec)


def _describe(value: Any) -> str:
    """Return what stands where images should, in words."""
    if isinstance(value, dict):
        return f"a dict with {', '.join(map(str, value))}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__.removesuffix('Spec')}"
