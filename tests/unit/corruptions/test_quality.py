"""Corruptions of image quality, against NumPy, SciPy and Pillow."""

import io

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from tfdvae.corruptions import parse

SEED = (1, 2)


def test_blur_is_the_gaussian_filter_of_scipy(noise):
    """With nothing beyond the edge, weights inside the image add up to 1."""
    images = noise(2, 12, 9, 3)

    def filtered(values):
        return scipy.ndimage.gaussian_filter(
            values.astype(np.float64), (0, 1.2, 1.2, 0), mode="constant", radius=(0, 4, 4, 0)
        )

    expected = filtered(images) / filtered(np.ones_like(images))
    np.testing.assert_allclose(parse("blur:1.2")(images, SEED), expected, atol=1e-6)


def test_blur_far_wider_than_the_image_is_its_mean(noise):
    images = noise(2, 5, 6, 1)
    expected = np.broadcast_to(images.mean(axis=(1, 2), keepdims=True), images.shape)
    np.testing.assert_allclose(parse("blur:100")(images, SEED), expected, atol=1e-3)


def test_brightness_goes_up_or_down_with_equal_chances():
    """2,000 images: five standard deviations of a share of a half are 0.056."""
    images = np.tile(np.array([0.1, 0.5, 0.9], np.float32).reshape(1, 1, 3, 1), (2000, 1, 1, 1))
    found = parse("brightness:0.3")(images, SEED).numpy()[:, 0, :, 0]
    up = found[:, 1] > 0.5
    np.testing.assert_allclose(found[up], np.tile([0.4, 0.8, 1], (up.sum(), 1)), atol=1e-6)
    np.testing.assert_allclose(found[~up], np.tile([0, 0.2, 0.6], ((~up).sum(), 1)), atol=1e-6)
    assert up.mean() == pytest.approx(0.5, abs=0.056)


def test_contrast_goes_towards_the_mean_of_each_channel(noise):
    images = noise(3, 6, 5, 3)
    mean = images.mean(axis=(1, 2), keepdims=True)
    expected = mean + 0.75 * (images - mean)
    np.testing.assert_allclose(parse("contrast:0.25")(images, SEED), expected, atol=1e-6)


def test_color_cast_multiplies_each_channel_by_a_factor_of_its_own():
    """1,000 images of three channels: factors are uniform, of standard deviation 0.2 / sqrt(3)."""
    images = np.full((1000, 4, 4, 3), 0.5, np.float32)
    factors = parse("color_cast:0.2")(images, SEED).numpy() / 0.5
    assert np.ptp(factors, axis=(1, 2)).max() == 0
    factors = factors[:, 0, 0]
    assert 0.8 <= factors.min() < 0.802
    assert 1.198 < factors.max() <= 1.2 + 1e-6
    assert factors.std() == pytest.approx(0.2 / np.sqrt(3), rel=0.05)
    assert np.abs(np.corrcoef(factors.T) - np.eye(3)).max() < 5 / np.sqrt(1000)


def test_color_cast_of_gray_images_is_a_change_of_brightness():
    found = parse("color_cast:0.2")(np.full((50, 4, 4, 1), 0.5, np.float32), SEED).numpy()
    assert np.ptp(found, axis=(1, 2)).max() == 0
    assert found.std() > 0.03


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_near_to_that_of_pillow(channels, noise):
    """The same quantization; decoders differ by a few of 255 steps."""
    smooth = scipy.ndimage.gaussian_filter(noise(1, 32, 32, channels), (0, 3, 3, 0))
    values = np.clip(np.rint(255 * (smooth - smooth.min()) / np.ptp(smooth)), 0, 255)
    mode = values[0].astype(np.uint8).squeeze()
    file = io.BytesIO()
    Image.fromarray(mode).save(file, "JPEG", quality=20)
    expected = np.asarray(Image.open(file)).reshape(32, 32, channels) / 255
    found = parse("jpeg:0.8")((values / 255).astype(np.float32), SEED).numpy()[0]
    assert np.abs(found - expected).max() < 6 / 255
    assert np.abs(expected - values[0] / 255).max() > 10 / 255, "that quality is seen"


def test_jpeg_clips():
    found = parse("jpeg:0.1")(np.array([-1, 2], np.float32)[:, None, None, None], SEED).numpy()
    np.testing.assert_allclose(found.ravel(), [0, 1], atol=2 / 255)


def test_jpeg_of_two_channels_is_that_of_each():
    images = np.random.default_rng(0).random((2, 16, 16, 2), np.float32)
    made = parse("jpeg:0.5")(images, (0, 1)).numpy()
    alone = [parse("jpeg:0.5")(images[..., i : i + 1], (0, 1)).numpy() for i in range(2)]
    np.testing.assert_array_equal(made, np.concatenate(alone, axis=-1))
