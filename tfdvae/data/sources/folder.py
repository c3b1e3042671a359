"""Images from folders, decoded once into the user's cache folder and memory-mapped from there.

PNG, JPEG, BMP and TIFF, of 8 and 16 bit, gray or in colour, in folders as deep as they come; hidden files and other files are left
alone. Where one image has 16 bits, all become uint16 (8-bit values times 257), otherwise uint8. Where one is in colour, all have three
channels, otherwise one. Alpha is dropped, palettes are expanded, and the orientation that a camera noted is applied.
"""

import contextlib
import hashlib
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tfdvae._utils import chunks, files, progress
from tfdvae.data import cache, splits
from tfdvae.data import groups as grouping
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.data.sources.base import Request, register_source
from tfdvae.data.sources.paths import PathSource, local_path
from tfdvae.image_io.codec import (
    _FORMATS,
    _HEAD,
    Unreadable,
    _depth,
    _Kind,
    _pixels,
    _probe,
    _reading,
    quiet,
)
from tfdvae.image_io.listing import SUFFIXES, _visible, below, find_parts, shown


@register_source
class FolderSource(PathSource):
    """A folder of images; see `load_folder`."""

    name = "folder"
    description = "a folder of images"
    options = frozenset({"noisy_dir", "image_size", "skip_unreadable", "groups"})

    def accepts(self, text: str) -> bool:
        path = local_path(text)
        return path is not None and (path.is_dir() or path.suffix != ".npz")

    def check(self, request: Request) -> None:
        super().check(request)
        if request.noisy_dir is None:
            return
        noisy = Path(request.noisy_dir).expanduser()
        if not noisy.is_dir():
            raise FileNotFoundError(f"`noisy_dir` {request.noisy_dir} is not a folder.")
        if noisy.samefile(self.path(request)):
            raise ValueError(
                "`noisy_dir` must be another folder than `dataset`; "
                f"got {request.noisy_dir} for both."
            )

    def load(self, request: Request) -> ImageDataset:
        return load_folder(
            self.path(request),
            None if request.noisy_dir is None else files.absolute(request.noisy_dir),
            request.image_size,
            request.skip_unreadable,
            request.labelled,
            request.n_train,
            None if request.groups is None else grouping.read(request.groups),
        )


@dataclass(frozen=True)
class _Listing:
    """What is in a folder.

    Attributes:
        class_names: one name a class, none for an unlabelled folder.
        items: files of each image: one, or a clean one and a noisy one.
        labels: int64, one an item.
        test: bool, one an item; or None where test images are to be held out.
    """

    class_names: tuple[str, ...]
    items: list[tuple[Path, ...]]
    labels: np.ndarray
    test: np.ndarray | None


