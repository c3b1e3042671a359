"""Decodes the images of a folder into arrays of one type and size."""

import collections
import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae._utils import chunks, progress
from tfdvae.data import findings
from tfdvae.data.sources import common_kind
from tfdvae.data.sources.folder_listing import FolderListing
from tfdvae.image_io import codec
from tfdvae.image_io.codec import ImageFile, Unreadable
from tfdvae.image_io.decoding import ImageKind
from tfdvae.image_io.reading import Reading, full_range_type

HOW_TO_SKIP = " --skip-unreadable skips such images."


class _Skipped:
    """Messages about the images that are skipped; without permission the first one is raised."""

    def __init__(self, allowed: bool):
        self.allowed = allowed
        self.messages: dict[str, None] = {}

    def add(self, error: Unreadable) -> None:
        if not self.allowed:
            raise Unreadable(f"{error}{HOW_TO_SKIP}") from None
        self.messages[str(error)] = None


def decode_folder(
    listing: FolderListing,
    test: np.ndarray,
    folder: Path,
    image_size: Sequence[int] | None,
    skip_unreadable: bool,
    white: float | str | None,
    background: str,
    output: Path,
) -> dict[str, Any]:
    """Write images, labels and positions of both splits to a folder of the cache.

    Where one image has floats, all become float32 in [0, 1]; else where one has 16 bits, all become
    uint16 (8-bit values times 257), otherwise uint8. Where one is in color, all have three
    channels, otherwise one.

    Args:
        listing: the images.
        test: bool (N,), which of them are test images.
        folder: of the images, for messages.
        image_size: height and width to which they are resized; None: they must have one size.
        skip_unreadable: skip images that cannot be read.
        white: the value that stands for white in the files, which becomes the largest one of the
            type, of floats 1; `auto`: the largest one in them; None: the largest one of their type.
        background: `white` or `black`, what transparent parts are put on.
        output: gets `train_images.npy`, `train_noisy.npy` if images come in pairs,
            `train_labels.npy`, `train_rows.npy`, and the same of `test`.

    Returns:
        `class_names`; in `skipped` a message for each file that was skipped; the number `white`;
        and in `dark` and `transparent` what `findings` says of the images.

    Raises:
        Unreadable: an image cannot be read.
        ValueError: images of different sizes, or none that can be read.
    """
    skipped = _Skipped(skip_unreadable)
    with codec.decoder_warnings_hidden():
        if white == "auto":
            white = _largest_value(listing, folder)
        reading = Reading(None if white is None else float(white), background)
        kind, usable = _common_kind(listing, folder, image_size, reading, skipped)
        for split, chosen in (("train", ~test), ("test", test)):
            rows = np.flatnonzero(chosen & usable)
            arrays = [f"{split}_images.npy", f"{split}_noisy.npy"][: len(listing.items[0])]
            decoded = _decode_rows(
                listing,
                rows,
                [output / name for name in arrays],
                kind,
                image_size is not None,
                reading,
                skipped,
                f"Decoding {folder.name}/{split}",
            )
            if not decoded:
                raise ValueError(f"`dataset` {folder} has no {split} image that can be read.")
            np.save(output / f"{split}_rows.npy", decoded)
            np.save(output / f"{split}_labels.npy", listing.labels[decoded])
    return {
        "class_names": listing.class_names,
        "skipped": list(skipped.messages),
        "white": white,
        "dark": "" if reading.white is not None else findings.dark(reading.seen.largest),
        "transparent": _transparent(folder, reading),
    }


def _largest_value(listing: FolderListing, folder: Path) -> float:
    """Return the largest value in the files of images; those that cannot be read do not count."""
    # On black, since transparent parts have no value of their own.
    reading = Reading(np.inf, background="black")

    def read(path: Path) -> None:
        with contextlib.suppress(Unreadable), ImageFile(path, reading) as file:
            for frame in range(file.count):
                file.read(frame)

    paths = list(dict.fromkeys(path for item in listing.items for path in item))
    with ThreadPoolExecutor(_threads()) as pool:
        title = f"Largest value of {folder.name}"
        collections.deque(progress.bar(title, len(paths), pool.map(read, paths)), maxlen=0)
    largest = max(reading.seen.largest.values(), default=0)
    if largest <= 0:
        raise ValueError(f"`white` auto needs images that are not black; those of {folder} are.")
    return largest


