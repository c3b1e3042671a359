"""Pure functions of arrays."""

import numpy as np
import tensorflow as tf

BEST_PSNR = 20 * np.log10(
    255
)  # one grey level of 8 bits away from the original; what is nearer counts as this

SSIM_WINDOW = 11


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
