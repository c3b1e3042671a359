"""How near images are to others: PSNR and SSIM."""

import numpy as np
import tensorflow as tf

BEST_PSNR = 20 * np.log10(255)  # one gray level of 8 bits away; what is nearer counts as this
SSIM_WINDOW = 11


def psnr(
    images: np.ndarray, clean: np.ndarray, *, peak: float = 1, best: float | None = BEST_PSNR
) -> np.ndarray:
    """Return the peak signal-to-noise ratio of each image in dB, floats (N,).

    Args:
        images: float32 (N, H, W, C).
        clean: the same shape, in [0, 1] or another range as wide as `peak`.
        peak: the largest signal.
        best: values above count as this one; None: all are as they are, up to infinity.

    Raises:
        ValueError: images of other shapes.

    Example:
        >>> image.psnr(model.denoise(noisy), clean).mean()
    """
    _check_shapes(images, clean, 1)
    found = tf.image.psnr(images, clean, peak).numpy()
    return found if best is None else np.minimum(found, best)


def scale_invariant_psnr(image: np.ndarray, clean: np.ndarray) -> float:
    """Return the PSNR in dB of an image whose scale and offset may be others than the clean one's.

    Both are those with the least squared error. It is for pictures that were exposed differently.

    Args:
        image: floats of any shape.
        clean: the same shape, in [0, 1].

    Example:
        >>> scale_invariant_psnr(0.5 * clean + 0.1, clean)
        inf
    """
    values, wanted = image.astype(np.float64).ravel(), clean.astype(np.float64).ravel()
    columns = np.stack([values, np.ones_like(values)], axis=1)
    scale, *_ = np.linalg.lstsq(columns, wanted)
    error = np.mean(np.square(columns @ scale - wanted))
    return float(-10 * np.log10(error)) if error > 0 else float("inf")


def ssim(images: np.ndarray, clean: np.ndarray) -> np.ndarray:
    """Return the structural similarity of each image (Wang et al. 2004), float32 (N,).

    It is `tf.image.ssim` with a window of 11x11.

    Args:
        images: float32 (N, H, W, C), H and W at least 11.
        clean: the same shape, in [0, 1].

    Raises:
        ValueError: images of other shapes.
    """
    _check_shapes(images, clean, SSIM_WINDOW)
    return tf.image.ssim(images, clean, 1.0, filter_size=SSIM_WINDOW).numpy()


def _check_shapes(images: np.ndarray, clean: np.ndarray, least: int) -> None:
    shape, other = np.shape(images), np.shape(clean)
    if len(shape) != 4 or min(shape[1:3]) < least:
        raise ValueError(
            f"`images` must have shape (N, H, W, C), H and W at least {least}; got {shape}."
        )
    if shape != other:
        raise ValueError(f"`clean` must have the shape of `images`, {shape}; got {other}.")
