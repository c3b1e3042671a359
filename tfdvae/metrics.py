"""Pure functions of arrays."""

from collections.abc import Iterable

import numpy as np
import tensorflow as tf

BEST_PSNR = 20 * np.log10(255)  # one grey level of 8 bits away from the original; what is nearer counts as this
SSIM_WINDOW = 11


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


def psnr(images: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Return the peak signal-to-noise ratio of each image in dB, for a peak of 1 and at most 48.13: (N, H, W, C) twice -> float32 (N,)."""
    return np.minimum(tf.image.psnr(images, clean, 1.0).numpy(), BEST_PSNR)


def ssim(images: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Return the structural similarity of each image (Wang et al. 2004; `tf.image.ssim`, 11x11 window): float32 (N,).

    Args:
        images: float32 (N, H, W, C), H and W at least 11.
        clean: the same shape, in [0, 1].
    """
    return tf.image.ssim(images, clean, 1.0, filter_size=SSIM_WINDOW).numpy()
