"""Gray images with models of color, and gray images stored in color with gray models."""

import numpy as np

from tfdvae.image_io import reader
from tfdvae.inference.trained_model import TrainedModel


def to_model_channels(piece: reader.Piece, model: TrainedModel) -> np.ndarray:
    """Return the images of a piece with as many channels as the model has, where they are gray.

    Gray images are repeated for a model of color; images that are gray in all their three channels
    are reduced to one for a gray model. All others are returned as they are.

    Args:
        piece: images uint8, uint16 or floats (n, H, W, C).
        model: with 1 or 3 channels.

    Raises:
        ValueError: flattened images, for a model of images of one size; a model of several frames.
    """
    if model.core.frames is not None:
        raise ValueError(
            f"the model takes {model.core.frames} neighboring frames of a stack, and can only "
            "denoise."
        )
    images = piece.images
    if piece.single and images.shape[-1] == 1 and not model.any_size:
        model.format.refuse_flattened(images.shape[1:])
    return in_channels(images, model.image_shape[-1])


def in_channels(images: np.ndarray, count: int) -> np.ndarray:
    """Return images (n, H, W, C) with `count` channels where they are gray; others as they are."""
    channels = images.shape[-1], count
    if channels == (1, 3):
        return np.repeat(images, 3, axis=-1)
    if channels == (3, 1):
        first = images[..., :1]
        same = images == first
        if images.dtype.kind == "f":
            same |= np.isnan(images) & np.isnan(first)
        return first if same.all() else images
    return images


def to_input_channels(made: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return what a model made with as many channels as its input had.

    Args:
        made: (n, H, W, C) with the channels of the model.
        images: the input (n, H, W, C), of the same type. A gray image gets the mean of three
            channels, and one stored in color three times the same.
    """
    if made.shape[-1] == images.shape[-1]:
        return made
    if made.shape[-1] == 1:
        return np.repeat(made, 3, axis=-1)
    mean = made.mean(axis=-1, keepdims=True)
    return (np.rint(mean) if images.dtype.kind == "u" else mean).astype(images.dtype)
