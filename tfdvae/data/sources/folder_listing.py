"""What the images of a folder are: classes, training and test images, clean and noisy pairs."""

import hashlib
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfdvae._utils import text
from tfdvae.image_io.listing import (
    SUFFIXES,
    frame_name,
    images_below,
    images_of_other_formats,
    printable_path,
    same_names,
    visible_entries,
    without_images,
)

_SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
_IGNORED = {"dev", "val", "valid", "validation"}


@dataclass(frozen=True)
class FolderListing:
    """The images of a folder.

    Attributes:
        class_names: one name a class; empty where images have no labels.
        items: the files of each image: one, or a clean one and a noisy one.
        labels: int64 (N,).
        test: bool (N,), which are test images; None where these are still to be held out.
        frames: int64 (N,), which frame of its files each image is, -1 where they hold one image;
            None where no file is a stack. Frames of a stack follow each other.
    """

    class_names: tuple[str, ...]
    items: list[tuple[Path, ...]]
    labels: np.ndarray
    test: np.ndarray | None
    frames: np.ndarray | None = None

    def names(self, folder: Path) -> list[str]:
        """Return the path of each image below a folder, in UTF-8; `a.tif[3]` of a frame."""
        names = [text.utf8(item[0].relative_to(folder).as_posix()) for item in self.items]
        if self.frames is None:
            return names
        return [
            name if frame < 0 else frame_name(name, frame)
            for name, frame in zip(names, self.frames.tolist(), strict=True)
        ]


def train_and_test_folders(folder: Path, argument: str = "dataset") -> dict[str, Path]:
    """Return the folders with training and test images by the names `train` and `test`.

    They may also be called `training` and `testing`, in large or small letters. A folder with
    validation images beside them is ignored.

    Returns:
        Both, or an empty dictionary where the folder has neither.

    Raises:
        ValueError: the folder holds one of them and nothing else, both and what belongs to neither,
            or one of them twice.
    """
    inside = visible_entries(folder)
    found: dict[str, Path] = {}
    others = []
    for path, is_folder in inside.items():
        split = _SPLITS.get(path.name.lower()) if is_folder else None
        if split in found:
            raise ValueError(
                f"`{argument}` {printable_path(folder)} must hold one folder for {split}; "
                f"got {printable_path(found[split].name)} and {printable_path(path.name)}."
            )
        if split is not None:
            found[split] = path
        elif not (is_folder and path.name.lower() in _IGNORED):
            others.append(path)
    if len(found) == 2 and others:
        raise ValueError(
            f"`{argument}` {printable_path(folder)} must hold nothing beside train and test; "
            f"got {printable_path(others[0].name)}."
        )
    if len(found) == 2 or not inside:
        return found
    if not others:
        names = ", ".join(printable_path(path.name) for path in inside)
        raise ValueError(
            f"`{argument}` {printable_path(folder)} must hold train and test, "
            f"or a folder for each class; got {names} alone."
        )
    return {}


def list_classes(folder: Path) -> FolderListing:
    """Return the images of a folder with a folder for each class, or with images alone.

    Of a file, it is the only one.

    Raises:
        ValueError: images beside folders, a class without images, or a class of test images that
            has no training images.
    """
    if folder.is_file():
        return FolderListing((), [(folder,)], np.zeros(1, np.int64), None)
    splits = train_and_test_folders(folder)
    if not splits:
        return FolderListing(*_list_split(folder), None)
    names, train, labels = _list_split(splits["train"])
    test_names, test, test_labels = _list_split(splits["test"])
    if bool(names) != bool(test_names):
        raise ValueError(
            f"`dataset` {folder} must have class folders in train and in test, or in neither."
        )
    same = same_names(test_names, names)
    if unknown := [name for name in test_names if name not in same]:
        raise ValueError(
            f"`dataset` {folder} has a class in test that is not in train: {unknown[0]}."
        )
    if names:
        test_labels = np.array([names.index(same[name]) for name in test_names])[test_labels]
    return FolderListing(
        names,
        train + test,
        np.concatenate([labels, test_labels]),
        np.repeat([False, True], [len(train), len(test)]),
    )


