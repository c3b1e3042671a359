import numpy as np
import pytest

from tests.helpers.models import weights_hash
from tfdvae.config import TrainConfig
from tfdvae.studies import training

IMAGES = np.random.default_rng(0).random((20, 4, 4, 1), dtype=np.float32)
SETTINGS = TrainConfig.of(model="dae", network="mlp", epochs=2, batch_size=5)


def test_a_generator_is_a_function_of_seed_and_purpose():
    made = [
        training.train_generator(SETTINGS.replace(seed=seed), IMAGES, purpose)
        for seed, purpose in ((0, "a"), (0, "a"), (0, "b"), (1, "a"))
    ]
    first, same, other_order, other_seed = (weights_hash(model) for model, _ in made)
    assert first == same
    assert len({first, other_order, other_seed}) == 3
    assert all(len(losses) == 2 and losses[1] < losses[0] for _, losses in made)
    assert int(made[0][0].optimizer.iterations) == 8


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_is_refused(value):
    training.check_finite([value, 1.0])
    with pytest.raises(FloatingPointError, match=f"the loss of the vae became {value}"):
        training.check_finite([1.0, value], "the loss of the vae")
