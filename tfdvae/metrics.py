"""Pure functions of arrays."""

from collections.abc import Iterable

import numpy as np


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the fraction of rows of `logits` (N, K) whose largest entry is that of `labels` (N,)."""
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def activity(codes: np.ndarray) -> np.ndarray:
    """Return the variance over images of each latent unit's posterior mean: (N, D) -> (D,).

    A unit above 0.01 counts as active (Burda et al. 2016, Importance Weighted Autoencoders).
    """
    return activity_of_pieces([codes])


def activity_of_pieces(pieces: Iterable[np.ndarray]) -> np.ndarray:
    """Return `activity` of codes that come in pieces (N_1, D), (N_2, D), ..., by the update of Chan et al. (1979)."""
    count, mean, squares = 0, 0.0, 0.0
    for piece in pieces:
        codes = piece.reshape(len(piece), -1).astype(np.float64)
        total, shift = count + len(codes), codes.mean(axis=0) - mean
        squares = squares + codes.var(axis=0) * len(codes) + np.square(shift) * count * len(codes) / total
        mean = mean + shift * len(codes) / total
        count = total
    return squares / count
