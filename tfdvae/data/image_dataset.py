"""A labelled image dataset with a training and a test split, as every source returns it."""

import dataclasses
import filecmp
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tfdvae._utils import checks, files
from tfdvae.config.data import parse_level, parse_white
from tfdvae.data import array_checks, splits
from tfdvae.data.labels import Classes, GivenLabels, to_classes

WHITE = "white_of_the_files"  # in an `.npz` file, `ImageDataset.white`
EXAMINED = "examined"  # in an `.npz` file, the `notes` of `ImageDataset.examined`


@dataclass(frozen=True)
class Split:
    """The training images or the test images of a dataset.

    Attributes:
        images: uint8 or uint16, or float32 in [0, 1], (N, H, W, C); memory-mapped where they come
            from the cache.
        labels: int64 (N,), class numbers from 0; all 0 where images have no labels.
        noisy: the same images with real noise, like `images`; None where there are none.
        groups: int64 (N,), one number for images that belong together, such as those of a
            patient; None where no groups are given.
        rows: int64 (N,), the position of each image in the dataset as it was found, before test
            images were held out and unreadable ones skipped; None where these positions are of no
            use.
    """

    images: np.ndarray
    labels: np.ndarray
    noisy: np.ndarray | None = None
    groups: np.ndarray | None = None
    rows: np.ndarray | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ma.MaskedArray):
                object.__setattr__(self, field.name, checks.array(field.name, value))


