"""Images that belong together, such as those of one patient.

A CSV file gives the group of each image. Images of one group are never both in train and in test.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tfdvae._utils import text
from tfdvae.data.image_dataset import Split
from tfdvae.image_io.listing import is_litter, same_names

COLUMNS = ("image", "group")


def read(path: str | Path) -> dict[str, str]:
    """Return the group of each image from a CSV file.

    Args:
        path: of the file, in UTF-8, with the columns `image` and `group`; other columns are
            ignored.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no such file, or a line lacks the image or the group, or repeats an image.

    Example:
        >>> print(Path("patients.csv").read_text())
        image,group
        xray/1.png,anna
        xray/2.png,anna
        >>> read("patients.csv")
        {'xray/1.png': 'anna', 'xray/2.png': 'anna'}
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"`groups` must be a CSV file; there is no {path}.")
    if not path.is_file():
        raise ValueError(f"`groups` must be a CSV file; {path} is no file.")
    named: dict[str, str] = {}
    try:
        for line, image, group in _lines(path):
            if image in named:
                raise ValueError(
                    f"`groups` {path}, line {line}: duplicate image {text.name(image)}; "
                    "each must have one line."
                )
            named[image] = group
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"`groups` {path} must be a CSV file in UTF-8: {error}.") from None
    return named


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the line number, image and group of each line after the first."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        if "\0" in file.read():
            raise csv.Error("it holds the character NUL")
        file.seek(0)
        reader = csv.DictReader(file, strict=True)
        columns = list(reader.fieldnames or [])
        if [columns.count(column) for column in COLUMNS] != [1, 1]:
            raise ValueError(
                f"`groups` {path} must have the columns image and group, once each; "
                f"got {', '.join(map(text.name, columns)) or 'none'}."
            )
        for row in reader:
            where = f"`groups` {path}, line {reader.line_num}"
            if None in row or None in row.values():
                raise ValueError(
                    f"{where}: it must have {len(columns)} fields, as the first line has; "
                    "got more or fewer."
                )
            image, group = row["image"], row["group"].strip()
            if not image or not group:
                raise ValueError(
                    f"{where}: it must have an image and its group; got {image!r} and {group!r}."
                )
            yield reader.line_num, image, group


def number(named: dict[str, str], images: list[str], test: np.ndarray | None) -> np.ndarray:
    """Return the groups of images as numbers.

    Args:
        named: group of each image, as `read` returns it.
        images: names of all images of the dataset.
        test: bool (N,), which are test images; None where these are still to be held out.

    Returns:
        int64 (N,), from 0, in the order of the names of the groups.

    Raises:
        ValueError: an image has no group, a name is no image of the dataset, or a group has both
            training and test images.
    """
    same = same_names(images, named)
    missing = [image for image in images if image not in same]
    unknown = sorted(
        image
        for image in set(named) - set(same.values())
        if not any(map(is_litter, image.split("/")))  # of a list of all files
    )
    if missing or unknown:
        found = [f"lacks {_count_and_first(missing)}"] if missing else []
        found += [f"names unknown images: {_count_and_first(unknown)}"] if unknown else []
        raise ValueError(
            f"`groups` must name each image of `dataset` and no other; it {' and '.join(found)}."
        )
    groups, numbers = np.unique([named[same[image]] for image in images], return_inverse=True)
    if test is not None and (both := np.intersect1d(numbers[~test], numbers[test])).size:
        in_train, in_test = ((numbers[part] == both[0]).sum() for part in (~test, test))
        more = f"; {len(both) - 1} more are in both" if len(both) > 1 else ""
        raise ValueError(
            f"`groups` must each be in train or in test; {text.name(groups[both[0]])} has "
            f"{in_train} images in train and {in_test} in test{more}."
        )
    return numbers.astype(np.int64)


def _count_and_first(images: list[str]) -> str:
    more = ", ..." if len(images) > 3 else ""
    return f"{len(images):,} ({', '.join(map(text.name, images[:3]))}{more})"


def add_to(split: Split, numbers: np.ndarray | None) -> Split:
    """Return a split with the group of each of its images, given those of the whole dataset."""
    return split if numbers is None else replace(split, groups=numbers[split.rows])


def fingerprint(files: str, named: dict[str, str] | None) -> str:
    """Return the fingerprint of a dataset: that of its files, another where groups changed."""
    if named is None:
        return files
    return hashlib.sha256(json.dumps([files, sorted(named.items())]).encode()).hexdigest()
