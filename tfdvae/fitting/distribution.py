"""Training on several devices, and on several machines, with the weights of one.

All replicas share each batch equally, and have the same weights after each step. On several
machines each runs the same command, and TF_CONFIG tells them of each other; the first one, the
chief, writes the run, and the others take part in the trainings alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import keras
import tensorflow as tf

from tfdvae.fitting import interruption


def start(distribute: str) -> tf.distribute.Strategy:
    """Return the strategy of a run; it must be made before TensorFlow computes anything.

    Args:
        distribute: `none`, `mirrored` or `multiworker`.

    Raises:
        ValueError: a single device, or no cluster in TF_CONFIG.

    Example:
        >>> start("none").num_replicas_in_sync
        1
    """
    if distribute == "none":
        return tf.distribute.get_strategy()
    if distribute == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        if len(devices) < 2:
            raise ValueError(
                "`distribute` mirrored is for several devices; TensorFlow has one: "
                f"{devices[0].name}."
            )
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    _check_cluster(os.environ.get("TF_CONFIG", ""))
    with interruption.at_once():  # it waits for the others, and would not hear Ctrl-C
        return tf.distribute.MultiWorkerMirroredStrategy()


def _check_cluster(text: str) -> None:
    """Refuse a TF_CONFIG that is no cluster of workers with a place in it for this process."""
    try:
        config = json.loads(text)
        workers = config["cluster"]["worker"]
        fits = config["task"]["type"] == "worker" and workers[config["task"]["index"]]
        fits = fits and set(config["cluster"]) == {"worker"} and len(workers) > 1
    except (ValueError, KeyError, TypeError, IndexError):
        fits = False
    if not fits:
        example = {
            "cluster": {"worker": ["10.0.0.5:2222", "10.0.0.6:2222"]},
            "task": {"type": "worker", "index": 0},
        }
        raise ValueError(
            "`distribute` multiworker needs the environment variable TF_CONFIG with two workers or "
            f"more, such as {json.dumps(example)}; got {text!r}."
        )


def several_machines(strategy: tf.distribute.Strategy) -> bool:
    """Tell whether other processes take part."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Tell whether this process writes the run: the only one, or the first of several."""
    return not several_machines(strategy) or strategy.cluster_resolver.task_id == 0


def wait(strategy: tf.distribute.Strategy) -> None:
    """Wait until all machines are here."""
    if several_machines(strategy):
        strategy.run(_sum_of_ones)


@contextlib.contextmanager
def losses_told(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Say what to do where another machine is lost while the block runs."""
    try:
        yield
    except tf.errors.OpError as error:
        if not several_machines(strategy):
            raise
        _forget(error)
        reason = error.message.partition("\n")[0]
        raise ConnectionError(
            f"another machine was lost ({reason}). Start all of them again with --resume."
        ) from error


def _forget(error: BaseException) -> None:
    """Free what the functions held in which an error came up, also those that Keras leaves out.

    TensorFlow leaves a pool of threads open there, which would complain as Python ends.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        each: FrameType | None = frame
        while each is not None:
            with contextlib.suppress(RuntimeError):  # it is still at work
                each.clear()
            each = each.f_back


@tf.function
def _sum_of_ones() -> tf.Tensor:
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.constant(1.0))


def shared(batches: tf.data.Dataset, strategy: tf.distribute.Strategy) -> Any:
    """Return batches as `fit` takes them: each replica gets an equal part of each batch.

    Raises:
        ValueError: batches that cannot be shared equally.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return batches
    rows = tf.nest.flatten(batches.element_spec)[0].shape[0]
    if rows is None or rows % replicas:
        raise ValueError(
            f"`batch_size` must be a multiple of {replicas}, the number of replicas, and so must "
            f"the number of images where they are fewer; got batches of {rows}."
        )

    def parts(context: tf.distribute.InputContext) -> tf.data.Dataset:
        own = replicas // context.num_input_pipelines
        first = own * context.input_pipeline_id

        def of_this_machine(*batch: Any) -> Any:
            split = tf.nest.map_structure(of_array, batch)
            return split if len(split) > 1 else split[0]

        def of_array(array: tf.Tensor) -> tf.Tensor:
            shape = (replicas, rows // replicas, *array.shape[1:])
            return tf.reshape(array, shape)[first : first + own]

        return batches.map(of_this_machine).unbatch()

    return strategy.distribute_datasets_from_function(parts)


def prepare(model: keras.Model, batches_from: Callable[[int], tf.data.Dataset]) -> None:
    """Let Keras train on several machines, where two things fail by themselves.

    It averages the results of a step over their first axis, which they lack
    (https://github.com/keras-team/keras/issues/20585), and builds metrics from a batch that it
    averages over the machines, which pairs of images and labels do not survive.

    Args:
        model: compiled.
        batches_from: returns the batches that it will be trained on, as for `training.fit`.
    """
    if not several_machines(model.distribute_strategy):
        return
    step, build = model.train_step, model._symbolic_build

    def with_axis(data: Any) -> dict[str, tf.Tensor]:
        return {name: value[None] for name, value in step(data).items()}

    def build_here(**_: Any) -> None:
        with model.distribute_strategy.scope():
            build(data_batch=batches_from(0).element_spec)

    model.train_step, model._maybe_symbolic_build = with_axis, build_here
