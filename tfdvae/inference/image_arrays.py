"""Images as users have them: their shapes, types and ranges, and those that a model takes."""

import logging
from dataclasses import dataclass

import numpy as np

from tfdvae.image_io.reading import level

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageFormat:
    """The images that a model takes.

    Attributes:
        image_shape: (H, W, C) of one image.
        tiles: whether larger images can be denoised and scored, in overlapping tiles.
        any_size: whether smaller ones can too.
    """

    image_shape: tuple[int, int, int]
    tiles: bool
    any_size: bool = False

    def is_single(self, array: np.ndarray) -> bool:
        """Tell whether an array is one image.

        Of three dimensions it is one for a model of color images, and for one of gray images where
        it ends in 1.
        """
        if self.image_shape[-1] > 1:
            return array.ndim == 3
        return array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 1 < self.image_shape[1])

    def refuse_flattened(self, shape: tuple[int, ...]) -> None:
        """Refuse rows of flattened images.

        What may be one image (H, W) or (H, W, 1) is taken for rows of flattened ones where it is as
        wide as an image has values or pixels.

        Args:
            shape: of the array, at least two numbers.

        Raises:
            ValueError: says how to reshape it.
        """
        height, width, channels = self.image_shape
        if tuple(shape[:2]) == (height, width) or shape[1] not in (
            height * width,
            height * width * channels,
        ):
            return
        wide = (
            " One image of that width is images[None]."
            if channels == 1 and (self.any_size or (self.tiles and shape[0] >= height))
            else ""
        )
        raise ValueError(
            f"`images` must not be flattened; got {shape[0]:,} rows of {shape[1]:,} values. "
            f"images.reshape(-1, {height}, {width}, {shape[1] // (height * width)}) shapes them."
            f"{wide}"
        )

    def to_batch(self, array: np.ndarray, larger: bool = False) -> np.ndarray:
        """Return images as (N, H, W, C), their values and type as they were.

        Args:
            array: uint8, uint16 or floats; (H, W), (N, H, W), (H, W, C) or (N, H, W, C).
            larger: whether larger images are accepted where the model tiles.

        Raises:
            TypeError: another type.
            ValueError: another shape.
        """
        shaped = self._shape(array)
        self._check_size(shaped.shape[1:], larger)
        return shaped

    def _shape(self, array: np.ndarray) -> np.ndarray:
        channels = self.image_shape[-1]
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if array.dtype not in (np.uint8, np.uint16) and array.dtype.kind != "f":
            raise TypeError(
                f"`images` must be uint8, uint16 or floats in [0, 1]; got {array.dtype}."
            )
        if array.ndim == 3 and channels == 1 and array.shape[-1] == 3 < self.image_shape[1]:
            raise ValueError(
                f"`images` must have 1 channel, as the model has; got one of shape {array.shape}."
            )
        if array.ndim == 2 or (array.ndim == 3 and self.is_single(array) and array.shape[-1] == 1):
            self.refuse_flattened(array.shape)
        if self.is_single(array):
            array = array[None]
        if array.ndim == 3 and channels == 1:
            array = array[..., None]
        if array.ndim != 4:
            wanted = (
                "(H, W), (N, H, W) or (N, H, W, 1)"
                if channels == 1
                else f"(H, W, {channels}) or (N, H, W, {channels})"
            )
            raise ValueError(f"`images` must have shape {wanted}; got {array.shape}.")
        return array

    def _check_size(self, shape: tuple[int, ...], larger: bool) -> None:
        height, width, channels = self.image_shape
        if shape[2] != channels:
            noun = "channels" if channels > 1 else "channel"
            raise ValueError(
                f"`images` must have {channels} {noun}, as the model has; got {shape[2]}."
            )
        if shape[:2] == (height, width):
            return
        message = (
            f"`images` must be {height}x{width}, as those that the model was trained on; "
            f"got {shape[0]}x{shape[1]}."
        )
        if larger and self.any_size:
            return
        if larger and shape[0] >= height and shape[1] >= width:
            if self.tiles:
                return
            message += (
                " Larger images are for networks whose code keeps its place in the image, such as "
                "residual_conv."
            )
        raise ValueError(message)


def to_unit(images: np.ndarray, white: float | None = None) -> np.ndarray:
    """Return images with white at 1: integers as float32, floats in their own type.

    Args:
        images: uint8, uint16 or floats.
        white: the value that stands for white in them, as for `reading.level`; None: the largest
            value of their type, of floats 1.

    Raises:
        ValueError: integers above white.

    Example:
        >>> to_unit(np.array([0, 4095], np.uint16), 4095).tolist()
        [0.0, 1.0]
    """
    top = level(images.dtype, white)
    if images.dtype.kind == "f":
        return images if white is None else images / images.dtype.type(top)
    if white is not None and (largest := images.max(initial=0)) > top:
        raise ValueError(f"`images` must not exceed the `white` of {top:,.9g}; got {largest:,}.")
    return images.astype(np.float32) / np.float32(top)


def to_dtype(images: np.ndarray, dtype: np.dtype, white: float | None = None) -> np.ndarray:
    """Return float images in [0, 1] as another type, with the white that `to_unit` made 1.

    Example:
        >>> to_dtype(np.array([0, 0.5, 1]), np.dtype(np.uint8)).tolist()
        [0, 128, 255]
    """
    top = level(dtype, white)
    if dtype.kind == "f":
        return (images if white is None else images * top).astype(dtype, copy=False)
    return np.rint(images * top).astype(dtype)


def note_scaled(images: np.ndarray, white: float | None) -> bool:
    """Note, and return, that floats seem to be in [0, 1] though their white is far above."""
    if white is None or white < 4 or images.dtype.kind != "f":
        return False
    if np.fmax.reduce(images, axis=None, initial=0) > 1:
        return False
    logger.warning(
        "NOTE: float images have no value above 1, and their `white` is %s: they are nearly black. "
        "It is 1 for floats in [0, 1].",
        white,
    )
    return True
