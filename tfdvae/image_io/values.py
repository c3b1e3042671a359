"""Pixel values of types other than uint8 and uint16, as TIFF files hold them.

Which of the types uint8, uint16 and float32 they stand for is seen from the values.
"""

from collections.abc import Iterable

import numpy as np

from tfdvae._utils import unit_range
from tfdvae.image_io.decoding import Unsupported

UNSIGNED = (np.dtype(np.uint8), np.dtype(np.uint16))
"""Types that say themselves what white is."""

_WAY_OUT = (
    "Integers from 0 to 65,535 and floats from 0 to 1 are read; others from 0 to LEVEL are by "
    "commands that have --white LEVEL, and floats of .npy and .npz files may be any"
)


def fitting_type(
    stored: np.dtype, parts: Iterable[np.ndarray], white: float | None = None
) -> np.dtype:
    """Return the type that values stand for: float32 in [0, 1], uint8 or uint16.

    Floats in [0, 1] are images as they are; other whole numbers stand for the integers that they
    are. Where white is known, all are floats.

    Args:
        stored: their type in the file.
        parts: the values of an image or of a stack, in pieces.
        white: the value that stands for white, up to which floats of any size are read; None: the
            largest value of their type.

    Raises:
        Unsupported: none of the three types fits.

    Example:
        >>> fitting_type(np.dtype(np.int32), [np.array([0, 7]), np.array([4095])])
        dtype('uint16')
    """
    if stored.kind not in "iuf":
        raise Unsupported(f"must hold whole numbers or floats; got {stored}")
    found = [
        (part.min(), part.max(), part.dtype.kind in "iu" or bool((part == np.rint(part)).all()))
        for part in parts
    ]
    lows, highs, whole = zip(*found, strict=True)
    # NumPy's, since Python's own pass over NaN.
    lowest, highest = float(np.min(lows)), float(np.max(highs))
    if not np.isfinite(lowest) or not np.isfinite(highest):
        raise Unsupported("has values that are NaN or infinite")
    rounding = unit_range.rounding(stored)
    if white is not None and lowest >= 0:
        return np.dtype(np.float32)
    if stored.kind == "f" and lowest >= -rounding and highest <= 1 + rounding:
        return np.dtype(np.float32)
    for fitting in UNSIGNED:
        if all(whole) and lowest >= 0 and highest <= np.iinfo(fitting).max:
            return fitting
    name = {"i": "signed integers", "u": "integers", "f": "floats"}[stored.kind]
    raise Unsupported(
        f"holds {name} of {8 * stored.itemsize} bits from {lowest:.9g} to {highest:.9g}. {_WAY_OUT}"
    )


def cast(pixels: np.ndarray, fitting: np.dtype, white: float | None = None) -> np.ndarray:
    """Return pixels in the type that they stand for; an excess of rounding size is cut off.

    Args:
        pixels: of any type.
        fitting: as `fitting_type` returned it.
        white: as it was given to `fitting_type`.
    """
    if fitting.kind == "f" and white is None:
        return pixels.astype(fitting).clip(0, 1)
    return pixels.astype(fitting)


def rescale(pixels: np.ndarray, wanted: np.dtype) -> np.ndarray:
    """Return pixels in another type, white as white.

    8-bit values become 16-bit ones times 257.

    Args:
        pixels: uint8, uint16 or float32 in [0, 1].
        wanted: the same type or one further on in this list.
    """
    if pixels.dtype == wanted:
        return pixels
    if wanted.kind == "f":
        return pixels.astype(wanted) / wanted.type(np.iinfo(pixels.dtype).max)
    return pixels.astype(wanted) * 257
