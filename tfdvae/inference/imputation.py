"""What a trained denoiser is good for besides denoising: anomaly scores, imputation, features, compression.

The uses are those that "Denoising autoencoders and how denoising autoencoders work" names. They are for images alone: audio and
EEG, which the same source mentions, are out of scope, for the models take (N, H, W, C) and no time series is tested here.
`benchmarks/uses.py` measures all four on Fashion-MNIST.
"""

import numpy as np

from tfdvae.models.inference_mixin import Verbs


def impute(model: Verbs, images, missing) -> np.ndarray:
    """Return the images with their missing pixels filled in by the model.

    Missing pixels are set to 0 and the model reconstructs the image once. A model that injects `masking` was trained on just that; its
    level should not be below the fraction missing. Giving the filled image to the model again was measured on validation images of
    Fashion-MNIST (`benchmarks/uses.py`): it made them worse, but where more was missing than the model was trained for.

    Args:
        model: trained, best with injected `masking`.
        images: (N, H, W, C) in [0, 1], which noise may exceed; what stands in missing pixels is not looked at and may be NaN.
        missing: bool (N, H, W), true where a pixel is missing in all its channels.

    Returns:
        float32 (N, H, W, C); known pixels are those given, bit for bit, missing ones are in [0, 1].

    Raises:
        TypeError: `missing` is not boolean.
        ValueError: `missing` does not fit the images, or an image has no known pixel; known pixels with NaN or out of range.
    """
    images, missing = np.asarray(images, dtype=np.float32), np.asarray(missing)
    if missing.dtype != bool:
        raise TypeError(f"`missing` must be boolean; got dtype {missing.dtype}.")
    if images.ndim != 4 or missing.shape != images.shape[:3]:
        raise ValueError(
            f"`missing` must have shape (N, H, W) for `images` (N, H, W, C); got {missing.shape} for {images.shape}."
        )
    if (lost := np.flatnonzero(missing.all(axis=(1, 2)))).size:
        which = f"image {lost[0]} and {len(lost) - 1} more have" if len(missing) > 1 else "it has"
        raise ValueError(f"`missing` must leave a known pixel in each image; {which} none.")
    known = ~missing[..., None]
    return np.where(known, images, model.denoise(np.where(known, images, np.float32(0))))
