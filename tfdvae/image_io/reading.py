"""How the values of image files are meant: which of them is white, and what lies behind alpha."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfdvae._utils import checks, unit_range
from tfdvae.config.data import BACKGROUNDS


@dataclass
class Seen:
    """What was noticed of images as they were read, in any number of threads.

    Attributes:
        transparent: images with transparent parts.
        largest: the largest value that files or arrays of a type hold, by the name of the type.
    """

    transparent: list[Path] = field(default_factory=list)
    largest: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def __reduce__(self) -> tuple[type, tuple]:
        """Pickle what was noticed, for the lock cannot be."""
        return Seen, (self.transparent, self.largest)

    def note_values(self, images: np.ndarray) -> None:
        """Note the largest value of images of any shape; NaN does not count."""
        largest, name = np.fmax.reduce(images, axis=None).item(), images.dtype.name
        with self._lock:
            if not largest <= self.largest.get(name, -np.inf):
                self.largest[name] = largest


@dataclass(frozen=True)
class Reading:
    """How image files are read.

    Attributes:
        white: the value that stands for white in files; None: the largest value of their type.
        background: `white` or `black`, what transparent parts are put on; None drops alpha.
        seen: gets what is noticed.

    Raises:
        ValueError: another background.

    Example:
        >>> codec.read(Path("icon.png"), Reading(background="black")).shape
        (32, 32, 3)
    """

    white: float | None = None
    background: str | None = "white"
    seen: Seen = field(default_factory=Seen, compare=False)

    def __post_init__(self) -> None:
        if self.background is not None:
            checks.choice("background", self.background, BACKGROUNDS)

    def finish(self, path: Path, pixels: np.ndarray, alpha: np.ndarray | None = None) -> np.ndarray:
        """Return the pixels of an image, put on the background where it is not fully opaque.

        Args:
            path: of the image.
            pixels: uint8, uint16 or floats (H, W, C), as they are in the file, not multiplied by
                alpha.
            alpha: (H, W); the largest value of its type, of floats 1, is opaque. None: there is
                none.
        """
        if self.background is not None and alpha is not None and alpha.min() < level(alpha.dtype):
            self.seen.transparent.append(path)
            behind = level(pixels.dtype, self.white) if self.background == "white" else 0
            pixels = _blend(pixels, alpha, behind)
        self.seen.note_values(pixels)
        return pixels


def level(dtype: np.dtype, white: float | None = None) -> float:
    """Return the value that stands for white in images of a type.

    Args:
        dtype: uint8, uint16 or floats.
        white: of the images; a type that cannot hold it keeps its largest value. None: the type's
            largest value, of floats 1.

    Example:
        >>> level(np.dtype(np.uint16), 4095), level(np.dtype(np.uint8), 4095)
        (4095, 255)
    """
    if dtype.kind == "f":
        return 1.0 if white is None else white
    highest = int(np.iinfo(dtype).max)
    return highest if white is None or white > highest else white


def full_range_type(dtype: np.dtype, white: float | None) -> np.dtype:
    """Return the type that images get whose `white` becomes the largest value of a type.

    It is uint8 where no value has to be rounded.
    """
    if dtype.kind == "f":
        return np.dtype(np.float32)
    exact = dtype == np.uint8 and 255 % level(dtype, white) == 0
    return np.dtype(np.uint8 if exact else np.uint16)


def to_full_range(pixels: np.ndarray, white: float | None) -> np.ndarray:
    """Return images whose white is the largest value of their type, of floats 1.

    Args:
        pixels: uint8, uint16 or floats of any shape.
        white: the value that stands for white in them; None: they are returned unchanged.

    Returns:
        Images of `full_range_type`.

    Raises:
        ValueError: a value above white.

    Example:
        >>> to_full_range(np.array([0, 1], np.uint8), 1)
        array([  0, 255], dtype=uint8)
    """
    if white is None:
        return pixels
    top, dtype = level(pixels.dtype, white), full_range_type(pixels.dtype, white)
    if (largest := pixels.max().item()) > top * (1 + unit_range.rounding(pixels.dtype)):
        raise ValueError(
            f"it has the value {largest:,.9g}, above the white of {top:,.9g} (--white)"
        )
    if dtype.kind == "f":
        return np.minimum(pixels / top, 1).astype(dtype)
    new_white = np.iinfo(dtype).max
    if top == new_white:
        return pixels
    return np.rint(np.arange(int(top) + 1) * (new_white / top)).astype(dtype)[pixels]


def without_alpha(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return pixels (H, W, C) that were multiplied by alpha (H, W) as they were before."""
    opaque = level(alpha.dtype)
    share = np.maximum(alpha / np.float32(opaque), np.finfo(np.float32).tiny)
    return _as_type(np.minimum(pixels / share[..., None], opaque), pixels.dtype)


def _blend(pixels: np.ndarray, alpha: np.ndarray, behind: float) -> np.ndarray:
    share = alpha / np.float32(level(alpha.dtype))
    blended = np.empty_like(pixels)
    for channel in range(pixels.shape[-1]):  # one at a time, for memory
        mixed = pixels[..., channel] * share + np.float32(behind) * (1 - share)
        blended[..., channel] = _as_type(mixed, pixels.dtype)
    return blended


def _as_type(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return (values if dtype.kind == "f" else np.rint(values)).astype(dtype)
