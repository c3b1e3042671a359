"""Images of any size as a whole or in tiles."""

import numpy as np
import pytest

from tests.helpers.models import make_unet
from tfdvae._utils import limits
from tfdvae.inference import tiles
from tfdvae.inference.trained_model import TrainedModel


def moved(axis, by):
    """A function that takes each pixel from so many pixels before, zeros beyond the edge."""

    def function(images):
        made = np.roll(images, by, axis)
        place = [slice(None)] * 4
        place[axis] = slice(0, by) if by > 0 else slice(by, None)
        made[tuple(place)] = 0
        return made

    return function


def mean_of_3x3(images):
    wide = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows, columns = images.shape[1:3]
    return sum(wide[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3)) / 9


def halved(images):
    """Each pixel becomes the mean of its block of 4x4."""
    count, rows, columns, channels = images.shape
    blocks = images.reshape(count, rows // 4, 4, columns // 4, 4, channels)
    return np.broadcast_to(blocks.mean(axis=(2, 4), keepdims=True), blocks.shape).reshape(
        images.shape
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("function", "reach"),
    [
        (lambda images: images, 0),
        (lambda images: np.zeros_like(images), 0),
        (mean_of_3x3, 1),
        (lambda images: mean_of_3x3(mean_of_3x3(images)), 2),
        (moved(1, 7), 7),
        (moved(2, 7), 7),
        (moved(2, -100), 100),
        (moved(1, 256), 256),
        (halved, 3),
    ],
)
def test_how_far_a_function_sees_is_measured(function, reach, channels):
    assert tiles.measure_reach(function, channels) == reach


@pytest.mark.parametrize(
    "function",
    [moved(1, 257), moved(2, -300), lambda images: images - images.mean((1, 2), keepdims=True)],
)
def test_what_sees_too_far_is_refused(function):
    with pytest.raises(ValueError, match=r"this network sees pixels \d+ pixels away; .* at most"):
        tiles.measure_reach(function, 1)


@pytest.mark.parametrize("size", [(300, 200), (101, 259), (33, 700)])
@pytest.mark.parametrize(("function", "reach"), [(mean_of_3x3, 1), (moved(1, 40), 40)])
def test_tiles_are_what_the_whole_image_is(size, function, reach):
    image = np.random.default_rng(0).random((*size, 2), dtype=np.float32)
    with limits.use(whole_pixels=10_000):
        np.testing.assert_allclose(
            tiles.cut(function, image, reach), function(image[None])[0], atol=1e-6
        )


def test_tiles_have_about_as_many_pixels_as_the_limit_says():
    seen = []

    def function(images):
        seen.append(images.shape[1] * images.shape[2])
        return images

    with limits.use(whole_pixels=128**2):
        tiles.cut(function, np.zeros((500, 600, 1), np.float32), 20)
    assert max(seen) == 128**2
    assert len(seen) == 8 * 10


@pytest.mark.parametrize("size", [(251, 187), (64, 500)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_large_image_is_denoised_in_tiles_as_a_whole(size, channels):
    model = TrainedModel(make_unet((12, 10, channels)))
    image = np.random.default_rng(1).random((2, *size, channels), dtype=np.float32)
    whole = model.denoise(image)
    with limits.use(whole_pixels=128**2):
        np.testing.assert_allclose(model.denoise(image), whole, atol=1e-4)
        seams = tiles.cut(model.denoise, image[0], reach=0)
    assert np.abs(seams - whole[0]).max() > 1e-3, "tiles that do not overlap would show"
