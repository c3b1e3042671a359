"""Where images come from: any TFDS image-classification set, or the embedded digits."""

from dataclasses import dataclass

import numpy as np

from tfdvae.config import data_folder
from tfdvae.data import splits, tfds_images
from tfdvae.data.tfds_images import Unavailable

DEFAULT = "fashion_mnist"


@dataclass(frozen=True)
class Source:
    """A labelled image dataset.

    Attributes:
        name: the dataset really used, as the command line takes it.
        class_names: one name a class.
        train_images, test_images: unsigned integers (N, H, W, C), memory-mapped where they come from the cache.
        train_labels, test_labels: int64 (N,).
        notice: why `auto` did not take its first choice; empty where it did or where the dataset was named.
    """

    name: str
    class_names: tuple[str, ...]
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    notice: str = ""


def to_unit(images: np.ndarray) -> np.ndarray:
    """Return unsigned integer images as float32 in [0, 1]."""
    return images.astype(np.float32) / np.float32(np.iinfo(images.dtype).max)


def load(name: str = "auto", data_dir: str | None = None) -> Source:
    """Return a dataset.

    Args:
        name: `auto`, `digits`, or a name that TFDS knows, with configuration or version where it has them
            (`cifar10`, `mnist:3.0.1`). `auto` is Fashion-MNIST where it can be had, otherwise digits, with a notice. A
            named dataset is never replaced.
        data_dir: folder with the dataset's official archives, or with a folder of its name that holds them. Default:
            TFDVAE_DATA_DIR. Their SHA-256 must be those that TFDS has on record.

    Raises:
        ValueError: unknown name; a dataset without one image and one label an example; images of different sizes; an
            archive that is corrupted or truncated.
        FileNotFoundError: the data folder or an archive is missing.
        Unavailable: the dataset cannot be downloaded.
    """
    check(name, data_dir)
    folder = data_folder(data_dir)
    if name == "digits":
        return _digits()
    if name != "auto":
        return Source(name, *tfds_images.load(name, folder))
    try:
        return Source(DEFAULT, *tfds_images.load(DEFAULT, folder))
    except Unavailable as error:
        digits = _digits()
        return Source(**{**vars(digits), "notice": f"{error} Going on with the embedded `digits` dataset instead of {DEFAULT}."})


def check(name: str, data_dir: str | None) -> None:
    """Refuse a misspelt dataset or a missing data folder, without importing TensorFlow.

    Raises:
        ValueError: TFDS knows no such dataset; the nearest names are suggested.
        FileNotFoundError: the data folder is missing.
    """
    folder = data_folder(data_dir)
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(f"`data_dir` {folder} is not a folder.")
    if name not in ("auto", "digits"):
        tfds_images.builder(name)


def _digits() -> Source:
    """The 1,797 real digits of scikit-learn (8x8, 17 grey levels), resized to 28x28; a fixed fifth is the test set."""
    import scipy.ndimage
    import sklearn.datasets

    data = sklearn.datasets.load_digits()
    zoomed = scipy.ndimage.zoom(data.images / 16.0, (1, 3.5, 3.5), order=1, mode="nearest", grid_mode=True)
    images = np.rint(np.clip(zoomed, 0, 1) * 255).astype(np.uint8)[..., None]
    labels = data.target.astype(np.int64)
    return Source("digits", tuple(map(str, data.target_names)), *splits.hold_out_test(images, labels))
