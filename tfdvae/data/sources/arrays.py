"""Images and labels from an `.npz` file.

The arrays are `x_train`, `y_train`, `x_test`, `y_test`, or named as in MedMNIST: `train_images`, `train_labels`, `test_images`,
`test_labels`. Other arrays, among them MedMNIST's validation images, are left alone. They are unpacked once into the user's
cache folder and memory-mapped from there, so that they may be larger than memory.
"""

import contextlib
import hashlib
import json
import math
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfdvae._utils import checks, chunks
from tfdvae.data import cache, splits
from tfdvae.data import groups as grouping
from tfdvae.data.image_dataset import ImageDataset

_NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
)


def fingerprint(path: Path) -> str:
    """Return what changes where the file does: a hash of its size and time."""
    status = path.stat()
    return hashlib.sha256(json.dumps([status.st_size, status.st_mtime_ns]).encode()).hexdigest()


def load_npz(
    path: Path, labelled: bool = True, groups: dict[str, str] | None = None
) -> ImageDataset:
    """Return the images and labels of a file; without labels, these are 0 and there are no class names.

    Images are (N, H, W) or (N, H, W, C) with C of 1 or 3: unsigned integers of 8 or 16 bit, or floats in [0, 1], which become
    float32. Labels are whole numbers from 0, (N,) or (N, 1). Without test images, a fixed stratified fifth is held out.

    Args:
        path: of the file.
        labelled: labels are needed, with two images of each class at least; otherwise any that cannot be used, or none, are no error.
        groups: group of each image by its array and row, such as `x_train/0`; whole groups are then held out.

    Raises:
        ValueError, TypeError: not such a file, arrays that are missing, do not fit each other or hold Python objects, or groups that
            do not fit.
    """
    with _reading(path), zipfile.ZipFile(path) as archive:
        parts = _find_parts(archive, path, labelled)
        labels, classes = _read_labels(archive, path, parts, labelled)
        held_out = "test" not in parts
        test = (
            None
            if held_out
            else np.repeat([False, True], [len(labels["train"]), len(labels["test"])])
        )
        names = (
            f"{images}/{row}"
            for part, (images, _) in parts.items()
            for row in range(len(labels[part]))
        )
        numbers = None if groups is None else grouping.number(groups, list(names), test)
        every = np.concatenate(list(labels.values()))
        if held_out:
            test = np.isin(np.arange(len(every)), splits.hold_out_test(every, numbers)[1])
        class_names = list(map(str, range(classes)))
        if labelled:
            splits.check_classes(
                every[~test], every[test], class_names, held_out, grouped=groups is not None
            )
        mark = fingerprint(path)
        key = hashlib.sha256(f"{path}{mark}{labelled}".encode() + test.tobytes()).hexdigest()[:16]
        name = f"{path.stem}-{key}"
        found = cache.load_or_build(
            name,
            lambda folder: _unpack(archive, path, folder, parts, every, test),
            ("images", "labels", "rows"),
        )
    return ImageDataset(
        str(path),
        tuple(class_names),
        grouping.add_to(found.train, numbers),
        grouping.add_to(found.test, numbers),
        fingerprint=grouping.fingerprint(mark, groups),
    )


