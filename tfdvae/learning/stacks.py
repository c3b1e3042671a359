"""Frames of stacks that are learned from with their neighbors."""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

from tfdvae.image_io import frames
from tfdvae.image_io.listing import printable_path
from tfdvae.learning import pictures
from tfdvae.learning.pictures import Picture
from tfdvae.metrics import noise
from tfdvae.metrics.noise import NoiseEstimate


def windows(given: Sequence[Picture], count: int) -> list[Picture]:
    """Return each frame with its neighbors, as pictures of more channels.

    Args:
        given: frames, those of a stack in their order.
        count: frames that go together, odd.

    Raises:
        ValueError: no stack has as many.
    """
    if count == 1:
        return list(given)
    found: list[Picture] = []
    left = []
    for name, own in _by_stack(given):
        if len(own) < count:
            left += [f"{printable_path(name)}: it is of {len(own):,}, of {count} that are needed"]
            continue
        for number, each in enumerate(own):
            near = frames.neighbors(number, len(own), count)
            values: Any = frames.Window(tuple(own[other].values for other in near))
            found.append(dataclasses.replace(each, values=values))
    if not found:
        raise ValueError(
            f"`frames` {count} needs stacks of {count} frames or more, all of one size; "
            "`learn` holds none."
        )
    pictures.say_left_out(left)
    return found


def with_frames(estimate: NoiseEstimate, found: Sequence[Picture]) -> NoiseEstimate:
    """Return the noise of frames with what neighboring ones share as what channels do.

    Args:
        estimate: of single frames.
        found: frames, some of one stack.
    """
    parts = pictures.sample(_pairs(found), noise.MOST_VALUES)
    both = noise.estimate(map(pictures.unit, parts))
    shared = max(
        (each.channel_correlation for each in (estimate, both)),
        key=lambda value: math.inf if math.isnan(value) else abs(value),
    )
    return dataclasses.replace(estimate, channel_correlation=shared)


def _pairs(found: Sequence[Picture]) -> list[Picture]:
    """Return each frame with the next one of its stack, as pictures of more channels."""
    together = []
    for _, own in _by_stack(found):
        for first, second in itertools.pairwise(own):
            values: Any = frames.Window((first.values, second.values))
            together.append(dataclasses.replace(first, values=values))
    return together


def _by_stack(found: Sequence[Picture]) -> list[tuple[str, list[Picture]]]:
    """Return the pictures of each stack; one that is no frame is a stack of its own.

    Where a frame is left out, what comes after it is another stack: its neighbors are no neighbors.
    """
    grouped = itertools.groupby(
        enumerate(found),
        lambda place: (
            place[1].stack or place[1].name,
            place[1].values.shape,
            place[1].values.dtype,
            place[1].number - place[0],
        ),
    )
    return [(key[0], [each for _, each in own]) for key, own in grouped]
