"""The arrays of a training set, and what is done to their batches."""

from __future__ import annotations

import numpy as np

from tfdvae.config.sets import TrainingSet
from tfdvae.training_sets import batches, views
from tfdvae.training_sets.batches import Step

Arrays = tuple[list[np.ndarray], ...]


def of_set(
    row: TrainingSet,
    noisy: np.ndarray,
    labels: np.ndarray,
    level: float,
    seed: int,
    seen: np.ndarray | None = None,
    clean: np.ndarray | None = None,
    added: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[Arrays, Step | None]:
    """Return images, views where the set has them, and labels, each in parts one after the other.

    They are what `pipelines.training_batches` takes. Batches are then images and labels.

    Args:
        row: of `SETS`.
        noisy: training images as observed, float32 (N, H, W, C).
        labels: int (N,).
        level: standard deviation of the Gaussian noise of the images.
        seed: root seed.
        seen: views of the images, float32 (N, K, H, W, C), where the set has them.
        clean: the images before their noise, where the set begins with them.
        added: synthetic images, like `noisy`, and their labels, where the set has them.

    Returns:
        The arrays, and what changes a batch of them; None: nothing.

    Example:
        >>> arrays, transform = of_set(SETS["fresh-noise"], images, labels, 0.2, seed=0)
    """
    start = noisy
    if row.start == "shuffled":
        assert seen is not None
        start = views.with_noise_of_another(noisy, seen[:, 0], seed)
    elif row.start == "clean":
        assert clean is not None
        start = clean
    images, of_images = [start] * row.copies, [labels] * row.copies
    if added is not None:
        images, of_images = [*images, added[0]], [*of_images, added[1]]
    middle = [] if seen is None else [[seen]]
    arrays = (images, *middle, of_images)
    return arrays, batches.transform(row.batches, level)
