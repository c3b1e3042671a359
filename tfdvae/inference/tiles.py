"""Images larger than a network's, or than memory, in overlapping tiles."""

import itertools
from collections.abc import Callable

import numpy as np

from tfdvae._utils import chunks

WHOLE = 2**20
"""Pixels of an image up to which it is computed as a whole; beyond, in tiles of about as many."""

_GRID = 32  # tiles begin at multiples of it, so that halvings of the size fall on the same pixels


def blend(
    function: Callable[[np.ndarray], np.ndarray],
    image: np.ndarray,
    tile: tuple[int, int],
    batch_size: int,
) -> np.ndarray:
    """Return `function` of an image, computed on tiles that overlap by half.

    Where tiles overlap, each counts by its distance to its own edge, so that no seams show: a tile
    knows least of what lies at its edge.

    Args:
        function: float32 (n, h, w, C) -> (n, h, w, C).
        image: float32 (H, W, C), at least as large as a tile.
        tile: (h, w).
        batch_size: tiles at a time.

    Returns:
        float32 (H, W, C).
    """
    corners = list(
        itertools.product(
            *(_starts(size, part) for size, part in zip(image.shape, tile, strict=False))
        )
    )
    weight = np.outer(*map(_ramp, tile))[..., None].astype(np.float32)
    total, weights = np.zeros_like(image), np.zeros((*image.shape[:2], 1), np.float32)
    for piece in chunks.pieces(len(corners), weight.nbytes * image.shape[-1], batch_size):
        places = [
            (slice(top, top + tile[0]), slice(left, left + tile[1])) for top, left in corners[piece]
        ]
        for place, made in zip(
            places, function(np.stack([image[place] for place in places])), strict=True
        ):
            total[place] += weight * made
            weights[place] += weight
    return total / weights


def cut(function: Callable[[np.ndarray], np.ndarray], image: np.ndarray, reach: int) -> np.ndarray:
    """Return `function` of an image, computed on tiles of which only the inner part is kept.

    Where the function's result at a pixel depends on nothing further away than `reach`, the result
    is that of the whole image.

    Args:
        function: float32 (1, h, w, C) -> (1, h, w, C), of images of any size.
        image: float32 (H, W, C).
        reach: in pixels, see `measure_reach`.

    Returns:
        float32 (H, W, C).
    """
    height, width = image.shape[:2]
    if height * width <= WHOLE:
        return function(image[None])[0]
    margin = -(-reach // _GRID) * _GRID
    side = max(_GRID, int(WHOLE**0.5) - 2 * margin)
    made = np.empty_like(image)
    for top, left in itertools.product(range(0, height, side), range(0, width, side)):
        above, before = min(margin, top), min(margin, left)
        part = image[top - above : top + side + margin, left - before : left + side + margin]
        inner = function(part[None])[0, above : above + side, before : before + side]
        made[top : top + side, left : left + side] = inner
    return made


def measure_reach(function: Callable[[np.ndarray], np.ndarray], channels: int) -> int:
    """Return from how many pixels away a pixel still has an influence on a function of images.

    It is measured: pixels at some places of random images are changed much.

    Args:
        function: float32 (n, h, w, C) -> (n, h, w, C), of images of any size.
        channels: C.

    Raises:
        ValueError: it reaches further than 256 pixels.
    """
    random = np.random.default_rng(0)
    furthest, most = 0, 256
    for size in ((8, 4 * most), (4 * most, 8)):
        axis = int(size[0] == 8)
        image = random.random((1, *size, channels), np.float32)
        before = function(image)
        for shift in range(0, 8, 1):  # where halvings of the size fall differently
            changed, place = image.copy(), 2 * most + shift
            changed[(slice(None),) * (1 + axis) + (place,)] += 10 * random.standard_normal()
            seen = (function(changed) != before).any(axis=(0, 2 - axis, 3))
            furthest = max(furthest, *np.abs(np.flatnonzero(seen) - place), 0)
    if furthest > most:
        raise ValueError(
            f"this network has an influence on pixels {furthest} away; large images can be "
            f"computed in tiles where it is at most {most}."
        )
    return int(furthest)


def _starts(size: int, part: int) -> list[int]:
    """Return where tiles of `part` pixels begin along `size` pixels.

    They begin half a tile apart, the last one so that it ends with the image.
    """
    step = max(1, part // 2)
    return [*range(0, size - part, step), size - part]


def _ramp(size: int) -> np.ndarray:
    """Return weights above 0 that fall linearly from the middle of a tile to its edges."""
    return np.minimum(np.arange(1, size + 1), np.arange(size, 0, -1)).astype(float)
