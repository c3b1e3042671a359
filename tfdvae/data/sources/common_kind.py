"""The one type and size that all images of a folder get."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tfdvae.image_io.decoding import ImageKind
from tfdvae.image_io.listing import printable_path

_ORDER = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))


def find(
    kinds: Mapping[ImageKind, Path], folder: Path, image_size: Sequence[int] | None
) -> ImageKind:
    """Return the kind that all images of a folder get.

    The type is the last of uint8, uint16 and float32 that one of them has; they are gray where all
    are.

    Args:
        kinds: that are there, each with a file that has it.
        folder: of the images, for messages.
        image_size: height and width that all are resized to; None: they must have one size.

    Raises:
        ValueError: images of different sizes, or floats in [0, 1] among whole numbers.

    Example:
        >>> gray = ImageKind(28, 28, True, np.dtype(np.uint8))
        >>> find({gray: Path("scans/1.png")}, Path("scans"), None) == gray
        True
    """
    sizes = {(kind.height, kind.width): path for kind, path in kinds.items()}
    if image_size is None and len(sizes) > 1:
        two = " and ".join(
            f"{printable_path(path.name)} has {height}x{width}"
            for (height, width), path in list(sizes.items())[:2]
        )
        raise ValueError(
            f"`dataset` {folder} holds images of different sizes: {two}. "
            "Give --image-size HEIGHT WIDTH."
        )
    height, width = image_size or next(iter(sizes))
    gray = all(kind.gray for kind in kinds)
    loose = _loose({kind.loose: path for kind, path in kinds.items() if kind.loose}, folder)
    firm = {kind.dtype for kind in kinds if kind.loose is None}
    dtype = max(firm | ({loose} if loose else set()), key=_ORDER.index)
    return ImageKind(height, width, gray, dtype, loose)


def _loose(found: Mapping[np.dtype, Path], folder: Path) -> np.dtype | None:
    """Return the type of all files that do not say it: it must be one scale of values for all."""
    if len(found) > 1 and _ORDER[-1] in found:
        whole = next(path for dtype, path in found.items() if dtype.kind != "f")
        raise ValueError(
            f"`dataset` {printable_path(folder)} must hold floats in [0, 1] or whole numbers; "
            f"{printable_path(found[_ORDER[-1]].name)} holds the one, "
            f"{printable_path(whole.name)} the other."
        )
    return max(found, key=_ORDER.index) if found else None
