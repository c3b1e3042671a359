"""Report of the denoising study."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.reporting import image_plots, tables
from tfdvae.reporting.document import (
    Document,
    Figure,
    Heading,
    Paragraph,
    Part,
    Table,
    in_sentence,
)
from tfdvae.studies.cell_names import seed_of
from tfdvae.studies.denoising.results import BLIND, OWN, Results
from tfdvae.studies.denoising.settings import CLASSICAL

SHOWN_IMAGES = 2  # of each corruption


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
    parts: list[Part] = [_what_was_done(rows, results), *_gains(results)]
    for metric, title, digits in (("psnr", "PSNR in dB", 2), ("ssim", "SSIM", 4)):
        parts += _quality(results, metric, title, digits)
    parts += [Heading("Parameters chosen on held-out images"), _parameters(results)]
    for name, tests in (("seen", results.seen), ("unseen", results.unseen)):
        _draw(folder, tests, name)
        if (folder / "figures" / f"{name}.png").exists():
            parts.append(Figure(f"figures/{name}.png", f"Test images: {name} corruptions"))
    return Document("Denoising study", parts).write(folder)


def _what_was_done(rows: list[dict[str, str]], results: Results) -> Paragraph:
    blind = any(name == BLIND for _, name, _ in results.values)
    trained = f"`blind model` on {', '.join(results.seen)} together, one of them for each image."
    return Paragraph(
        f"{int(rows[0]['n_train']):,} training images, all test images of "
        f"{in_sentence(rows[0]['dataset'])}, "
        f"seeds {', '.join(map(str, results.seeds))}: mean over seeds and half of its 95% "
        "t-interval. PSNR and SSIM are means over test images, against the uncorrupted ones; the "
        "frozen test noise is one and the same for all. `corrupted` is not clipped to [0, 1], all "
        "others are. `own model` is trained on the corruption that it is tested on. "
        f"{trained if blind else ''} The parameters of classical filters and of the linear "
        "denoiser are chosen for the greatest PSNR on held-out training images. "
        "Command: `tfdvae study denoising`."
    )


def _gains(results: Results) -> list[Part]:
    values, rows = results.values, []
    for tested in (*results.seen, *results.unseen):
        means = {
            name: float(np.mean(values["psnr", name, tested]))
            for name in CLASSICAL
            if ("psnr", name, tested) in values
        }
        if not means:
            continue
        best = max(means, key=lambda name: means[name])
        linear = float(np.mean(values.get(("psnr", "linear", tested), np.nan)))
        cells = []
        for name, base in ((OWN, means[best]), (BLIND, means[best]), (OWN, linear)):
            measured = values.get(("psnr", name, tested), [])
            known = measured and np.isfinite(base)
            cells.append(_signed([value - base for value in measured]) if known else "")
        rows.append([tested, f"{best} {means[best]:.2f}", *cells])
    text = (
        "PSNR of the models minus that of another denoiser, in dB. The best classical one is the "
        "best on these test images, to its advantage."
    )
    head = ["corruption", "best classical", OWN, BLIND, f"{OWN} over linear"]
    return [Heading("What the models gain"), Paragraph(text), Table(head, rows)]


def _signed(values: list[float]) -> str:
    text = tables.plus_minus(values, 2)
    return text if text.startswith("-") else f"+{text}"


def _quality(results: Results, metric: str, title: str, digits: int) -> list[Part]:
    parts: list[Part] = []
    for tests, kind in (
        (results.seen, "corruptions of the training"),
        (results.unseen, "corruptions that no model has seen"),
    ):
        if tests:
            parts += [Heading(f"{title}: {kind}"), _denoisers(results, metric, tests, digits)]
    untouched = [
        [name, tables.plus_minus(values, digits)]
        for (m, name, tested), values in results.values.items()
        if m == metric and tested == "none"
    ]
    heading = Heading(f"{title}: what models make of uncorrupted images")
    return [*parts, heading, Table(["model", ""], untouched)]


def _denoisers(results: Results, metric: str, tests: list[str], digits: int) -> Table:
    rows = []
    for name in ("corrupted", *CLASSICAL, "linear", BLIND, OWN):
        found = [results.values.get((metric, name, tested)) for tested in tests]
        cells = [tables.plus_minus(values, digits) if values else "" for values in found]
        if any(cells):
            rows.append([name, *cells])
    return Table(["", *tests], rows)


def _parameters(results: Results) -> Table:
    rows = [
        [tested, *(results.parameters.get((name, tested), "") for name in CLASSICAL)]
        for tested in (*results.seen, *results.unseen)
    ]
    return Table(["corruption", *CLASSICAL], rows)


def _draw(folder: Path, tests: list[str], name: str) -> None:
    """Draw test images of each corruption, as given and denoised, if the arrays are there."""
    pictures: dict[str, np.ndarray] = {}
    # the first seed comes last and stays
    cells = files.completed_files(folder / "cells", "*.npz")
    for path in sorted(cells, key=seed_of, reverse=True):
        with np.load(path) as arrays:
            pictures |= dict(arrays)
    tests = [tested for tested in tests if f"{tested}/clean" in pictures]
    if not tests:
        return
    empty = np.full_like(pictures[f"{tests[0]}/clean"][:SHOWN_IMAGES], np.nan)
    rows = {
        kind: np.concatenate(
            [pictures.get(f"{tested}/{kind}", empty)[:SHOWN_IMAGES] for tested in tests]
        )
        for kind in ("clean", "input", *CLASSICAL, "linear", "blind", "own")
        if any(f"{tested}/{kind}" in pictures for tested in tests)
    }
    columns = [tested if i == 0 else "" for tested in tests for i in range(SHOWN_IMAGES)]
    path = folder / "figures" / f"{name}.png"
    image_plots.image_rows(rows, f"Test images: {name} corruptions", path, columns)
