"""Files of a folder that are stacks of images: each frame is an image.

Frames of one stack look alike, so that they are held out together.
"""

import dataclasses

import numpy as np

from tfdvae.data.sources.folder_listing import FolderListing
from tfdvae.image_io import codec
from tfdvae.image_io.listing import printable_path

BLOCKS = 5
"""Into how many blocks of neighboring frames a stack is cut where a class has no other file."""


def spread(listing: FolderListing) -> FolderListing:
    """Return a listing with each frame of a stack as an image of its own.

    Raises:
        ValueError: a clean and a noisy stack of different numbers of frames.
    """
    counts = np.array([_count(item) for item in listing.items])
    if (counts == 1).all():
        return listing
    rows = np.repeat(np.arange(len(counts)), counts)
    frames = np.concatenate([np.arange(count) if count > 1 else [-1] for count in counts])
    return dataclasses.replace(
        listing,
        items=[listing.items[row] for row in rows],
        labels=listing.labels[rows],
        test=None if listing.test is None else listing.test[rows],
        frames=frames.astype(np.int64),
    )


def _count(item: tuple) -> int:
    counts = [codec.count(path) for path in item]
    if len(set(counts)) > 1:
        held = " and ".join(
            f"{printable_path(path.name)} holds {count:,}"
            for path, count in zip(item, counts, strict=True)
        )
        raise ValueError(f"`noisy_dir` must have a frame for each one of `dataset`; {held}.")
    return counts[0]


def groups(listing: FolderListing) -> np.ndarray | None:
    """Return what is held out together: whole files.

    Where a class has a single file, a stack, it is blocks of neighboring frames.

    Returns:
        int64 (N,), a number for each group; None where no file is a stack.

    Example:
        >>> groups(spread(list_classes(Path("one_stack_of_ten_frames"))))
        array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    """
    if listing.frames is None:
        return None
    files = _number(listing.items)
    blocks = np.zeros_like(files)
    for rows in _alone(listing, files):
        blocks[rows] = np.arange(len(rows)) * BLOCKS // len(rows)
    return np.unique(files * BLOCKS + blocks, return_inverse=True)[1].astype(np.int64)


def _number(items: list[tuple]) -> np.ndarray:
    numbers: dict[tuple, int] = {}
    return np.array([numbers.setdefault(item, len(numbers)) for item in items])


def _alone(listing: FolderListing, files: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each stack that is the only file of its class and split."""
    test = np.zeros(len(files), bool) if listing.test is None else listing.test
    found = []
    for label in np.unique(listing.labels):
        for split in (False, True):
            rows = np.flatnonzero((listing.labels == label) & (test == split))
            if len(rows) > 1 and len(np.unique(files[rows])) == 1:
                found.append(rows)
    return found


def describe(listing: FolderListing, grouped: bool, cross_validated: bool = False) -> str:
    """Return a sentence on the stacks among the files, empty where there are none.

    Args:
        listing: the images.
        grouped: the user gave groups, so that frames need not stay together.
        cross_validated: the images are cut into parts, and none is held out.
    """
    if listing.frames is None:
        return ""
    stacked = listing.frames >= 0
    first = printable_path(listing.items[int(np.flatnonzero(stacked)[0])][0].name)
    count = int((listing.frames == 0).sum())
    text = (
        f"{count:,} file{'s are stacks' if count > 1 else ' is a stack'}, whose "
        f"{int(stacked.sum()):,} frames are an image each; the first is {first}."
    )
    if grouped or listing.test is not None:
        return text
    if not (alone := _alone(listing, _number(listing.items))):
        if cross_validated:
            return f"{text} Frames of one stack are never learned from and measured at once."
        return f"{text} Frames of one stack are all training images or all test images."
    only = printable_path(listing.items[int(alone[0][0])][0].name)
    if cross_validated:
        return (
            f"{text} {only} is the only file of its class, so that it is cut into blocks of "
            "neighboring frames: images are measured whose neighbors were learned from, and "
            "results look better than on another stack."
        )
    return (
        f"{text} {only} is the only file of its class or folder, so that a block of its frames is "
        "held out: test images are neighbors of training images, and results look better than on "
        "another stack."
    )


def spread_groups(named: dict[str, str], files: list[str], images: list[str]) -> dict[str, str]:
    """Return the group of each image, where a group may be given for a whole stack.

    Args:
        named: groups as the user gave them, by name of file or of frame.
        files: name of the file of each image.
        images: name of each image.
    """
    whole = {file for file, image in zip(files, images, strict=True) if file != image}
    spread = {name: group for name, group in named.items() if name not in whole}
    for file, image in zip(files, images, strict=True):
        if file in whole and file in named:
            spread.setdefault(image, named[file])
    return spread
