import numpy as np
import pytest

from tfdvae.learning import held_out


def numbered(height, width):
    return np.arange(height * width, dtype=np.uint16).reshape(height, width, 1)


@pytest.mark.parametrize(("height", "band"), [(16, 8), (64, 8), (128, 16), (512, 64), (2048, 64)])
def test_a_band_of_each_of_few_pictures(height, band):
    picture = numbered(height, 24)
    (trained, *_), (part, *_) = held_out.split([picture, picture])
    assert np.array_equal(trained, picture[:-band])
    assert np.array_equal(part.values[part.first :], picture[-band:])
    assert part.first == min(64, height - band)
    assert np.array_equal(part.values[: part.first], picture[-band - part.first : -band])


def test_every_tenth_of_many_pictures():
    pictures = [numbered(16, 16) + number for number in range(45)]
    trained, parts = held_out.split(pictures)
    assert [part.values[0, 0, 0] for part in parts] == [0, 10, 20, 30, 40]
    assert {part.first for part in parts} == {0}
    seen = {int(each[0, 0, 0]) for each in trained}
    assert seen == set(range(45)) - {0, 10, 20, 30, 40}
    assert len(held_out.split([pictures[0]] * 5000)[1]) == held_out.MOST


def test_squares_are_what_training_does_not_see():
    pictures = [numbered(256, 100), numbered(200, 40)]  # bands of 32 and of 25 rows
    _, parts = held_out.split(pictures)
    found = held_out.squares(parts, 64)
    assert found.shape == (4 + 1, 25, 25, 1)
    assert found.dtype == np.float32
    for square in np.rint(found * 65535).astype(int):
        rows = square[..., 0] // 100, square[..., 0] // 40
        assert (rows[0] >= 224).all() or (rows[1] >= 175).all()
    many = held_out.squares(held_out.split([numbered(512, 512)] * 9)[1], 16)
    assert many.shape[1:] == (16, 16, 1)
    assert 64 <= len(many) <= 128
