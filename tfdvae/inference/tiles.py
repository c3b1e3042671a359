"""Images larger than a network's, in overlapping tiles that are blended into each other."""

import itertools
from collections.abc import Callable

import numpy as np

from tfdvae._utils import chunks


def apply(
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


def _starts(size: int, part: int) -> list[int]:
    """Return where tiles of `part` pixels begin along `size` pixels.

    They begin half a tile apart, the last one so that it ends with the image.
    """
    step = max(1, part // 2)
    return [*range(0, size - part, step), size - part]


def _ramp(size: int) -> np.ndarray:
    """Return weights above 0 that fall linearly from the middle of a tile to its edges."""
    return np.minimum(np.arange(1, size + 1), np.arange(size, 0, -1)).astype(float)
