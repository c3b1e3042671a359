"""What the networks share: heads of an encoder, and sizes of images that a network can take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tfdvae._utils import checks

if TYPE_CHECKING:
    import keras


def image_sizes(image_shape: Iterable[int]) -> tuple[int, int, int]:
    """Return height, width and channels of images.

    Raises:
        TypeError: the shape is no list of numbers, or they are not whole ones.
        ValueError: not three numbers, or one below 1.
    """
    if not isinstance(image_shape, Iterable) or isinstance(image_shape, str):
        raise TypeError(
            f"`image_shape` must be (H, W, C); got {image_shape!r} ({type(image_shape).__name__})."
        )
    sizes = tuple(image_shape)
    if len(sizes) != 3:
        gray = f" Gray images have {(*sizes, 1)}." if len(sizes) == 2 else ""
        raise ValueError(f"`image_shape` must be (H, W, C); got {sizes}.{gray}")
    height, width, channels = (checks.integer("image_shape", size, 1) for size in sizes)
    return height, width, channels


def heads(variational: bool) -> tuple[str, ...]:
    """Return the names of the encoder's outputs."""
    return ("mean", "log_variance") if variational else ("code",)


def make_encoder(images: Any, outputs: Sequence[Any]) -> keras.Model:
    """Return the model from the Keras tensor of images to one output, or to a list of several."""
    import keras

    return keras.Model(images, outputs if len(outputs) > 1 else outputs[0], name="encoder")


def smallest_size(size: int, step: int, offset: int) -> int:
    """Return k where `size` is `step` * k + `offset`, k at least 1: the size of the smallest layer.

    Raises:
        ValueError: there is no such k; the nearest sizes are named.
    """
    k, rest = divmod(size - offset, step)
    if k < 1 or rest:
        below = max(1, k)
        fitting = [step * n + offset for n in ((below,) if k < 1 else (below, below + 1))]
        wanted = f"multiples of {step}" + (f" plus {offset}" if offset else "")
        raise ValueError(
            f"this network must have images whose height and width are {wanted}; "
            f"got {size}. Nearest: {' and '.join(map(str, fitting))}."
        )
    return k
