"""The checkpoints of a training: written in one step, and checked as they are read."""

from __future__ import annotations

import math
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfdvae._utils import disk, files, records

WEIGHTS = "weights.npz"
EARLIER_WEIGHTS = "model.weights.h5"  # of versions up to 0.1.0
_UNREADABLE = (OSError, EOFError, ValueError, TypeError, KeyError, RuntimeError, zipfile.BadZipFile)
History = list[dict[str, Any]]  # one dictionary a round, see `training.fit`


class Part(NamedTuple):
    """What was done of a round when the training was stopped.

    Attributes:
        taken: steps.
        totals: what the metrics of the round have added up, one array for each of their variables.
    """

    taken: int = 0
    totals: tuple[np.ndarray, ...] = ()


class Checkpoints:
    """The rounds that are kept of a training: the last one, and the best one where one is best.

    A training that is stopped in order leaves the part of a round that it did.

    Args:
        folder: holds a folder for each of them, with weights, optimizer and history.
        writes: whether this process saves them, and does not only read what another one saves.
    """

    def __init__(self, folder: Path, writes: bool = True):
        self.folder, self.writes = folder, writes
        if writes:
            folder.parent.mkdir(parents=True, exist_ok=True)

    def save(self, model: keras.Model, history: History, kept: Iterable[int]) -> None:
        """Write the round that the history ends with, then remove all others but those of `kept`.

        Args:
            model: with its optimizer.
            history: of all rounds so far.
            kept: numbers of rounds, from 1.

        Raises:
            FileNotFoundError: the folder was removed since the training began.
        """
        if not self.writes:
            return
        last = self._round(history[-1]["epoch"])
        self._write(last, model, "history.json", history)
        files.remove_at_once(self._part)
        wanted = {last, *map(self._round, kept)}
        for other in files.completed_files(self.folder, "round-*"):
            if other not in wanted:
                shutil.rmtree(other)

    def save_part(self, model: keras.Model, rounds: int, taken: int) -> None:
        """Write the part that was done of a round.

        Args:
            model: with its optimizer and the metrics of the round.
            rounds: that are complete.
            taken: steps of the next one.

        Raises:
            FileNotFoundError: the folder was removed since the training began.
        """
        if self.writes:
            totals = [variable.numpy().tolist() for variable in metric_variables(model)]
            record = {"rounds": rounds, "taken": taken, "totals": totals}
            self._write(self._part, model, "part.json", record)

    def restore(self, model: keras.Model) -> tuple[History, Part]:
        """Give a model the weights and optimizer that were saved last.

        Returns:
            The rounds that are complete, and what is done of the next one.
        """
        last = max(self.folder.glob("round-*"), default=None)
        history: History = []
        if last is not None:
            path = last / "history.json"
            history = read_history(path, self._remedy)
            if self._round(len(history)) != last:
                raise ValueError(
                    f"{path} is damaged: it has {len(history):,} epochs. {self._remedy}"
                )
        if self._part.exists():
            kinds: records.Kinds = {"rounds": int, "taken": int, "totals": list}
            remedy = f"Delete the folder {self._part}: the last epoch is then gone on from."
            found = records.read(self._part / "part.json", kinds, remedy)
            if found["rounds"] == len(history):  # else a kill kept it from being removed
                self._load(model, self._part, remedy, "part.json")
                totals = (np.array(each, np.float32) for each in found["totals"])
                return history, Part(found["taken"], tuple(totals))
        if last is not None:
            self._load(model, last, self._remedy)
        return history, Part()

    def load(self, model: keras.Model, number: int) -> None:
        """Give a model the weights and optimizer of a round that was kept."""
        self._load(model, self._round(number), self._remedy)

    @property
    def ended(self) -> bool:
        """Whether a callback ended the training."""
        return (self.folder / "ended.json").exists()

    def end(self) -> None:
        """Note that a callback ended the training, so that it is not gone on with."""
        files.write_json(self.folder / "ended.json", {"by": "callback"})

    @property
    def _remedy(self) -> str:
        return f"Delete the folder {self.folder}: the same command then trains anew."

    @property
    def _part(self) -> Path:
        return self.folder / "part"

    def _write(self, folder: Path, model: keras.Model, name: str, record: object) -> None:
        """Write a folder of weights, optimizer and a file of JSON in one step."""
        if not self.folder.parent.is_dir():
            raise FileNotFoundError(f"{self.folder.parent} was removed while it was written to.")
        with files.replacing(folder) as temporary:
            temporary.mkdir()
            disk.require(temporary / WEIGHTS, _saved_bytes(model))
            _write_arrays(temporary / WEIGHTS, _variables(model))
            files.write_json(temporary / name, record)
            records.seal(temporary)

    def _load(
        self, model: keras.Model, folder: Path, remedy: str, name: str = "history.json"
    ) -> None:
        """Give a model the weights and optimizer of a folder, if they are as they were saved."""
        earlier = folder / EARLIER_WEIGHTS
        path = earlier if earlier.exists() else folder / WEIGHTS
        records.check_seal(folder, (path.name, name), remedy)
        try:
            if path == earlier:
                model.load_weights(path)
            else:
                _give(model, path)
        except _UNREADABLE as error:
            reason = str(error).strip().partition("\n")[0]
            raise ValueError(f"{path} is damaged: {reason}. {remedy}") from None

    def _round(self, number: int) -> Path:
        return self.folder / f"round-{number:06d}"


