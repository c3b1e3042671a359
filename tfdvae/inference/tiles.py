"""Images larger than a network's, or than memory, in overlapping tiles."""

import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfdvae._utils import chunks, limits
from tfdvae.data.patches import oriented, restored
from tfdvae.inference import graphs
from tfdvae.models.inference_mixin import InferenceMixin

FURTHEST = 256
"""Pixels away that a network may see, where large images are computed in tiles."""

_SHIFTS = 8
_GRID = 32  # tiles begin at multiples of it, so that halvings of the size fall on the same pixels


class Denoiser:
    """Denoises images of all sizes that a model takes.

    Those of its own size are denoised as a whole, and those of any size where it takes them, unless
    they are larger than `limits.whole_pixels`. Others are denoised in tiles; how far the model sees
    is measured in each call, for its weights may change. The result is the mean
    over the `orientations` that the model asks for.

    Args:
        core: computes what is denoised.
    """

    def __init__(self, core: InferenceMixin):
        self.core = core

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the denoised images, float32 (N, H, W, C) -> (N, H, W, C)."""
        count, reach = self.core.orientations or 1, self._reach(images.shape[1:3])
        made = self._once(images, reach)
        for number in range(1, count):
            turned = self._once(np.ascontiguousarray(oriented(images, number)), reach)
            made = made + restored(turned, number)
        return made / np.float32(count) if count > 1 else made

    def in_graph(self, images: tf.Tensor) -> tf.Tensor:
        """Return the denoised images, each as a whole, in a graph: tensors (N, H, W, C)."""
        call, count = self.core.graphs["call"], self.core.orientations or 1
        made = []
        for numbers in (range(0, count, 2), range(1, count, 2)):  # upright, and on their sides
            if numbers:
                turned = call(tf.concat([graphs.oriented(images, n) for n in numbers], axis=0))
                parts = tf.split(turned, len(numbers))
                made += [graphs.restored(*each) for each in zip(parts, numbers, strict=True)]
        return tf.add_n(made) / count if count > 1 else made[0]

    def _reach(self, size: tuple[int, ...]) -> int | None:
        """Return how far the model sees, of today's weights; None where it sees images whole."""
        core = self.core
        if size == core.image_shape[:2] or not core.any_size or fits(size):
            return None
        return measure_reach(core.denoise, core.image_shape[-1])

    def _once(self, images: np.ndarray, reach: int | None) -> np.ndarray:
        core, size = self.core, images.shape[1:3]
        if reach is not None:
            return np.stack([cut(core.denoise, image, reach) for image in images])
        if core.any_size or size == core.image_shape[:2]:
            return core.denoise(images)
        tile, rows = core.image_shape[:2], core.batch_rows
        return np.stack([blend(core.denoise, image, tile, rows) for image in images])


def fits(size: tuple[int, ...]) -> bool:
    """Tell whether images of a height and width are computed as a whole."""
    return size[0] * size[1] <= limits.current().whole_pixels


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
    is that of the whole image. Tiles have about `limits.whole_pixels`.

    Args:
        function: float32 (1, h, w, C) -> (1, h, w, K), of images of any size.
        image: float32 (H, W, C).
        reach: in pixels, see `measure_reach`.

    Returns:
        float32 (H, W, K).
    """
    height, width = image.shape[:2]
    margin = -(-reach // _GRID) * _GRID
    inside = int(limits.current().whole_pixels ** 0.5) - 2 * margin
    side = max(1, inside // _GRID) * _GRID
    made = np.empty(0, np.float32)  # its channels are known after the first tile
    for top, left in itertools.product(range(0, height, side), range(0, width, side)):
        above, before = min(margin, top), min(margin, left)
        part = image[top - above : top + side + margin, left - before : left + side + margin]
        inner = function(part[None])[0, above : above + side, before : before + side]
        if made.ndim == 1:
            made = np.empty((height, width, inner.shape[-1]), np.float32)
        made[top : top + side, left : left + side] = inner
    return made


def measure_reach(function: Callable[[np.ndarray], np.ndarray], channels: int) -> int:
    """Return from how many pixels away a pixel still has an influence on a function of images.

    It is measured: a row or column of random images is changed, at places where halvings of the
    size fall differently.

    Args:
        function: float32 (n, h, w, C) -> (n, h, w, K), of images of any size.
        channels: C.

    Raises:
        ValueError: it reaches further than `FURTHEST`.
    """
    random = np.random.default_rng(0)
    images = random.random((_SHIFTS, _SHIFTS, 4 * FURTHEST, channels), np.float32)
    changed, places = images.copy(), 2 * FURTHEST + np.arange(_SHIFTS)
    changed[np.arange(_SHIFTS), :, places] = 1 - changed[np.arange(_SHIFTS), :, places]
    furthest = 0
    for axes in ((0, 1, 2, 3), (0, 2, 1, 3)):  # along the width, along the height
        before, after = (function(each.transpose(axes)) for each in (images, changed))
        seen = (after != before).transpose(axes).any(axis=(1, 3))
        for place, of_image in zip(places, seen, strict=True):
            furthest = max(furthest, *np.abs(np.flatnonzero(of_image) - place), 0)
    if furthest > FURTHEST:
        raise ValueError(
            f"this network sees pixels {furthest} pixels away; images of more than "
            f"{limits.current().whole_pixels:,} pixels are denoised by networks that see at most "
            f"{FURTHEST}."
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
