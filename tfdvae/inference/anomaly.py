"""What a trained denoiser is good for besides denoising: anomaly scores, imputation, features, compression.

The uses are those that "Denoising autoencoders and how denoising autoencoders work" names. They are for images alone: audio and
EEG, which the same source mentions, are out of scope, for the models take (N, H, W, C) and no time series is tested here.
`benchmarks/uses.py` measures all four on Fashion-MNIST.
"""

import numpy as np

from tfdvae._utils import checks
from tfdvae.models.inference_mixin import Verbs


def anomaly_scores(model: Verbs, images) -> np.ndarray:
    """Return how badly the model reconstructs each image: the mean squared error over its pixels and channels.

    The image is given to the model as it is, nothing is injected, so the score is a function of model and image alone. It is the
    squared error whatever the model's likelihood: the cross-entropy of a grey pixel is above 0 even where its reconstruction is
    perfect, so that images with many grey pixels would score high for their greyness.

    Args:
        model: trained on images that are normal.
        images: (N, H, W, C) in [0, 1], which noise may exceed.

    Returns:
        float32 (N,), at least 0, in squared units of the pixel range; higher is more anomalous. For
        `sklearn.metrics.roc_auc_score(is_anomaly, scores)`.

    Raises:
        ValueError: images with NaN, of the wrong shape or range.
    """
    return reconstruction_errors(model.denoise(images), np.asarray(images, dtype=np.float32))


def reconstruction_errors(reconstructions: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return the mean squared error of each reconstruction, float32 (N,), of float32 arrays (N, H, W, C)."""
    return np.mean(np.square(reconstructions - images), axis=(1, 2, 3), dtype=np.float64).astype(
        np.float32
    )


def threshold(normal_scores, false_positive_rate: float) -> float:
    """Return the least of the scores (N,) of normal images that at most the given fraction of them, in [0, 1], exceed, and 1e-5 of it more.

    The image that has this score is then not above it where it is scored again in a batch of another size, or in a graph, and rounded otherwise.

    Raises:
        ValueError: no scores, or a fraction outside [0, 1].
    """
    checks.number("false_positive_rate", false_positive_rate, 0, 1)
    ranked = np.sort(normal_scores)[::-1]
    if not len(ranked):
        raise ValueError("`normal` must hold at least one image; got none.")
    return float(ranked[min(int(false_positive_rate * len(ranked) + 1e-9), len(ranked) - 1)]) * (
        1 + 1e-5
    )
