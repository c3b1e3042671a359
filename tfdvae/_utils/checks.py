"""Checks of arguments, worded alike everywhere: the argument, what was expected, what came."""

import dataclasses
import difflib
import math
import os
from collections.abc import Iterable
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np

from tfdvae._utils import text as text_
from tfdvae._utils import unit_range

MAX_NAME = 255
"""Bytes of the name of a file, on the file systems of Linux, macOS and Windows."""
MAX_PATH = 4095
"""Bytes of a path, on Linux; others take fewer or more."""
MAX_THREADS = 1024
"""Threads to compute with: more than any machine has cores; TensorFlow starts them all."""
MAX_INTEGER = 2**63 - 1
PATHS = (
    *("around", "config", "data_dir", "dataset", "figure", "groups", "init_from", "input", "mask"),
    *("model", "noisy_dir", "normal", "output", "path", "photographs", "photographs_test"),
    *("pictures", "resume", "truth", "uncertainty"),
)
"""Settings that are paths, or names that may also be paths."""
IMPUTE_HINT = " `tfdvae.load(model).impute(images)` fills in the pixels that are masked."


def choice(argument: str, value: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`.

    Raises:
        ValueError: it is not; the nearest valid names are suggested.
    """
    choices = list(choices)
    if value in choices:
        return value
    listed = (
        f"one of {', '.join(choices)}" if len(choices) <= 25 else f"one of {len(choices)} names"
    )
    raise ValueError(f"`{argument}` must be {listed}; got {value!r}.{nearest(value, choices)}")


def nearest(value: str, choices: Iterable[str]) -> str:
    """Return a question that suggests the nearest of `choices`, after a space; or no text.

    Example:
        >>> nearest("dvea", ["ae", "dvae"])
        " Did you mean 'dvae'?"
    """
    near = difflib.get_close_matches(str(value).lower(), list(choices), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def text(argument: str, value: str, path: bool = True) -> str:
    """Return `value` if it is a text that says something and, with `path`, can be a path.

    Args:
        argument: name used in messages.
        value: text.
        path: whether it is a path, or a name that may also be one; other texts may be longer.

    Raises:
        ValueError: it is empty or blank, holds a null character, or is a path and longer than one
            may be: 255 bytes between two slashes, 4,095 in all.

    Example:
        >>> text("dataset", "scans")
        'scans'
    """
    if not value.strip():
        raise ValueError(f"`{argument}` must not be empty; got {value!r}.")
    if "\0" in value:
        raise ValueError(f"`{argument}` must hold no null character; got {value!r}.")
    if not path:
        return value
    length = len(os.fsencode(value))
    longest = max(map(len, os.fsencode(value).split(b"/")))
    if longest > MAX_NAME or length > MAX_PATH:
        raise ValueError(
            f"`{argument}` must be a path with names of at most {MAX_NAME} bytes, and of at most "
            f"{MAX_PATH:,} in all; got {longest:,} and {length:,}: {value[:40]!r}..."
        )
    return value


def texts(settings: object) -> None:
    """Refuse settings, a dataclass, of which one is a text that `text` refuses.

    Those named in `PATHS` are paths.

    Raises:
        TypeError: a path is neither text nor `Path`, nor None where that is its default.
        ValueError: as of `text`.
    """
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, field.name)
        kinds = {str: (str, Path), NoneType: (str, Path, NoneType)}
        if field.name in PATHS and not isinstance(value, kinds.get(type(field.default), object)):
            raise TypeError(f"`{field.name}` must be text; got {value!r} ({type(value).__name__}).")
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(item, str):
                text(field.name, item, field.name in PATHS)


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
    inside = _is_finite(value) and low <= value <= high and not (above_low and value == low)
    if not inside:
        if math.isinf(high):
            wanted = f"{'above' if above_low else 'at least'} {low:g}"
        else:
            wanted = f"between {low:g} and {high:g}" + (f" (above {low:g})" if above_low else "")
        raise ValueError(
            f"`{argument}` must be a finite number {wanted}; got {text_.number(value)}."
        )
    return value


def integer(argument: str, value: int, low: int, high: float = math.inf) -> int:
    """Return `value` if it is a whole number in [low, high].

    Raises:
        TypeError: `value` is not a whole number.
        ValueError: it is outside the interval, or has more than 64 bits.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(
            f"`{argument}` must be a whole number; got {value!r} ({type(value).__name__})."
        )
    value = int(number(argument, value, low, high))
    if value > MAX_INTEGER:
        wanted = f"a whole number of at most {MAX_INTEGER:,}"
        raise ValueError(f"`{argument}` must be {wanted}; got {text_.number(value)}.")
    return value


def _is_finite(value: float) -> bool:
    """Tell whether a number is finite; a whole one also fits into a float."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def array(argument: str, value: Any, hint: str = "") -> np.ndarray:
    """Return `value` as an array, not copied where it is one; a memory map stays one.

    A masked array without masked values is the array behind it.

    Args:
        argument: name used in messages.
        value: array-like.
        hint: ends the message about masked values.

    Raises:
        ValueError: a masked array with masked values, or a list of such arrays: as an array it
            would lose its mask.
    """
    parts = value if isinstance(value, (list, tuple)) else [value]
    masked = [part for part in parts if isinstance(part, np.ma.MaskedArray)]
    if count := sum(int(np.ma.count_masked(part)) for part in masked):
        raise ValueError(
            f"`{argument}` must have a value everywhere; got a masked array, {count:,} of its "
            f"{sum(p.size for p in masked):,} values masked. `.filled(value)` sets them.{hint}"
        )
    if isinstance(value, np.ma.MaskedArray):
        value = value.data
    return value if isinstance(value, np.memmap) else np.asarray(value)


def images(
    argument: str,
    value: object,
    shape: tuple[int | None, int | None, int] | None = None,
    *,
    scale: str = "unit",
) -> np.ndarray:
    """Return `value` as a float32 array of images (N, H, W, C) in [0, 1].

    Args:
        argument: name used in messages.
        value: array-like of numbers.
        shape: the (H, W, C) that is expected, if any; H and W may be None, for any.
        scale: `unit`: every value in [0, 1]; what rounding put a hair outside is clipped. `noisy`:
            images of [0, 1] to which noise was added and not clipped: every value within [-8, 9],
            the mean over all pixels within [-0.1, 1.1], and no more variance than noise explains
            (`unit_range.noise_explains`), so that standardized images are refused. `free`: values
            within [-10, 10], so that images of [0, 1] and [-1, 1] pass and 8-bit ones do not.

    Raises:
        TypeError: the values are not real numbers.
        ValueError: wrong rank or shape, no images, NaN or infinite values, values outside the
            range, or masked ones.
    """
    given = array(argument, value, IMPUTE_HINT)
    if given.dtype.kind not in "fiub" and given.dtype.name != "bfloat16":
        raise TypeError(f"`{argument}` must hold real numbers; got dtype {given.dtype}.")
    sizes = shape or (None, None, None)
    names = [name if size is None else size for name, size in zip("HWC", sizes, strict=True)]
    expected = "(N, {}, {}, {})".format(*names)
    if given.ndim != 4 or not all(
        size in (None, found) for size, found in zip(sizes, given.shape[1:], strict=True)
    ):
        raise ValueError(f"`{argument}` must have shape {expected}; got {given.shape}.")
    if 0 in given.shape:
        raise ValueError(
            f"`{argument}` must hold at least one image of at least one pixel; got shape "
            f"{given.shape}."
        )
    pixels = given.astype(np.float32, copy=False)
    low, high = pixels.min(), pixels.max()
    if not (math.isfinite(low) and math.isfinite(high)):
        bad = np.flatnonzero(~np.isfinite(pixels).all(axis=(1, 2, 3)))
        raise ValueError(
            f"`{argument}` must be finite; {which_images(bad, len(pixels))} NaN or infinite values."
        )
    values = f"values from {unit_range.text(low)} to {unit_range.text(high)}"
    if scale == "free":
        if low < unit_range.FREE[0] or high > unit_range.FREE[1]:
            raise ValueError(
                f"`{argument}` must be images scaled to [0, 1] or [-1, 1], which noise may exceed; "
                f"got {values}."
            )
    elif scale == "noisy":
        mean = float(pixels.mean(dtype=np.float64))
        wanted = f"`{argument}` must be images scaled to [0, 1], which noise may exceed; got "
        (least, most), (darkest, brightest) = unit_range.NOISY, unit_range.NOISY_MEAN
        if not (least <= low and high <= most and darkest <= mean <= brightest):
            raise ValueError(f"{wanted}{values} with mean {mean:g}.")
        if not unit_range.noise_explains(pixels):
            raise ValueError(
                f"{wanted}{values} with mean {mean:g} and standard deviation "
                f"{pixels.std(dtype=np.float64):g}, more than noise explains: they look "
                "standardized, or scaled to another range. Scale them back first, or clip noise "
                "that neighboring pixels share."
            )
    else:
        pixels = unit_range.clip_rounding(pixels, unit_range.rounding(given.dtype))
        if pixels.min() < 0 or pixels.max() > 1:
            raise ValueError(
                f"`{argument}` must be in [0, 1]; got {values}. Scale the images, or clip noisy "
                "ones."
            )
    return pixels


def which_images(found: np.ndarray, count: int, verb: str = "hold") -> str:
    """Return which images something is said of, as a subject and its verb.

    Args:
        found: numbers of the images, at least one.
        count: of all images.
        verb: in the plural, with a singular in `s`, or `have`.

    Example:
        >>> which_images(np.array([3]), 9), which_images(np.array([3, 5]), 9)
        ('image 3 holds', 'image 3 and 1 more hold')
    """
    singular = "has" if verb == "have" else f"{verb}s"
    if count == 1:
        return f"it {singular}"
    if len(found) == 1:
        return f"image {found[0]} {singular}"
    return f"image {found[0]} and {len(found) - 1} more {verb}"


def labels(argument: str, value: object, count: int) -> np.ndarray:
    """Return `value` as an int64 array (count,) of class numbers from 0.

    Raises:
        TypeError: the values are not whole numbers.
        ValueError: wrong shape, or negative or masked values.
    """
    given = array(argument, value)
    if given.dtype.kind not in "iu":
        raise TypeError(f"`{argument}` must hold whole numbers; got dtype {given.dtype}.")
    if given.shape != (count,):
        raise ValueError(
            f"`{argument}` must have shape ({count},), one label an image; got {given.shape}."
        )
    for extreme in (given.min(), given.max()) if given.size else ():
        if not 0 <= extreme <= np.iinfo(np.int64).max:
            raise ValueError(f"`{argument}` must be class numbers from 0; got {extreme}.")
    return given.astype(np.int64, copy=False)
