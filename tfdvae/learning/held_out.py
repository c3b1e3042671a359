"""Parts of pictures that training does not see: they tell when to stop, and how good it was."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfdvae.data.image_dataset import to_unit

MANY = 20
"""From so many pictures on, whole ones are held out: every tenth of them, `MOST` at most."""

MOST = 200
_BAND = 64  # rows at most, of a picture where there are few
_LEAST_BAND = 8
_CONTEXT = 64  # rows above a band, which training has seen
_SQUARES = 128  # whose loss tells when to stop


@dataclass(frozen=True)
class Part:
    """A part of a picture.

    Attributes:
        values: unsigned integers or floats (H, W, C).
        first: the row from which on training has not seen it; above is context.
    """

    values: np.ndarray
    first: int = 0


def split(pictures: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[Part]]:
    """Return what is trained on, and what is held out: about a tenth.

    Of few pictures it is a band at the bottom of each, of many it is whole pictures.

    Args:
        pictures: (H, W, C) each, at least 16 pixels high.

    Example:
        >>> trained, held_out = split([picture])
        >>> trained[0].shape, held_out[0].values.shape, held_out[0].first
        ((448, 512, 1), (128, 512, 1), 64)
    """
    if len(pictures) >= MANY:
        step = max(10, -(-len(pictures) // MOST))
        trained = [each for number, each in enumerate(pictures) if number % step]
        return trained, [Part(each) for each in pictures[::step]]
    trained, held_out = [], []
    for picture in pictures:
        rows = len(picture)
        band = max(_LEAST_BAND, min(_BAND, rows // 8))
        context = min(_CONTEXT, rows - band)
        trained.append(picture[: rows - band])
        held_out.append(Part(picture[rows - band - context :], context))
    return trained, held_out


def squares(parts: Sequence[Part], most: int) -> np.ndarray:
    """Return squares of the rows that training has not seen, float32 (n, side, side, C).

    All have the side of the narrowest part, `most` pixels at most. There are up to 128 of them,
    spread over all parts.
    """
    seen = [part.values[part.first :] for part in parts]
    side = min(most, *(min(each.shape[:2]) for each in seen))
    corners = [
        (number, top, left)
        for number, each in enumerate(seen)
        for top in range(0, each.shape[0] - side + 1, side)
        for left in range(0, each.shape[1] - side + 1, side)
    ]
    chosen = corners[:: -(-len(corners) // _SQUARES)]
    cut = [seen[number][top : top + side, left : left + side] for number, top, left in chosen]
    return np.stack([to_unit(np.array(square)) for square in cut]).astype(np.float32)
