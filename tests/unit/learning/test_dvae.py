import keras
import numpy as np
import pytest

from tfdvae.inference.trained_model import TrainedModel
from tfdvae.learning import model as learning

IMAGES = np.random.default_rng(0).uniform(0, 1, (4, 12, 10, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def dvae():
    return learning.build_dvae(0.2, (12, 10, 1), (0.5, 0.3), seed=0, steps=10)


def test_a_dvae_has_the_likelihood_of_its_target(dvae):
    """The target y - 2 n has the noise e of y too: a variance of 0.04 + 4 x 0.04 = 0.2."""
    assert (dvae.objective, str(dvae.corruption)) == ("recorrupted", "gaussian:0.2")
    assert dvae.likelihood.kind == "linear"
    assert dvae.likelihood.sigma == pytest.approx(0.2**0.5, rel=1e-6)
    assert dvae.code_shape == (12, 10, 1)
    assert dvae.any_size


def test_what_a_dvae_makes_is_a_mean_of_draws_in_all_orientations(dvae, tmp_path):
    dvae.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert (loaded.orientations, loaded.posterior_samples) == (8, 16)
    drawn = TrainedModel(loaded).sample_around(IMAGES, count=2)
    difference = (drawn[:, 0] - drawn[:, 1])[(IMAGES > 0.2) & (IMAGES < 0.8)]
    assert difference.std() == pytest.approx(2**0.5 * 0.3 * np.exp(-2), rel=0.2), "as it begins"
