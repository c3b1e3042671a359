"""How near images are to others: PSNR and SSIM."""

import numpy as np
import tensorflow as tf

BEST_PSNR = 20 * np.log10(255)  # one gray level of 8 bits away; what is nearer counts as this
SSIM_WINDOW = 11


def psnr(images: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Return the peak signal-to-noise ratio of each image in dB, float64 (N,).

    The peak is 1, and values above 48.13 dB count as that.

    Args:
        images: float32 (N, H, W, C).
        clean: the same shape, in [0, 1].

    Example:
        >>> image.psnr(model.denoise(noisy), clean).mean()
    """
    return np.minimum(tf.image.psnr(images, clean, 1.0).numpy(), BEST_PSNR)


def ssim(images: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Return the structural similarity of each image (Wang et al. 2004), float32 (N,).

    It is `tf.image.ssim` with a window of 11x11.

    Args:
        images: float32 (N, H, W, C), H and W at least 11.
        clean: the same shape, in [0, 1].
    """
    return tf.image.ssim(images, clean, 1.0, filter_size=SSIM_WINDOW).numpy()