def _transparent(folder: Path, reading: Reading) -> str:
    """Return what `findings` says of images with transparent parts."""
    names = sorted(
        path.relative_to(folder) if path.is_relative_to(folder) else path
        for path in set(reading.seen.transparent)  # each frame of a stack names its file
    )
    return findings.transparent(names, len(names))


def _by_file(listing: FolderListing, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows of each file or pair of files, which are neighbors."""
    files = [listing.items[row] for row in rows]
    starts = [
        place for place in range(len(files)) if place == 0 or files[place - 1] != files[place]
    ]
    yield from np.split(rows, starts[1:])


def _common_kind(
    listing: FolderListing,
    folder: Path,
    image_size: Sequence[int] | None,
    reading: Reading,
    skipped: _Skipped,
) -> tuple[ImageKind, np.ndarray]:
    """Return the kind that all images get, and which items have headers that can be read."""
    kinds: dict[ImageKind, Path] = {}
    usable = np.zeros(len(listing.items), bool)
    with progress.bar(f"Reading headers of {folder.name}", len(usable)) as bar:
        for rows in _by_file(listing, np.arange(len(usable))):
            bar.update(len(rows))
            try:
                found = [(_kind(path, reading), path) for path in listing.items[rows[0]]]
            except Unreadable as error:
                skipped.add(error)
                continue
            usable[rows] = True
            for kind, path in found:
                kinds.setdefault(kind, path)
    if not kinds:
        raise ValueError(f"`dataset` {folder} has no image that can be read.")
    return common_kind.find(kinds, folder, image_size), usable


def _kind(path: Path, reading: Reading) -> ImageKind:
    """Return the kind of an image whose white is the largest value of its type."""
    with ImageFile(path, reading) as file:
        kind = file.kind
    if reading.white is None:
        return kind
    return dataclasses.replace(kind, dtype=full_range_type(kind.dtype, reading.white))


def _decode_rows(
    listing: FolderListing,
    rows: np.ndarray,
    outputs: list[Path],
    kind: ImageKind,
    resized: bool,
    reading: Reading,
    skipped: _Skipped,
    title: str,
) -> list[int]:
    """Write the images of one split and return the rows of those that could be read."""

    def decode(rows: np.ndarray) -> list[list[np.ndarray] | Unreadable]:
        """Return the images at rows of one file or pair of files."""
        frames = [0] if listing.frames is None else listing.frames[rows].clip(0).tolist()
        try:
            with contextlib.ExitStack() as stack:
                item = listing.items[rows[0]]
                files = [stack.enter_context(ImageFile(path, reading)) for path in item]
                return [[file.read_as(kind, resized, frame) for file in files] for frame in frames]
        except Unreadable as error:
            return [error] * len(rows)

    decoded: list[int] = []
    pool = ThreadPoolExecutor(_threads())
    with progress.bar(title, len(rows)) as bar, contextlib.ExitStack() as stack:
        stack.callback(pool.shutdown, cancel_futures=True)
        writers = [stack.enter_context(chunks.array_writer(path)) for path in outputs]
        for piece in chunks.pieces(len(rows), kind.bytes * len(outputs)):
            by_file = list(_by_file(listing, rows[piece]))
            for numbers, found in zip(by_file, pool.map(decode, by_file), strict=True):
                bar.update(len(numbers))
                for row, images in zip(numbers.tolist(), found, strict=True):
                    if isinstance(images, Unreadable):
                        skipped.add(images)
                        continue
                    for append, image in zip(writers, images, strict=True):
                        append(image[None])
                    decoded.append(row)
    return decoded


def _threads() -> int:
    """Return how many threads decode: few, since each may hold an image of 50 million pixels."""
    return min(4, os.cpu_count() or 1)
