"""`fit` that may be killed at any moment and goes on to the same weights."""

import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfdvae._utils import files, progress


def fit(
    model: keras.Model,
    batches_from: Callable[[int], tf.data.Dataset],
    total_steps: int,
    round_steps: int,
    folder: Path,
    name: str,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> list[dict]:
    """Train a compiled model for `total_steps`, from the last checkpoint in `folder` where there is one.

    Steps are taken in rounds (Keras epochs) of `round_steps`, the last one perhaps shorter; each round ends in a checkpoint.

    Args:
        model: built and compiled.
        batches_from: returns the endless batches that follow a number of steps already taken.
        total_steps: optimiser steps in all.
        round_steps: steps a round.
        folder: where checkpoints live; made if missing.
        name: shown by the progress bar.
        callbacks: further Keras callbacks.

    Returns:
        One dictionary a round: `epoch` and `step` at its end, and the means of losses and metrics over it.

    Raises:
        FloatingPointError: the loss became NaN or infinite.
    """
    model.optimizer.build(model.trainable_variables)
    history = _restore(model, folder)
    with progress.bar(
        name,
        total_steps,
        unit="step",
        initial=history[-1]["step"] if history else 0,
        seconds=0.2 if sys.stderr.isatty() else 10,
    ) as bar:
        while (step := history[-1]["step"] if history else 0) < total_steps:
            left = total_steps - step
            steps, rounds = (round_steps, left // round_steps) if left >= round_steps else (left, 1)
            keep = _Rounds(history, folder, bar, steps)
            first = len(history)
            model.fit(batches_from(step), epochs=first + rounds, initial_epoch=first, steps_per_epoch=steps, shuffle=False, verbose=0,
                      callbacks=[keep, *callbacks])  # fmt: skip
    return history


class _Rounds(keras.callbacks.Callback):
    """Moves the progress bar, stops at a loss that is not finite, and keeps each round: weights, optimiser and history."""

    def __init__(self, history: list[dict], folder: Path, bar: tqdm, steps: int):
        super().__init__()
        self.history, self.folder, self.bar, self.steps = history, folder, bar, steps

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()
        if not np.isfinite(logs["loss"]):
            step = self.bar.n
            raise FloatingPointError(
                f"the loss became {logs['loss']} at step {step}; a smaller learning rate, or KL warm-up, may help."
            )

    def on_epoch_end(self, epoch, logs=None):
        done = self.history[-1]["step"] if self.history else 0
        self.history.append(
            {
                "epoch": epoch + 1,
                "step": done + self.steps,
                **{key: float(value) for key, value in logs.items()},
            }
        )
        self.bar.set_postfix({key: f"{value:.4g}" for key, value in logs.items()}, refresh=False)
        previous = _latest(self.folder)
        with files.replacing(self.folder / f"round-{epoch + 1:06d}") as temporary:
            temporary.mkdir()
            self.model.save_weights(temporary / "model.weights.h5")
            files.write_json(temporary / "history.json", self.history)
        if previous is not None:
            shutil.rmtree(previous)


def _latest(folder: Path) -> Path | None:
    return max(folder.glob("round-*"), default=None)


def _restore(model: keras.Model, folder: Path) -> list[dict]:
    latest = _latest(folder)
    if latest is None:
        return []
    model.load_weights(latest / "model.weights.h5")
    return files.read_json(latest / "history.json")


class Reconstructions(keras.callbacks.Callback):
    """Writes images above their reconstructions to TensorBoard after each epoch.

    Args:
        images: float (N, H, W, C).
        folder: of the event files.
    """

    def __init__(self, images: np.ndarray, folder: Path):
        super().__init__()
        self.images, self.folder, self.writer = images, folder, None

    def on_epoch_end(self, epoch, logs=None):
        self.writer = self.writer or tf.summary.create_file_writer(str(self.folder))
        reconstructed = self.model(self.images).numpy()
        rows = [
            np.concatenate(list(np.clip(row, 0, 1)), axis=1) for row in (self.images, reconstructed)
        ]
        with self.writer.as_default():
            tf.summary.image("observed above reconstructed", np.concatenate(rows)[None], step=epoch)
        self.writer.flush()
