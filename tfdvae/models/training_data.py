"""Checks of what is given to `fit` and `evaluate`, made before any work starts."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdvae._utils import checks
from tfdvae.models.inference_mixin import InferenceMixin

LABELS_HINT = (
    "Labels are not used: give the images alone, or pairs of (input, target) images. "
    "`dataset.map(lambda image, label: image)` leaves the labels out."
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
        TypeError, ValueError: naming it; see `check_arrays` and `check_first_batch`.
    """
    try:
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        if weights is not None:
            raise ValueError("sample weights are not supported.")
        if is_array(x):
            return check_arrays(model, x, y, noisy=True)
        if isinstance(x, tf.data.Dataset):
            check_first_batch(model, x)
        return data
    except (TypeError, ValueError) as error:
        raise type(error)(f"`validation_data`: {error}") from None


def check_first_batch(model: InferenceMixin, data: tf.data.Dataset) -> None:
    """Refuse a dataset by its first batch; later batches are not looked at.

    The dataset is iterated once more for it, as it is in every epoch.

    Raises:
        TypeError, ValueError: images of a wrong type, shape or range, labels, or sample weights.
    """
    for batch in data.take(1):
        for name, images in zip(("x", "y"), unpack(model, batch), strict=True):
            if images is not None:
                model.check_images(f"first batch of {name}", images)


def unpack(model: InferenceMixin, data: Any) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Return images and targets of a batch, their types and shapes checked.

    Raises:
        TypeError, ValueError: images of a wrong type or shape, labels, or sample weights.
    """
    inputs, target, weights = keras.utils.unpack_x_y_sample_weight(data)
    if weights is not None:
        raise ValueError("sample weights are not supported.")
    for name, images in (("x", inputs), ("y", target)):
        if images is None:
            continue
        fits = tf.TensorShape(images.shape).is_compatible_with((None, *model.image_shape))
        if name == "y" and not fits:
            wanted = ", ".join(map(str, model.image_shape))
            raise ValueError(
                f"`y` must hold images of shape (N, {wanted}); got {tuple(images.shape)}. "
                + LABELS_HINT
            )
        if not images.dtype.is_floating:
            raise TypeError(
                f"`{name}` must hold floating point images in [0, 1]; got {images.dtype.name}. "
                "Scale integers first, such as images / 255."
            )
        if not fits:
            wanted = ", ".join(map(str, model.image_shape))
            raise ValueError(
                f"`{name}` must hold images of shape (N, {wanted}); got {tuple(images.shape)}."
            )
    return inputs, target
