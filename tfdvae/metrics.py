"""Pure functions of arrays."""

import numpy as np


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the fraction of rows of `logits` (N, K) whose largest entry is that of `labels` (N,)."""
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def activity(codes: np.ndarray) -> np.ndarray:
    """Return the variance over images of each latent unit's posterior mean: (N, D) -> (D,).

    A unit above 0.01 counts as active (Burda et al. 2016, Importance Weighted Autoencoders).
    """
    return np.var(codes.reshape(len(codes), -1).astype(np.float64), axis=0)
