"""`fit` that may be killed at any moment and goes on to the same weights."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tfdvae._utils import progress
from tfdvae.fitting import checkpoints, distribution
from tfdvae.fitting.checkpoints import Checkpoints, History, Part
from tfdvae.fitting.interruption import Interruption
from tfdvae.fitting.steps_at_once import Pace


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the loss on held-out images no longer falls; the best round's weights are kept.

    It has no state: when to stop follows from the history that each checkpoint holds, so that a
    training that was killed stops where it would have stopped anyway.

    Attributes:
        batches: held-out images, as `evaluate` takes them; always the same.
        patience: rounds without a lower loss than the best one after which training stops.

    Example:
        >>> history = [{"val_loss": loss} for loss in (3.0, 2.0, 2.5, 2.0)]
        >>> EarlyStopping(batches, patience=2).is_due(history)
        True
    """

    batches: tf.data.Dataset
    patience: int

    def is_due(self, history: History) -> bool:
        """Tell whether training is to stop after these rounds."""
        return bool(history) and len(history) - 1 - best_round(history) >= self.patience


def best_round(history: History) -> int:
    """Return the place in the history of the lowest held-out loss, the first one of equal ones."""
    return int(np.argmin([entry["val_loss"] for entry in history]))


def fit(
    model: keras.Model,
    batches_from: Callable[[int], tf.data.Dataset],
    total_steps: int,
    round_steps: int,
    folder: Path,
    name: str,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    early_stopping: EarlyStopping | None = None,
    hint: str = "a smaller learning rate may help",
) -> History:
    """Train a compiled model for `total_steps`, from the last checkpoint in `folder` if any.

    Steps are taken in rounds (Keras epochs) of `round_steps`, the last one perhaps shorter; each
    round ends in a checkpoint. A callback may end the training by setting `model.stop_training`.
    Ctrl-C, and SIGTERM where it has a handler, wait for the end of the step, which is then kept
    too, but for trainings on several devices, which go on from the last round. Short steps are
    taken several at a time, see `Pace`: a signal then waits for all of them, 0.2 s at most.

    Args:
        model: built and compiled.
        batches_from: returns the endless batches that follow a number of steps already taken.
        total_steps: optimizer steps in all.
        round_steps: steps a round.
        folder: where checkpoints are; made if missing.
        name: shown by the progress bar.
        callbacks: further Keras callbacks.
        early_stopping: when to stop earlier; the model then gets the weights of the best round.
        hint: what may help where a loss became NaN or infinite.

    Returns:
        One dictionary a round: `epoch` and `step` at its end, the means of losses and metrics over
        it, and with `early_stopping` those of held-out images after it, named with `val_`.

    Raises:
        FloatingPointError: a loss or a weight became NaN or infinite.
    """
    strategy = model.distribute_strategy
    kept = Checkpoints(folder, writes=distribution.is_chief(strategy))
    distribution.prepare(model, batches_from)
    with strategy.scope():
        model.optimizer.build(model.trainable_variables)
        history, part = kept.restore(model)
    held_out = None if early_stopping is None else early_stopping.batches
    callbacks = list(callbacks)
    pace = Pace(model, callbacks)
    with (
        progress.bar(
            name,
            total_steps,
            unit="step",
            initial=_steps(history) + part.taken,
            seconds=0.2 if sys.stderr.isatty() else 10,
        ) as bar,
        Interruption() as interruption,
    ):
        while _steps(history) < total_steps and not kept.ended:
            if early_stopping is not None and early_stopping.is_due(history):
                break
            left, first = total_steps - _steps(history), len(history)
            steps, rounds = (round_steps, left // round_steps) if left >= round_steps else (left, 1)
            if part.taken or pace.is_to_be_measured(steps, left - steps):
                rounds = 1
            watch = _Rounds(history, part, kept, bar, interruption, early_stopping, hint)
            with pace.taken(1 if part.taken else pace.number(steps, rounds)):
                model.fit(
                    distribution.shared(batches_from(_steps(history) + part.taken), strategy),
                    epochs=first + rounds,
                    initial_epoch=first,
                    steps_per_epoch=steps - part.taken,
                    shuffle=False,
                    verbose=0,
                    validation_data=held_out,
                    callbacks=[watch, *(callbacks if kept.writes else ())],
                )
            pace.measure(watch.ends)
            part = Part()
            if model.stop_training and not (early_stopping and early_stopping.is_due(history)):
                kept.end()
    if early_stopping is not None and best_round(history) < len(history) - 1:
        kept.load(model, history[best_round(history)]["epoch"])
    return history


def _steps(history: History) -> int:
    return history[-1]["step"] if history else 0


def _check_weights(model: keras.Model, step: int, hint: str) -> None:
    """Refuse weights that are not finite: the loss of a step is that before it."""
    for weight in model.weights:
        if tf.as_dtype(weight.dtype).is_floating and not np.isfinite(weight.numpy()).all():
            raise FloatingPointError(f"weights became NaN or infinite at step {step}; {hint}.")


class _Rounds(keras.callbacks.Callback):
    """Moves the progress bar, refuses what is not finite, and keeps each round.

    Where the training is to stop, it keeps the part of a round that was done, once all callbacks
    have seen it.
    """

    def __init__(
        self,
        history: History,
        part: Part,
        kept: Checkpoints,
        bar: tqdm,
        interruption: Interruption,
        early_stopping: EarlyStopping | None,
        hint: str,
    ):
        super().__init__()
        self.history, self.part, self.kept, self.bar = history, part, kept, bar
        self.interruption, self.early_stopping, self.hint = interruption, early_stopping, hint
        self.taken = self.before = 0
        self.ends: list[float] = []  # of steps in the last round, by the clock

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.interruption.heed()
        self.taken = self.before = self.part.taken
        self.ends = []

    @property
    def step(self) -> int:
        """The number of steps taken, those before this round included."""
        return _steps(self.history) + self.taken

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if not self.interruption.came:
            return
        alone = self.model.distribute_strategy.num_replicas_in_sync == 1
        if alone and self.taken > self.part.taken:
            _check_weights(self.model, self.step, self.hint)
            self.kept.save_part(self.model, len(self.history), self.taken)
        self.interruption.heed()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        taken = self.before + batch + 1  # of this round; a graph takes several
        self.bar.update(taken - self.taken)
        self.taken = taken
        if self.part.taken:
            for variable, total in zip(
                checkpoints.metric_variables(self.model), self.part.totals, strict=True
            ):
                variable.assign_add(total)
            self.part = Part()
        self._check_finite("loss", (logs or {})["loss"])
        self.ends.append(time.perf_counter())

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        logs = {key: float(value) for key, value in (logs or {}).items()}
        self._check_finite("loss on held-out images", logs.get("val_loss", 0.0))
        _check_weights(self.model, self.step, self.hint)
        self.history.append({"epoch": epoch + 1, "step": self.step, **logs})
        self.bar.set_postfix({key: f"{value:.4g}" for key, value in logs.items()}, refresh=False)
        best = []
        if self.early_stopping is not None:
            best.append(self.history[best_round(self.history)]["epoch"])
            if self.early_stopping.is_due(self.history):
                self.model.stop_training = True
        self.kept.save(self.model, self.history, best)

    def _check_finite(self, name: str, value: float) -> None:
        if not np.isfinite(value):
            raise FloatingPointError(f"the {name} became {value} at step {self.step}; {self.hint}.")


class Reconstructions(keras.callbacks.Callback):
    """Writes images above their reconstructions to TensorBoard after each epoch.

    Args:
        images: float (N, H, W, C).
        folder: of the event files.
    """

    of_rounds = True  # see `Pace`

    def __init__(self, images: np.ndarray, folder: Path):
        super().__init__()
        self.images, self.folder = images, folder
        self.writer: Any = None

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.writer = self.writer or tf.summary.create_file_writer(str(self.folder))
        reconstructed = self.model(self.images).numpy()
        rows = [
            np.concatenate(list(np.clip(row, 0, 1)), axis=1) for row in (self.images, reconstructed)
        ]
        with self.writer.as_default():
            tf.summary.image("observed above reconstructed", np.concatenate(rows)[None], step=epoch)
        self.writer.flush()


def copy_state(trained: keras.Model, model: keras.Model) -> None:
    """Give a compiled model the weights and the optimizer's state of another of the same layers.

    Args:
        trained: with any dtype policy.
        model: the same, not trained, with another one.

    Example:
        >>> copy_state(trained, model)
    """
    model.set_weights(trained.get_weights())
    model.optimizer.build(model.trainable_variables)
    model.optimizer.set_weights([each.numpy() for each in trained.optimizer.variables])
