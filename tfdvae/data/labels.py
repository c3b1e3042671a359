"""Labels as users have them become class numbers from 0: numbers, one-hot rows, or text."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tfdvae._utils import checks, text
from tfdvae.image_io.listing import same_names

_SHOWN = 5  # class numbers that a notice lists


@dataclass(frozen=True)
class GivenLabels:
    """Labels as they were given.

    Attributes:
        argument: name used in messages, in backticks.
        array: of the labels.
        count: of the images.
    """

    argument: str
    array: np.ndarray
    count: int


@dataclass(frozen=True)
class Classes:
    """Labels as class numbers.

    Attributes:
        labels: int64 (N,) from 0, by part.
        names: one name a class; none where images have no labels.
        notice: what the user must know; often empty.
    """

    labels: dict[str, np.ndarray]
    names: tuple[str, ...] = ()
    notice: str = ""


def to_classes(
    given: Mapping[str, GivenLabels],
    class_names: object = None,
    names_argument: str = "`class_names`",
) -> Classes:
    """Return labels as class numbers from 0, and the names of the classes.

    Labels are whole numbers of any type, (N,) or (N, 1); one-hot rows (N, C), of 0 and a single 1;
    or text, whose classes are in the order of the alphabet. Where numbers leave out some, those
    that training images have are the classes, named after them.

    Args:
        given: labels by part: `train` and, where there are any, `test`.
        class_names: one text a class; more than the labels use are allowed. None: classes are named
            after their labels.
        names_argument: what `class_names` is called in messages.

    Raises:
        TypeError: neither numbers nor text, or names that are no text.
        ValueError: another shape, several labels an image, numbers that are no class numbers, a
            class of test images that training images lack, or names that do not fit.

    Example:
        >>> train = GivenLabels("`labels`", np.array(["dog", "cat", "dog"]), 3)
        >>> to_classes({"train": train})
        Classes(labels={'train': array([1, 0, 1])}, names=('cat', 'dog'), notice='')
    """
    columns = {part: _column(labels) for part, labels in given.items()}
    kinds = {part: column.dtype.kind for part, column in columns.items()}
    if len(set(kinds.values())) > 1:
        arguments = " and ".join(labels.argument for labels in given.values())
        raise TypeError(f"{arguments} must be of one kind; got text and numbers.")
    names = None if class_names is None else _names(names_argument, class_names)
    if kinds["train"] == "U":
        return _of_text(columns, given["train"].argument, names, names_argument)
    if not _is_table(given["train"].array):
        _check_largest(given["train"].argument, columns["train"])
    return _of_numbers(columns, given["train"].argument, names, names_argument)


def _column(given: GivenLabels) -> np.ndarray:
    """Return labels as one column: int64 (N,), not negative, or text (N,)."""
    argument, array = given.argument, given.array
    is_text = array.dtype.kind == "O" and all(isinstance(value, str) for value in array.ravel())
    if is_text or array.dtype.kind == "T":
        array = np.array(array.tolist(), str)
    if array.dtype.kind == "S":
        array = _decode(argument, array)
    if _is_table(array):
        array = _from_one_hot(argument, array)
    column = array[:, 0] if array.ndim == 2 else array
    if column.dtype.kind == "U":
        if column.shape != (given.count,):
            raise ValueError(
                f"{argument} must have shape ({given.count},), one label an image; "
                f"got {column.shape}."
            )
        if (empty := np.flatnonzero(np.char.strip(column) == "")).size:
            raise ValueError(
                f"{argument} must name a class for each image; that of image {empty[0]} is empty."
            )
        return column
    if column.dtype.kind == "b":
        column = column.astype(np.int64)
    if column.dtype.kind == "f":
        column = _whole(argument, column)
    return checks.labels(argument.strip("`"), column, given.count)


def _is_table(array: np.ndarray) -> bool:
    """Return whether labels have several columns, or none."""
    return array.ndim == 2 and array.shape[1] != 1


def _decode(argument: str, array: np.ndarray) -> np.ndarray:
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError:
        raise TypeError(f"{argument}, of bytes, must be text in UTF-8.") from None


def _from_one_hot(argument: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "biuf":
        ones = array == 1
        if ((array == 0) | ones).all() and (ones.sum(axis=1) == 1).all():
            return ones.argmax(axis=1)
    raise ValueError(
        f"{argument} must hold one label an image, (N,) or (N, 1); got {array.shape}, "
        "which is multi-label; columns of labels must be one-hot: a single 1 in each row, "
        "otherwise 0."
    )


def _whole(argument: str, column: np.ndarray) -> np.ndarray:
    """Return floats that are whole numbers as int64."""
    wrong = ~(np.abs(column) < 2**53) | (column != np.rint(column))  # also NaN
    if wrong.any():
        raise TypeError(
            f"{argument} must hold whole numbers; got dtype {column.dtype}, "
            f"such as {column[wrong][0]:g}."
        )
    return column.astype(np.int64)


def _check_largest(argument: str, train: np.ndarray) -> None:
    """Refuse numbers that are larger than class numbers can be: values, or numbers of images."""
    if train.size and (largest := int(train.max())) >= len(train):
        raise ValueError(
            f"{argument} must be class numbers from 0; got {largest} with {len(train)} images."
        )


def _names(argument: str, names: object) -> tuple[str, ...]:
    """Return names of classes, checked by themselves."""
    found = checks.array(argument.strip("`"), names)
    if found.dtype.kind != "U":
        raise TypeError(f"{argument} must be text, one name a class; got dtype {found.dtype}.")
    if found.ndim == 1 and len(np.unique(found)) < len(found):
        listed = ", ".join(map(text.name, found))
        raise ValueError(f"{argument} must be different names; got {listed}.")
    if found.ndim != 1:
        raise ValueError(f"{argument} must have one name a class, (K,); got {found.shape}.")
    return tuple(map(str, found))


def _of_text(
    columns: Mapping[str, np.ndarray],
    argument: str,
    names: tuple[str, ...] | None,
    names_argument: str,
) -> Classes:
    present = tuple(map(str, np.unique(columns["train"])))
    if names is None:
        names = present
    elif missing := [name for name in present if name not in names]:
        raise ValueError(
            f"{names_argument} must name each label of {argument}; there is no "
            f"{text.name(missing[0])}."
        )
    numbers = {name: number for number, name in enumerate(names)}
    labels = {}
    for part, column in columns.items():
        found, place = np.unique(column, return_inverse=True)
        texts = list(map(str, found))
        same = same_names(texts, present)
        _refuse_unknown(part, [text for text in texts if text not in same])
        labels[part] = np.array([numbers[same[text]] for text in texts], np.int64)[place.ravel()]
    return Classes(labels, names)


def _of_numbers(
    columns: Mapping[str, np.ndarray],
    argument: str,
    names: tuple[str, ...] | None,
    names_argument: str,
) -> Classes:
    present = np.unique(columns["train"])
    count = int(present.max()) + 1 if present.size else 0
    from_one = np.array_equal(present, np.arange(1, count))
    if names is not None and not (from_one and len(names) == count - 1):
        if len(names) < count:
            raise ValueError(
                f"{names_argument} must have one name for each of the {count} classes; "
                f"got ({len(names)},)."
            )
        return Classes(dict(columns), names)
    if len(present) == count:
        return Classes(dict(columns), names or tuple(map(str, range(count))))
    labels = {}
    for part, column in columns.items():
        _refuse_unknown(part, np.setdiff1d(column, present).tolist())
        labels[part] = np.searchsorted(present, column).astype(np.int64)
    missing = np.setdiff1d(np.arange(count), present)
    text = (
        f"{argument} leaves out the class number{'s' if len(missing) > 1 else ''} "
        f"{_listed(missing)}: the classes are those of the labels {_listed(present)}"
    )
    return Classes(labels, names or tuple(map(str, present)), text)


def _refuse_unknown(part: str, unknown: list) -> None:
    if unknown:
        raise ValueError(
            f"`dataset` must have training images of each class of the {part} images; "
            f"there are none of class {unknown[0]}."
        )


def _listed(numbers: np.ndarray) -> str:
    return ", ".join(map(str, numbers[:_SHOWN])) + (", ..." if len(numbers) > _SHOWN else "")
