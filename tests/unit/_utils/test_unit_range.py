import tracemalloc

import numpy as np
import pytest

from tfdvae._utils import limits, unit_range

GENERATOR = np.random.default_rng(0)
SMOOTH = 0.5 + 0.5 * np.sin(np.linspace(0, 9, 5 * 784)).reshape(5, 28, 28, 1)
IMAGES = {
    "smooth": SMOOTH,
    "black": np.zeros((5, 28, 28, 1)),
    "white": np.ones((5, 8, 6, 3)),
    "random": GENERATOR.random((5, 8, 6, 1)),
}
NOISE = {
    "gaussian": lambda images, level: images + GENERATOR.normal(0, level, images.shape),
    "uniform": lambda images, level: images + GENERATOR.uniform(-level, level, images.shape),
    "speckle": lambda images, level: images * (1 + GENERATOR.normal(0, level, images.shape)),
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("level", [0.1, 1])
def test_noise_up_to_level_1_is_explained_in_each_image(name, noise, level):
    noisy = NOISE[noise](IMAGES[name], level)
    assert unit_range.noise_explains(noisy)
    assert all(unit_range.noise_explains(image[None]) for image in noisy)


@pytest.mark.parametrize(
    "images",
    [
        (SMOOTH - SMOOTH.mean()) / SMOOTH.std(),
        2 * SMOOTH - 1,
        4 * SMOOTH,
        ((noisy := NOISE["gaussian"](SMOOTH, 0.2)) - noisy.mean()) / noisy.std(),
    ],
    ids=["standardized", "[-1, 1]", "[0, 4]", "noisy, standardized"],
)
def test_other_scales_are_not_explained(images):
    assert not unit_range.noise_explains(images)


@pytest.mark.parametrize("level", [0, 0.3, 1])
@pytest.mark.parametrize("name", IMAGES)
def test_pieces_change_nothing(name, level):
    for scale in (1, 2, 4):
        images = scale * NOISE["gaussian"](IMAGES[name], level) - (scale - 1) / 2
        with limits.use(piece_bytes=2 * images[0].nbytes):
            assert unit_range.noise_explains(images) == _explained_at_once(images)


def _explained_at_once(images):
    """What the docstring says, of all images together."""
    if np.mean((images - np.clip(images, 0, 1)) ** 2) <= 0.25**2:
        return True
    mean = np.clip(images.mean(), 0, 1)
    noise = min(np.mean(np.diff(images, axis=axis) ** 2) / 2 for axis in (1, 2))
    return images.var() <= unit_range.chance(images.size) * (mean * (1 - mean) + noise)


@pytest.mark.parametrize("offset", [0, -1.5])
def test_many_images_take_little_memory(offset):
    """Less than a quarter of their own, whether they are in [0, 1] or not."""
    images = np.full((1000, 28, 28, 1), 0.5 + offset, np.float32)
    with limits.use(piece_bytes=images.nbytes // 50):
        tracemalloc.start()
        unit_range.noise_explains(images)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < images.nbytes / 4


def test_images_of_one_pixel_are_not_judged():
    assert unit_range.noise_explains(np.array([-2.0, 2.0]).reshape(2, 1, 1, 1))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_one_step_above_1_is_rounding(dtype):
    given = np.array([0.5, np.nextafter(dtype(1), dtype(2))], dtype)
    excess = unit_range.rounding(given.dtype)
    assert unit_range.clip_rounding(given, excess).tolist() == [0.5, 1]
    inside = np.array([0, 0.5, 1], dtype)
    assert unit_range.clip_rounding(inside, excess) is inside
    far = np.array([0.5, 1.01], dtype)
    assert unit_range.clip_rounding(far, excess) is far


def test_numbers_are_written_with_the_digits_that_tell_them_apart():
    assert unit_range.text(np.float32(1.000002)) == "1.000002"
    assert unit_range.text(np.float32(255)) == "255"
