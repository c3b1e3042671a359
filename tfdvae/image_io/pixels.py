"""What tells of images, by their pixels, whether they are constant and which are equal."""

import hashlib

import numpy as np


def is_constant(images: np.ndarray) -> np.ndarray:
    """Return which images have one and the same color everywhere, bool (N,).

    Args:
        images: (N, H, W, C), of any type; the single pixel of an image of 1x1 is constant.

    Example:
        >>> is_constant(np.full((2, 8, 8, 3), [255, 165, 0], np.uint8)).tolist()
        [True, True]
    """
    return (images == images[:, :1, :1]).all(axis=(1, 2, 3))


def digest(image: np.ndarray) -> int:
    """Return a hash of an image (H, W, C), of 8 bytes: equal where type, size and pixels are.

    It does not matter whether a gray image has one channel or the same one several times.

    Example:
        >>> digest(np.eye(8)[..., None]) == digest(np.dstack([np.eye(8)] * 3))
        True
    """
    if image.shape[-1] > 1 and (image == image[..., :1]).all():
        image = image[..., :1]
    found = hashlib.blake2b(f"{image.dtype} {image.shape}".encode(), digest_size=8)
    found.update(np.ascontiguousarray(image).data)
    return int.from_bytes(found.digest(), "little")


def digests(images: np.ndarray) -> list[int | None]:
    """Return the `digest` of each of the images (N, H, W, C), None for constant ones.

    Example:
        >>> digests(np.zeros((2, 8, 8, 1)))
        [None, None]
    """
    return [
        None if constant else digest(image)
        for image, constant in zip(images, is_constant(images), strict=True)
    ]
