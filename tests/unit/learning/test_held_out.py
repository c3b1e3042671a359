import numpy as np
import pytest

from tfdvae.learning import held_out


def numbered(height, width):
    return np.arange(height * width, dtype=np.uint16).reshape(height, width, 1)


@pytest.mark.parametrize(("height", "band"), [(16, 8), (64, 8), (128, 16)])
def test_a_band_at_the_bottom_of_each_of_few_small_pictures(height, band):
    picture = numbered(height, 24)
    (trained, *_), (part, *_) = held_out.split([picture, picture])
    assert np.array_equal(trained, picture[:-band])
    assert np.array_equal(part.unseen, picture[-band:])
    assert part.first == min(64, height - band)
    assert np.array_equal(part.values, picture[-band - part.first :])


@pytest.mark.parametrize(
    ("height", "side", "top", "band"),
    [(147, 64, 64, 18), (512, 64, 224, 64), (2047, 64, 991, 64), (512, 224, 224, 64)],
)
def test_a_band_in_the_middle_of_larger_ones(height, side, top, band):
    picture = numbered(height, 24)
    trained, (part, other) = held_out.split([picture, picture], side)
    assert [len(each) for each in trained] == 2 * [top, height - top - band]
    assert np.array_equal(np.concatenate([trained[0], part.unseen, trained[1]]), picture)
    assert np.array_equal(part.values, picture[max(0, top - 64) : top + band + 64])
    assert np.array_equal(other.unseen, part.unseen)


def test_pieces_that_would_be_too_small_for_patches_are_one():
    trained, (part,) = held_out.split([numbered(512, 512)], side=225)
    assert [len(each) for each in trained] == [448]
    assert np.array_equal(part.unseen, numbered(512, 512)[448:])


def test_every_tenth_of_many_pictures():
    pictures = [numbered(16, 16) + number for number in range(45)]
    trained, parts = held_out.split(pictures)
    assert [part.values[0, 0, 0] for part in parts] == [0, 10, 20, 30, 40]
    assert {part.first for part in parts} == {0}
    seen = {int(each[0, 0, 0]) for each in trained}
    assert seen == set(range(45)) - {0, 10, 20, 30, 40}
    assert len(held_out.split([pictures[0]] * 5000)[1]) == held_out.MOST


def test_a_band_of_each_of_many_frames_whose_neighbors_are_trained_on():
    pictures = [numbered(64, 16) for _ in range(30)]
    trained, parts = held_out.split(pictures, bands=True)
    assert len(trained) == len(parts) == 30
    assert np.array_equal(trained[3], pictures[3][:-8])


def test_squares_are_what_training_does_not_see():
    pictures = [numbered(256, 100), 30_000 + numbered(200, 40)]  # bands of 32 and of 25 rows
    _, parts = held_out.split(pictures)
    found = np.rint(held_out.squares(parts, 64) * 65535).astype(int)
    assert found.shape == (4 + 1, 25, 25, 1)
    for square, left in zip(found, (0, 25, 50, 75), strict=False):  # the band begins at row 112
        assert np.array_equal(square, pictures[0][112:137, left : left + 25])
    assert np.array_equal(found[4], pictures[1][87:112, :25])


def test_squares_are_few_and_none_is_constant():
    many = held_out.squares(held_out.split([numbered(512, 512)] * 9)[1], 16)
    assert many.shape[1:] == (16, 16, 1)
    assert many.dtype == np.float32
    assert 64 <= len(many) <= 128
    padded = numbered(512, 512)
    padded[:, 256:] = 7
    (part,) = held_out.split([padded])[1]
    assert len(held_out.squares([part], 64)) == 4
    assert len(held_out.squares([held_out.Part(0 * padded)], 64)) == 64


def test_a_bar_at_the_bottom_is_not_what_is_held_out():
    """As electron microscopes write it, in 52 of 512 rows."""
    picture = numbered(512, 512)
    picture[460:] = 0
    trained, (part,) = held_out.split([picture])
    assert np.array_equal(part.unseen, numbered(512, 512)[224:288])
    assert np.array_equal(trained[1], picture[288:])


def test_parts_for_two_uses_are_apart_where_they_suffice():
    large, small = (held_out.split([numbered(*size)] * 5)[1] for size in ((512, 512), (64, 64)))
    stopping, measured = held_out.for_two_uses(large)
    assert (len(stopping), len(measured)) == (3, 2)
    assert stopping + measured == [large[n] for n in (0, 2, 4, 1, 3)]
    assert held_out.for_two_uses(small) == (small, small)
    assert held_out.for_two_uses(large[:1]) == (large[:1], large[:1])