def _find_parts(archive: zipfile.ZipFile, path: Path, labelled: bool) -> dict[str, tuple[str, str]]:
    """Return the names of images and labels of `train` and, where they are there, of `test`."""
    held = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    names = next((names for names in _NAMES if names[0] in held), _NAMES[0])
    images, labels, test_images, test_labels = names
    parts = {"train": (images, labels)}
    if test_images in held or (labelled and test_labels in held):
        parts["test"] = (test_images, test_labels)
    missing = [name for pair in parts.values() for name in pair[: 1 + labelled] if name not in held]
    if missing:
        or_named = "" if images in held else f" (or the names {', '.join(_NAMES[1])})"
        hint = " --no-classifier does without labels." if missing == [labels] else ""
        raise ValueError(
            f"`dataset` {path} lacks {', '.join(missing)}{or_named}; it holds {', '.join(held) or 'no array'}.{hint}"
        )
    return parts


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Name the file whatever is raised of a damaged one; each way of packing has its own errors, some of them an OSError without number."""
    try:
        yield
    except (ValueError, TypeError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(
            f"`dataset` {path} is no .npz file, or a truncated or damaged one: {str(error) or type(error).__name__}"
        ) from None


def _read_labels(
    archive: zipfile.ZipFile, path: Path, parts: dict, labelled: bool
) -> tuple[dict[str, np.ndarray], int]:
    """Return the labels of each part and the number of classes, 0 without labels, and see that the images are arrays that fit."""
    kinds = {images: _image_kind(archive, path, images) for images, _ in parts.values()}
    if len({(dtype, shape[1:]) for dtype, shape in kinds.values()}) > 1:
        listed = " and ".join(f"{name} {dtype} {shape}" for name, (dtype, shape) in kinds.items())
        raise ValueError(
            f"`dataset` {path} must hold training and test images of one type and size; got {listed}."
        )
    counts = {part: kinds[images][1][0] for part, (images, _) in parts.items()}
    try:
        labels = {
            part: _labels(archive, path, name, counts[part]) for part, (_, name) in parts.items()
        }
        classes = int(labels["train"].max()) + 1
        if classes > counts["train"]:
            raise ValueError(
                f"`dataset` {path}: {parts['train'][1]} must be class numbers from 0; got {classes - 1} with {counts['train']} images."
            )
    except (ValueError, TypeError, KeyError):
        if labelled:
            raise
        labels, classes = {part: np.zeros(count, np.int64) for part, count in counts.items()}, 0
    return labels, classes


def _unpack(
    archive: zipfile.ZipFile,
    path: Path,
    folder: Path,
    parts: dict,
    labels: np.ndarray,
    test: np.ndarray,
) -> dict:
    """Check the images and write them to the folder, with the labels of all, those of `test` (bool) apart."""
    for part, (images, _) in parts.items():
        with archive.open(f"{images}.npy") as packed, open(folder / f"{part}.raw", "wb") as raw:
            shutil.copyfileobj(packed, raw, 2**20)
    for part, chosen in (("train", ~test), ("test", test)):
        rows = np.flatnonzero(chosen)
        np.save(folder / f"{part}_rows.npy", rows)
        np.save(folder / f"{part}_labels.npy", labels[rows])
        origin = part if part in parts else "train"
        within = rows - (~test).sum() if origin == "test" else rows
        stored = np.lib.format.open_memmap(folder / f"{origin}.raw", mode="r")
        with chunks.array_writer(folder / f"{part}_images.npy") as append:
            for piece in chunks.pieces(len(rows), stored[0].nbytes):
                append(_checked(stored[within[piece]], path, parts[origin][0], within[piece]))
        del stored
    for part in parts:
        (folder / f"{part}.raw").unlink()
    return {}


def _image_kind(
    archive: zipfile.ZipFile, path: Path, name: str
) -> tuple[np.dtype, tuple[int, ...]]:
    """Return the type, in this machine's byte order, and the shape (N, H, W, C) of an array of images."""
    dtype, shape = _header(archive, path, name)
    dtype = dtype.newbyteorder("=")
    if dtype not in (np.uint8, np.uint16) and dtype.kind != "f":
        raise TypeError(
            f"`dataset` {path}: {name} must be uint8, uint16 or floats in [0, 1]; got {dtype}."
        )
    if len(shape) not in (3, 4) or 0 in shape or (len(shape) == 4 and shape[3] not in (1, 3)):
        raise ValueError(
            f"`dataset` {path}: {name} must have shape (N, H, W), (N, H, W, 1) or (N, H, W, 3); got {shape}."
        )
    return dtype, shape if len(shape) == 4 else (*shape, 1)


def _header(archive: zipfile.ZipFile, path: Path, name: str) -> tuple[np.dtype, tuple[int, ...]]:
    """Return type and shape of an array, and see that it is whole and holds no Python objects."""
    with archive.open(f"{name}.npy") as file:
        try:
            version = np.lib.format.read_magic(file)
            read = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read(file)
        except Exception as error:  # NumPy reads the header as Python text, and Python's parsers raise what they like
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise ValueError(f"`dataset` {path}: {name} is no array of NumPy's: {reason}") from None
        if dtype.hasobject:
            raise ValueError(
                f"`dataset` {path}: {name} holds pickled Python objects, which are never loaded; numbers are needed."
            )
        if (
            file.tell() + math.prod(shape) * dtype.itemsize
            != archive.getinfo(f"{name}.npy").file_size
        ):
            raise ValueError(
                f"`dataset` {path}: {name} is truncated: it says {dtype} {shape}, and holds something else."
            )
    return dtype, shape


def _labels(archive: zipfile.ZipFile, path: Path, name: str, count: int) -> np.ndarray:
    _, shape = _header(archive, path, name)
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"`dataset` {path}: {name} must hold one label an image, (N,) or (N, 1); got {shape}, which is multi-label."
        )
    with archive.open(f"{name}.npy") as file:
        labels = np.lib.format.read_array(file, allow_pickle=False)
    return checks.labels(
        f"dataset` {path}: `{name}", labels[:, 0] if len(shape) == 2 else labels, count
    )


def _checked(images: np.ndarray, path: Path, name: str, rows: np.ndarray) -> np.ndarray:
    """Return images (n, H, W) or (n, H, W, C) as (n, H, W, C), in this machine's byte order, floats as float32.

    Raises:
        ValueError: floats that are not finite or outside [0, 1].
    """
    images = images if images.ndim == 4 else images[..., None]
    if images.dtype.kind != "f":
        return images.astype(images.dtype.newbyteorder("="), copy=False)
    wrong = ~((images >= 0) & (images <= 1)).all(axis=(1, 2, 3))
    if wrong.any():
        first = images[wrong.argmax()]
        came = "NaN" if np.isnan(first).any() else f"values from {first.min():g} to {first.max():g}"
        raise ValueError(
            f"`dataset` {path}: {name}, of floats, must be finite and in [0, 1]; image {rows[wrong.argmax()]} has {came}."
        )
    return images.astype(np.float32)
