"""Images that belong together, as those of one patient: a CSV file says which, and none are trained on where others are tested."""

import csv
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from tfdvae.data.image_dataset import Split

COLUMNS = ("image", "group")


def read(path: str | Path) -> dict[str, str]:
    """Return the group of each image of a CSV file (UTF-8) with the columns `image` and `group`; other columns are left alone.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no such file, or a line has no image, no group, or an image of a line before.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"`groups` must be a CSV file; there is no {path}.")
    if not path.is_file():
        raise ValueError(f"`groups` must be a CSV file; {path} is none.")
    named: dict[str, str] = {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            if "\0" in file.read():
                raise csv.Error("it holds the character NUL")
            file.seek(0)
            reader = csv.DictReader(file, strict=True)
            columns = reader.fieldnames or []
            if [columns.count(column) for column in COLUMNS] != [1, 1]:
                raise ValueError(
                    f"`groups` {path} must have the columns image and group, once each; got {', '.join(columns) or 'none'}."
                )
            for row in reader:
                where = f"`groups` {path}, line {reader.line_num}"
                if None in row or None in row.values():
                    raise ValueError(
                        f"{where}: it must have {len(columns)} fields, as the first line has; got more or fewer."
                    )
                image, group = row["image"], row["group"].strip()
                if not image or not group:
                    raise ValueError(
                        f"{where}: it must have an image and its group; got {image!r} and {group!r}."
                    )
                if image in named:
                    raise ValueError(
                        f"{where}: each image must be there once; {image} is there before."
                    )
                named[image] = group
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"`groups` {path} must be a CSV file in UTF-8: {error}.") from None
    return named


def number(named: dict[str, str], images: list[str], test: np.ndarray | None) -> np.ndarray:
    """Return the group of each image of a dataset as a number, int64 (N,), from 0 in the order of the groups' names.

    Args:
        named: group of each image, as `read` returns it.
        images: names of all images.
        test: which are test images, bool (N,), or None where these are still to be held out.

    Raises:
        ValueError: an image has no group, an image is none of the dataset, or a group has both training and test images.
    """
    lacking, unknown = (
        [image for image in images if image not in named],
        sorted(set(named) - set(images)),
    )
    if lacking or unknown:
        raise ValueError(
            "`groups` must name each image of `dataset` and no other; it "
            + " and ".join(
                f"{verb} {_some(found)}"
                for verb, found in (("lacks", lacking), ("names besides", unknown))
                if found
            )
            + "."
        )
    groups, numbers = np.unique([named[image] for image in images], return_inverse=True)
    if test is not None and (both := np.intersect1d(numbers[~test], numbers[test])).size:
        trained, tested = ((numbers[part] == both[0]).sum() for part in (~test, test))
        more = f"; {len(both) - 1} more are in both" if len(both) > 1 else ""
        raise ValueError(
            f"`groups` must each be in train or in test; {groups[both[0]]} has {trained} images in train and {tested} in test{more}."
        )
    return numbers.astype(np.int64)


def _some(images: list[str]) -> str:
    return f"{len(images):,} ({', '.join(images[:3])}{', ...' if len(images) > 3 else ''})"


def add_to(split: Split, numbers: np.ndarray | None) -> Split:
    """Return a split with the group of each of its images, given those of the whole dataset."""
    return split if numbers is None else replace(split, groups=numbers[split.rows])


def fingerprint(files: str, named: dict[str, str] | None) -> str:
    """Return the fingerprint of a dataset: that of its files, another where groups changed."""
    if named is None:
        return files
    return hashlib.sha256(json.dumps([files, sorted(named.items())]).encode()).hexdigest()