def load_folder(
    folder: Path,
    noisy: Path | None = None,
    image_size: tuple[int, int] | None = None,
    skip_unreadable: bool = False,
    labelled: bool = True,
    n_train: int | None = None,
    groups: dict[str, str] | None = None,
) -> ImageDataset:
    """Return the images of a folder, with a noisy image of each where `noisy` is given.

    A folder has the folders `train` and `test` (or `training` and `testing`, large or small), or a fixed stratified fifth of its images is
    held out. Below, each folder is a class, in the order of their names, or all images are there without labels: `class_names` is then
    empty and labels are 0. Beside `train` and `test`, a folder with validation images is left alone. Links are followed.

    Args:
        folder: of the images.
        noisy: folder with a noisy image for each one of `folder`, which is then clean: of the same name below it, but perhaps for
            the suffix. Class folders have no meaning then.
        image_size: height and width to which images are resized, with Pillow's antialiased bilinear filter, whatever
            their proportions were. None: they must have one size.
        skip_unreadable: leave out images that cannot be read, and say so in `notice`.
        labelled: labels are needed, with two images of each class at least.
        n_train: training images that are needed, if it is known.
        groups: group of each image by its path below `folder`; whole groups are then held out.

    Raises:
        ValueError: no images, fewer than needed, images that cannot be read (the file is named), sizes that differ, folders or
            groups that do not fit.
    """
    listing = _list_pairs(folder, noisy) if noisy is not None else _list_classes(folder)
    if labelled and not listing.class_names:
        raise ValueError(
            f"`dataset` {folder} has images without class folders, so no labels; --no-classifier does without."
        )
    names = [shown(item[0].relative_to(folder).as_posix()) for item in listing.items]
    numbers = None if groups is None else grouping.number(groups, names, listing.test)
    held_out, test = listing.test is None, listing.test
    if held_out:
        test = np.isin(np.arange(len(names)), splits.hold_out_test(listing.labels, numbers)[1])
    check = partial(
        splits.check_classes,
        class_names=listing.class_names,
        held_out=held_out,
        grouped=groups is not None,
    )
    if labelled:
        check(listing.labels[~test], listing.labels[test])
    if n_train is not None and n_train > (~test).sum():
        raise ValueError(
            f"`n_train` must not exceed the {(~test).sum():,} training images of {shown(folder)}; got {n_train:,}."
        )
    mark = _fingerprint(listing, [root for root in (folder, noisy) if root is not None])
    key = hashlib.sha256(
        json.dumps([str(folder), str(noisy), image_size, mark]).encode() + test.tobytes()
    ).hexdigest()[:16]
    arrays = ("images", "labels", "rows", *(["noisy"] if noisy is not None else []))
    decode = partial(_decode_all, replace(listing, test=test), folder, image_size, skip_unreadable)
    found = cache.load_or_build(f"{folder.name}-{key}", decode, arrays)
    skipped = found.info["skipped"]
    if skipped and not skip_unreadable:
        raise Unreadable(skipped[0] + _WAY_OUT)
    if labelled and skipped:
        check(found.train.labels, found.test.labels)
    return ImageDataset(
        str(folder),
        tuple(found.info["class_names"]),
        grouping.add_to(found.train, numbers),
        grouping.add_to(found.test, numbers),
        _tell_skipped(skipped),
        grouping.fingerprint(mark, groups),
        held_out,
    )


def _tell_skipped(skipped: list[str], shown: int = 5) -> str:
    if not skipped:
        return ""
    more = f" And {len(skipped) - shown:,} more." if len(skipped) > shown else ""
    return f"{len(skipped):,} images were left out. {' '.join(skipped[:shown])}{more}"


_WAY_OUT = " --skip-unreadable leaves such images out."


def _fingerprint(listing: _Listing, roots: list[Path]) -> str:
    """Return what changes where a file is added, removed or written."""
    digest = hashlib.sha256()
    for item in listing.items:
        for path, root in zip(item, roots, strict=True):
            try:
                status = path.stat()
                mark = f"{status.st_size}\0{status.st_mtime_ns}"
            except OSError:  # a link to nothing, which is reported as it is read
                mark = "none"
            digest.update(os.fsencode(path.relative_to(root).as_posix()) + f"\0{mark}\n".encode())
    return digest.hexdigest()


def _list_classes(folder: Path) -> _Listing:
    parts = find_parts(folder)
    if not parts:
        return _Listing(*_list_part(folder), None)
    names, train, labels = _list_part(parts["train"])
    test_names, test, test_labels = _list_part(parts["test"])
    if bool(names) != bool(test_names):
        raise ValueError(
            f"`dataset` {folder} must have class folders in train and in test, or in neither."
        )
    if unknown := sorted(set(test_names) - set(names)):
        raise ValueError(
            f"`dataset` {folder} has a class in test that is not in train: {unknown[0]}."
        )
    if names:
        test_labels = np.array([names.index(name) for name in test_names])[test_labels]
    return _Listing(
        names,
        train + test,
        np.concatenate([labels, test_labels]),
        np.repeat([False, True], [len(train), len(test)]),
    )


