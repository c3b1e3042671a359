"""Where datasets come from: `load` asks the source that accepts the text of `--dataset`.

Each module in here that decorates a class with `register_source` adds a source, and is found by
itself: scikit-learn's digits, folders of images, `.npz` files, TensorFlow Datasets (TFDS), and
`auto`, the default.
"""

from pathlib import Path
from typing import Any

from tfdvae._utils.registry import import_modules
from tfdvae.data import splits
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.data.sources.base import (
    OPTIONS,
    SOURCES,
    Request,
    Source,
    Unavailable,
    find,
    register_source,
)
from tfdvae.data.sources.paths import PathSource

import_modules(__name__)

__all__ = [
    "SOURCES",
    "ImageDataset",
    "Request",
    "Source",
    "Unavailable",
    "check",
    "load",
    "local",
    "register_source",
]


def load(dataset: str = "auto", data_dir: str | None = None, **options: Any) -> ImageDataset:
    """Return a dataset.

    Args:
        dataset: `auto`, `digits`, a name that TFDS knows, with configuration or version where it
            has them (`cifar10`, `mnist:3.0.1`), a folder as in `folder.load_folder`, an `.npz` file
            as in `npz.load_npz`, or what a registered source accepts. `auto` is Fashion-MNIST
            where it can be had, otherwise digits, with a notice. A folder in the working folder
            that is called like a dataset is meant by `./NAME`.
        data_dir: folder with the dataset's official archives, or with a folder of its name that
            holds them. Default: TFDVAE_DATA_DIR. Their SHA-256 must be those that TFDS has on
            record.
        **options: the other attributes of `Request`.

    Raises:
        ValueError, TypeError: no such dataset, one that holds no labelled images or images of
            different sizes, damaged files, or options that do not fit.
        FileNotFoundError: the data folder, an archive, the path or the file of groups is missing.
        Unavailable: the dataset cannot be downloaded.

    Example:
        >>> load("digits").class_names[:3]
        ('0', '1', '2')
        >>> load("scans/", image_size=(64, 64), groups="patients.csv")
    """
    check(dataset, data_dir, **options)
    source, request = find(dataset), Request(dataset, data_dir, **options)
    found = source.load(request)
    if not (isinstance(source, PathSource) and request.labelled and found.class_names):
        return found
    return found.with_notice(
        splits.describe_absent(found.train.labels, found.test.labels, found.class_names)
    )


def check(dataset: str = "auto", data_dir: str | None = None, **options: Any) -> None:
    """Refuse a misspelt dataset, missing files or options that do not fit, without TensorFlow.

    Arguments and errors are those of `load`.
    """
    request = Request(dataset, data_dir, **options)
    if request.archives is not None and not request.archives.is_dir():
        raise FileNotFoundError(f"`data_dir` {request.archives} is not a folder.")
    source = find(dataset)
    for option in OPTIONS:
        if option not in source.options and (given := getattr(request, option)):
            takers = sorted(each.description for each in SOURCES if option in each.options)
            raise ValueError(
                f"`{option}` is for a `dataset` that is {' or '.join(takers)}; "
                f"got {given!r} with {dataset}."
            )
    source.check(request)


def local(dataset: str) -> Path | None:
    """Return the path that a dataset's text is, or None where it is the name of a dataset."""
    return Path(dataset).expanduser() if isinstance(find(dataset), PathSource) else None
