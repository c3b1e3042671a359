"""Neighboring frames of a stack as the channels of one picture."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


def neighbors(number: int, count: int, frames: int) -> list[int]:
    """Return the frames of a stack that go together: as many before one of them as after it.

    Where the stack ends, the frame that is as far away on the other side stands for the missing
    one. The frame itself is there once: a copy would show its noise.

    Args:
        number: of the frame in the middle, from 0.
        count: frames of the stack.
        frames: how many go together, odd.

    Raises:
        ValueError: a stack of fewer frames.

    Example:
        >>> neighbors(0, 9, 5), neighbors(4, 9, 5)
        ([2, 1, 0, 1, 2], [2, 3, 4, 5, 6])
    """
    if count < frames:
        raise ValueError(f"{frames} neighboring frames need a stack of as many; got {count:,}.")
    reach = frames // 2
    near = range(number - reach, number + reach + 1)
    return [each if 0 <= each < count else 2 * number - each for each in near]


def own(pictures: np.ndarray, frames: int) -> np.ndarray:
    """Return the frame in the middle of pictures (..., frames x C): (..., C)."""
    channels = pictures.shape[-1] // frames
    first = frames // 2 * channels
    return pictures[..., first : first + channels]


@dataclass(frozen=True)
class Window:
    """Frames as the channels of one picture, put together when it is read.

    It stands for an array (H, W, frames x C) where parts of it are cut out.

    Attributes:
        frames: (H, W, C) each, such as memory-mapped ones.
    """

    frames: tuple[np.ndarray, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and the channels of all frames."""
        first = self.frames[0]
        return (*first.shape[:2], len(self.frames) * first.shape[2])

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        return self.frames[0].dtype

    def __len__(self) -> int:
        """Return the height."""
        return len(self.frames[0])

    def __getitem__(self, place: Any) -> "Window":
        """Return a part, cut out of height and width."""
        return Window(tuple(frame[place] for frame in self.frames))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return the values."""
        return np.concatenate(self.frames, axis=-1, dtype=dtype)
