import numpy as np
import pytest

from tfdvae.image_io import frames


@pytest.mark.parametrize(
    ("number", "count", "together", "expected"),
    [
        (4, 9, 5, [2, 3, 4, 5, 6]),
        (0, 9, 5, [2, 1, 0, 1, 2]),
        (1, 9, 5, [3, 0, 1, 2, 3]),
        (8, 9, 3, [7, 8, 7]),
        (1, 3, 3, [0, 1, 2]),
        (0, 1, 1, [0]),
    ],
)
def test_neighbors(number, count, together, expected):
    assert frames.neighbors(number, count, together) == expected


@pytest.mark.parametrize("together", [1, 3, 5, 7])
def test_no_frame_is_its_own_neighbor(together):
    """Its noise would not be independent of a copy."""
    for count in range(together, together + 4):
        for number in range(count):
            near = frames.neighbors(number, count, together)
            assert near[together // 2] == number
            assert near.count(number) == 1
            assert all(0 <= each < count for each in near)


def test_a_stack_of_fewer_frames():
    with pytest.raises(ValueError, match="3 neighboring frames need a stack of as many; got 2"):
        frames.neighbors(0, 2, 3)


def test_the_frame_in_the_middle():
    pictures = np.arange(2 * 3 * 4 * 6).reshape(2, 3, 4, 6)
    np.testing.assert_array_equal(frames.own(pictures, 3), pictures[..., 2:4])
    np.testing.assert_array_equal(frames.own(pictures, 1), pictures)


def test_a_window_is_like_the_array_that_it_stands_for():
    parts = np.random.default_rng(0).integers(0, 256, (3, 7, 9, 2), np.uint8)
    whole = np.concatenate(list(parts), axis=-1)
    window = frames.Window(tuple(parts))
    assert (window.shape, window.size, window.dtype) == (whole.shape, whole.size, whole.dtype)
    assert len(window) == 7
    np.testing.assert_array_equal(np.asarray(window), whole)
    np.testing.assert_array_equal(np.array(window[2:5, 1:]), whole[2:5, 1:])
    np.testing.assert_array_equal(np.array(window[:3][1:]), whole[1:3])
    assert np.array(window, np.float32).dtype == np.float32
