"""How much is held in memory at a time.

The limits apply to the whole process. `use` changes them for a while, for a machine with little
memory or a test with few images. They bound memory and never change which images are computed.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """How much is held in memory at a time; one image is always allowed.

    Attributes:
        piece_bytes: of the rows of an array that are processed together.
        batch_bytes: of the images in one batch of a trained model or classifier, as float32.
        batch_images: images in one batch of a trained model.
        evaluation_images: images in one batch of an evaluation.
        file_images: images that are read from files before they are processed.
        file_bytes: bytes of images that are read from files before they are processed.
        image_pixels: pixels of one image file; a larger one is refused.
        whole_pixels: pixels of an image that is denoised as a whole, by a model for images of any
            size; a larger one is denoised in tiles of about as many.
        memory_bytes: of this machine. None: what the operating system says.
    """

    piece_bytes: int = 2**26
    batch_bytes: int = 2**23  # 512 gray images of 64x64
    batch_images: int = 256
    evaluation_images: int = 500
    file_images: int = 256
    file_bytes: int = 2**24
    image_pixels: int = 50_000_000
    whole_pixels: int = 2**20
    memory_bytes: float | None = None


_limits = Limits()


def current() -> Limits:
    """Return the limits of this process."""
    return _limits


@contextlib.contextmanager
def use(**changes: float | None) -> Iterator[Limits]:
    """Change limits of this process within a `with` block.

    Args:
        **changes: new values, by the names of the attributes of `Limits`.

    Yields:
        The limits that apply.

    Example:
        >>> with limits.use(batch_images=16):
        ...     model.denoise(images)
    """
    global _limits
    before = _limits
    _limits = replace(before, **changes)  # type: ignore[arg-type]
    try:
        yield _limits
    finally:
        _limits = before


def memory() -> float:
    """Return the bytes of memory that this machine has, infinity where that is unknown."""
    if _limits.memory_bytes is not None:
        return _limits.memory_bytes
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return math.inf
