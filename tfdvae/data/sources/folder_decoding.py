"""Decodes the images of a folder into arrays of one type and size."""

import contextlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae._utils import chunks, progress
from tfdvae.data.sources.folder_listing import FolderListing
from tfdvae.image_io import codec
from tfdvae.image_io.codec import Unreadable
from tfdvae.image_io.decoding import ImageKind

HOW_TO_SKIP = " --skip-unreadable skips such images."


class _Skipped:
    """Messages about the images that are skipped; without permission the first one is raised."""

    def __init__(self, allowed: bool):
        self.allowed = allowed
        self.messages: list[str] = []

    def add(self, error: Unreadable) -> None:
        if not self.allowed:
            raise Unreadable(f"{error}{HOW_TO_SKIP}") from None
        self.messages.append(str(error))


def decode_folder(
    listing: FolderListing,
    test: np.ndarray,
    folder: Path,
    image_size: Sequence[int] | None,
    skip_unreadable: bool,
    output: Path,
) -> dict[str, Any]:
    """Write images, labels and positions of both splits to a folder of the cache.

    Where one image has 16 bits, all become uint16 (8-bit values times 257), otherwise uint8. Where
    one is in color, all have three channels, otherwise one.

    Args:
        listing: the images.
        test: bool (N,), which of them are test images.
        folder: of the images, for messages.
        image_size: height and width to which they are resized; None: they must have one size.
        skip_unreadable: skip images that cannot be read.
        output: gets `train_images.npy`, `train_noisy.npy` if images come in pairs,
            `train_labels.npy`, `train_rows.npy`, and the same of `test`.

    Returns:
        `class_names`, and in `skipped` a message for each image that was skipped.

    Raises:
        Unreadable: an image cannot be read.
        ValueError: images of different sizes, or none that can be read.
    """
    skipped = _Skipped(skip_unreadable)
    with codec.decoder_warnings_hidden():
        kind, usable = _common_kind(listing.items, folder, image_size, skipped)
        for split, chosen in (("train", ~test), ("test", test)):
            rows = np.flatnonzero(chosen & usable)
            arrays = [f"{split}_images.npy", f"{split}_noisy.npy"][: len(listing.items[0])]
            decoded = _decode_items(
                [listing.items[row] for row in rows],
                [output / name for name in arrays],
                kind,
                image_size is not None,
                skipped,
                f"Decoding {folder.name}/{split}",
            )
            if not decoded:
                raise ValueError(f"`dataset` {folder} has no {split} image that can be read.")
            np.save(output / f"{split}_rows.npy", rows[decoded])
            np.save(output / f"{split}_labels.npy", listing.labels[rows[decoded]])
    return {"class_names": listing.class_names, "skipped": skipped.messages}


def _common_kind(
    items: list[tuple[Path, ...]],
    folder: Path,
    image_size: Sequence[int] | None,
    skipped: _Skipped,
) -> tuple[ImageKind, np.ndarray]:
    """Return the kind that all images get, and which items have headers that can be read."""
    kinds: dict[ImageKind, Path] = {}
    usable = np.zeros(len(items), bool)
    for row, item in enumerate(
        progress.bar(f"Reading headers of {folder.name}", len(items), items)
    ):
        try:
            found = [(codec.probe(path), path) for path in item]
        except Unreadable as error:
            skipped.add(error)
            continue
        usable[row] = True
        for kind, path in found:
            kinds.setdefault(kind, path)
    if not kinds:
        raise ValueError(f"`dataset` {folder} has no image that can be read.")
    sizes = {(kind.height, kind.width): path for kind, path in kinds.items()}
    if image_size is None and len(sizes) > 1:
        two = " and ".join(
            f"{path.name} has {height}x{width}" for (height, width), path in list(sizes.items())[:2]
        )
        raise ValueError(
            f"`dataset` {folder} holds images of different sizes: {two}. "
            "Give --image-size HEIGHT WIDTH."
        )
    height, width = image_size or next(iter(sizes))
    gray = all(kind.gray for kind in kinds)
    sixteen_bit = any(kind.sixteen_bit for kind in kinds)
    return ImageKind(height, width, gray, sixteen_bit), usable


def _decode_items(
    items: list[tuple[Path, ...]],
    outputs: list[Path],
    kind: ImageKind,
    resized: bool,
    skipped: _Skipped,
    title: str,
) -> list[int]:
    """Write the images of one split and return the positions of the items that could be read."""

    def decode(item: tuple[Path, ...]) -> list[np.ndarray] | Unreadable:
        try:
            return [codec.read_as(path, kind, resized) for path in item]
        except Unreadable as error:
            return error

    decoded = []
    # Few threads, since each may hold an image of 50 million pixels.
    pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
    with progress.bar(title, len(items)) as bar, contextlib.ExitStack() as stack:
        stack.callback(pool.shutdown, cancel_futures=True)
        writers = [stack.enter_context(chunks.array_writer(path)) for path in outputs]
        for piece in chunks.pieces(len(items), kind.bytes * len(outputs)):
            for row, images in enumerate(pool.map(decode, items[piece]), start=piece.start):
                bar.update()
                if isinstance(images, Unreadable):
                    skipped.add(images)
                    continue
                for append, image in zip(writers, images, strict=True):
                    append(image[None])
                decoded.append(row)
    return decoded
