import numpy as np
import pytest

from tfdvae.learning import model

SIDES = [(100, 80), (70, 90)]


@pytest.mark.parametrize(
    ("sides", "wanted", "size"),
    [(SIDES, None, 64), ([*SIDES, (50, 90)], None, 50), (SIDES, 32, 32), (SIDES, 68, 68)],
)
def test_patches_are_as_large_as_is_wanted_and_no_larger_than_pictures(sides, wanted, size):
    assert model.patch_size([np.zeros((*side, 1)) for side in sides], wanted) == size


def test_pictures_that_are_smaller_than_the_patches_that_are_wanted():
    with pytest.raises(ValueError, match=r"`patch_size` must be at most 70, .*; got 72"):
        model.patch_size([np.zeros((*side, 1)) for side in SIDES], 72)


@pytest.mark.parametrize(("patch", "count"), [(32, 64), (64, 16), (256, 1), (512, 1)])
def test_a_step_has_about_as_many_pixels_whatever_the_patches(patch, count):
    assert model.batch_size(patch) == count
