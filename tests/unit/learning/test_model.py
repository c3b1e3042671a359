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


def test_a_model_trained_with_bfloat16_is_kept_in_float32(noise):
    settings = "recorrupted", "gaussian:0.1", (8, 8, 1), (0.5, 0.3), 0, 4
    trained = model.build(*settings, dtype="mixed_bfloat16")
    trained.fit(noise(8, 8, 8, 1), batch_size=4, epochs=2, verbose=0)
    trained.frames = 3
    kept = model.in_float32(trained, model.build(*settings))
    assert {layer.compute_dtype for layer in kept.encoder.layers} == {"float32"}
    for own, other in zip(kept.get_weights(), trained.get_weights(), strict=True):
        assert np.array_equal(own, other)
    assert int(kept.optimizer.iterations) == 4
    assert (kept.frames, kept.orientations) == (3, trained.orientations)
    images = noise(2, 8, 8, 1)
    np.testing.assert_allclose(kept.denoise(images), trained.denoise(images), atol=0.01)
