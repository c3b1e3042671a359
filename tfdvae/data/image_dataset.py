"""A labelled image dataset with a training and a test split, as every source returns it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Split:
    """The training images or the test images of a dataset.

    Attributes:
        images: uint8 or uint16, or float32 in [0, 1], (N, H, W, C); memory-mapped where they come
            from the cache.
        labels: int64 (N,), class numbers from 0; all 0 where images have no labels.
        noisy: the same images with real noise, like `images`; None where there are none.
        groups: int64 (N,), one number for images that belong together, such as those of a
            patient; None where no groups are given.
        rows: int64 (N,), the position of each image in the dataset as it was found, before test
            images were held out and unreadable ones skipped; None where these positions are of no
            use.
    """

    images: np.ndarray
    labels: np.ndarray
    noisy: np.ndarray | None = None
    groups: np.ndarray | None = None
    rows: np.ndarray | None = None


@dataclass(frozen=True)
class ImageDataset:
    """A labelled image dataset.

    Attributes:
        name: the dataset that was loaded, as `--dataset` takes it; the whole path of a folder or
            a file.
        class_names: one name a class; empty where images have no labels.
        train: training images.
        test: test images, of the type and size of the training images.
        notice: what the user must know: why `auto` did not take its first choice, or which images
            were skipped; otherwise empty.
        fingerprint: of a folder or file, a hash that changes where files or groups do; otherwise
            empty.

    Example:
        >>> from tfdvae.data import sources
        >>> digits = sources.load("digits")
        >>> digits.train.images.shape, len(digits.test.labels)
        ((1438, 28, 28, 1), 359)
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    test: Split
    notice: str = ""
    fingerprint: str = ""


def to_unit(images: np.ndarray) -> np.ndarray:
    """Return unsigned integers as float32 in [0, 1]: 0 becomes 0, the type's largest value 1.

    Floating-point images are in [0, 1] already and are returned unchanged.
    """
    if images.dtype.kind == "f":
        return images
    return images.astype(np.float32) / np.float32(np.iinfo(images.dtype).max)
