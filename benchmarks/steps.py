"""Where the time of a training step goes, and that of one image that is denoised; and what some
ways to make them faster would give.

python benchmarks/steps.py [--threads N]

A DVAE on `mlp` with batches of 128 images of 28x28, random ones, and the published CNN. First the
parts of a step, each called by itself, then `fit` as it is and otherwise: with 39 steps in one
graph, and compiled with XLA; then a checkpoint, and one image by `clothing-denoiser`, its graph
alone, and that with constants in place of variables. Ways take turns in one process, so that a slow
phase of the machine meets all of them; of each the median of all rounds is shown, and the least.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

import tfdvae
from tfdvae import classifier
from tfdvae._utils import threads
from tfdvae.config import TrainConfig
from tfdvae.data import pipelines
from tfdvae.fitting.checkpoints import Checkpoints
from tfdvae.models.base import DenoisingModel
from tfdvae.models.build import build_generator

SHAPE, BATCH, STEPS = (28, 28, 1), 128, 195
AT_ONCE = 39


def timed(
    works: Mapping[str, Callable[[], object]], calls: int, rounds: int, steps: int = 1
) -> None:
    """Print the milliseconds of a step of each work; rounds go over all of them."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):  # the first one makes graphs
        for name, work in works.items():
            start = time.perf_counter()
            for _ in range(calls):
                work()
            found[name].append((time.perf_counter() - start) / calls / steps * 1000)
    for name, times in found.items():
        print(f"{name:44} {statistics.median(times[1:]):6.2f} ms, least {min(times[1:]):6.2f}")


def model(**settings: object) -> DenoisingModel:
    """Return a compiled DVAE; settings are attributes that Keras reads as it makes the graph."""
    config = TrainConfig.of(model="dvae", network="mlp", corruption="gaussian:0.1")
    made = build_generator(config, SHAPE)
    for name, value in settings.items():
        setattr(made, name, value)
    return made


def fused_adam(variables: list, gradients: list) -> Callable[[], object]:
    """Return steps of Adam by the one operation that TensorFlow has for it."""
    moments = [[tf.Variable(tf.zeros(each.shape)) for each in variables] for _ in range(2)]
    weights = [tf.Variable(tf.zeros(each.shape)) for each in variables]

    @tf.function
    def step() -> None:
        for weight, first, second, gradient in zip(weights, *moments, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=0.9,
                beta2_power=0.999,
                lr=1e-3,
                beta1=0.9,
                beta2=0.999,
                epsilon=1e-7,
                grad=gradient,
            )

    return step


def adam(made: keras.Model) -> dict[str, Callable[[], object]]:
    """Return steps of the optimizer alone, by Keras and by the one operation."""
    variables = made.trainable_variables
    made.optimizer.build(variables)
    gradients = [tf.constant(1e-3, shape=each.shape) for each in variables]
    return {
        "Adam of Keras": tf.function(lambda: made.optimizer.apply(gradients, variables)),
        "Adam in one operation": fused_adam(variables, gradients),
    }


def one_image() -> dict[str, Callable[[], object]]:
    """Return ways to denoise one image of 28x28."""
    trained = tfdvae.load("clothing-denoiser")
    core, image = trained.keras_model, np.random.default_rng(0).random((1, *SHAPE), np.float32)
    given = tf.constant(image)
    graph = tf.function(lambda images: core(images, training=False)).get_concrete_function(
        tf.TensorSpec(image.shape)
    )
    constant = convert_variables_to_constants_v2(graph)
    return {
        "`denoise`": lambda: trained.denoise(image),
        "its graph": lambda: graph(given),
        "its graph with constants": lambda: constant(given),
    }


def checkpoint(made: keras.Model, folder: Path) -> Callable[[], object]:
    """Return the writing of a checkpoint, as after each round."""
    made.optimizer.build(made.trainable_variables)
    kept, history = Checkpoints(folder), []

    def write() -> None:
        history.append({"epoch": len(history) + 1, "step": len(history) + 1, "loss": 1.0})
        kept.save(made, history, [])

    return write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    threads.use_threads(arguments.threads)
    images = np.random.default_rng(0).random((5000, *SHAPE), dtype=np.float32)
    batches = pipelines.training_batches((images,), BATCH, 0, "generator")
    batch, seed = tf.constant(images[:BATCH]), tf.constant([1, 2])

    made = model()
    iterator = iter(batches)

    def gradient() -> list:
        with tf.GradientTape() as tape:
            losses = made.losses_per_image(batch, None, seed, made.optimizer.iterations, True)
            loss = tf.reduce_mean(losses["loss"])
        return tape.gradient(loss, made.trainable_variables)

    print("Parts of a step of `mlp`")
    parts = {
        "a batch": lambda: next(iterator),
        "its noise": tf.function(lambda: made.corruption(batch, seed)),
        "loss and gradient, with noise": tf.function(gradient),
        **adam(made),
        "a step as one graph": tf.function(lambda: made.train_step(batch)),
    }
    timed(parts, 100, arguments.rounds)

    print("A step of `mlp` in `fit`")
    ways = {
        "as it is": model(),
        f"{AT_ONCE} steps in one graph": model(steps_per_execution=AT_ONCE),
        "compiled with XLA": model(jit_compile=True),
    }
    works = {
        name: partial(each.fit, batches, steps_per_epoch=STEPS, verbose=0)
        for name, each in ways.items()
    }
    timed(works, 1, arguments.rounds, steps=STEPS)

    print("The optimizer of the CNN")
    cnn = classifier.cnn(SHAPE, 10)
    timed(adam(cnn), 50, arguments.rounds)

    print("A checkpoint")
    with tempfile.TemporaryDirectory() as temporary:
        writing = {
            name: checkpoint(each, Path(temporary) / name)
            for name, each in (("`mlp`", model()), ("CNN", cnn))
        }
        timed(writing, 3, arguments.rounds)

    print("One image by `clothing-denoiser`")
    timed(one_image(), 200, arguments.rounds)


if __name__ == "__main__":
    main()
