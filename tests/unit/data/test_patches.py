import numpy as np
import pytest

from tfdvae.data import patches

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (2, 5, 7, 3), np.uint8)


def test_orientations_are_eight_and_are_undone():
    shown = [patches.oriented(IMAGES, number) for number in range(patches.ORIENTATIONS)]
    assert np.array_equal(shown[0], IMAGES)
    assert len({image.tobytes() for image in map(np.ascontiguousarray, shown)}) == 8
    assert [image.shape[1:3] for image in shown] == [(5, 7), (7, 5)] * 4
    for number, image in enumerate(shown):
        assert np.array_equal(patches.restored(image, number), IMAGES)


def test_a_step_gets_the_same_patches_wherever_training_begins():
    pictures = [RANDOM.random((20, 30, 1)), RANDOM.random((9, 12, 1))]
    batches = patches.training_patches(pictures, 8, 4, seed=3, purpose="learn")
    first = list(batches.take(5).as_numpy_iterator())
    later = patches.training_patches(pictures, 8, 4, seed=3, purpose="learn", first_step=3)
    assert np.array_equal(first[3:], list(later.take(2).as_numpy_iterator()))
    other = patches.training_patches(pictures, 8, 4, seed=4, purpose="learn")
    assert not np.array_equal(first[0], next(other.as_numpy_iterator()))


def test_patches_are_parts_of_pictures_in_all_orientations():
    """Each pixel knows its place: a patch is found again in one of the eight orientations."""
    picture = np.arange(12 * 9, dtype=np.uint16).reshape(12, 9, 1)
    batches = patches.training_patches([picture], 4, 64, seed=0, purpose="learn")
    found = np.rint(next(batches.as_numpy_iterator()) * 65535).astype(int)
    seen, corners = set(), set()
    for patch in found:
        matches = []
        for number in range(8):
            plain = patches.restored(patch[None], number)[0, ..., 0]
            row, column = divmod(plain[0, 0], 9)
            if (
                row <= 8
                and column <= 5
                and np.array_equal(plain, picture[row : row + 4, column : column + 4, 0])
            ):
                matches.append(number)
                corners.add((row, column))
        assert len(matches) == 1
        seen.update(matches)
    assert seen == set(range(8))
    assert {row for row, _ in corners} >= {0, 8}
    assert {column for _, column in corners} >= {0, 5}


def test_pictures_are_chosen_by_their_pixels():
    pictures = [np.zeros((16, 16, 1)), np.ones((16, 48, 1))]
    batches = patches.training_patches(pictures, 8, 2000, seed=0, purpose="learn")
    assert next(batches.as_numpy_iterator()).mean() == pytest.approx(0.75, abs=0.03)


def test_a_picture_smaller_than_a_patch_is_refused():
    with pytest.raises(ValueError, match=r"`size` of patches .* got 8 with one of 7x20"):
        patches.training_patches([np.zeros((7, 20, 1))], 8, 2, seed=0, purpose="learn")
