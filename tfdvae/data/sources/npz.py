"""Images and labels from an `.npz` file.

The arrays are `x_train`, `y_train`, `x_test`, `y_test`, or named as in MedMNIST: `train_images`,
`train_labels`, `test_images`, `test_labels`. `class_names`, an array of text, names the classes.
Other arrays are ignored; MedMNIST's validation images, `val_images` and `val_labels`, are read only
where settings are chosen on them. Images are unpacked once into
the user's cache folder and memory-mapped from there, so that they may be larger than memory.
"""

import dataclasses
import hashlib
import json
import zipfile
from functools import partial
from pathlib import Path

import numpy as np

from tfdvae._utils import text
from tfdvae.data import array_checks, cache, findings, splits
from tfdvae.data import groups as grouping
from tfdvae.data.image_dataset import EXAMINED, ImageDataset, Split
from tfdvae.data.labels import Classes, GivenLabels, to_classes
from tfdvae.data.sources import npz_archive, npz_images
from tfdvae.data.sources.base import Request, register_source
from tfdvae.data.sources.paths import PathSource, local_path, with_findings

_NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
)
_VALIDATION = ("val_images", "val_labels")

_DECODING = 3
"""Changes where files are decoded in another way, so that the cache is made anew."""


@register_source
class NpzSource(PathSource):
    """An `.npz` file of arrays; see `load_npz`."""

    name = "npz"
    description = "an .npz file"

    def accepts(self, text: str) -> bool:
        path = local_path(text)
        return path is not None and path.suffix == ".npz" and not path.is_dir()

    def load(self, request: Request) -> ImageDataset:
        path = self.path(request)
        named = None if request.groups is None else grouping.read(request.groups)
        found = load_npz(path, request.labelled, named, request.white, request.cross_validated)
        if not request.validation or named is not None:
            return found
        return dataclasses.replace(found, validation=load_validation(path, found))


def load_npz(
    path: Path,
    labelled: bool = True,
    groups: dict[str, str] | None = None,
    white: float | str | None = None,
    cross_validated: bool = False,
) -> ImageDataset:
    """Return the images and labels of a file.

    Images are (N, H, W) or (N, H, W, C) with C of 1 or 3: unsigned integers of 8 or 16 bit, or
    floats in [0, 1], which become float32. Labels are as in `labels.to_classes`. Without test
    images, a fixed stratified fifth is held out.

    Args:
        path: of the file.
        labelled: labels are needed, with at least two images of each class; otherwise missing or
            unusable ones are no error: labels are then 0, and there are no class names.
        groups: group of each image by its array and row, such as `x_train/0`; whole groups are then
            held out.
        white: the value that stands for white; `auto`: the largest value of all images. They get
            the whole range of their type. None: the largest value of their type, of floats 1.
        cross_validated: as of `base.Request`.

    Raises:
        ValueError, TypeError: no such file, arrays that are missing, do not fit each other or hold
            Python objects, or groups that do not fit.
    """
    with npz_archive.damage_reported(path), zipfile.ZipFile(path) as archive:
        parts = _find_parts(archive, path, labelled)
        classes = _read_classes(archive, path, parts, labelled)
        labels = classes.labels
        test_given = "test" in parts
        test = np.repeat([False, True], [len(labels["train"]), len(labels.get("test", ()))])
        numbers = None
        name = partial(_image_name, parts, len(labels["train"]))
        every = np.concatenate(list(labels.values()))
        if groups is not None:
            names = list(map(name, range(len(every))))
            numbers = grouping.number(groups, names, test if test_given else None)
        if not test_given:
            test = np.isin(np.arange(len(every)), splits.hold_out_test(every, numbers)[1])
        held_out = not test_given or _held_out(archive, path)
        if labelled:
            splits.check_classes(
                every[~test],
                every[test],
                classes.names,
                held_out,
                grouped=groups is not None and not (test_given or cross_validated),
            )
        mark = fingerprint(path)
        known = _read_examined(archive, path)
        if known is not None and white is not None:  # how dark images were is no matter any more
            lines = [line for line in classes.notice.splitlines() if line not in known]
            known = [line for line in known if not findings.is_dark(line)]
            classes = dataclasses.replace(classes, notice="\n".join(lines + known))
        had_white = npz_images.read_white(archive, path, white)
        key = hashlib.sha256(
            f"{_DECODING}{path}{mark}{labelled}{white}".encode() + test.tobytes() + every.tobytes()
        ).hexdigest()[:16]
        decoded = cache.load_or_build(
            f"{path.stem}-{key}",
            with_findings(
                lambda folder: npz_images.unpack(
                    archive, path, folder, parts, every, test, white, had_white
                ),
                name,
            ),
            ("images", "labels", "rows"),
        )
    dataset = ImageDataset(
        str(path),
        classes.names,
        grouping.add_to(decoded.train, numbers),
        grouping.add_to(decoded.test, numbers),
        classes.notice,
        grouping.fingerprint(mark, groups),
        held_out,
        decoded.info["white"],
    )
    if known is not None:
        return dataset.with_examined(known)
    found = [decoded.info[name] for name in ("dark", "constant", "duplicates")]
    for note in found:
        dataset = dataset.with_notice(note)
    return dataset.with_examined(found)


