"""Codes and anomaly scores of images on disk."""

import logging
from pathlib import Path

import numpy as np

from tfdvae._utils import files, sheets, text
from tfdvae.image_io import reader, writer
from tfdvae.inference import anomaly
from tfdvae.inference.on_disk.pieces import each
from tfdvae.inference.trained_model import TrainedModel

logger = logging.getLogger(__name__)


def encode(model: TrainedModel, source: Path, output: Path) -> reader.Tally:
    """Write the code of each image to an `.npz` file with `codes`, float32, and `names`.

    Args:
        model: what `tfdvae.load` returns.
        source: a folder, an image or a file of arrays.
        output: the file, which is replaced.

    Raises:
        FileNotFoundError, ValueError: there is no image that can be used, or the model has no code.
    """
    model.core.require_code()
    model.record.say_empty_code()
    tally = reader.Tally()
    names: list[str] = []
    others: dict[str, np.ndarray] = {}
    with writer.ArraysWriter(output, others) as sheet:
        for piece, codes in each(source, model, model.encode, "Encoding", tally, output):
            sheet.append("codes", codes)
            names += map(text.utf8, piece.names)
        tally.require_images(source)
        others["names"] = np.array(names)
    return tally


def detect(
    model: TrainedModel,
    source: Path,
    output: Path,
    normal: Path | None = None,
    false_positive_rate: float = 0.05,
) -> reader.Tally:
    """Write a CSV of images with their anomaly scores, the most anomalous first.

    Args:
        model: what `tfdvae.load` returns.
        source: a folder, an image or a file of arrays.
        output: the CSV file, which is replaced.
        normal: normal images, from whose scores a threshold follows; the column `anomalous` tells
            which images exceed it.
        false_positive_rate: fraction of the normal images that may exceed the threshold.

    Raises:
        FileNotFoundError, ValueError: there is no image that can be used.
    """
    model.record.say_empty_code()
    tally, threshold = reader.Tally(), None
    normal_tally = reader.Tally(seen=tally.seen)
    if normal is not None:
        tally.normal = normal_tally
        found = [
            scores
            for _, scores in each(
                normal, model, model.anomaly_scores, "Normal images", normal_tally, output, "normal"
            )
        ]
        normal_tally.require_images(normal)
        threshold = anomaly.threshold(np.concatenate(found), false_positive_rate)
    scored: list[tuple[float, str]] = []
    for piece, scores in each(source, model, model.anomaly_scores, "Detecting", tally, output):
        scored += zip(scores.tolist(), map(text.utf8, piece.names), strict=True)
    tally.require_images(source)
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    _write_scores(output, scored, threshold)
    if threshold is not None:
        logger.info(
            f"Threshold {threshold:.6g}, which at most {100 * false_positive_rate:.3g}% of the "
            f"{normal_tally.done:,} normal images exceed; "
            f"{sum(score > threshold for score, _ in scored):,} of {len(scored):,} images do."
        )
    tally.failed = normal_tally.failed + tally.failed
    tally.others = normal_tally.others + tally.others
    return tally


def _write_scores(output: Path, scored: list[tuple[float, str]], threshold: float | None) -> None:
    with (
        files.replacing(output) as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as file,
    ):
        sheet = sheets.Writer(file)
        sheet.row(["image", "score"] + ["anomalous"] * (threshold is not None))
        for score, name in scored:
            above = [] if threshold is None else [int(score > threshold)]
            sheet.row([name, f"{score:.9g}", *above])