def _list_part(folder: Path) -> tuple[tuple[str, ...], list[tuple[Path, ...]], np.ndarray]:
    """Return class names, images and labels of a folder without `train` and `test`."""
    inside = _visible(folder)
    classes = [path for path in inside if path.is_dir()]
    loose = [path for path in inside if not path.is_dir()]
    if loose and classes:
        raise ValueError(
            f"`dataset` {folder} holds images beside folders ({loose[0].name}, {classes[0].name}); it must have a folder for each class, "
            f"or images alone."
        )
    by_class = [below(path, above=(folder.resolve(),)) for path in classes] or [loose]
    for path, found in zip(classes or [folder], by_class, strict=True):
        if not found:
            raise ValueError(f"`dataset` {path} holds no images ({', '.join(SUFFIXES)}).")
    labels = np.repeat(np.arange(len(by_class)), list(map(len, by_class)))
    return (
        tuple(shown(path.name) for path in classes),
        [(path,) for found in by_class for path in found],
        labels,
    )


def _list_pairs(clean: Path, noisy: Path) -> _Listing:
    named = {
        argument: _by_name(folder, argument)
        for argument, folder in (("dataset", clean), ("noisy_dir", noisy))
    }
    for argument, other in (("dataset", "noisy_dir"), ("noisy_dir", "dataset")):
        if lacking := sorted(set(named[other]) - set(named[argument])):
            listed = ", ".join(lacking[:3]) + (", ..." if len(lacking) > 3 else "")
            raise ValueError(
                f"`{argument}` must have an image for each one of `{other}`; it lacks {len(lacking)}: {listed}."
            )
    names = sorted(named["dataset"])
    test = np.array([name.startswith("test/") for name in names]) if find_parts(clean) else None
    return _Listing(
        (),
        [(named["dataset"][name], named["noisy_dir"][name]) for name in names],
        np.zeros(len(names), np.int64),
        test,
    )


def _by_name(folder: Path, argument: str) -> dict[str, Path]:
    """Return the images below a folder by their names without suffix; where it has `train` and `test`, those below these alone."""
    named: dict[str, Path] = {}
    for part, root in (find_parts(folder, argument) or {".": folder}).items():
        for path in below(root, argument):
            name = (part / path.relative_to(root)).with_suffix("").as_posix()
            if name in named:
                first, second = (shown(found.name) for found in (named[name], path))
                raise ValueError(
                    f"`{argument}` {shown(folder)} must hold one image of a name; got {first} and {second}."
                )
            named[name] = path
    if not named:
        raise ValueError(f"`{argument}` {shown(folder)} holds no images ({', '.join(SUFFIXES)}).")
    return named


def _decode(path: Path, kind: _Kind, resized: bool) -> np.ndarray:
    """Return the pixels of an image, unsigned integers (H, W, C) of the given kind."""
    with _reading(path):
        data = (
            path.read_bytes()
        )  # Pillow scrambles TIFF files to be turned that it maps from the disk
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            bits, gray = _depth(image, data[:_HEAD])
            pixels = _pixels(image, data, bits == 16, gray)
        if kind.sixteen and pixels.dtype == np.uint8:
            pixels = pixels.astype(np.uint16) * 257
        if resized:
            pixels = _resize(pixels, kind.height, kind.width)
        elif pixels.shape[:2] != (kind.height, kind.width):
            height, width = pixels.shape[:2]
            raise Unreadable(
                f"the image {shown(path)} has {height}x{width} pixels, and its header says otherwise."
            )
        return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 and not kind.gray else pixels