def load_validation(path: Path, dataset: ImageDataset) -> Split | None:
    """Return MedMNIST's validation images of a file, in memory; None where it has none.

    Args:
        path: of the file.
        dataset: its other images, as `load_npz` returns them with labels.

    Raises:
        ValueError, TypeError: images or labels that do not fit those to train on.

    Example:
        >>> load_validation(path, load_npz(path)).images.shape
        (120, 28, 28, 3)
    """
    with npz_archive.damage_reported(path), zipfile.ZipFile(path) as archive:
        held = npz_archive.array_names(archive)
        if not set(_VALIDATION) <= set(held):
            return None
        parts = _find_parts(archive, path, True) | {"validation": _VALIDATION}
        labels = _read_classes(archive, path, parts, True).labels["validation"]
        both = dataset.train.labels, labels
        splits.check_classes(*both, dataset.class_names, held_out=False, part="validation")
        array = npz_archive.read_array(archive, _VALIDATION[0])
    argument = f"`dataset` {path}: {_VALIDATION[0]}"
    return Split(array_checks.images(argument, array, white=dataset.white), labels)


def _image_name(parts: dict[str, tuple[str, str]], train_count: int, row: int) -> str:
    """Return array and row of the image at a position among all images, those of train first."""
    part, row = ("train", row) if row < train_count else ("test", row - train_count)
    return f"{parts[part][0]}/{row}"


def fingerprint(path: Path) -> str:
    """Return a hash that changes where the size or the time of a file does."""
    status = path.stat()
    return hashlib.sha256(json.dumps([status.st_size, status.st_mtime_ns]).encode()).hexdigest()


def _find_parts(archive: zipfile.ZipFile, path: Path, labelled: bool) -> dict[str, tuple[str, str]]:
    """Return the array names of images and labels of `train` and, where they exist, of `test`."""
    held = npz_archive.array_names(archive)
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
            f"`dataset` {path} lacks {', '.join(missing)}{or_named}; "
            f"it holds {', '.join(map(text.name, held)) or 'no array'}.{hint}"
        )
    return parts


def _read_classes(
    archive: zipfile.ZipFile, path: Path, parts: dict[str, tuple[str, str]], labelled: bool
) -> Classes:
    """Return the labels of each part and the names of their classes, none without labels.

    Raises:
        ValueError, TypeError: also where images do not fit, of which only the headers are read.
    """
    kinds = {
        images: array_checks.image_kind(
            f"`dataset` {path}: {images}", *npz_archive.read_header(archive, path, images)
        )
        for images, _ in parts.values()
    }
    array_checks.same_kind(f"`dataset` {path}", kinds)
    counts = {part: kinds[images][1][0] for part, (images, _) in parts.items()}
    notice = _read_notice(archive, path)
    try:
        given = {}
        for part, (_, name) in parts.items():
            npz_archive.read_header(archive, path, name)
            array = npz_archive.read_array(archive, name)
            given[part] = GivenLabels(f"`dataset` {path}: `{name}`", array, counts[part])
        names, ignored = _read_class_names(archive, path)
        found = to_classes(given, names, f"`dataset` {path}: class_names")
    except (ValueError, TypeError, KeyError):
        if labelled:
            raise
        labels = {part: np.zeros(count, np.int64) for part, count in counts.items()}
        return Classes(labels, (), notice)
    lines = (notice, ignored, found.notice)
    return dataclasses.replace(found, notice="\n".join(line for line in lines if line))


def _read_class_names(archive: zipfile.ZipFile, path: Path) -> tuple[np.ndarray | None, str]:
    """Return one name a class, and a notice where the file's `class_names` are of no use."""
    if "class_names" not in npz_archive.array_names(archive):
        return None, ""
    if npz_archive.read_header(archive, path, "class_names", objects=True)[0].kind == "U":
        return npz_archive.read_array(archive, "class_names"), ""
    return None, f"`class_names` of {path} is ignored, since it is no array of text."


def _read_notice(archive: zipfile.ZipFile, path: Path) -> str:
    """Return the notice that `ImageDataset.save` wrote into the file, if it did."""
    if "notice" not in npz_archive.array_names(archive):
        return ""
    dtype, shape = npz_archive.read_header(archive, path, "notice", objects=True)
    is_text = dtype.kind == "U" and shape == ()
    return str(npz_archive.read_array(archive, "notice")) if is_text else ""


def _read_examined(archive: zipfile.ZipFile, path: Path) -> list[str] | None:
    """Return which lines of the notice `ImageDataset.save` says were found of the images.

    None: it wrote no such file, or one of images that nothing was found of yet. An array of that
    name in another file is the user's own.
    """
    if EXAMINED not in npz_archive.array_names(archive):
        return None
    dtype, shape = npz_archive.read_header(archive, path, EXAMINED, objects=True)
    if dtype.kind != "U" or len(shape) != 1:
        return None
    lines = [str(line) for line in npz_archive.read_array(archive, EXAMINED)]
    return lines if set(lines) <= set(_read_notice(archive, path).splitlines()) else None


def _held_out(archive: zipfile.ZipFile, path: Path) -> bool:
    """Return whether `ImageDataset.save` wrote that the test images were held out."""
    if "held_out" not in npz_archive.array_names(archive):
        return False
    kind = npz_archive.read_header(archive, path, "held_out", objects=True)
    return kind == (np.dtype(bool), ()) and bool(npz_archive.read_array(archive, "held_out"))
