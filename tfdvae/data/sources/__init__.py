"""Where images come from: any TFDS image-classification set, a folder, an `.npz` file, or the embedded digits."""

import os
from dataclasses import replace
from pathlib import Path

from tfdvae._utils import files
from tfdvae.config import data_folder
from tfdvae.data import groups as grouping
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.data.sources import arrays, folder, tfds_images
from tfdvae.data.sources.digits import _digits
from tfdvae.data.sources.tfds_images import Unavailable

DEFAULT = "fashion_mnist"


def load(
    name: str = "auto",
    data_dir: str | None = None,
    *,
    noisy_dir: str | None = None,
    image_size: tuple[int, int] | None = None,
    skip_unreadable: bool = False,
    labelled: bool = True,
    n_train: int | None = None,
    groups: str | None = None,
) -> ImageDataset:
    """Return a dataset.

    Args:
        name: `auto`, `digits`, a name that TFDS knows, with configuration or version where it has them (`cifar10`,
            `mnist:3.0.1`), a folder as for `folder.load`, or an `.npz` file as for `arrays.load`. `auto` is
            Fashion-MNIST where it can be had, otherwise digits, with a notice. A named dataset is never replaced. A folder
            in the working folder that has the name of a dataset is meant by `./NAME`.
        data_dir: folder with the dataset's official archives, or with a folder of its name that holds them. Default:
            TFDVAE_DATA_DIR. Their SHA-256 must be those that TFDS has on record.
        noisy_dir: for a folder, another one with the same images under real noise.
        image_size: height and width to which images of a folder are resized.
        skip_unreadable: leave out images of a folder that cannot be read, with a notice.
        labelled: labels are needed; otherwise a folder or file without them will do, and those of a file that cannot be used are no error.
        n_train: training images that are needed; where a folder has fewer, that is said before any is decoded.
        groups: for a folder or file, a CSV file with the columns `image` and `group`, in which each image is there once: those of one
            group, such as a patient, are never both in train and in test. `image` is the path below the folder (`train/cats/001.png`,
            with forward slashes) or the array and row in the file (`x_train/12`). Test images are held out by group.

    Raises:
        ValueError, TypeError: unknown name; a dataset without one image and one label an example; images of different sizes; an
            archive, image or array that is corrupted or truncated, or does not fit the others; groups that do not fit the images,
            are in train and in test, or leave a class without images in one of these.
        FileNotFoundError: the data folder, an archive, the path or the file of groups is missing.
        Unavailable: the dataset cannot be downloaded.
    """
    check(
        name,
        data_dir,
        noisy_dir=noisy_dir,
        image_size=image_size,
        skip_unreadable=skip_unreadable,
        groups=groups,
    )
    path = local(name)
    if path is not None:
        return _own(
            files.absolute(path), noisy_dir, image_size, skip_unreadable, labelled, n_train, groups
        )
    folder = data_folder(data_dir)
    if name == "digits":
        return _digits()
    if name != "auto":
        return tfds_images.load_tfds(name, folder)
    try:
        return tfds_images.load_tfds(DEFAULT, folder)
    except Unavailable as error:
        notice = f"{error} Going on with the embedded `digits` dataset instead of {DEFAULT}."
        return replace(_digits(), notice=notice)


def _own(
    path: Path, noisy_dir, image_size, skip_unreadable, labelled, n_train, groups
) -> ImageDataset:
    named = None if groups is None else grouping.read(groups)
    if path.is_file():
        return arrays.load_npz(path, labelled, named)
    noisy = None if noisy_dir is None else files.absolute(noisy_dir)
    return folder.load_folder(path, noisy, image_size, skip_unreadable, labelled, n_train, named)


def local(name: str) -> Path | None:
    """Return the path that a dataset's name is, or None where it is the name of a dataset."""
    path = Path(name).expanduser()
    if path.is_absolute() or name.startswith(".") or name.endswith(".npz"):
        return path
    if (
        name not in ("auto", "digits")
        and (path.exists() or "/" in name)
        and not tfds_images.known(name)
    ):
        return path
    return None


def check(
    name: str,
    data_dir: str | None,
    *,
    noisy_dir: str | None = None,
    image_size: tuple[int, int] | None = None,
    skip_unreadable: bool = False,
    groups: str | None = None,
) -> None:
    """Refuse a misspelt dataset, a missing folder or file, or options that do not fit it, without importing TensorFlow.

    Raises:
        ValueError: TFDS knows no such dataset (the nearest names are suggested), a path that is neither a folder nor an .npz
            file, or options of folders without one; a file of groups that cannot be read as such.
        FileNotFoundError: the data folder, the folder, the file or the file of groups is missing.
    """
    folder = data_folder(data_dir)
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(f"`data_dir` {folder} is not a folder.")
    path = local(name)
    if path is not None and (
        shown := os.fsencode(files.absolute(path)).decode(errors="backslashreplace")
    ) != str(files.absolute(path)):
        raise ValueError(f"`dataset` {shown} must have a path in UTF-8, for results name it.")
    if path is not None and not path.exists():
        raise FileNotFoundError(
            f"`dataset` {path} must be a folder of images or an .npz file; there is nothing of that name."
        )
    if path is not None and not path.is_dir() and not (path.is_file() and path.suffix == ".npz"):
        raise ValueError(
            f"`dataset` {path} must be a folder of images or an .npz file; it is neither."
        )
    if path is None or not path.is_dir():
        for argument, given in (
            ("noisy_dir", noisy_dir),
            ("image_size", image_size),
            ("skip_unreadable", skip_unreadable),
        ):
            if given:
                raise ValueError(
                    f"`{argument}` is for a `dataset` that is a folder of images; got {given!r} with {name}."
                )
    if groups is not None:
        if path is None:
            raise ValueError(
                f"`groups` are for a `dataset` that is a folder of images or an .npz file; got {groups!r} with {name}."
            )
        grouping.read(groups)
    if noisy_dir is not None and not Path(noisy_dir).expanduser().is_dir():
        raise FileNotFoundError(f"`noisy_dir` {noisy_dir} is not a folder.")
    if noisy_dir is not None and Path(noisy_dir).expanduser().samefile(path):
        raise ValueError(
            f"`noisy_dir` must be another folder than `dataset`; got {noisy_dir} for both."
        )
    if path is None and name not in ("auto", "digits"):
        tfds_images.builder(name)
