"""What a user should know of images that can be read but are probably not as they were meant.

Each function returns a sentence, empty where there is nothing to say, `of_tally` several. `train`,
the studies, `inspect` and the commands that use a model print them as NOTEs.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tfdvae._utils import chunks, text
from tfdvae.image_io import pixels
from tfdvae.image_io.pieces import SHOWN, Tally
from tfdvae.image_io.reading import level

_BITS = (8, 10, 12, 14)  # of cameras and detectors, whose values are stored in 16


def small_range(largest: Mapping[str, float]) -> str:
    """Say that the PSNR of images that use less than a quarter of the range of their type is high.

    Args:
        largest: as for `dark`.

    Example:
        >>> small_range({"uint16": 4000})
        'The largest value is 4,000 in uint16, where white is 65,535. PSNRs are of the whole range,
        24 dB more than of what the images use of it.'
    """
    found = []
    for name, value in largest.items():
        white = level(np.dtype(name))
        if 0 < 4 * value < white:
            found.append(
                f"The largest value is {value:,.6g} in {name}, where white is {white:,.6g}. PSNRs "
                f"are of the whole range, {20 * math.log10(white / value):.0f} dB more than of "
                "what the images use of it."
            )
    return " ".join(found)


def dark(largest: Mapping[str, float]) -> str:
    """Say that images use less than a quarter of the range of their type.

    Args:
        largest: their largest value by the name of their type, `uint8`, `uint16` or a type of
            floats, as `Seen.largest` holds it.

    Example:
        >>> dark({"uint16": 4000})
        'The largest value is 4,000 in uint16, where white is 65,535: these images are nearly black.
        --white 4095 makes 12 bits the whole range, --white auto the largest value.'
    """
    found = []
    for name, value in largest.items():
        white = level(np.dtype(name))
        if 4 * value >= white:
            continue
        start = f"The largest value is {value:,.6g} in {name}, where white is {white:,.6g}: these"
        bits = next((bits for bits in _BITS if 2**bits <= 4 * value < 4 * 2**bits), None)
        if value <= 0:
            found.append(f"{start} images are black.")
        elif name != "uint16" or bits is None:
            found.append(
                f"{start} images are nearly black. --white {value:.6g} makes that the whole range."
            )
        else:
            found.append(
                f"{start} images are nearly black. --white {2**bits - 1} makes {bits} bits the "
                "whole range, --white auto the largest value."
            )
    return " ".join(found)


def is_dark(line: str) -> bool:
    """Return whether `dark` said a line."""
    return line.startswith("The largest value is ")


def constant(names: Sequence[str], count: int, total: int, what: str = "images") -> str:
    """Say how many images have one and the same value everywhere.

    Args:
        names: of the first of them.
        count: how many there are.
        total: how many images were looked at.
        what: they are called.

    Example:
        >>> constant(["x_train/0", "x_train/1"], 2, 60)
        '2 of 60 images are constant, all their pixels equal, the first x_train/0, x_train/1.'
    """
    if not count:
        return ""
    return (
        f"{count:,} of {total:,} {what} {'are' if count > 1 else 'is'} constant, all their pixels "
        f"equal, the first {', '.join(map(text.name, names[:SHOWN]))}."
    )


def constant_images(parts: Iterable[tuple[np.ndarray, Callable[[int], str]]]) -> str:
    """Look for constant images and say what `constant` says of them; of images of 1x1 nothing.

    Args:
        parts: images (N, H, W, C) and a function from a row to the name of the image.

    Example:
        >>> constant_images([(np.zeros((2, 8, 8, 1)), "x_train/{}".format)])
        '2 of 2 images are constant, all their pixels equal, the first x_train/0, x_train/1.'
    """
    names: list[str] = []
    count = total = 0
    for images, name in parts:
        if images.shape[1:3] == (1, 1):
            return ""
        total += len(images)
        for piece in chunks.pieces(len(images), images[0].nbytes):
            rows = piece.start + np.flatnonzero(pixels.is_constant(images[piece]))
            count += len(rows)
            names += [name(int(row)) for row in rows[: SHOWN - len(names)]]
    return constant(names, count, total)


def equal(names: Sequence[str], count: int, total: int, what: str = "images") -> str:
    """Say how many images are equal to one that came before them.

    Args:
        names: of the first of them.
        count: how many there are.
        total: how many images were looked at.
        what: they are called.

    Example:
        >>> equal(["copy.png"], 1, 60)
        '1 of 60 images is equal to an earlier one, the first copy.png.'
    """
    if not count:
        return ""
    return (
        f"{count:,} of {total:,} {what} {'are' if count > 1 else 'is'} equal to an earlier one, "
        f"the first {', '.join(map(text.name, names[:SHOWN]))}."
    )


def transparent(names: Sequence[str | Path], count: int) -> str:
    """Say how many images were put on white, since they have transparent parts.

    Args:
        names: of the first of them.
        count: how many there are.

    Example:
        >>> transparent(["ink/a.png"], 1)
        '1 image has transparent parts, which are white now (--background black makes them black),
        the first ink/a.png.'
    """
    if not count:
        return ""
    have = "images have" if count > 1 else "image has"
    return (
        f"{count:,} {have} transparent parts, which are white now (--background black makes them "
        f"black), the first {', '.join(map(text.name, names[:SHOWN]))}."
    )


def lost(names: Sequence[str | Path], count: int, reason: str) -> str:
    """Say how many TIFF files had metadata that are not in what was made of them.

    Args:
        names: of the first of them.
        count: how many there are.
        reason: of the first of them.

    Example:
        >>> lost(["scans/a.tif"], 1, "cannot be read: 'DimensionOrder'")
        "The images of 1 TIFF file were written, but metadata were left out, the first scans/a.tif:
        those of scans/a.tif cannot be read: 'DimensionOrder'."
    """
    if not count:
        return ""
    shown = [text.name(name) for name in names[:SHOWN]]
    return (
        f"The images of {count:,} TIFF {'files' if count > 1 else 'file'} were written, but "
        f"metadata were left out, the first {', '.join(shown)}: those of {shown[0]} "
        f"{text.name(reason).rstrip('.')}."
    )


def of_tally(tally: Tally, source: Path, *, white: bool, background: bool) -> list[str]:
    """Return all that is to be said of the images of an input.

    Args:
        tally: of the images that were read.
        source: the input; images below it are called by their paths from there.
        white: it is known which of their values is white.
        background: it is known what transparent parts are put on.

    Example:
        >>> of_tally(tally, Path("scans"), white=True, background=True)
        ['1 of 60 images is equal to an earlier one, the first copy.png.']
    """
    below = source if source.is_dir() else source.parent

    def shown(paths: Iterable[Path]) -> list[Path]:
        paths = sorted(set(paths))  # each frame of a stack names it
        return [path.relative_to(below) if path.is_relative_to(below) else path for path in paths]

    said = [] if white else [dark(tally.seen.largest)]
    if not background:
        names = shown(tally.seen.transparent)
        said.append(transparent(names, len(names)))
    if tally.lost:
        said.append(lost(shown(tally.lost), len(tally.lost), tally.lost[min(tally.lost)]))
    for each, what in ((tally.normal, "normal images"), (tally, "images")):
        if each is not None:
            said.append(constant(each.constant.first, each.constant.count, each.read, what))
            said.append(equal(each.equal.first, each.equal.count, each.read, what))
    return [each for each in said if each]