def _list_split(folder: Path) -> tuple[tuple[str, ...], list[tuple[Path, ...]], np.ndarray]:
    """Return class names, images and labels of a folder without `train` and `test`."""
    inside = visible_entries(folder)
    classes = [path for path, is_folder in inside.items() if is_folder]
    loose = [path for path, is_folder in inside.items() if not is_folder]
    if loose and classes:
        raise ValueError(
            f"`dataset` {folder} holds images beside folders "
            f"({printable_path(loose[0].name)}, {printable_path(classes[0].name)}); "
            "it must have a folder for each class, or images alone."
        )
    by_class = [images_below(path, parents=(folder.resolve(),)) for path in classes] or [loose]
    for path, found in zip(classes or [folder], by_class, strict=True):
        if not found:
            raise ValueError(f"`dataset` {printable_path(path)} {without_images(path)}.")
    labels = np.repeat(np.arange(len(by_class)), list(map(len, by_class)))
    return (
        tuple(printable_path(path.name) for path in classes),
        [(path,) for found in by_class for path in found],
        labels,
    )


def list_pairs(clean: Path, noisy: Path) -> FolderListing:
    """Return the images of two folders in pairs: of the same name, but for the suffix.

    Raises:
        ValueError: one has an image that the other lacks, or no images.
    """
    named = {"dataset": _by_name(clean, "dataset"), "noisy_dir": _by_name(noisy, "noisy_dir")}
    same = same_names(named["dataset"], named["noisy_dir"])
    without_pair = {
        "noisy_dir": named["dataset"].keys() - same.keys(),
        "dataset": named["noisy_dir"].keys() - set(same.values()),
    }
    for argument, other in (("dataset", "noisy_dir"), ("noisy_dir", "dataset")):
        if missing := sorted(without_pair[argument]):
            listed = ", ".join(map(printable_path, missing[:3])) + (
                ", ..." if len(missing) > 3 else ""
            )
            raise ValueError(
                f"`{argument}` must have an image for each one of `{other}`; "
                f"it lacks {len(missing)}: {listed}."
            )
    names = sorted(named["dataset"])
    has_splits = bool(train_and_test_folders(clean))
    return FolderListing(
        (),
        [(named["dataset"][name], named["noisy_dir"][same[name]]) for name in names],
        np.zeros(len(names), np.int64),
        np.array([name.startswith("test/") for name in names]) if has_splits else None,
    )


def _by_name(folder: Path, argument: str) -> dict[str, Path]:
    """Return the images below a folder by their paths without suffix.

    Where it has `train` and `test`, these stand before the path, and other images are ignored.
    """
    named: dict[str, Path] = {}
    for split, root in (train_and_test_folders(folder, argument) or {".": folder}).items():
        for path in images_below(root, argument):
            name = (split / path.relative_to(root)).with_suffix("").as_posix()
            if name in named:
                first, second = (printable_path(found.name) for found in (named[name], path))
                raise ValueError(
                    f"`{argument}` {printable_path(folder)} must hold one image of a name; "
                    f"got {first} and {second}."
                )
            named[name] = path
    if not named:
        raise ValueError(
            f"`{argument}` {printable_path(folder)} {without_images(folder, argument)}."
        )
    return named


def describe_others(folder: Path, argument: str = "dataset") -> str:
    """Return which images of a folder are left out because of their format; empty where none is."""
    splits = train_and_test_folders(folder, argument)
    others = [
        printable_path(path.relative_to(folder).as_posix())
        for root in splits.values() or [folder]
        for path in images_of_other_formats(root, argument)
    ]
    if not others:
        return ""
    depth = 2 if splits else 1
    counts = Counter("/".join(name.split("/")[:-1][:depth]) or "." for name in others)
    each = ", ".join(f"{count:,} in {place}" for place, count in list(counts.items())[:10])
    more = f" and {len(counts) - 10:,} more folders" if len(counts) > 10 else ""
    return (
        f"images of `{argument}` left out, since they are none of {', '.join(SUFFIXES)}: "
        f"{len(others):,} ({each}{more}), the first {others[0]}"
    )


def fingerprint(listing: FolderListing, roots: list[Path]) -> str:
    """Return a hash that changes where a file is added, removed or written.

    Args:
        listing: the files.
        roots: folder of the images, and of the noisy images if there are any.
    """
    digest = hashlib.sha256()
    for item in listing.items:
        for path, root in zip(item, roots, strict=True):
            try:
                status = path.stat()
                mark = f"{status.st_size}\0{status.st_mtime_ns}"
            except OSError:  # a link to nothing, which is reported when it is read
                mark = "none"
            digest.update(os.fsencode(path.relative_to(root).as_posix()) + f"\0{mark}\n".encode())
    return digest.hexdigest()
