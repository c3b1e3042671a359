import logging

import numpy as np
import pytest

from tfdvae.learning import stacks
from tfdvae.learning.pictures import Picture
from tfdvae.metrics import noise

RANDOM = np.random.default_rng(0)


def stack(name, count, shape=(32, 32, 1)):
    values = RANDOM.random((count, *shape), np.float32)
    return [Picture(f"{name}[{number}]", each, name, number) for number, each in enumerate(values)]


def test_windows_are_of_one_stack(caplog):
    """Neither the next stack, nor a picture beside it, is a neighbor; short ones are left out."""
    first, second = stack("a.tif", 4), stack("b.tif", 3, (40, 32, 1))
    short, alone = stack("c.tif", 2), [Picture("d.png", RANDOM.random((32, 32, 1)))]
    with caplog.at_level(logging.WARNING, "tfdvae"):
        found = stacks.windows([*first, *second, *short, *alone], 3)
    assert [each.name for each in found] == [each.name for each in (*first, *second)]
    for number, near in enumerate([(1, 0, 1), (0, 1, 2), (1, 2, 3), (2, 3, 2)]):
        expected = np.concatenate([first[other].values for other in near], axis=-1)
        np.testing.assert_array_equal(np.asarray(found[number].values), expected)
    assert "not learned from 2 pictures: the first c.tif: it is of 2, of 3" in caplog.text


def test_frames_beside_one_that_is_left_out_are_no_neighbors():
    frames = stack("a.tif", 8)
    found = stacks.windows([*frames[:3], *frames[4:]], 3)
    after = np.concatenate([frames[other].values for other in (5, 4, 5)], axis=-1)
    np.testing.assert_array_equal(np.asarray(found[3].values), after)


def test_frame_by_frame_is_as_without_stacks():
    given = stack("a.tif", 2)
    assert stacks.windows(given, 1) == given


def test_no_stack_is_long_enough():
    with pytest.raises(ValueError, match="`frames` 5 needs stacks of 5 frames or more"):
        stacks.windows(stack("a.tif", 4), 5)


@pytest.mark.parametrize("shared", [False, True])
def test_noise_that_frames_share_is_as_that_of_channels(shared):
    """A fixed pattern: without it frames say nothing of each other's noise."""
    frames = [0.5 + 0.1 * RANDOM.standard_normal((128, 128, 1)) for _ in range(3)]
    frames = [0.9 * frames[0] + 0.1 * each for each in frames] if shared else frames
    found = [Picture(f"a[{number}]", each, "a", number) for number, each in enumerate(frames)]
    single = noise.estimate(frames)
    both = stacks.with_frames(single, found)
    assert single.channel_correlation == 0
    assert (both.channel_correlation > 0.9) == shared
    assert abs(both.channel_correlation) > 0.9 or abs(both.channel_correlation) < 0.1
    assert both.level == single.level
