"""The pictures of an input, decoded once and memory-mapped."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfdvae._utils import files
from tfdvae.data.image_dataset import to_unit
from tfdvae.image_io import reader
from tfdvae.image_io.listing import printable_path

LEAST_SIDE = 16  # pixels


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        name: below the input; each frame of a stack is a picture, `scan.tif[3]`.
        values: uint8, uint16 or floats (H, W, C), memory-mapped.
    """

    name: str
    values: np.ndarray

    @property
    def unit(self) -> np.ndarray:
        """The picture as float32 (H, W, C), integers scaled to [0, 1]."""
        return to_unit(np.array(self.values)).astype(np.float32)


def decode(source: Path, folder: Path, tally: reader.Tally) -> None:
    """Write the pictures of an input to files in a folder, which appears when it is complete.

    Args:
        source: a folder, an image or a file of arrays.
        folder: is made, unless it is there.
        tally: counts the pictures, and gets a message for each that cannot be used.

    Raises:
        FileNotFoundError, ValueError: there is no picture that can be used.
    """
    if folder.exists():
        return
    with files.replacing(folder) as temporary:
        temporary.mkdir()
        names: list[str] = []
        for piece in reader.pieces(source, "Reading", tally, temporary.parent, "learn"):
            for name, values in zip(piece.names, piece.images, strict=True):
                if min(values.shape[:2]) < LEAST_SIDE:
                    height, width = values.shape[:2]
                    least = f"{LEAST_SIDE}x{LEAST_SIDE}"
                    tally.fail(name, ValueError(f"it has {height}x{width} pixels of {least}."))
                elif not np.isfinite(values).all():
                    tally.fail(name, ValueError("it has values that are NaN or infinite."))
                else:
                    np.save(temporary / f"{len(names):06d}.npy", values)
                    names.append(name)
        tally.done = len(names)
        tally.require_images(source)
        files.write_json(temporary / "names.json", names)


def load(folder: Path) -> list[Picture]:
    """Return the pictures that `decode` wrote.

    Raises:
        ValueError: they have different numbers of channels.
    """
    found = [
        Picture(name, np.load(folder / f"{number:06d}.npy", mmap_mode="r"))
        for number, name in enumerate(files.read_json(folder / "names.json"))
    ]
    _check_channels(found)
    return found


def _check_channels(pictures: Sequence[Picture]) -> None:
    first = pictures[0]
    for picture in pictures:
        if picture.values.shape[-1] != first.values.shape[-1]:
            raise ValueError(
                "`learn` must hold pictures of one number of channels; got "
                f"{first.values.shape[-1]} in {printable_path(first.name)} and "
                f"{picture.values.shape[-1]} in {printable_path(picture.name)}."
            )


def is_constant(picture: Picture) -> bool:
    """Tell whether all pixels of a picture are equal."""
    return bool((picture.values == picture.values[:1, :1]).all())


def middle(image: np.ndarray, side: int = 256) -> np.ndarray:
    """Return the middle of an image (H, W, C), at most `side` pixels high and wide."""
    top, left = (max(0, (size - side) // 2) for size in image.shape[:2])
    return image[top : top + side, left : left + side]
