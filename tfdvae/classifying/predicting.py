"""What a classifier says of images on disk, and CSV files of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tfdvae._utils import files, sheets, text
from tfdvae.classifying.model import About, Classifier
from tfdvae.data import array_checks, pipelines
from tfdvae.data.image_dataset import to_unit
from tfdvae.image_io import decoding, reader, values
from tfdvae.image_io.reading import Reading

_IMAGES = 64  # that are classified at once, up to 64x64 pixels

Row = tuple[list[object], np.ndarray]  # first cells, and the probability of each class


def predict(classifier: Classifier, source: Path, output: Path) -> reader.Tally:
    """Write a CSV with the label and the probability of each image, and that of each class.

    Images are read and resized as those that the classifier was trained on.

    Args:
        classifier: that was loaded.
        source: a folder of images, an image or a file of arrays.
        output: the CSV file, which is replaced in one step.

    Returns:
        What became of the images.

    Raises:
        FileNotFoundError, ValueError: there is no image that can be used.
    """
    about = classifier.about
    tally = reader.Tally()
    reading = Reading(about.white, about.background)
    rows: list[Row] = []
    pieces = reader.pieces(source, "Classifying", tally, output.parent, reading=reading)
    for whole in pieces:
        for piece, made in reader.process(
            whole, lambda piece: _of(classifier, piece.images), tally
        ):
            tally.done += len(piece.names)
            rows += [([text.utf8(name)], row) for name, row in zip(piece.names, made, strict=True)]
    tally.require_images(source)
    write(output, ["file"], about.class_names, rows)
    return tally


def write(path: Path, head: Sequence[str], class_names: Sequence[str], rows: Iterable[Row]) -> None:
    """Write a CSV file of predictions in one step; no cell is taken for a formula.

    Args:
        path: of the file.
        head: names of the first columns; `label`, `probability` and a column for each class follow.
            A class with the name of another column gets the word class before it.
        class_names: of the classes.
        rows: first cells, and the probability of each class.
    """
    with (
        files.replacing(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        sheet = sheets.Writer(file)
        sheet.row(_columns([*head, "label", "probability"], class_names))
        for first, found in rows:
            top = int(found.argmax())
            shown = [f"{value:.6g}" for value in found]
            sheet.row([*first, class_names[top], shown[top], *shown])


def _columns(others: list[str], class_names: Sequence[str]) -> list[str]:
    """Return the names of all columns, each once."""
    columns = list(others)
    for name in class_names:
        column = name
        while column in others or (column != name and column in class_names):
            column = f"class {column}"
        columns.append(column)
    return columns


def _of(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Return the probabilities of images (n, H, W, C) of one type, as a reader gives them."""
    pixels = [_as_trained(image, classifier.about) for image in images]
    size = pipelines.batch_size(_IMAGES, classifier.about.image_shape)
    batches = [np.stack(pixels[start : start + size]) for start in range(0, len(pixels), size)]
    return np.concatenate([classifier.probabilities(batch) for batch in batches])


def _as_trained(image: np.ndarray, about: About) -> np.ndarray:
    """Return an image (H, W, C) as those that a classifier was trained on, from 0 to its scale.

    Raises:
        ValueError: it is in color or of another size, and they were not.
    """
    height, width, channels = about.image_shape
    full = array_checks.images("it", image[None], white=about.white)[0]
    wanted = max(full.dtype, np.dtype(about.dtype), key=_ORDER.index)
    full = values.rescale(full, wanted)
    if full.shape[-1] == 3 and channels == 1:
        if np.ptp(full, axis=-1).any():
            raise ValueError("it is in color, and the classifier was trained on gray images")
        full = full[..., :1]
    if about.resized:
        full = decoding.resize(full, height, width)
    elif full.shape[:2] != (height, width):
        raise ValueError(
            f"it has {full.shape[0]}x{full.shape[1]} pixels; the classifier was trained on images "
            f"of {height}x{width}"
        )
    if full.shape[-1] == 1 and channels == 3:
        full = np.repeat(full, 3, axis=-1)
    return np.float32(about.scale) * to_unit(full)


_ORDER = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))
