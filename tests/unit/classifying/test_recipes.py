import numpy as np
import pytest

from tfdvae.classifying import recipes


def scenes(count=20):
    """Smooth images of 48x48 pixels between 0.25 and 0.75."""
    rows, columns = np.mgrid[:48, :48] / 16
    shifts = np.arange(count)[:, None, None]
    return (0.5 + 0.25 * np.sin(rows + shifts) * np.cos(columns))[..., None].astype(np.float32)


def test_fresh_noise_and_denoised_images_are_for_noisy_images_alone():
    assert recipes.candidates(None) == ("limited", "classical")
    assert recipes.candidates(0.1) == ("limited", "classical", "fresh-noise", "denoised")


def test_noise_is_estimated_where_it_is_asked_for():
    noisy = scenes() + np.random.default_rng(0).normal(0, 0.05, scenes().shape).astype(np.float32)
    assert recipes.noise_level(noisy, "auto", 0.001) == pytest.approx(0.05, rel=0.1)
    assert recipes.noise_level(noisy, None, 0.001) is None
    assert recipes.noise_level(noisy, 0.2, 0.001) == 0.2


def test_other_noise_than_gaussian_is_refused():
    random = np.random.default_rng(0)
    photons = (random.poisson(30 * scenes()) / 60).astype(np.float32)
    with pytest.raises(
        ValueError, match=r"`noise` auto must find Gaussian noise; .* Leave `noise`"
    ):
        recipes.noise_level(photons, "auto", 0.001)
    with pytest.raises(ValueError, match=r"`noise` auto cannot be estimated: .* leave `noise` out"):
        recipes.noise_level(scenes(), "auto", 0.001)


@pytest.mark.parametrize(
    ("shape", "name"), [((32, 32, 1), "cnn"), ((28, 20, 3), "cnn"), ((33, 8, 1), "resnet")]
)
def test_the_network_follows_from_the_size(shape, name):
    first, again, other = (recipes.build(shape, 2, seed) for seed in (0, 0, 1))
    assert first.name == name
    weights = [each.get_weights()[0] for each in (first, again, other)]
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_large_images_are_said_to_be_slow():
    assert recipes.describe_size((256, 256, 3)) == ""
    said = recipes.describe_size((200, 257, 1))
    assert said.startswith("images of 200x257 pixels are slow to learn from; --image-size 256")
