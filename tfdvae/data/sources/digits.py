"""Where images come from: any TFDS image-classification set, a folder, an `.npz` file, or the embedded digits."""

import numpy as np

from tfdvae.data import splits
from tfdvae.data.image_dataset import ImageDataset, Split


def _digits() -> ImageDataset:
    """The 1,797 real digits of scikit-learn (8x8, 17 grey levels), resized to 28x28; a fixed fifth is the test set."""
    import scipy.ndimage
    import sklearn.datasets

    data = sklearn.datasets.load_digits()
    zoomed = scipy.ndimage.zoom(
        data.images / 16.0, (1, 3.5, 3.5), order=1, mode="nearest", grid_mode=True
    )
    images = np.rint(np.clip(zoomed, 0, 1) * 255).astype(np.uint8)[..., None]
    labels = data.target.astype(np.int64)
    train, test = splits.hold_out_test(labels)
    return ImageDataset(
        "digits",
        tuple(map(str, data.target_names)),
        Split(images[train], labels[train]),
        Split(images[test], labels[test]),
    )
