"""What is refused, and how batches are shared; `tests/e2e/test_distributed.py` trains."""

import json
import weakref

import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import IMAGES, make
from tfdvae.config import TrainConfig
from tfdvae.experiment import runner
from tfdvae.fitting import distribution

WORKERS = ["10.0.0.5:2222", "10.0.0.6:2222"]
TASK = {"type": "worker", "index": 0}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        json.dumps({"cluster": {"worker": WORKERS}}),
        json.dumps({"cluster": {"worker": WORKERS[:1]}, "task": TASK}),
        json.dumps({"cluster": {"worker": WORKERS}, "task": {"type": "worker", "index": 2}}),
        json.dumps({"cluster": {"worker": WORKERS}, "task": {"type": "worker", "index": "0"}}),
        json.dumps({"cluster": {"worker": WORKERS}, "task": {"type": "evaluator", "index": 0}}),
        json.dumps({"cluster": {"worker": WORKERS, "ps": WORKERS}, "task": TASK}),
    ],
)
def test_what_is_no_cluster_is_refused(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="multiworker needs the environment variable TF_CONFIG"):
        distribution.start("multiworker")


def test_a_single_device_is_refused():
    with pytest.raises(ValueError, match=r"`distribute` mirrored is for several devices; Tensor"):
        distribution.start("mirrored")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"distribute": "all"}, "`distribute` must be one of none, mirrored, multiworker"),
        ({"distribute": "mirrored", "patience": 3}, "`patience` cannot be given with `distribute`"),
    ],
)
def test_settings_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig.of(**settings)


def test_several_machines_need_a_folder():
    with pytest.raises(ValueError, match="`output` must be given with `distribute` multiworker"):
        runner.train(dataset="digits", distribute="multiworker")


def test_a_run_without_the_setting_keeps_its_name():
    assert TrainConfig.of(distribute="none").identity() == TrainConfig().identity()
    assert TrainConfig.of(distribute="mirrored").identity() != TrainConfig().identity()


class _Two:
    """Stands for a strategy of several replicas, which are shared among two machines."""

    def __init__(self, replicas):
        self.num_replicas_in_sync = replicas

    def distribute_datasets_from_function(self, function):
        contexts = (tf.distribute.InputContext(2, index, 4) for index in range(2))
        return [list(function(context).as_numpy_iterator()) for context in contexts]


def test_each_replica_has_an_equal_part_of_each_batch():
    batches = tf.data.Dataset.from_tensor_slices(np.arange(16)).batch(8, drop_remainder=True)
    first, second = distribution.shared(batches, _Two(4))
    assert [part.tolist() for part in first] == [[0, 1], [2, 3], [8, 9], [10, 11]]
    assert [part.tolist() for part in second] == [[4, 5], [6, 7], [12, 13], [14, 15]]


def test_batches_that_cannot_be_shared_are_refused():
    batches = tf.data.Dataset.from_tensor_slices(np.arange(16)).batch(8, drop_remainder=True)
    with pytest.raises(ValueError, match=r"`batch_size` must be a multiple of 3, .* got batches"):
        distribution.shared(batches, _Two(3))


def test_one_process_has_nothing_to_share_or_to_wait_for():
    strategy = distribution.start("none")
    batches = tf.data.Dataset.range(3)
    assert distribution.shared(batches, strategy) is batches
    assert distribution.is_chief(strategy)
    distribution.wait(strategy)
    model = make("ae")
    step = model.train_step
    distribution.prepare(model, lambda first: batches)
    assert model.train_step == step
    model.fit(IMAGES, epochs=1, verbose=0)


class Pool:
    """As TensorFlow leaves one in the frame that fails."""


def lose_a_machine(left):
    pool = Pool()
    left.append(weakref.ref(pool))

    def inner():
        raise tf.errors.UnavailableError(None, None, "Socket closed\nmore")

    try:
        inner()
    except tf.errors.UnavailableError as error:  # as Keras leaves out all frames but the first
        inmost = error.__traceback__.tb_next
        raise error.with_traceback(inmost) from None


def test_a_machine_that_is_lost_leaves_nothing_open(monkeypatch):
    monkeypatch.setattr(distribution, "several_machines", lambda _: True)
    left = []
    message = r"another machine was lost \(Socket closed\)\. Start all of them again with --resume"
    with (
        pytest.raises(ConnectionError, match=message) as told,
        distribution.losses_told(tf.distribute.get_strategy()),
    ):
        lose_a_machine(left)
    assert isinstance(told.value.__cause__, tf.errors.UnavailableError)
    assert left[0]() is None


def test_an_error_of_one_process_is_left_as_it_is():
    left = []
    with (
        pytest.raises(tf.errors.UnavailableError) as told,
        distribution.losses_told(tf.distribute.get_strategy()),
    ):
        lose_a_machine(left)
    assert left[0]() is not None
    assert told.value.message.startswith("Socket closed")
