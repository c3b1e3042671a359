"""Checks of arrays of images and labels that come from users, in memory or from a file."""

from collections.abc import Mapping

import numpy as np

from tfdvae._utils import checks


def image_kind(
    argument: str, dtype: np.dtype, shape: tuple[int, ...]
) -> tuple[np.dtype, tuple[int, ...]]:
    """Return the type and shape that an array of images has once it is read.

    Args:
        argument: name used in messages.
        dtype: uint8, uint16 or floats, in any byte order.
        shape: (N, H, W), (N, H, W, 1) or (N, H, W, 3).

    Returns:
        The type in this machine's byte order, and the shape (N, H, W, C).

    Raises:
        TypeError: another type.
        ValueError: another shape, or no images.
    """
    dtype = dtype.newbyteorder("=")
    if dtype not in (np.uint8, np.uint16) and dtype.kind != "f":
        raise TypeError(f"{argument} must be uint8, uint16 or floats in [0, 1]; got {dtype}.")
    if len(shape) not in (3, 4) or 0 in shape or (len(shape) == 4 and shape[3] not in (1, 3)):
        raise ValueError(
            f"{argument} must have shape (N, H, W), (N, H, W, 1) or (N, H, W, 3); got {shape}."
        )
    return dtype, shape if len(shape) == 4 else (*shape, 1)


def same_kind(argument: str, kinds: Mapping[str, tuple[np.dtype, tuple[int, ...]]]) -> None:
    """Refuse training and test images that differ in type or size.

    Args:
        argument: name of the dataset, used in messages.
        kinds: what `image_kind` returned, by name of the array.
    """
    if len({(dtype, shape[1:]) for dtype, shape in kinds.values()}) > 1:
        listed = " and ".join(f"{name} {dtype} {shape}" for name, (dtype, shape) in kinds.items())
        raise ValueError(
            f"{argument} must hold training and test images of one type and size; got {listed}."
        )


def images(argument: str, array: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return images as (N, H, W, C), in this machine's byte order, floats as float32.

    Args:
        argument: name used in messages.
        array: of a type and shape that `image_kind` accepts.
        rows: positions of the images in the whole array, for messages; by default 0, 1, ...

    Raises:
        ValueError: floats that are not finite or outside [0, 1].
    """
    array = array if array.ndim == 4 else array[..., None]
    if array.dtype.kind != "f":
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    wrong = ~((array >= 0) & (array <= 1)).all(axis=(1, 2, 3))
    if wrong.any():
        row = wrong.argmax()
        first = array[row]
        got = "NaN" if np.isnan(first).any() else f"values from {first.min():g} to {first.max():g}"
        raise ValueError(
            f"{argument}, of floats, must be finite and in [0, 1]; "
            f"image {row if rows is None else rows[row]} has {got}."
        )
    return array.astype(np.float32, copy=False)


def one_label_an_image(argument: str, shape: tuple[int, ...]) -> None:
    """Refuse labels of several columns.

    Raises:
        ValueError: the shape is neither (N,) nor (N, 1).
    """
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            f"{argument} must hold one label an image, (N,) or (N, 1); got {shape}, "
            "which is multi-label."
        )


def labels(argument: str, array: np.ndarray, count: int) -> np.ndarray:
    """Return labels (N,) or (N, 1) as int64 (N,).

    Args:
        argument: name used in messages, in backticks.
        array: whole numbers from 0.
        count: how many images there are.

    Raises:
        TypeError: not whole numbers.
        ValueError: another shape, or negative numbers.
    """
    one_label_an_image(argument, array.shape)
    column = array[:, 0] if array.ndim == 2 else array
    return checks.labels(argument.strip("`"), column, count)


def count_classes(argument: str, train_labels: np.ndarray) -> int:
    """Return the number of classes: the largest training label plus one.

    Raises:
        ValueError: a label is larger than class numbers can be, given the number of images.
    """
    classes = int(train_labels.max()) + 1
    if classes > len(train_labels):
        raise ValueError(
            f"{argument} must be class numbers from 0; "
            f"got {classes - 1} with {len(train_labels)} images."
        )
    return classes


def class_names(argument: str, names: object, classes: int) -> tuple[str, ...]:
    """Return names of classes, "0", "1", ... where there are none.

    Args:
        argument: name used in messages.
        names: one text a class; None: they are numbered.
        classes: how many are needed at least; more than the labels use are allowed.

    Raises:
        TypeError: they are not text.
        ValueError: fewer than there are classes, or one twice.
    """
    if names is None:
        return tuple(map(str, range(classes)))
    found = np.asarray(names)
    if found.dtype.kind != "U":
        raise TypeError(f"{argument} must be text, one name a class; got dtype {found.dtype}.")
    if found.ndim != 1 or len(found) < classes:
        raise ValueError(
            f"{argument} must have one name for each of the {classes} classes; got {found.shape}."
        )
    if len(np.unique(found)) < len(found):
        raise ValueError(f"{argument} must be different names; got {', '.join(found)}.")
    return tuple(map(str, found))
