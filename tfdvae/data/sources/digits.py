"""The digits that come with scikit-learn."""

import numpy as np

from tfdvae.data import splits
from tfdvae.data.image_dataset import ImageDataset, Split
from tfdvae.data.sources.base import Request, Source, register_source


@register_source
class DigitsSource(Source):
    """The 1,797 digits of scikit-learn, which need no download.

    They have 8x8 pixels of 17 gray levels and are resized to 28x28. A fixed stratified fifth is the
    test set.
    """

    name = "digits"
    description = "digits"
    datasets = ("digits",)

    def accepts(self, text: str) -> bool:
        return text == "digits"

    def load(self, request: Request) -> ImageDataset:
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
            held_out=True,
        )
