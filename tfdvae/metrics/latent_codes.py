"""What codes of images are like: which units are active, and points in the plane for them.

No TensorFlow is imported.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import sklearn.decomposition
import sklearn.manifold
import threadpoolctl

from tfdvae._utils import seeds


def activity(codes: np.ndarray) -> np.ndarray:
    """Return the variance over images of each latent unit's posterior mean: (N, D) -> (D,).

    A unit above 0.01 counts as active (Burda et al. 2016, Importance Weighted Autoencoders).
    """
    return activity_of_pieces([codes])


def activity_of_pieces(pieces: Iterable[np.ndarray]) -> np.ndarray:
    """Return `activity` of codes that come in pieces (N_1, D), (N_2, D), ...

    The update is that of Chan et al. (1979).
    """
    count = 0
    mean: Any = 0.0
    squares: Any = 0.0
    for piece in pieces:
        codes = piece.reshape(len(piece), -1).astype(np.float64)
        total, shift = count + len(codes), codes.mean(axis=0) - mean
        squares = (
            squares + codes.var(axis=0) * len(codes) + np.square(shift) * count * len(codes) / total
        )
        mean = mean + shift * len(codes) / total
        count = total
    return squares / count


def principal_components(codes: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return codes (N, D) projected on their first principal components, (N, count)."""
    return sklearn.decomposition.PCA(count, random_state=seeds.of_32_bits(seed)).fit_transform(
        codes
    )


def tsne(codes: np.ndarray, perplexity: float, seed: int, init: str = "pca") -> np.ndarray:
    """Return points (N, 2), near to each other where codes (N, D) are: t-SNE of scikit-learn.

    Args:
        codes: float (N, D).
        perplexity: about how many neighbors count; below N.
        seed: of the points.
        init: where the points are first, `pca` or `random`.

    Example:
        >>> tsne(codes.reshape(len(codes), -1), perplexity=30, seed=0).shape
        (1000, 2)
    """
    # threads that wait for one another make it many times slower on a busy machine
    with threadpoolctl.threadpool_limits(1):
        return sklearn.manifold.TSNE(
            perplexity=perplexity, init=init, random_state=seeds.of_32_bits(seed)
        ).fit_transform(codes)
