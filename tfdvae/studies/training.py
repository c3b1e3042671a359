"""Training of the models of studies: in one go, as a cell is computed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfdvae.config import TrainConfig
from tfdvae.data import pipelines
from tfdvae.models import build
from tfdvae.models.base import DenoisingModel


def train_generator(
    settings: TrainConfig, images: np.ndarray, purpose: str
) -> tuple[DenoisingModel, list[float]]:
    """Return a model trained on images, and its loss after each epoch.

    Args:
        settings: as of the main job; those of the generative model and the seed are used.
        images: float32 (N, H, W, C) in [0, 1] or, with noise, beyond.
        purpose: of the order of the images, which it and the seed decide.

    Raises:
        FloatingPointError: the loss became infinite or NaN.

    Example:
        >>> settings = TrainConfig.of(model="dae", epochs=3)
        >>> model, losses = train_generator(settings, images, "my study")
    """
    generator = settings.generator
    per_epoch = pipelines.steps_per_epoch(len(images), generator.batch_size)
    model = build.build_generator(settings, images.shape[1:], per_epoch)
    batches = pipelines.training_batches(
        (images,), generator.batch_size, settings.run.seed, purpose
    )
    history = model.fit(batches, epochs=generator.epochs, steps_per_epoch=per_epoch, verbose=0)
    losses = history.history["loss"]
    check_finite(losses, f"the loss of the {generator.model}")
    return model, losses


def check_finite(losses: Sequence[float], name: str = "the loss") -> None:
    """Refuse a training whose last loss is not finite.

    Raises:
        FloatingPointError: it is infinite or NaN.
    """
    if not np.isfinite(losses[-1]):
        raise FloatingPointError(f"{name} became {losses[-1]}.")
