"""The pictures of an input, decoded once and memory-mapped."""

import hashlib
import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae._utils import checks, files, records
from tfdvae.data.image_dataset import to_unit
from tfdvae.image_io import reader
from tfdvae.image_io.listing import printable_path

logger = logging.getLogger(__name__)

LEAST_SIDE = 16  # pixels
_SIDE = 512  # of the middle of pictures that are looked at


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        name: below the input; each frame of a stack is a picture, `scan.tif[3]`.
        values: uint8, uint16 or floats (H, W, C), memory-mapped.
        stack: file or array that it is a frame of; empty for other pictures.
        number: of the frame in its stack.
    """

    name: str
    values: np.ndarray
    stack: str = ""
    number: int = 0


def fingerprint(source: Path) -> str:
    """Return what changes with the names, sizes and times of the files of an input.

    Raises:
        FileNotFoundError, ValueError: as in `reader.list_files`.
    """
    listed = {source.name: source} if source.is_file() else reader.list_files(source, "learn")
    found = [
        (name, (status := path.stat()).st_size, status.st_mtime_ns) for name, path in listed.items()
    ]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()


def decode(source: Path, folder: Path) -> None:
    """Write the pictures of an input to a folder, which appears when it is complete.

    All pictures of a type are in one file. Those that are gray in all their three channels are
    reduced to one: channels that are equal say nothing new of the noise. Pictures that cannot be
    learned from are told.

    Args:
        source: a folder, an image or a file of arrays.
        folder: is made, unless it is there and holds the pictures of the files as they are now.

    Raises:
        FileNotFoundError, ValueError: there is no picture that can be used, they have different
            numbers of channels, or arrays hold other values than images with noise.
    """
    mark = fingerprint(source)
    if folder.exists() and decoded_fingerprint(folder) == mark:
        return
    with files.replacing(folder) as temporary:
        temporary.mkdir()
        found = _of_one_kind(_write(source, temporary))
        files.write_json(temporary / "index.json", {"fingerprint": mark, "pictures": found})


def _write(source: Path, folder: Path) -> list[dict]:
    """Write pictures to files and return for each its name and where it is."""
    tally = reader.Tally()
    found: list[dict] = []
    left: list[str] = []
    for piece in reader.pieces(source, "Reading", tally, folder.parent, "learn"):
        if piece.array is not None:
            _check_array(piece)
        named = zip(piece.names, piece.images, strict=True)
        for number, (name, values) in enumerate(named, piece.first):
            if reason := _unusable(values):
                left.append(f"{printable_path(name)}: {reason}")
            else:
                place = {"stack": piece.stack or piece.array or "", "number": number}
                found.append({"name": name, **place, **_append(values, folder)})
    say_left_out(tally.failed)
    say_left_out(left)
    if not found:
        reason = [*tally.failed, *left][0].removesuffix(".")
        raise ValueError(f"`learn` {source} holds no picture to learn from: {reason}.")
    return found


def _check_array(piece: reader.Piece) -> None:
    """Refuse rows of an array that no model takes: an array is denoised as a whole or not at all.

    Raises:
        ValueError: NaN or infinite values, or others than those of images with noise.
    """
    for name, values in zip(piece.names, piece.images, strict=True):
        if not np.isfinite(values).all():
            raise ValueError(
                f"`learn` must be finite; {printable_path(name)} has values that are NaN or "
                "infinite."
            )
    if piece.images.dtype.kind == "f":
        checks.images("learn", piece.images, scale="noisy")


def _unusable(values: np.ndarray) -> str:
    height, width = values.shape[:2]
    if min(height, width) < LEAST_SIDE:
        return (
            f"pictures to learn from must be {LEAST_SIDE}x{LEAST_SIDE} at least; it has "
            f"{height}x{width}"
        )
    return "" if np.isfinite(values).all() else "it has values that are NaN or infinite"


def _append(values: np.ndarray, folder: Path) -> dict:
    """Append a picture to the file of its type and return where it is."""
    gray = values.shape[-1] == 3 and bool((values == values[..., :1]).all())
    kept = values[..., :1] if gray else values
    with open(folder / kept.dtype.name, "ab") as file:
        start = file.tell() // kept.itemsize
        file.write(kept.tobytes())
    return {"type": kept.dtype.name, "start": start, "shape": kept.shape, "gray_in_color": gray}


def _of_one_kind(found: list[dict]) -> list[dict]:
    """Return pictures of one number of channels: gray ones among color only if stored as gray.

    Raises:
        ValueError: there are others.
    """
    color = [each for each in found if each["shape"][-1] > 1]
    if color:
        gray = [printable_path(each["name"]) for each in found if each["gray_in_color"]]
        say_left_out([f"{name}: it is gray, and others are in color" for name in gray])
        found = [each for each in found if not each["gray_in_color"]]
    first = found[0]
    for each in found:
        if each["shape"][-1] != first["shape"][-1]:
            raise ValueError(
                "`learn` must hold pictures of one number of channels; got "
                f"{first['shape'][-1]} in {printable_path(first['name'])} and "
                f"{each['shape'][-1]} in {printable_path(each['name'])}."
            )
    return found


def say_left_out(reasons: Sequence[str]) -> None:
    """Say how many pictures are not learned from, and of the first why."""
    if reasons:
        noun = "picture" if len(reasons) == 1 else "pictures"
        first = ("" if len(reasons) == 1 else "the first ") + reasons[0].removesuffix(".")
        logger.warning("NOTE: not learned from %s %s: %s.", f"{len(reasons):,}", noun, first)


def decoded_fingerprint(folder: Path) -> str:
    """Return the fingerprint of the input when `decode` wrote its pictures to the folder."""
    return _index(folder)["fingerprint"]


def load(folder: Path) -> list[Picture]:
    """Return the pictures that `decode` wrote."""
    found = _index(folder)["pictures"]
    flat = {name: np.memmap(folder / name, name, "r") for name in {each["type"] for each in found}}
    pictures = []
    for each in found:
        start, shape = each["start"], each["shape"]
        values = flat[each["type"]][start : start + math.prod(shape)].reshape(shape)
        place = each.get("stack", ""), each.get("number", 0)
        pictures.append(Picture(each["name"], values, *place))
    return pictures


def read_learned(path: Path) -> dict[str, Any]:
    """Return what a job recorded of the pictures that it learned from.

    Raises:
        ValueError: the file is damaged.
    """
    remedy = "Delete it: the input is then not compared with what was learned from."
    return records.read(path, {"fingerprint": str, "pictures": int}, remedy)


def _index(folder: Path) -> dict[str, Any]:
    """Return which pictures `decode` wrote, and of what input."""
    remedy = f"Delete the folder {folder}: the same command then reads the pictures again."
    return records.read(folder / "index.json", {"fingerprint": str, "pictures": list}, remedy)


def usable(pictures: Sequence[Picture], side: int) -> list[Picture]:
    """Return the pictures that are not constant, without small ones that are a minor part.

    A single small picture would make all patches as small.

    Args:
        pictures: that were decoded.
        side: height and width that pictures should have; smaller ones are left out where the others
            hold most pixels.

    Raises:
        ValueError: all are constant.
    """
    still = [is_constant(picture) for picture in pictures]
    varied = [picture for picture, is_still in zip(pictures, still, strict=True) if not is_still]
    constant = [picture for picture, is_still in zip(pictures, still, strict=True) if is_still]
    if not varied:
        raise ValueError("`learn` holds constant pictures alone: there is nothing to learn.")
    say_left_out([f"{printable_path(picture.name)}: it is constant" for picture in constant])
    small = [picture for picture in varied if min(picture.values.shape[:2]) < side]
    if 2 * _pixels(small) >= _pixels(varied):
        return varied
    say_left_out(
        [
            f"{printable_path(picture.name)}: it is smaller than {side}x{side}, and most are not"
            for picture in small
        ]
    )
    return [picture for picture in varied if min(picture.values.shape[:2]) >= side]


def _pixels(pictures: Sequence[Picture]) -> int:
    return sum(math.prod(picture.values.shape[:2]) for picture in pictures)


def is_constant(picture: Picture) -> bool:
    """Tell whether all pixels of a picture are equal."""
    return bool((picture.values == picture.values[:1, :1]).all())


def sample(pictures: Sequence[Picture], most: int) -> list[np.ndarray]:
    """Return the middles of pictures that are spread over all.

    Args:
        pictures: all that there are, at least one.
        most: values of all channels that the middles have in all, nearly.

    Returns:
        Parts of them as they are, memory-mapped.
    """
    channels = pictures[0].values.shape[-1]
    side = max(_SIDE, math.isqrt(most // (channels * len(pictures))))
    found = [middle(picture.values, side) for picture in pictures]
    return found[:: max(1, math.ceil(sum(each.size for each in found) / most))]


def unit(values: np.ndarray) -> np.ndarray:
    """Return a picture or a part of one as float32, integers scaled to [0, 1]."""
    return to_unit(np.array(values)).astype(np.float32, copy=False)


def middle(image: np.ndarray, side: int = 256) -> np.ndarray:
    """Return the middle of an image (H, W, C), at most `side` pixels high and wide."""
    top, left = (max(0, (size - side) // 2) for size in image.shape[:2])
    return image[top : top + side, left : left + side]
