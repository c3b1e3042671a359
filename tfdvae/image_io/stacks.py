"""Writes stacks whose frames come piece by piece."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

from tfdvae._utils import chunks, files
from tfdvae.image_io import listing, tiff_writing
from tfdvae.image_io.pieces import Piece, Tally


class StackWriter:
    """Writes stacks, one after another, each in one step when its last frame is there.

    Frames wait in a file beside the result, so that a stack may be larger than memory. A stack that
    lacks a frame is not written.

    Args:
        sources: the file of each stack, by name; results are written in its kind.
        targets: where results are written, by name.
        tally: counts the frames of written stacks; gets a message for each stack that cannot be
            written.

    Example:
        >>> with StackWriter({"a.tif": source}, {"a.tif": target}, tally) as writer:
        ...     for piece in pieces:
        ...         writer.append(piece, 255 - piece.images)
    """

    def __init__(self, sources: Mapping[str, Path], targets: Mapping[str, Path], tally: Tally):
        self._sources, self._targets, self._tally = sources, targets, tally
        self._name = ""
        self._count = 0
        self._scratch = contextlib.ExitStack()

    def __enter__(self) -> "StackWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._scratch.close()

    def append(self, piece: Piece, frames: np.ndarray) -> None:
        """Append frames (n, H, W, C) of the stack that the piece belongs to."""
        name = str(piece.stack)
        if name != self._name:
            self._begin(name)
        if name in self._tally.stacks:
            self._scratch.close()
            return
        self._append(self._like.rows(frames))
        self._count += len(frames)
        if self._count == piece.count:
            self._finish(name)

    def _begin(self, name: str) -> None:
        self._scratch.close()
        self._name, self._count = name, 0
        target = self._targets[name]
        if listing.FORMATS.get(target.suffix.lower()) != "TIFF":
            self._fail(f"a stack needs the suffix .tif or .tiff; got {target.suffix}.")
            return
        if kind := files.other_kind(target):
            self._fail(f"there is {kind} of that name.")
            return
        try:
            self._like = tiff_writing.LikeTiff(self._sources[name], self._tally.lost)
        except Exception as error:  # tifffile raises almost anything
            self._fail(str(error).strip() or type(error).__name__)
            return
        folder = self._scratch.enter_context(files.scratch_folder(target.parent))
        self._folder = folder
        self._writer = contextlib.ExitStack()
        self._scratch.push(self._writer)
        self._append = self._writer.enter_context(chunks.array_writer(folder / "frames.npy"))

    def _finish(self, name: str) -> None:
        self._writer.close()
        with self._scratch:
            made = self._folder / "made.tif"
            try:
                self._like.write(made, np.load(self._folder / "frames.npy", mmap_mode="r"))
            except (ValueError, TypeError) as error:
                self._fail(str(error))
                return
            os.replace(made, self._targets[name])
            self._tally.done += self._count

    def _fail(self, reason: str) -> None:
        self._tally.fail(self._name, ValueError(reason), self._name)
