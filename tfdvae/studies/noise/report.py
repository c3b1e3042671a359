"""Report of the noise study."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.metrics import statistics
from tfdvae.reporting import tables
from tfdvae.reporting.document import (
    Document,
    Figure,
    Heading,
    Paragraph,
    Part,
    Table,
    in_sentence,
)
from tfdvae.studies.noise import figures
from tfdvae.studies.noise.results import Results, variance
from tfdvae.studies.noise.settings import NOISES

PUBLISHED = files.read_json(Path(__file__).with_name("published.json"))["losses"]
PUBLISHED_DATASET, PUBLISHED_TARGET = "fashion_mnist", "corrupted"


def write(folder: Path) -> Path:
    """Write `report.md`, `report.html` and their figures from all rows of a folder.

    Args:
        folder: of the study, with `rows.csv`; figures show the first seed, from the arrays beside
            its cells, and stay unchanged without these.

    Returns:
        The path of the HTML page.
    """
    rows = csv_rows.read_rows(folder / "rows.csv")
    results = Results.of(rows)
    first, seeds = rows[0], sorted({int(row["seed"]) for row in rows})
    text = (
        f"{in_sentence(first['dataset'])}, {int(first['n_train']):,} training images, "
        f"network {first['network']}, {results.last_epoch} epochs, "
        f"seeds {', '.join(map(str, seeds))}. Mean over seeds and half of its 95% t-interval. "
        "Command: `tfdvae study noise`."
    )
    parts: list[Part] = [Paragraph(text)]
    for target in results.targets:
        compared = target == PUBLISHED_TARGET and first["dataset"] == PUBLISHED_DATASET
        parts += _section(results, target, PUBLISHED if compared else {})
        figures.draw(results, target, folder)
        names = (f"figures/{name}-{target}.png" for name in figures.CAPTIONS)
        parts += [
            Figure(path, f"{caption}, target {target}")
            for path, caption in zip(names, figures.CAPTIONS.values(), strict=True)
            if (folder / path).exists()
        ]
    return Document("Noise study", parts).write(folder)


def _section(results: Results, target: str, published: dict) -> list[Part]:
    text = "Loss, and loss minus floor minus variance of the noise: the model's own error."
    if published:
        text += (
            " Published values are single runs, `its own` their own error; `range of a run` is "
            "where 95% of single runs fall that are like ours (mean over seeds and standard "
            "deviation of a run, t-distribution)."
        )
    matrices = {
        "PSNR in dB against the uncorrupted image in [-1, 1] (peak 2)": ("psnr", 1),
        "PSNR in dB against max(x, 0), what a sigmoid can give of the uncorrupted image (peak 1)": (
            "psnr_reachable",
            1,
        ),
        "Accuracy of a logistic regression on the codes, fitted to those of uncorrupted training "
        "images, %": ("probe_accuracy", 100),
    }
    parts: list[Part] = [
        Heading(f"Target `{target}`"),
        Paragraph(text),
        _losses(results, target, published),
    ]
    for title, (metric, scale) in matrices.items():
        parts += [Heading(title, 3), _matrix(results, target, metric, scale)]
    return [*parts, *_classes_in_codes(results, target), *_differences(results, target)]


def _losses(results: Results, target: str, published: dict) -> Table:
    head = ["noise", "split", "epoch", "loss", "floor", "own error"]
    head += ["published", "its own", "difference", "range of a run"] if published else []
    rows = []
    for noise in NOISES:
        for epoch in dict.fromkeys(("1", results.last_epoch)):
            for split in ("train", "test"):
                values = results.losses.get((target, noise, split, epoch))
                if not values:
                    continue
                floor = float(np.mean(results.floors[target, noise, split]))
                base = floor + variance(noise, target)
                own = tables.plus_minus([value - base for value in values], 4)
                row = [noise, split, epoch, tables.plus_minus(values, 4), f"{base:.4f}", own]
                if published:
                    value = published.get(noise, {}).get(epoch, {}).get(split)
                    row += _beside_published(values, base, value)
                rows.append(row)
    return Table(head, rows)


def _beside_published(values: list[float], base: float, published: float | None) -> list[str]:
    if published is None:
        return ["", "", "", ""]
    low, high = statistics.prediction_interval(values)
    place = "inside" if low <= published <= high else "outside"
    return [
        f"{published:.3f}",
        f"{published - base:.4f}",
        f"{np.mean(values) - published:+.4f}",
        f"{low:.3f} to {high:.3f}: {place}" if len(values) > 1 else "",
    ]


def _matrix(results: Results, target: str, metric: str, scale: float) -> Table:
    measured = results.measured
    tests = [noise for noise in NOISES if (target, metric, NOISES[0], noise) in measured]
    rows = []
    for noise in NOISES:
        if (target, metric, noise, "none") in measured:
            cells = (
                tables.plus_minus(
                    [scale * value for value in measured[target, metric, noise, test]]
                )
                for test in tests
            )
            rows.append([noise, *cells])
    return Table(["trained with \\ tested at", *tests], rows)


def _classes_in_codes(results: Results, target: str) -> list[Part]:
    rows = []
    for noise in NOISES:
        if (target, "knn_accuracy", noise, "none") in results.measured:
            accuracy = results.measured[target, "knn_accuracy", noise, "none"]
            silhouette = results.measured[target, "silhouette", noise, "none"]
            shown = tables.plus_minus([100 * value for value in accuracy])
            rows.append([noise, shown, tables.plus_minus(silhouette, 3)])
    return [
        Heading("Classes in the codes of the uncorrupted test images", 3),
        Table(["trained with", "10-nearest-neighbor accuracy, %", "silhouette"], rows),
    ]


def _differences(results: Results, target: str) -> list[Part]:
    """Each training noise against none, paired by seed.

    Models of a seed share initial weights and the order of images.
    """
    metrics = {
        "psnr_reachable": ("PSNR against max(x, 0), dB", 1),
        "probe_accuracy": ("probe, points", 100),
        "knn_accuracy": ("10-nearest-neighbor accuracy, points", 100),
    }
    found = {}
    for noise in NOISES[1:]:
        for metric in metrics:
            treated, base = (
                results.measured.get((target, metric, each, "none"), []) for each in (noise, "none")
            )
            if treated and len(treated) == len(base):
                found[noise, metric] = statistics.paired_difference(treated, base)
    if not found:
        return []
    p_values = statistics.holm([difference.p for difference in found.values()])
    adjusted = dict(zip(found, p_values, strict=True))

    def cell(noise: str, metric: str, scale: float) -> str:
        difference = found.get((noise, metric))
        if difference is None:
            return ""
        ends = (difference.mean, difference.low, difference.high)
        mean, low, high = (scale * value for value in ends)
        return f"{mean:+z.2f} ({low:+z.2f} to {high:+z.2f}; p {adjusted[noise, metric]:.2g})"

    text = (
        "Minus the model trained without noise, paired by seed, 95% t-interval; p after Holm's "
        "correction for all of the table."
    )
    return [
        Heading("What training noise changes on uncorrupted test images", 3),
        Paragraph(text),
        Table(
            ["trained with", *(name for name, _ in metrics.values())],
            [
                [noise, *(cell(noise, metric, scale) for metric, (_, scale) in metrics.items())]
                for noise in dict.fromkeys(noise for noise, _ in found)
            ],
        ),
    ]
