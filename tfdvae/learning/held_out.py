"""Parts of pictures that training does not see: they tell when to stop, and how good it was."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tfdvae.learning import pictures as of_input
from tfdvae.learning.model import PATCH

MANY = 20
"""From so many pictures on, whole ones are held out: every tenth of them, `MOST` at most."""

MOST = 200
_BAND = 64  # rows at most, of a picture where there are few
_LEAST_BAND = 8
_CONTEXT = 64  # rows above and below a band, which training has seen
_SQUARES = 128  # whose loss tells when to stop
_ENOUGH = 32_768  # pixels that are measured, so that others can tell when to stop


@dataclass(frozen=True)
class Part:
    """A part of a picture.

    Attributes:
        values: unsigned integers or floats (H, W, C).
        first: the row from which on training has not seen it; above is context.
        last: the row from which on it is context again; None: there is none.
    """

    values: np.ndarray
    first: int = 0
    last: int | None = None

    @property
    def rows(self) -> slice:
        """The rows that training has not seen."""
        return slice(self.first, self.last)

    @property
    def unseen(self) -> np.ndarray:
        """What training has not seen, (h, W, C)."""
        return self.values[self.rows]


def split(
    pictures: Sequence[np.ndarray], side: int = PATCH, bands: bool = False
) -> tuple[list[np.ndarray], list[Part]]:
    """Return what is trained on, and what is held out: about a tenth.

    Of many pictures it is whole ones. Of few it is a band of each: in the middle, for the edges are
    where microscopes write, and where padding is; at the bottom where the rest, in two pieces,
    would be too small.

    Args:
        pictures: (H, W, C) each, at least 16 pixels high.
        side: rows that two pieces should have.
        bands: of many too, as of frames whose neighbors are trained on.

    Example:
        >>> trained, held_out = split([picture])
        >>> [each.shape for each in trained], held_out[0].values.shape, held_out[0].rows
        ([(224, 512, 1), (224, 512, 1)], (192, 512, 1), slice(64, 128))
    """
    if len(pictures) >= MANY and not bands:
        step = max(10, -(-len(pictures) // MOST))
        trained = [each for number, each in enumerate(pictures) if number % step]
        return trained, [Part(each) for each in pictures[::step]]
    trained, held_out = [], []
    for picture in pictures:
        band = max(_LEAST_BAND, min(_BAND, len(picture) // 8))
        rest = len(picture) - band
        top = rest // 2 if rest >= 2 * side else rest
        above = min(_CONTEXT, top)
        trained += [each for each in (picture[:top], picture[top + band :]) if len(each)]
        part = picture[top - above : top + band + _CONTEXT]
        held_out.append(Part(part, above, above + band))
    return trained, held_out


def for_two_uses(parts: Sequence[Part]) -> tuple[Sequence[Part], Sequence[Part]]:
    """Return parts that tell when to stop, and others that are measured.

    Where few pixels are held out, all parts do both, so that what is measured is a little too good.
    """
    measured = parts[1::2]
    if sum(math.prod(part.unseen.shape[:2]) for part in measured) >= _ENOUGH:
        return parts[::2], measured
    return parts, parts


def squares(parts: Sequence[Part], most: int) -> np.ndarray:
    """Return squares of the rows that training has not seen, float32 (n, side, side, C).

    All have the side of the narrowest part, `most` pixels at most. There are up to 128 of them,
    spread over all parts. Constant ones, as of padding, are left out.
    """
    seen = [part.unseen for part in parts]
    side = min(most, *(min(each.shape[:2]) for each in seen))
    found = [
        each[top : top + side, left : left + side]
        for each in seen
        for top in range(0, each.shape[0] - side + 1, side)
        for left in range(0, each.shape[1] - side + 1, side)
    ]
    found = [each for each in found if np.min(each) < np.max(each)] or found
    chosen = found[:: -(-len(found) // _SQUARES)]
    return np.stack([of_input.unit(square) for square in chosen])
