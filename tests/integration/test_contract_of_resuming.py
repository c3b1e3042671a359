"""A training that was stopped goes on as if nothing had been: every model, network and objective.

The table is made by the package's own rules: what `TrainConfig` takes is in it. Models take their
steps without a graph, whose tracing would take minutes; `test_contract_of_training.py` and
`test_training.py` have graphs.
"""

import itertools
import shutil
from collections import Counter

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import SHAPES, weights_hash
from tfdvae import registry
from tfdvae.config import OBJECTIVES, TrainConfig
from tfdvae.data import pipelines
from tfdvae.fitting import training
from tfdvae.fitting.checkpoints import Checkpoints, Part
from tfdvae.models.build import build_generator

OF_ANY_SIZE = ("unet", "spatial_unet")


def settings(network, model, objective, corruption):
    """Return the settings of a model, with all that depends on the number of steps."""
    warmup = {"beta_warmup": 2} if registry.MODELS.get(model).variational else {}
    return TrainConfig.of(
        model=model,
        network=network,
        objective=objective,
        corruption=corruption,
        epochs=2,
        schedule="cosine",
        **warmup,
    )


def is_taken(*case):
    try:
        settings(*case)
    except ValueError:
        return False
    return True


def noises(network, objective):
    """Return what is injected: two noises of `recorrupted` where that costs little; None: the
    default.
    """
    if objective != "recorrupted":
        return (None,)
    few = network == "mlp" or network in OF_ANY_SIZE
    return ("gaussian:0.2", "poisson:0.2") if few else ("gaussian:0.2",)


CASES = [
    (network, model, objective, corruption)
    for network, model, objective in itertools.product(
        registry.NETWORKS.names(plugins=False), registry.MODELS.names(plugins=False), OBJECTIVES
    )
    for corruption in noises(network, objective)
    if is_taken(network, model, objective, corruption)
]
ONE_SIZE = [case for case in CASES if case[2] == "paired" and case[0] not in OF_ANY_SIZE]
TRAINED = [case for case in CASES if case not in ONE_SIZE]
WITH_FIT = [case for case in TRAINED if case[0] == "mlp" or case[:3] == ("unet", "dae", "paired")]


def named(case):
    return "-".join(part.replace(":", "-") for part in case if part)


def build(*case):
    model = build_generator(settings(*case), SHAPES[case[0]][0], steps_per_epoch=1)
    model.run_eagerly = True
    return model


def train(model, folder, callbacks=()):
    """Take two steps, a round each; return the history, and the step that training began with."""
    images, begun = np.random.default_rng(0).random((4, *model.image_shape), np.float32), []

    def batches_from(step):
        begun.append(step)
        return pipelines.training_batches((images,), 2, 0, "test", step)

    history = training.fit(model, batches_from, 2, 1, folder, "test", callbacks=callbacks)
    return history, begun


class KeepsFirstRound(keras.callbacks.Callback):
    """Copies what the folder of checkpoints holds after the first round: as a kill leaves it."""

    def __init__(self, folder, copy):
        super().__init__()
        self.folder, self.copy = folder, copy

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            shutil.copytree(self.folder, self.copy)
            self.weights = weights_hash(self.model)


def test_every_model_has_its_objectives_on_every_network():
    """An ae and a vae have one objective, a dae and a dvae all."""
    count = Counter(case[0] for case in {case[:3] for case in CASES})
    every = dict.fromkeys(registry.NETWORKS.names(plugins=False), 1 + 1 + 5 + 5)
    assert count == every | {"unet": 1 + 5}
    assert {objective for _, _, objective, _ in CASES} == set(OBJECTIVES)


@pytest.mark.parametrize("case", WITH_FIT, ids=named)
def test_stopped_after_a_round_and_gone_on_with(case, tmp_path):
    whole, left = build(*case), KeepsFirstRound(tmp_path / "whole", tmp_path / "stopped")
    history, begun = train(whole, tmp_path / "whole", [left])
    assert ([entry["step"] for entry in history], begun) == ([1, 2], [0])
    again = build(*case)
    assert train(again, tmp_path / "stopped") == (history, [1])
    assert weights_hash(again) == weights_hash(whole) != left.weights
    assert whole.objective == case[2]


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in TRAINED if case not in WITH_FIT], ids=named)
def test_a_step_after_a_checkpoint_is_that_of_a_training_without_one(case, tmp_path):
    """With `fit` these would take minutes. What training changes is changed at random instead."""
    whole, again = build(*case), build(*case)
    random = np.random.default_rng(1)
    for model in (whole, again):
        model.optimizer.build(model.trainable_variables)
    for variable in (*whole.variables, *whole.optimizer.variables):
        if "float" in variable.dtype:
            variable.assign_add(random.uniform(0, 0.01, variable.shape))
    whole.optimizer.iterations.assign(1)
    left = weights_hash(whole)

    checkpoints, history = Checkpoints(tmp_path / "kept"), [{"epoch": 1, "step": 1, "loss": 1.0}]
    checkpoints.save(whole, history, [])
    assert checkpoints.restore(again) == (history, Part())
    assert weights_hash(again) == left
    images = tf.constant(np.random.default_rng(0).random((2, *whole.image_shape), np.float32))
    for model in (whole, again):
        model.train_step(images)
    assert weights_hash(again) == weights_hash(whole) != left
    states = [[np.asarray(each) for each in model.optimizer.variables] for model in (whole, again)]
    assert all(np.array_equal(*pair) for pair in zip(*states, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("case", ONE_SIZE, ids=named)
def test_pairs_of_pixels_ask_for_networks_of_any_size(case):
    with pytest.raises(ValueError, match="`objective` paired learns from images of half"):
        build(*case)
