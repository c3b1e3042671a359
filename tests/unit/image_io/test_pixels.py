import numpy as np
import pytest

from tfdvae.image_io import pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_constant_is_one_color_everywhere(dtype):
    images = np.zeros((4, 3, 5, 3), dtype)
    images[1] = [1, 0.5, 0]
    images[2, ..., 1] = 1
    images[3, 2, 4, 2] = 1
    assert pixels.is_constant(images).tolist() == [True, True, True, False]


def test_a_digest_tells_type_shape_and_pixels_apart():
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    others = [image + 1, image.reshape(2, 8, 3), image.view(np.int8), image[::-1], image[..., ::-1]]
    digests = {pixels.digest(each) for each in [image, *others]}
    assert len(digests) == 6
    assert pixels.digest(np.repeat(image, 2, axis=0)[::2]) == pixels.digest(image.copy())


def test_a_gray_image_is_equal_in_color():
    gray = np.random.default_rng(0).integers(0, 256, (3, 8, 6, 1), np.uint8)
    color = np.repeat(gray, 3, axis=-1)
    gray[2] = 7
    assert pixels.digests(color)[:2] == pixels.digests(gray)[:2]
    assert pixels.digests(gray)[2] is None
    color[0, 3, 4, 2] += 1
    assert pixels.digest(color[0]) != pixels.digest(gray[0])
