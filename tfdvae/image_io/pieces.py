"""Images that are processed together, and what became of them."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfdvae._utils import limits
from tfdvae.image_io import codec, listing, pixels
from tfdvae.image_io.reading import Reading, Seen

SHOWN = 3
"""Names of images that a sentence shows."""


@dataclass(frozen=True)
class Piece:
    """Images of one type and size that are processed together.

    Attributes:
        names: path of each below the folder, `array/row`, or `path[frame]` in a stack.
        images: uint8, uint16 or floats (n, H, W, C).
        array: name of the array that they are rows of; None for files.
        first: row or frame of the first of them.
        count: rows of the whole array, frames of the whole stack.
        single: the array is one image and not a stack of images.
        stack: path of the file that they are frames of; None for other images.
        digests: of each image as in `pixels.digests`, once `Tally.note` has looked at them.
    """

    names: list[str]
    images: np.ndarray
    array: str | None = None
    first: int = 0
    count: int = 0
    single: bool = False
    stack: str | None = None
    digests: Sequence[int | None] = ()

    def one(self, row: int) -> "Piece":
        """Return the piece with the image of that row alone."""
        return dataclasses.replace(
            self,
            names=[self.names[row]],
            images=self.images[row : row + 1],
            first=self.first + row,
            digests=self.digests[row : row + 1],
        )

    @property
    def files(self) -> int:
        """How many files end in this piece: a stack does with its last frame."""
        if self.stack is None:
            return len(self.names)
        return int(self.first + len(self.names) == self.count)


@dataclass
class Named:
    """How many images something is true of, and the names of the first of them."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count an image."""
        self.count += 1
        self.first += [name] * (len(self.first) < SHOWN)


@dataclass
class Tally:
    """What became of the images.

    Attributes:
        done: how many were processed.
        kept: how many files were skipped, since their result exists.
        failed: a message for each file that could not be read, processed or written.
        copied: names of the arrays that hold no images.
        others: images in formats that are not read.
        stacks: paths of stacks of which a frame could not be processed.
        lost: files whose images were written without all their metadata, and why.
        seen: what was noticed of images as they were read.
        read: how many images were read, of which
        constant: those whose pixels are all equal, images of 1x1 excepted, and
        equal: others that are equal to an earlier one.
        normal: of the normal images that the others are compared with.
    """

    done: int = 0
    kept: int = 0
    failed: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    stacks: dict[str, object] = field(default_factory=dict)
    lost: dict[Path, str] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)
    read: int = 0
    constant: Named = field(default_factory=Named)
    equal: Named = field(default_factory=Named)
    normal: "Tally | None" = None
    _digests: set[int] = field(default_factory=set)

    def note(self, piece: Piece) -> Piece:
        """Note what is to be told of the images of a piece, and return it with their digests."""
        if piece.array is not None:  # of files, reading them notes it
            self.seen.note_values(piece.images)
        self.read += len(piece.names)
        digests = pixels.digests(piece.images)
        for name, digest in zip(piece.names, digests, strict=True):
            if digest in self._digests:
                self.equal.add(name)
            elif digest is not None:
                self._digests.add(digest)
            elif piece.images.shape[1:3] != (1, 1):
                self.constant.add(name)
        return dataclasses.replace(piece, digests=digests)

    def fail(self, name: str, error: Exception, stack: str | None = None) -> None:
        """Note that an image could not be processed, of a stack once.

        Args:
            name: of the image.
            error: what happened.
            stack: the file that it is a frame of.
        """
        mark = object()  # of this call: one thread alone finds its own
        if stack is None or self.stacks.setdefault(stack, mark) is mark:
            self.failed.append(
                f"the image {listing.printable_path(name)} cannot be processed: {error}"
            )

    def require_images(self, path: Path) -> None:
        """Refuse an input, at a path, of which no image can be used.

        Raises:
            ValueError: with the first reason.
        """
        if not self.done and not self.kept:
            raise ValueError(f"{path} holds no image that can be used: {self.failed[0]}")


def file_pieces(
    listed: dict[str, Path], tally: Tally, reading: Reading | None = None
) -> Iterator[Piece]:
    """Yield the images in files, in order; neighbors of one type and size form a piece.

    The frames of a stack are pieces of their own.

    Args:
        listed: files by name.
        tally: gets a message for each file that cannot be read.
        reading: how they are read.
    """
    reading = dataclasses.replace(reading or Reading(), seen=tally.seen)
    names: list[str] = []
    images: list[np.ndarray] = []
    for name, path in listed.items():
        try:
            with codec.ImageFile(path, reading) as file:
                if file.count > 1:
                    if images:
                        yield Piece(names, np.stack(images))
                        names, images = [], []
                    yield from _stack_pieces(name, file)
                    continue
                pixels = file.read()
        except codec.Unreadable as error:
            tally.failed.append(str(error))
            continue
        if images and (
            _is_full(images) or (pixels.shape, pixels.dtype) != (images[0].shape, images[0].dtype)
        ):
            yield Piece(names, np.stack(images))
            names, images = [], []
        names.append(name)
        images.append(pixels)
    if images:
        yield Piece(names, np.stack(images))


def _is_full(images: list[np.ndarray]) -> bool:
    limit = limits.current()
    return len(images) >= limit.file_images or len(images) * images[0].nbytes >= limit.file_bytes


def _stack_pieces(name: str, file: codec.ImageFile) -> Iterator[Piece]:
    images: list[np.ndarray] = []
    for frame in range(file.count):
        images.append(file.read(frame))
        if _is_full(images) or frame + 1 == file.count:
            first = frame + 1 - len(images)
            names = [listing.frame_name(name, number) for number in range(first, frame + 1)]
            yield Piece(names, np.stack(images), first=first, count=file.count, stack=name)
            images = []


def process(
    piece: Piece, function: Callable[[Piece], np.ndarray], tally: Tally
) -> Iterator[tuple[Piece, np.ndarray]]:
    """Yield a piece with `function` of it.

    Where it fails for a piece of files, its images are processed one by one, and those that fail
    are noted in the tally.

    Raises:
        ValueError, TypeError: an array cannot be processed, or one of its rows.
    """
    try:
        yield piece, function(piece)
        return
    except (ValueError, TypeError) as error:
        if len(piece.names) == 1:
            if piece.array is not None:
                row = "" if piece.single else f", row {piece.first:,}"
                raise type(error)(f"{listing.printable_path(piece.array)}{row}: {error}") from None
            tally.fail(piece.names[0], error, piece.stack)
            return
    for number in range(len(piece.names)):
        yield from process(piece.one(number), function, tally)
