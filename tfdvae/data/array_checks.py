"""Checks of arrays of images that come from users, in memory or from a file."""

from collections.abc import Iterable, Mapping

import numpy as np

from tfdvae._utils import chunks, unit_range
from tfdvae.image_io.reading import Seen, level, to_full_range


def image_kind(
    argument: str, dtype: np.dtype, shape: tuple[int, ...]
) -> tuple[np.dtype, tuple[int, ...]]:
    """Return the type and shape that an array of images has once it is read.

    Args:
        argument: name used in messages.
        dtype: uint8, uint16 or floats, in any byte order.
        shape: (N, H, W), (N, H, W, 1) or (N, H, W, 3).

    Returns:
        The type in this machine's byte order, and the shape (N, H, W, C).

    Raises:
        TypeError: another type.
        ValueError: another shape, or no images.
    """
    dtype = dtype.newbyteorder("=")
    if dtype not in (np.uint8, np.uint16) and dtype.kind != "f":
        raise TypeError(f"{argument} must be uint8, uint16 or floats in [0, 1]; got {dtype}.")
    if len(shape) not in (3, 4) or 0 in shape or (len(shape) == 4 and shape[3] not in (1, 3)):
        raise ValueError(
            f"{argument} must have shape (N, H, W), (N, H, W, 1) or (N, H, W, 3); got {shape}."
        )
    return dtype, shape if len(shape) == 4 else (*shape, 1)


def same_kind(argument: str, kinds: Mapping[str, tuple[np.dtype, tuple[int, ...]]]) -> None:
    """Refuse training and test images that differ in type or size.

    Args:
        argument: name of the dataset, used in messages.
        kinds: what `image_kind` returned, by name of the array.
    """
    if len({(dtype, shape[1:]) for dtype, shape in kinds.values()}) > 1:
        listed = " and ".join(f"{name} {dtype} {shape}" for name, (dtype, shape) in kinds.items())
        raise ValueError(
            f"{argument} must hold training and test images of one type and size; got {listed}."
        )


def largest_value(argument: str, arrays: Iterable[np.ndarray]) -> float:
    """Return the largest value of arrays of images, which becomes white where `white` is `auto`.

    Args:
        argument: name of the images, used in messages.
        arrays: images of any shape; they are read piece by piece.

    Raises:
        ValueError: none is above 0.
    """
    seen = Seen()
    for array in arrays:
        for piece in chunks.pieces(len(array), array[:1].nbytes):
            seen.note_values(array[piece])
    largest = max(seen.largest.values(), default=0)
    if not 0 < largest < np.inf:
        raise ValueError(f"`white` auto needs a finite value above 0; {argument} have {largest:g}.")
    return largest


def images(
    argument: str,
    array: np.ndarray,
    rows: np.ndarray | None = None,
    white: float | None = None,
) -> np.ndarray:
    """Return images as (N, H, W, C), in this machine's byte order, floats as float32.

    Floats that rounding put a hair outside [0, 1] are clipped.

    Args:
        argument: name used in messages.
        array: of a type and shape that `image_kind` accepts.
        rows: positions of the images in the whole array, for messages; by default 0, 1, ...
        white: the value that stands for white in them, which becomes the largest value of their
            type, of floats 1. None: they have the whole range.

    Raises:
        ValueError: floats that are not finite or outside [0, 1]; values above `white`.
    """
    array = array if array.ndim == 4 else array[..., None]
    if white is not None:
        top = level(array.dtype, white)
        most = top * (1 + unit_range.rounding(array.dtype))
        wrong = (array > most).any(axis=(1, 2, 3))
        if wrong.any():
            row = wrong.argmax()
            raise ValueError(
                f"{argument} must not exceed the `white` of {top:,.9g}; "
                f"image {row if rows is None else rows[row]} has {array[row].max():,.9g}."
            )
        array = to_full_range(array, white)
    if array.dtype.kind != "f":
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    excess = unit_range.rounding(array.dtype)
    wrong = ~((array >= -excess) & (array <= 1 + excess)).all(axis=(1, 2, 3))
    if wrong.any():
        row = wrong.argmax()
        low, high = array[row].min(), array[row].max()
        got = f"values from {unit_range.text(low)} to {unit_range.text(high)}"
        got = "NaN" if np.isnan(low) else got
        hint = (
            " `white` says which value is white in other floats." if low >= 0 and high > 1 else ""
        )
        raise ValueError(
            f"{argument}, of floats, must be finite and in [0, 1]; "
            f"image {row if rows is None else rows[row]} has {got}.{hint}"
        )
    return unit_range.clip_rounding(array, excess).astype(np.float32, copy=False)
