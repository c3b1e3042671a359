"""Images that were given in memory, as a file of the run or study that uses them."""

from pathlib import Path

import numpy as np

from tfdvae._utils import files
from tfdvae.data.image_dataset import ImageDataset

DATASET_FILE = "dataset.npz"


def store_dataset(dataset: ImageDataset, folder: Path) -> Path:
    """Write a dataset in memory to `dataset.npz` in a folder, which `--dataset` then takes.

    Args:
        dataset: training and test images, with labels where it has class names.
        folder: of the run or study; it must exist.

    Returns:
        The path of the file.

    Raises:
        ValueError: pairs of noisy and clean images, which such a file cannot hold.
    """
    if dataset.train.noisy is not None:
        raise ValueError("`dataset` in memory must hold no pairs of noisy and clean images.")
    arrays = {"x_train": dataset.train.images, "x_test": dataset.test.images}
    if dataset.class_names:
        arrays |= {"y_train": dataset.train.labels, "y_test": dataset.test.labels}
    path = folder / DATASET_FILE
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return path
