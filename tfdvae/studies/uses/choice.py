"""Section of the report on uses on the choice of models, from rows of the candidates."""

from __future__ import annotations

import numpy as np

from tfdvae.reporting.document import Heading, Paragraph, Part, Table
from tfdvae.studies.uses.cells import DEVELOPMENT_CLASSES, DEVELOPMENT_SEED
from tfdvae.studies.uses.images import MAX_VALIDATION
from tfdvae.studies.uses.measures import FRACTIONS, LABEL_COUNTS
from tfdvae.studies.uses.recipes import CANDIDATES, CHOSEN, Recipe

_AUROC = f"mean AUROC, classes {', '.join(map(str, DEVELOPMENT_CLASSES))}"
COLUMNS = {
    "anomaly-one": [_AUROC],
    "anomaly-nine": [_AUROC],
    "imputation": [f"PSNR, dB, {fraction:.0%} missing" for fraction in FRACTIONS],
    "probe": [f"accuracy, %, {count:,} labels" for count in LABEL_COUNTS],
    "compression": ["4 bits, bytes: PSNR", "6 bits, bytes: PSNR", "PSNR, dB, not quantized"],
}
PASSES = ("", ", 2 passes", ", 3 passes")

Rows = list[dict[str, str]]


def section(rows: Rows) -> list[Part]:
    """Return the section, or nothing where no candidate was measured."""
    if not rows:
        return []
    text = (
        f"One development seed ({DEVELOPMENT_SEED}), {MAX_VALIDATION:,} training images held out; "
        "not used above but for these choices. Command: `tfdvae study uses --development`. "
        "Bold: chosen."
    )
    parts: list[Part] = [Heading("Choice"), Paragraph(text)]
    for use, recipes in CANDIDATES.items():
        body = []
        for recipe in recipes:
            measured = [row for row in rows if row["run"] == f"{use}-{recipe.candidate}"]
            if measured:
                title = _title(recipe, use)
                body += [[title + note, *cells] for note, cells in _cells(use, measured)]
        if body:
            parts += [Heading(use, 3), Table(["candidate", *COLUMNS[use]], body)]
    return parts


def _title(recipe: Recipe, use: str) -> str:
    plain = recipe.corruption == "none" and recipe.network != "pca"
    title = recipe.title.replace("DAE", "AE") if plain else recipe.title
    return f"**{title}**" if recipe in CHOSEN[use] else title


def _cells(use: str, rows: Rows) -> list[tuple[str, list[str]]]:
    """Return the cells of a candidate's row, or of rows where it was used in several ways."""
    values = {
        (row["model"], row["protocol"], row["test_corruption"], row["metric"]): float(row["value"])
        for row in rows
    }
    model = rows[0]["model"]
    if use.startswith("anomaly"):
        return [("", [f"{np.mean(list(values.values())):.3f}"])]
    if use == "imputation":
        count = max(int(protocol.partition(":")[2]) for _, protocol, _, _ in values)
        tests = [f"masking:{fraction:g}" for fraction in FRACTIONS]
        return [
            (
                note,
                [f"{values[f'dae{note}', f'images:{count}', test, 'psnr']:.2f}" for test in tests],
            )
            for note in PASSES
        ]
    if use == "probe":
        found = (values.get((model, f"labels:{count}", "", "accuracy")) for count in LABEL_COUNTS)
        return [("", ["" if value is None else f"{100 * value:.2f}" for value in found])]
    sizes = (
        [values[model, f"bits:{bits}", "", metric] for metric in ("bytes_per_image", "psnr")]
        for bits in (4, 6)
    )
    unquantized = values[model, "bits:none", "", "psnr"]
    return [("", [*(f"{size:.1f}: {psnr:.2f}" for size, psnr in sizes), f"{unquantized:.2f}"])]
