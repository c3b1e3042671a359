"""Report of the study on few labels."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from tfdvae import corruptions, csv_rows
from tfdvae.metrics import statistics
from tfdvae.reporting import plots, tables
from tfdvae.reporting.document import (
    Document,
    Figure,
    Heading,
    Paragraph,
    Part,
    Table,
    in_sentence,
)
from tfdvae.studies.few_labels.methods import METHODS
from tfdvae.studies.few_labels.settings import REFERENCE, FewLabelsStudyConfig

Accuracies = dict[tuple[int, str], dict[str, dict[int, float]]]
"""In percent, by number of labels and method, test corruption, and seed."""


def write(folder: Path) -> Path:
    """Write `report.md`, `report.html` and the figure from all rows of a folder.

    Args:
        folder: of the study, with `rows.csv` and `config.json`.

    Returns:
        The path of the HTML page.
    """
    rows = csv_rows.read_rows(folder / "rows.csv")
    config = FewLabelsStudyConfig.of_folder(folder)
    found: Accuracies = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        key = (int(row["protocol"].removeprefix("labels:")), row["augmentation"])
        found[key][row["test_corruption"]][int(row["seed"])] = 100 * float(row["value"])
    parts: list[Part] = [_what_was_done(rows, config)]
    for count in sorted({count for count, _ in found}):
        of_count = {method: found[each, method] for each, method in found if each == count}
        parts += [Heading(f"{count:,} labels"), _accuracies(of_count)]
        parts += _leads(of_count)
        path = f"figures/labels-{count}.png"
        _draw(of_count, f"{rows[0]['dataset']}, {count:,} labels", folder / path)
        parts.append(Figure(path, f"Accuracy at each test noise, {count:,} labels"))
    return Document("Few labels", parts).write(folder)


def _what_was_done(rows: list[dict[str, str]], config: FewLabelsStudyConfig) -> Paragraph:
    seeds = sorted({int(row["seed"]) for row in rows})
    measured = (
        "training images that are not used otherwise; for choosing settings"
        if config.development
        else "all test images"
    )
    return Paragraph(
        f"{int(rows[0]['n_train']):,} training images of {in_sentence(rows[0]['dataset'])} with "
        f"noise {rows[0]['train_noise']}, of which as many have a label as each section says; "
        f"seeds {', '.join(map(str, seeds))}. Accuracy in percent on {measured}: mean over seeds "
        "and half of its 95% t-interval. CNN: the published one with flips, shifts, fresh noise of "
        f"random strength and label smoothing, {config.classifier_steps:,} steps at a rate that "
        f"falls to 0 ({config.precision}). DAE and DVAE: {config.latent_dim} latent units, "
        f"{config.epochs} epochs of all images. SVM: with a radial kernel; cross-validation on the "
        "labels chose its penalty. Command: `tfdvae study few-labels`."
    )


def _accuracies(found: dict[str, dict[str, dict[int, float]]]) -> Table:
    tests = list(dict.fromkeys(test for measured in found.values() for test in measured))
    rows = []
    for method in METHODS:
        if method in found:
            each = [tables.plus_minus(list(found[method][test].values())) for test in tests]
            mean = tables.plus_minus(list(_means(found[method]).values()))
            rows.append([METHODS[method].words, *each, mean])
    return Table(["", *map(corruptions.label, tests), "mean over the test noises"], rows)


def _means(measured: dict[str, dict[int, float]]) -> dict[int, float]:
    """Return the mean over the test noises for each seed."""
    seeds = next(iter(measured.values()))
    return {seed: float(np.mean([each[seed] for each in measured.values()])) for seed in seeds}


def _leads(found: dict[str, dict[str, dict[int, float]]]) -> list[Part]:
    """Return the lead of each method over the reference, paired by seed."""
    if REFERENCE not in found:
        return []
    base, leads = _means(found[REFERENCE]), {}
    for method in METHODS:
        if method in found and method != REFERENCE:
            means = _means(found[method])
            if both := sorted(set(means) & set(base)):
                leads[method] = statistics.paired_difference(
                    [means[seed] for seed in both], [base[seed] for seed in both]
                )
    if not leads:
        return []
    adjusted = statistics.holm([lead.p for lead in leads.values()])
    rows = [
        [METHODS[method].words, f"{lead.mean:+z.2f}", _interval(lead), f"{p:.2g}"]
        for (method, lead), p in zip(leads.items(), adjusted, strict=True)
    ]
    text = (
        f"Lead over `{METHODS[REFERENCE].words}` in points, mean over the test noises, paired by "
        "seed: 95% t-interval, for other seeds and the same test images; p after Holm's correction "
        "for this table."
    )
    return [Paragraph(text), Table(["", "lead", "interval", "p"], rows)]


def _interval(lead: statistics.Difference) -> str:
    return f"{lead.low:+z.2f} to {lead.high:+z.2f}" if lead.count > 1 else ""


def _draw(found: dict[str, dict[str, dict[int, float]]], title: str, path: Path) -> None:
    methods = [method for method in METHODS if method in found]
    tests = tuple(found[methods[0]])
    curves = {
        METHODS[method].words: [
            statistics.mean_and_half_width(list(found[method][test].values())) for test in tests
        ]
        for method in methods
    }
    unit = "accuracy, % (95% interval over seeds)"
    plots.scores_against_noise(curves, tests, title, unit, path, legend="method")
