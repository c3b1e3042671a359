"""Where images come from: any TFDS image-classification set, a folder, an `.npz` file, or the embedded digits."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Source:
    """A labelled image dataset.

    Attributes:
        name: the dataset really used, as the command line takes it; of a folder or file the whole path.
        class_names: one name a class; none where images have no labels.
        train_images, test_images: unsigned integers, or float32 in [0, 1], (N, H, W, C), memory-mapped where they come from the cache.
        train_labels, test_labels: int64 (N,); 0 where images have no labels.
        notice: why `auto` did not take its first choice, or which images were left out; otherwise empty.
        train_noisy, test_noisy: the same images with real noise, where they come in pairs.
        fingerprint: of a folder or file, another where files or groups changed; otherwise empty.
        train_groups, test_groups: int64 (N,), the same number for images that belong together, as those of a patient, where groups are given.
    """

    name: str
    class_names: tuple[str, ...]
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    notice: str = ""
    train_noisy: np.ndarray | None = None
    test_noisy: np.ndarray | None = None
    fingerprint: str = ""
    train_groups: np.ndarray | None = None
    test_groups: np.ndarray | None = None


def to_unit(images: np.ndarray) -> np.ndarray:
    """Return unsigned integer images as float32 in [0, 1]; floating-point images, which are so already, as they are."""
    if images.dtype.kind == "f":
        return images
    return images.astype(np.float32) / np.float32(np.iinfo(images.dtype).max)
