"""Training of denoisers: one that was killed goes on to the same weights."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfdvae import corruptions
from tfdvae._utils import files, records
from tfdvae.config import PRECISIONS
from tfdvae.config.objective import HIDING
from tfdvae.data.patches import training_patches
from tfdvae.fitting import training
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.learning import model as learning
from tfdvae.models.autoencoder import DAE
from tfdvae.models.base import DenoisingModel

_ROUNDS, _MOST = 24, 200  # checkpoints of a short training, steps between two of a long one


def trained(
    images: Iterable[np.ndarray],
    objective: str,
    corruption: corruptions.Corruption,
    seed: int,
    steps: int,
    folder: Path,
    kind: str = "dae",
    precision: str = "float32",
) -> tuple[TrainedModel, float]:
    """Return a model as `tfdvae denoise --learn` trains it, and the seconds that it took.

    Nothing is held out, so that training does not stop early. Under `observed` it is given clean
    images, and the corruption afresh at each step.

    Args:
        images: (H, W, C) each, or (N, H, W, C); float32 in [0, 1] or, with noise, beyond.
        objective: of `config.objective.OBJECTIVES`.
        corruption: of the images, or what they are given.
        seed: root seed.
        steps: of the training, on which the rate depends.
        folder: of checkpoints, from the last of which the training goes on.
        kind: `dae`, or `dvae`: that of `learning.model.build_dvae`, which is trained with float32.
        precision: of the training; the model is kept in float32.
    """
    clock = _Clock(folder / "seconds.json")
    values = list(images)
    size = learning.patch_size(values)
    shape = (size, size, values[0].shape[-1])
    moments = learning.moments_of(values)
    injected = "none" if objective in HIDING else str(corruption)
    build = partial(learning.build, objective, injected, shape, moments, seed, steps)
    model: DenoisingModel
    if kind == "dvae":
        model = learning.build_dvae(corruption.level, shape, moments, seed, steps)
    else:
        model = build(dtype=PRECISIONS[precision])
    batch_size = learning.batch_size(size)
    batches = partial(training_patches, values, size, batch_size, seed, "noisy alone")
    round_steps = min(_MOST, max(1, steps // _ROUNDS))
    try:
        training.fit(model, batches, steps, round_steps, folder, "Learning", [clock])
    except KeyboardInterrupt:
        clock.keep()
        raise
    if isinstance(model, DAE) and precision != "float32":
        model = learning.in_float32(model, build())
    return TrainedModel(model), clock.seconds


class _Clock(keras.callbacks.Callback):
    """Keeps how long a training took, all its starts together."""

    of_rounds = True  # see `steps_at_once.Pace`

    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        remedy = "Delete it: the time is then measured from now on."
        self.before = records.read_number(path, remedy) if path.exists() else 0.0
        self.begun = time.monotonic()

    @property
    def seconds(self) -> float:
        return self.before + time.monotonic() - self.begun

    def keep(self) -> None:
        """Write the time until now."""
        files.write_json(self.path, self.seconds)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.keep()
