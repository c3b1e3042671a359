"""The U-Net, and the layers with which it takes images of any size."""

import keras
import numpy as np
import pytest

from tests.helpers.models import make_unet
from tfdvae.models import networks
from tfdvae.models.layers import CropLike, PadToMultiple

SIZES = [(1, 1), (1, 9), (5, 7), (12, 10), (27, 30)]


def images_of(height, width, channels=1, count=2):
    random = np.random.default_rng(0)
    return random.normal(0.5, 1, (count, height, width, channels)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_an_untrained_network_returns_its_input(height, width, dtype):
    network, identity = networks.unet((8, 8, 2), variational=False, filters=4, dtype=dtype)
    images = images_of(height, width, 2)
    for made in (network(images), identity(network(images))):
        assert made.dtype == "float32"
        assert np.array_equal(made, images)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_any_size_are_denoised(height, width, channels):
    """The edges of an image are repeated until 4 divides its sizes."""
    model = make_unet((12, 10, channels))
    images = np.clip(images_of(height, width, channels), 0, 1)
    made = model.denoise(images)
    assert made.shape == images.shape
    assert not np.allclose(made, images, atol=0.1)
    below, right = -height % 4, -width % 4
    whole = np.pad(images, ((0, 0), (0, below), (0, right), (0, 0)), mode="edge")
    np.testing.assert_allclose(model.denoise(whole)[:, :height, :width], made, atol=1e-6)
    one_by_one = np.concatenate([model.denoise(image[None]) for image in images])
    np.testing.assert_allclose(one_by_one, made, atol=1e-6)


def test_a_code_for_a_variational_model_is_refused():
    with pytest.raises(
        ValueError, match="network unet must belong to an ae or dae: it has no code"
    ):
        networks.build("unet", (8, 8, 1), 4, variational=True)


def test_a_model_without_a_code_neither_encodes_nor_decodes():
    model = make_unet()
    assert (model.has_code, model.any_size, model.variational) == (False, True, False)
    for verb in (model.encode, model.decode):
        with pytest.raises(ValueError, match="this model has no code: its network, such as unet,"):
            verb(images_of(12, 10))


def test_the_size_of_training_images_must_be_known():
    with pytest.raises(ValueError, match=r"`image_shape` \(H, W, C\) must be given"):
        make_unet(image_shape=None)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_padding_repeats_the_edge_and_is_cut_off_again(height, width):
    images = images_of(height, width)
    padded = PadToMultiple(4)(images)
    wide = ((0, 0), (0, -height % 4), (0, -width % 4), (0, 0))
    assert np.array_equal(padded, np.pad(images, wide, mode="edge"))
    assert PadToMultiple(4).compute_output_shape(images.shape) == padded.shape
    assert np.array_equal(CropLike()([padded, images]), images)
    assert CropLike().compute_output_shape([padded.shape, images.shape]) == images.shape
    wide = (*padded.shape[:3], 5)
    assert CropLike().compute_output_shape([wide, images.shape]) == (*images.shape[:3], 5)


def test_sizes_that_are_not_known_stay_so():
    assert PadToMultiple(4).compute_output_shape((None, None, 6, 1)) == (None, None, 8, 1)


def test_layers_save_and_load(tmp_path):
    images = keras.Input((None, None, 1))
    cut = CropLike()([PadToMultiple(3, name="pad")(images), images])
    keras.Model(images, [cut, PadToMultiple(5)(images)]).save(tmp_path / "layers.keras")
    loaded = keras.models.load_model(tmp_path / "layers.keras")
    assert loaded.get_layer("pad").multiple == 3
    same, padded = loaded(images_of(4, 6))
    assert np.array_equal(same, images_of(4, 6))
    assert padded.shape == (2, 5, 10, 1)
