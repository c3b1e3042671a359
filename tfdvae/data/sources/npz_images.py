"""The images of an `.npz` file, unpacked into the cache."""

import shutil
import zipfile
from pathlib import Path

import numpy as np

from tfdvae._utils import chunks, room
from tfdvae.config.data import parse_level
from tfdvae.data import array_checks, findings
from tfdvae.data.image_dataset import WHITE
from tfdvae.data.sources import npz_archive
from tfdvae.image_io.reading import Seen


def read_white(archive: zipfile.ZipFile, path: Path, wanted: float | str | None) -> float | None:
    """Return the white that images had before they were saved with the whole range of their type.

    `ImageDataset.save` writes it.

    Args:
        archive: the opened file.
        path: of the file, for messages.
        wanted: what the user gave.

    Raises:
        ValueError: another white is wanted, or the file's is none.
    """
    if WHITE not in npz_archive.array_names(archive):
        return None
    npz_archive.read_header(archive, path, WHITE)
    found = parse_level(npz_archive.read_array(archive, WHITE).item())
    if wanted not in (None, "auto", found):
        raise ValueError(
            f"`white` must be {found}, with which the images of {path} were saved; got {wanted}."
        )
    return found


def unpack(
    archive: zipfile.ZipFile,
    path: Path,
    folder: Path,
    parts: dict[str, tuple[str, str]],
    labels: np.ndarray,
    test: np.ndarray,
    white: float | str | None,
    had_white: float | None,
) -> dict[str, object]:
    """Check the images and write them and their labels to a folder.

    Args:
        archive: the opened file.
        path: of the file, for messages.
        folder: in the cache.
        parts: names of the arrays of images and labels, by `train` and, where they exist, `test`.
        labels: int64 (N,), of all parts one after the other.
        test: bool (N,), which of them are test images.
        white: the value that stands for white; `auto`: the largest one. None: the largest value of
            their type.
        had_white: what stood for white before they got the whole range of their type; None where
            they are as they were.

    Returns:
        The number `white`, and in `dark` what `findings` says of the images.

    Raises:
        ValueError: images that are not finite or out of range, or that the disk has no room for.
    """
    needed = sum(archive.getinfo(f"{images}.npy").file_size for images, _ in parts.values())
    room.check_unpacked("dataset", path, needed, room.free(folder), f"free in {folder}")
    for part, (images, _) in parts.items():
        with archive.open(f"{images}.npy") as packed, open(folder / f"{part}.raw", "wb") as raw:
            shutil.copyfileobj(packed, raw, 2**20)
    stored = {part: np.lib.format.open_memmap(folder / f"{part}.raw", mode="r") for part in parts}
    if white == "auto" and had_white is None:
        white = array_checks.largest_value(f"the images of {path}", stored.values())
    level = None if white is None or had_white is not None else float(white)
    seen = Seen()
    for part, chosen in (("train", ~test), ("test", test)):
        rows = np.flatnonzero(chosen)
        np.save(folder / f"{part}_rows.npy", rows)
        np.save(folder / f"{part}_labels.npy", labels[rows])
        origin = part if part in parts else "train"
        within = rows - (~test).sum() if origin == "test" else rows
        array = parts[origin][0]
        with chunks.array_writer(folder / f"{part}_images.npy") as append:
            for piece in chunks.pieces(len(rows), stored[origin][0].nbytes):
                rows_given = stored[origin][within[piece]]
                seen.note_values(rows_given)
                argument = f"`dataset` {path}: {array}"
                append(array_checks.images(argument, rows_given, within[piece], level))
    del stored
    for part in parts:
        (folder / f"{part}.raw").unlink()
    unsaid = white is None and had_white is None
    return {
        "white": had_white or parse_level(level),
        "dark": findings.dark(seen.largest) if unsaid else "",
    }