def metric_variables(model: keras.Model) -> list[keras.Variable]:
    """Return what the metrics of a round are computed from: sums over its batches."""
    return [variable for metric in model.metrics for variable in metric.variables]


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Return all that training changes, in an order that depends on the model alone."""
    return [*model.variables, *model.optimizer.variables]


def _saved_bytes(model: keras.Model) -> int:
    """Return what a model and its optimizer take in a file at most."""
    return sum(
        math.prod(variable.shape) * tf.as_dtype(variable.dtype).size + 1024
        for variable in _variables(model)
    )


def _write_arrays(path: Path, variables: list[keras.Variable]) -> None:
    """Write an .npz file of variables by number, one after the other, for they may be large."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, variable in enumerate(variables):
            with archive.open(f"{number}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, variable.numpy())


def _give(model: keras.Model, path: Path) -> None:
    """Give a model and its optimizer the values in a file, if they have their shapes and types."""
    variables = _variables(model)
    with np.load(path) as file:
        arrays = [file[str(number)] for number in range(len(file.files))]
    kinds = [np.dtype(variable.dtype) for variable in variables]
    if len(arrays) == len(kinds):  # NumPy reads bfloat16 as bits
        pairs = zip(arrays, kinds, strict=True)
        arrays = [array.view(kind) if array.dtype.kind == "V" else array for array, kind in pairs]
    found = [(array.shape, array.dtype) for array in arrays]
    if found != [(tuple(each.shape), kind) for each, kind in zip(variables, kinds, strict=True)]:
        raise ValueError("it holds the weights of another model, or an optimizer of another kind")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def read_history(path: Path, remedy: str) -> History:
    """Return the rounds that a file holds, as `fit` returns them.

    Args:
        path: of the JSON file.
        remedy: what to do where it is damaged, a sentence.

    Raises:
        ValueError: it is damaged.
        FileNotFoundError: it is missing.
    """
    kinds: records.Kinds = {"epoch": int, "step": int, "loss": records.NUMBER}
    history: History = records.read_list(path, kinds, remedy)
    numbers = [entry["epoch"] for entry in history]
    others = [value for entry in history for value in entry.values() if not _is_number(value)]
    if others or numbers != list(range(1, len(history) + 1)) or not history:
        raise ValueError(f"{path} is damaged: it must hold every epoch, of numbers. {remedy}")
    return history


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