def _resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return integer pixels (H, W, C) at another size, computed in floating point for each channel."""
    if pixels.shape[:2] == (height, width):
        return pixels
    channels = (
        Image.fromarray(channel.astype(np.float32)) for channel in np.moveaxis(pixels, -1, 0)
    )
    resized = [
        np.asarray(channel.resize((width, height), Image.Resampling.BILINEAR))
        for channel in channels
    ]
    return (
        np.rint(np.stack(resized, axis=-1)).clip(0, np.iinfo(pixels.dtype).max).astype(pixels.dtype)
    )


def _decode_all(
    listing: _Listing,
    folder: Path,
    image_size: tuple[int, int] | None,
    skip_unreadable: bool,
    out: Path,
) -> dict:
    """Write all images and labels to the folder `out` and return what else is to be known of them."""
    skipped = []

    def leave_out(error: Unreadable) -> None:
        if not skip_unreadable:
            raise Unreadable(f"{error}{_WAY_OUT}") from None
        skipped.append(str(error))

    with quiet():
        kind, usable = _common_kind(listing.items, folder, image_size, leave_out)
        for part, chosen in (("train", ~listing.test), ("test", listing.test)):
            rows = np.flatnonzero(chosen & usable)
            names = [f"{part}_images", f"{part}_noisy"][: len(listing.items[0])]
            kept = _decode_part([listing.items[row] for row in rows], [out / f"{name}.npy" for name in names], kind, image_size is not None,
                                leave_out, f"Decoding {folder.name}/{part}")  # fmt: skip
            if not kept:
                raise ValueError(f"`dataset` {folder} has no {part} image that can be read.")
            np.save(out / f"{part}_rows.npy", rows[kept])
            np.save(out / f"{part}_labels.npy", listing.labels[rows[kept]])
        return {"class_names": listing.class_names, "skipped": skipped}


def _common_kind(items, folder, image_size, leave_out) -> tuple[_Kind, np.ndarray]:
    """Return the kind that all images get, and which of the items have headers that can be read."""
    kinds, usable = {}, np.zeros(len(items), bool)
    for row, item in enumerate(
        progress.bar(f"Reading headers of {folder.name}", len(items), items)
    ):
        try:
            found = [(_probe(path), path) for path in item]
        except Unreadable as error:
            leave_out(error)
            continue
        usable[row] = True
        for kind, path in found:
            kinds.setdefault(kind, path)
    if not kinds:
        raise ValueError(f"`dataset` {folder} has no image that can be read.")
    sizes = {(kind.height, kind.width): path for kind, path in kinds.items()}
    if image_size is None and len(sizes) > 1:
        some = " and ".join(
            f"{path.name} has {height}x{width}" for (height, width), path in list(sizes.items())[:2]
        )
        raise ValueError(
            f"`dataset` {folder} holds images of different sizes: {some}. Give --image-size HEIGHT WIDTH."
        )
    height, width = image_size or next(iter(sizes))
    return _Kind(
        height, width, all(kind.gray for kind in kinds), any(kind.sixteen for kind in kinds)
    ), usable


def _decode_part(items, paths, kind, resized, leave_out, title) -> list[int]:
    """Write the images of one part, in memory a piece at a time, and return the positions of the items that could be read."""

    def decode(item):
        try:
            return [_decode(path, kind, resized) for path in item]
        except Unreadable as error:
            return error

    kept = []
    pool = ThreadPoolExecutor(
        min(4, os.cpu_count() or 1)
    )  # each may hold an image of 50 million pixels
    row_bytes = kind.height * kind.width * (1 if kind.gray else 3) * (1 + kind.sixteen) * len(paths)
    bar = progress.bar(title, len(items))
    try:
        with contextlib.ExitStack() as stack:
            writers = [stack.enter_context(chunks.array_writer(path)) for path in paths]
            for piece in chunks.pieces(len(items), row_bytes):
                for row, images in enumerate(pool.map(decode, items[piece]), start=piece.start):
                    bar.update()
                    if isinstance(images, Unreadable):
                        leave_out(images)
                        continue
                    for append, image in zip(writers, images, strict=True):
                        append(image[None])
                    kept.append(row)
    finally:
        bar.close()
        pool.shutdown(cancel_futures=True)
    return kept
