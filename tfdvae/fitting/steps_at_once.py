"""Short training steps are taken several at a time, in one graph, for each graph costs time.

Weights and losses are the same, bit for bit. What looks at single steps would see every so many.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
from collections.abc import Iterable, Iterator, Sequence

import keras

LONG = 0.02  # seconds of a step with which nothing is gained
MOST = 0.2  # seconds of the steps in a graph: a signal and the progress bar wait for them
WORTH = 300  # steps to be taken, below which a graph takes longer to make than it saves
LEAST = 5  # steps of a round in which their time is measured


class Pace:
    """How long a step of a training takes, and so how many of them a graph takes.

    Each takes one where a callback is not one of ours that looks at rounds alone: others may look
    at each step, and at the beginning of `fit`, of which there are two where steps share a graph.
    So it is where there are several devices, no graph, or one that XLA compiles; where the
    optimizer replaces the weights by their means as `fit` ends; and where the model was compiled
    with a number of its own.

    Args:
        model: compiled.
        callbacks: of the training; those of ours say so by an attribute `of_rounds`.

    Example:
        >>> pace = Pace(model, [])
        >>> pace.measure([0.0, 0.005, 0.010, 0.015, 0.020])  # when steps ended
        >>> pace.number(39, 60)
        39
    """

    def __init__(self, model: keras.Model, callbacks: Iterable[keras.callbacks.Callback]):
        self._model = model
        self._possible = (
            model.steps_per_execution == 1
            and not (model.run_eagerly or model.jit_compile)
            and model.distribute_strategy.num_replicas_in_sync == 1
            and not getattr(model.optimizer, "use_ema", False)
            and all(getattr(callback, "of_rounds", False) for callback in callbacks)
        )
        self._seconds: float | None = None

    def is_to_be_measured(self, steps: int, later: int) -> bool:
        """Tell whether a round of so many steps, with so many steps after it, is to be alone."""
        return self._possible and self._seconds is None and steps >= LEAST and later >= WORTH

    def measure(self, ends: Sequence[float]) -> None:
        """Learn from the times, in seconds, at which steps ended that were taken one by one."""
        if self._seconds is None and len(ends) >= LEAST:
            self._seconds = statistics.median(
                later - earlier for earlier, later in itertools.pairwise(ends)
            )

    def number(self, steps: int, rounds: int) -> int:
        """Return how many steps a graph takes in rounds of so many, a divisor of their number."""
        worth = self._possible and steps * rounds >= WORTH
        if not worth or self._seconds is None or self._seconds > LONG:
            return 1
        most = MOST / self._seconds
        return max(each for each in range(1, steps + 1) if steps % each == 0 and each <= most)

    @contextlib.contextmanager
    def taken(self, number: int) -> Iterator[None]:
        """Let each graph of the model take so many steps within the block."""
        if number == 1:
            yield
            return
        self._set(number)
        try:
            yield
        finally:
            self._set(1)

    def _set(self, number: int) -> None:
        """Keras makes the graphs anew: old ones would take another number than it counts."""
        model = self._model
        model.steps_per_execution = number
        model.train_function = model.test_function = model.predict_function = None
