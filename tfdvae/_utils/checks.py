"""Checks of arguments, worded alike everywhere: the argument, what was expected, what came."""

import dataclasses
import difflib
import math
import os
from collections.abc import Iterable

import numpy as np

MAX_NAME = 255
"""Bytes of the name of a file, on the file systems of Linux, macOS and Windows."""
MAX_PATH = 4095
"""Bytes of a path, on Linux; others take fewer or more."""


def choice(argument: str, value: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`.

    Raises:
        ValueError: it is not; the nearest valid names are suggested.
    """
    choices = list(choices)
    if value in choices:
        return value
    near = difflib.get_close_matches(str(value).lower(), choices, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    listed = (
        f"one of {', '.join(choices)}" if len(choices) <= 20 else f"one of {len(choices)} names"
    )
    raise ValueError(f"`{argument}` must be {listed}; got {value!r}.{hint}")


def text(argument: str, value: str) -> str:
    """Return `value` if it can be a path or a name.

    Raises:
        ValueError: it is empty or blank, holds a null character, or is longer than a path may be:
            255 bytes between two slashes, 4,095 in all.

    Example:
        >>> text("dataset", "scans")
        'scans'
    """
    if not value.strip():
        raise ValueError(f"`{argument}` must not be empty; got {value!r}.")
    if "\0" in value:
        raise ValueError(f"`{argument}` must hold no null character; got {value!r}.")
    length = len(os.fsencode(value))
    longest = max(map(len, os.fsencode(value).split(b"/")))
    if longest > MAX_NAME or length > MAX_PATH:
        raise ValueError(
            f"`{argument}` must be a path with names of at most {MAX_NAME} bytes, and of at most "
            f"{MAX_PATH:,} in all; got {longest:,} and {length:,}: {value[:40]!r}..."
        )
    return value


def texts(settings: object) -> None:
    """Refuse settings, a dataclass, of which one is a text that `text` refuses."""
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, field.name)
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(item, str):
                text(field.name, item)


def number(
    argument: str, value: float, low: float, high: float = math.inf, *, above_low: bool = False
) -> float:
    """Return `value` if it is finite and in [low, high], or in (low, high] with `above_low`.

    Raises:
        TypeError: `value` is not a number.
        ValueError: it is outside the interval, infinite or NaN.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"`{argument}` must be a number; got {value!r} ({type(value).__name__}).")
    inside = math.isfinite(value) and low <= value <= high and not (above_low and value == low)
    if not inside:
        if math.isinf(high):
            wanted = f"{'above' if above_low else 'at least'} {low:g}"
        else:
            wanted = f"between {low:g} and {high:g}" + (f" (above {low:g})" if above_low else "")
        raise ValueError(f"`{argument}` must be a finite number {wanted}; got {value}.")
    return value


def integer(argument: str, value: int, low: int, high: float = math.inf) -> int:
    """Return `value` if it is a whole number in [low, high].

    Raises:
        TypeError: `value` is not a whole number.
        ValueError: it is outside the interval.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(
            f"`{argument}` must be a whole number; got {value!r} ({type(value).__name__})."
        )
    return int(number(argument, value, low, high))


def images(
    argument: str, value: object, shape: tuple[int, int, int] | None = None, *, scale: str = "unit"
) -> np.ndarray:
    """Return `value` as a float32 array of images (N, H, W, C) in [0, 1].

    Args:
        argument: name used in messages.
        value: array-like of numbers.
        shape: the (H, W, C) that is expected, if any.
        scale: `unit`: every value in [0, 1]. `noisy`: images of [0, 1] to which noise was added and
            not clipped: every value within [-8, 9], and the mean over all pixels within
            [-0.1, 1.1]. `free`: values within [-10, 10], so that images of [0, 1] and [-1, 1] pass
            and 8-bit ones do not.

    Raises:
        TypeError: the values are not real numbers.
        ValueError: wrong rank or shape, no images, NaN or infinite values, or values outside the
            range.
    """
    array = value if isinstance(value, np.memmap) else np.asarray(value)
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise TypeError(f"`{argument}` must hold real numbers; got dtype {array.dtype}.")
    expected = "(N, {}, {}, {})".format(*shape) if shape else "(N, H, W, C)"
    if array.ndim != 4 or (shape is not None and array.shape[1:] != tuple(shape)):
        raise ValueError(f"`{argument}` must have shape {expected}; got {array.shape}.")
    if 0 in array.shape:
        raise ValueError(
            f"`{argument}` must hold at least one image of at least one pixel; got shape "
            f"{array.shape}."
        )
    array = array.astype(np.float32, copy=False)
    low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        bad = np.flatnonzero(~np.isfinite(array).all(axis=(1, 2, 3)))
        which = f"image {bad[0]} and {len(bad) - 1} more hold" if len(array) > 1 else "it holds"
        raise ValueError(f"`{argument}` must be finite; {which} NaN or infinite values.")
    if scale == "free":
        if low < -10 or high > 10:
            raise ValueError(
                f"`{argument}` must be images scaled to [0, 1] or [-1, 1], which noise may exceed; "
                f"got values from {low:g} to {high:g}."
            )
    elif scale == "noisy":
        mean = float(array.mean(dtype=np.float64))
        if not (low >= -8 and high <= 9 and -0.1 <= mean <= 1.1):
            raise ValueError(
                f"`{argument}` must be images scaled to [0, 1], which noise may exceed; got values "
                f"from {low:g} to {high:g} with mean {mean:g}."
            )
    elif low < 0 or high > 1:
        raise ValueError(
            f"`{argument}` must be in [0, 1]; got values from {low:g} to {high:g}. Scale the "
            "images, or clip noisy ones."
        )
    return array


def labels(argument: str, value: object, count: int) -> np.ndarray:
    """Return `value` as an int64 array (count,) of class numbers from 0.

    Raises:
        TypeError: the values are not whole numbers.
        ValueError: wrong shape, or negative values.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"`{argument}` must hold whole numbers; got dtype {array.dtype}.")
    if array.shape != (count,):
        raise ValueError(
            f"`{argument}` must have shape ({count},), one label an image; got {array.shape}."
        )
    for extreme in (array.min(), array.max()) if array.size else ():
        if not 0 <= extreme <= np.iinfo(np.int64).max:
            raise ValueError(f"`{argument}` must be class numbers from 0; got {extreme}.")
    return array.astype(np.int64, copy=False)
