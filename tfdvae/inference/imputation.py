"""Missing pixels of images, filled in by a model."""

import logging
from typing import Any

import numpy as np
import tensorflow as tf

from tfdvae._utils import checks
from tfdvae.models.inference_mixin import InferenceMixin

logger = logging.getLogger(__name__)


def impute(model: InferenceMixin, images: Any, missing: Any) -> np.ndarray:
    """Return images with their missing pixels filled in by the model.

    Missing pixels are set to 0 and the model reconstructs the image once. A model that injects
    `masking` was trained on just that; its level should not be below the fraction missing. Giving
    the filled image to the model again was measured on validation images of Fashion-MNIST (study
    `uses`): it made them worse, but where more was missing than the model was trained for.

    Args:
        model: trained, best with injected `masking`.
        images: (N, H, W, C) in [0, 1], which noise may exceed; missing pixels are not looked at and
            may be NaN.
        missing: bool (N, H, W), true where a pixel is missing in all its channels.

    Returns:
        float32 (N, H, W, C); known pixels are those given, bit for bit, missing ones in [0, 1].

    Raises:
        TypeError: `missing` is not boolean.
        ValueError: `missing` does not fit the images, or an image has no known pixel; known pixels
            with NaN or out of range.
    """
    images = checks.array("images", images).astype(np.float32, copy=False)
    missing = _booleans(missing)
    if images.ndim != 4 or missing.shape != images.shape[:3]:
        raise ValueError(
            "`missing` must have shape (N, H, W) for `images` (N, H, W, C); "
            f"got {missing.shape} for {images.shape}."
        )
    if (lost := np.flatnonzero(missing.all(axis=(1, 2)))).size:
        which = checks.which_images(lost, len(missing), "have")
        raise ValueError(f"`missing` must leave a known pixel in each image; {which} none.")
    known = ~missing[..., None]
    return np.where(known, images, model.denoise(np.where(known, images, np.float32(0))))


def fill(model: InferenceMixin, images: tf.Tensor) -> tf.Tensor:
    """Return images whose missing pixels were set to 0 as the model reconstructs them, in a graph.

    Args:
        model: as for `impute`.
        images: float32 (N, H, W, C); a pixel is missing where it is NaN in any channel.

    Returns:
        float32 (N, H, W, C). The graph ends with an `InvalidArgumentError` where an image has no
        known pixel.
    """
    missing = tf.reduce_any(tf.math.is_nan(images), axis=-1, keepdims=True)
    none_lost = tf.reduce_all(tf.reduce_any(~missing, axis=(1, 2, 3)))
    wanted = "an image must have a known pixel; all of it is NaN"
    with tf.control_dependencies([tf.debugging.Assert(none_lost, [wanted])]):
        return model.graphs["call"](tf.where(missing, 0.0, images))


def missing_pixels(images: Any, shaped: np.ndarray, missing: Any) -> np.ndarray:
    """Return which pixels are missing, bool (N, H, W): those that are masked, and those marked.

    Where none is, and `missing` is None, a NOTE says so.

    Args:
        images: as the user gave them, with their mask if they have one.
        shaped: the same without the mask, (N, H, W, C).
        missing: bool (H, W) or (N, H, W), or None for pixels that are NaN in any channel.

    Raises:
        TypeError: `missing` is not boolean.
        ValueError: a shape that does not fit; images of integers without `missing` and a mask.
    """
    given = np.ma.asanyarray(images)
    masked = np.asarray(np.ma.getmaskarray(given).reshape(shaped.shape).any(axis=-1))
    if missing is None:
        if shaped.dtype.kind == "f":
            masked |= np.isnan(shaped).any(axis=-1)
        elif not _has_mask(images):
            raise ValueError(
                f"`missing` is needed for images of {shaped.dtype}, which have no NaN, unless they "
                "are a masked array."
            )
        if not masked.any():
            logger.warning(
                "NOTE: no pixel of `images` is NaN or masked, so none was filled in; `missing` "
                "marks missing ones."
            )
        return masked
    missing = _booleans(missing)
    if missing.shape == shaped.shape[1:3]:
        missing = np.broadcast_to(missing, shaped.shape[:3])
    if missing.shape != shaped.shape[:3]:
        raise ValueError(
            f"`missing` must have shape (H, W) or (N, H, W) for `images` {given.shape}; "
            f"got {missing.shape}."
        )
    return masked | missing


def _has_mask(images: Any) -> bool:
    """Return whether images are a masked array, or a list of such arrays."""
    parts = images if isinstance(images, (list, tuple)) else [images]
    return any(isinstance(part, np.ma.MaskedArray) for part in parts)


def _booleans(missing: Any) -> np.ndarray:
    given = checks.array("missing", missing)
    if given.dtype != bool:
        raise TypeError(f"`missing` must be boolean; got dtype {given.dtype}.")
    return given