@dataclass(frozen=True)
class Examined:
    """What was found of images.

    Attributes:
        images: the very arrays of images that were looked at, of train and of test.
        notes: the lines of a notice that say what was found.
    """

    images: tuple[np.ndarray, np.ndarray]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ImageDataset:
    """A labelled image dataset.

    Attributes:
        name: the dataset that was loaded, as `--dataset` takes it; the whole path of a folder or
            a file.
        class_names: one name a class; empty where images have no labels.
        train: training images.
        test: test images, of the type and size of the training images.
        validation: the dataset's own images to choose settings on, like `test`; None where it has
            none, or where they were not asked for.
        notice: what the user must know, a sentence or more on each line: why `auto` did not take
            its first choice, which images were skipped; otherwise empty.
        fingerprint: of a folder or file, a hash that changes where files or groups do; otherwise
            empty.
        held_out: the test images were held out of the training images, since the dataset has none
            of its own.
        white: the value that stood for white in the images before they got the whole range of their
            type; None where they had it.
        examined: what was found of the images of a folder or file, which `notice` tells.

    Example:
        >>> from tfdvae.data import sources
        >>> digits = sources.load("digits")
        >>> digits.train.images.shape, len(digits.test.labels)
        ((1438, 28, 28, 1), 359)
    """

    name: str
    class_names: tuple[str, ...]
    train: Split
    test: Split
    notice: str = ""
    fingerprint: str = ""
    held_out: bool = False
    white: float | None = None
    examined: Examined | None = dataclasses.field(default=None, repr=False, compare=False)
    validation: Split | None = None

    def with_examined(self, notes: Iterable[str]) -> "ImageDataset":
        """Return the dataset with what was found of its images, lines that `notice` has already."""
        images = (self.train.images, self.test.images)
        return dataclasses.replace(self, examined=Examined(images, tuple(filter(None, notes))))

    def with_notice(self, text: str) -> "ImageDataset":
        """Return the dataset with another line of its notice; the same where the text is empty."""
        lines = [line for line in (self.notice, text) if line]
        return dataclasses.replace(self, notice="\n".join(lines))

    @classmethod
    def from_arrays(
        cls,
        train_images: npt.ArrayLike,
        train_labels: npt.ArrayLike | None,
        test_images: npt.ArrayLike | None = None,
        test_labels: npt.ArrayLike | None = None,
        class_names: Sequence[str] | None = None,
        *,
        name: str = "arrays",
        white: float | str | None = None,
    ) -> "ImageDataset":
        """Return a dataset of arrays.

        Args:
            train_images: uint8, uint16 or floats in [0, 1], of shape (N, H, W), (N, H, W, 1) or
                (N, H, W, 3).
            train_labels: numbers, one-hot rows or text, as in `labels.to_classes`; None: images
                have no labels.
            test_images: like `train_images`; None: a fixed stratified fifth of these is held out.
            test_labels: like `train_labels`.
            class_names: one name a class; by default those of the labels, such as "0", "1", ...
            name: of the dataset.
            white: the value that stands for white, such as 4095 for 12 bits in uint16; `auto`: the
                largest value of all images. Images then get the whole range of their type. None:
                the largest value of their type, of floats 1.

        Raises:
            TypeError: images or labels of another type.
            ValueError: another shape, values that are no images, images and labels that do not fit
                each other, fewer than two classes, or a class with a single image.

        Example:
            >>> import keras
            >>> (x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
            >>> dataset = ImageDataset.from_arrays(x, y, x_test, y_test)
            >>> dataset.train.images.shape
            (60000, 28, 28, 1)
        """
        labelled = train_labels is not None
        if (test_labels is not None) != (labelled and test_images is not None):
            raise ValueError(
                "`test_labels` must be given where `train_labels` and `test_images` are, "
                "and only there."
            )
        if white == "auto":
            every = [np.asanyarray(x) for x in (train_images, test_images) if x is not None]
            white = array_checks.largest_value("`train_images`", every)
        level = None if (parsed := parse_white(white)) is None else float(parsed)
        images = {"train": _to_images("train", train_images, level)}
        if test_images is not None:
            images["test"] = _to_images("test", test_images, level)
            kinds = {f"{part}_images": (each.dtype, each.shape) for part, each in images.items()}
            array_checks.same_kind("a dataset", kinds)
        classes = Classes({part: np.zeros(len(each), np.int64) for part, each in images.items()})
        if labelled:
            labels = {"train": train_labels, "test": test_labels}
            given = {
                part: GivenLabels(
                    f"`{part}_labels`", checks.array(f"{part}_labels", labels[part]), len(each)
                )
                for part, each in images.items()
            }
            classes = to_classes(given, class_names)
        elif class_names is not None:
            raise ValueError("`class_names` must be given with `train_labels` only.")
        train = Split(images["train"], classes.labels["train"])
        held_out = test_images is None
        if test_images is None:
            rows, test_rows = splits.hold_out_test(train.labels)
            test = Split(train.images[test_rows], train.labels[test_rows], rows=test_rows)
            train = Split(train.images[rows], train.labels[rows], rows=rows)
        else:
            test = Split(images["test"], classes.labels["test"])
        if labelled:
            without = "train_labels=None and, for tfdvae.train, no_classifier=True do without"
            splits.check_classes(
                train.labels, test.labels, classes.names, held_out, without=without
            )
        return cls(
            name,
            classes.names,
            train,
            test,
            classes.notice,
            held_out=held_out,
            white=parse_level(level),
        )

    def save(self, path: str | Path) -> None:
        """Write the dataset as an `.npz` file, which `--dataset FILE.npz` reads.

        A file that holds the same already is left as it is, so that its time does not change, by
        which a resumed run sees whether the file is another.

        Args:
            path: of the file, with the suffix `.npz`.

        Raises:
            ValueError: another suffix, or a dataset of noisy images or groups, for which `.npz`
                files have no place.

        Example:
            >>> ImageDataset.from_arrays(images, labels).save("mine.npz")
        """
        path = Path(path).expanduser()
        if path.suffix != ".npz":
            raise ValueError(f"`path` must have the suffix .npz; got {path}.")
        for part in (self.train, self.test):
            if part.noisy is not None or part.groups is not None:
                raise ValueError("a dataset with noisy images or groups cannot be saved as .npz.")
        arrays: dict[str, Any] = {"x_train": self.train.images, "x_test": self.test.images}
        if self.class_names:
            arrays |= {"y_train": self.train.labels, "y_test": self.test.labels}
            arrays["class_names"] = np.array(self.class_names)
        if self.held_out:
            arrays["held_out"] = np.array(True)
        notice = self.notice
        if self.examined is not None:
            pairs = zip((self.train.images, self.test.images), self.examined.images, strict=True)
            if all(images is looked_at for images, looked_at in pairs):
                arrays[EXAMINED] = np.array(self.examined.notes, str)
            else:  # of other images the file says what is found when it is read
                lines = [line for line in notice.splitlines() if line not in self.examined.notes]
                notice = "\n".join(lines)
        if notice:
            arrays["notice"] = np.array(notice)
        if self.white is not None:
            arrays[WHITE] = np.array(self.white)
        with files.scratch_folder(path.parent) as folder:
            written = folder / path.name
            np.savez(written, **arrays)
            if not (path.is_file() and filecmp.cmp(written, path, shallow=False)):
                os.replace(written, path)


def _to_images(part: str, images: npt.ArrayLike, white: float | None) -> np.ndarray:
    """Return checked images (N, H, W, C) of full range."""
    argument = f"`{part}_images`"
    array = checks.array(f"{part}_images", images)
    array_checks.image_kind(argument, array.dtype, array.shape)
    return array_checks.images(argument, array, white=white)


def to_unit(images: np.ndarray) -> np.ndarray:
    """Return unsigned integers as float32 in [0, 1]: 0 becomes 0, the type's largest value 1.

    Floating-point images are in [0, 1] already and are returned unchanged.
    """
    if images.dtype.kind == "f":
        return images
    return images.astype(np.float32) / np.float32(np.iinfo(images.dtype).max)
