"""Report of the study of noisy images alone."""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

import numpy as np

from tfdvae import csv_rows
from tfdvae.config.objective import OF_NOISY_IMAGES as LEARNED
from tfdvae.config.sets import CLASSICAL
from tfdvae.reporting import tables
from tfdvae.reporting.document import (
    Document,
    Heading,
    Paragraph,
    Part,
    Table,
    in_sentence,
)
from tfdvae.studies import runner
from tfdvae.studies.noisy_alone import figures, spread
from tfdvae.studies.noisy_alone.settings import (
    BLIND,
    CEILING,
    CEILINGS,
    CHOOSING,
    DVAE,
    ESTIMATED,
    FEW,
    SLOW,
    command_of,
)

Rows = list[dict[str, str]]
Values = dict[tuple[str, str, str], list[float]]  # by metric, method and noise, of all seeds

_PICTURES = "psnr_scale_invariant"
_NOISY = "noisy"
_FEW = "psnr_few"  # the PSNR of the first test images, which all methods have in common


def write(folder: Path) -> Path:
    """Write `report.md`, `report.html` and their figures from all rows of a folder.

    Args:
        folder: of the study, with `rows.csv`; the figures come from the arrays beside its cells,
            and stay unchanged without these.

    Returns:
        The path of the HTML page.
    """
    rows = csv_rows.read_rows(folder / "rows.csv")
    values = _values(rows)
    of_pictures = any(metric == _PICTURES for metric, _, _ in values)
    training = f"training{_means_of_training(folder, values)}"
    parts = (
        _of_pictures(rows, values, folder, training)
        if of_pictures
        else _of_images(rows, values, folder, training)
    )
    first, *others = parts
    noises = [noise for noise in dict.fromkeys(row["test_corruption"] for row in rows) if noise]
    command = command_of(runner.kept_settings(folder) or {}, noises, {m for _, m, _ in values})
    shown = Paragraph(f"Command: `{command}`.")
    return Document("Noisy images alone", [first, shown, *others]).write(folder)


def _means_of_training(folder: Path, values: Values) -> str:
    """Return the threads and the precision of the models of a folder, where it says them."""
    kept = runner.kept_settings(folder) or {}
    count, precision = kept.get("threads"), kept.get("precision", "float32")
    if precision != "float32" and any(method == DVAE for _, method, _ in values):
        precision += f", {DVAE} float32"
    return f" ({count} thread{'s' * (count != 1)}, {precision})" if count else ""


def _values(rows: Rows) -> Values:
    found: Values = defaultdict(list)
    for row in rows:
        method = DVAE if row["model"] == DVAE else row["target"] or row["model"]
        few = row["split"].startswith("test_first_") and row["metric"] == "psnr"
        metric = _FEW if few else row["metric"]
        if _is_mean(row):
            found[metric, method, row["test_corruption"]].append(float(row["value"]))
    return found


def _is_mean(row: dict[str, str]) -> bool:
    """Tell the mean over images from the value of one picture, whose name is the split."""
    of_pictures = row["metric"].startswith(_PICTURES)
    return not row["split"] if of_pictures else "/" not in row["split"]


def _seeds(rows: Rows) -> str:
    seeds = sorted({int(row["seed"]) for row in rows if row["seed"]})
    return ", ".join(map(str, seeds))


def _steps(rows: Rows) -> str:
    return f"{max(int(row['step']) for row in rows if row['step']):,}"


def _of_images(rows: Rows, values: Values, folder: Path, training: str) -> list[Part]:
    noises = list(dict.fromkeys(noise for metric, _, noise in values if metric == "psnr"))
    of_photographs = "/" in "".join(row["split"] for row in rows)
    parts: list[Part] = [
        Paragraph(_of_photographs(rows) if of_photographs else _of_dataset(rows)),
        Heading("PSNR in dB"),
        _quality(values, noises, training),
        Heading("What models gain"),
        Paragraph(
            "Models of noisy images alone minus the best classical filter, and minus the ceiling. "
            "The best filter is the one with the greatest PSNR on these test images, to the "
            f"advantage of filters{_in_common(rows)}. Intervals are over seeds."
        ),
        _gains(values, noises),
    ]
    if any(metric == "mse_estimated" for metric, _, _ in values):
        parts += [
            Heading("The error estimated without clean images"),
            Paragraph(
                f"Stein's unbiased risk estimate on the first {ESTIMATED:,} test images (all where "
                "there are fewer) beside the true error, both as the PSNR of the mean squared "
                "error, with the level of the noise known."
            ),
            _estimates(values, noises),
        ]
    parts += spread.parts(values, noises)
    if of_photographs:
        for noise in noises:
            own = [
                {**row, "split": row["split"].partition("/")[2]}
                for row in rows
                if (row["metric"], row["test_corruption"]) == ("psnr", noise) and not _is_mean(row)
            ]
            parts += [Heading(f"Each picture, {_level(noise)}"), _each(own, _methods(values))]
    return parts + figures.of_images(folder, noises)


def _of_dataset(rows: Rows) -> str:
    first = rows[0]
    return (
        f"{int(first['n_train']):,} noisy training images of {in_sentence(first['dataset'])}, "
        f"{_steps(rows)} training steps, all test images; PSNR in dB against the clean ones, "
        "as the mean over images, then over the seeds "
        f"{_seeds(rows)} with half of its 95% t-interval. Models see no clean image, but for "
        f"those of `{CEILING}`, the ceiling: the same network with clean images, to which the "
        "noise is added afresh at each step. All outputs are clipped to [0, 1], the noisy "
        f"images are not. The parameters of classical filters are chosen on {CHOOSING} other "
        "images (all others where there are fewer) with their clean ones. BM3D, which is slow, "
        f"has {SLOW['bm3d']} of them and the first {FEW} test images."
    )


def _in_common(rows: Rows) -> str:
    """Return on which images gains are measured, where filters have others than models."""
    few = any(row["split"].startswith("test_first_") for row in rows)
    return f"; both have the first {FEW} test images" if few else ""


def _of_photographs(rows: Rows) -> str:
    first = rows[0]
    names = {row["split"] for row in rows if not _is_mean(row)}
    blind = (
        f" `{BLIND}` is one model for all levels, trained with Gaussian noise of 0 to 55 of 255."
        if any(row["target"] == BLIND for row in rows)
        else ""
    )
    return (
        f"{int(first['n_train']):,} training pictures of {in_sentence(first['dataset'])}, each "
        f"with one noise that stays, {_steps(rows)} training steps, and the {len(names)} pictures "
        f"of {in_sentence(first['split'])} as test; PSNR in dB against the clean ones, as the mean "
        f"over pictures, then over the seeds {_seeds(rows)} with half of its 95% t-interval. "
        f"Models see no clean picture, but for those of `{CEILING}`, the ceiling: the same network "
        f"with clean pictures, to which the noise is added afresh at each step.{blind} All outputs "
        "are clipped to [0, 1], the noisy pictures are not. BM3D is given the level of Gaussian "
        "noise; the parameters of other filters are chosen on training pictures that no model is "
        "trained on, with their clean ones."
    )


def _level(noise: str) -> str:
    """Return a noise as reports of photographs name it: Gaussian ones by the level of 255 too."""
    kind, _, level = noise.partition(":")
    return f"{noise} ({255 * float(level):.3g} of 255)" if kind == "gaussian" else noise


def _methods(values: Values, metric: str = "psnr") -> list[str]:
    known = {method for found, method, _ in values if found in (metric, _FEW)}
    return [method for method in (*CLASSICAL, *LEARNED, DVAE, *CEILINGS) if method in known]


def _quality(values: Values, noises: list[str], training: str) -> Table:
    noisy = [
        next((found[0] for (m, _, n), found in values.items() if (m, n) == shown), np.nan)
        for shown in (("psnr_input", noise) for noise in noises)
    ]
    lines = [[_NOISY, *(f"{value:.2f}" for value in noisy)]]
    for method in _methods(values):
        found = [values.get(("psnr", method, noise)) for noise in noises]
        cells = [tables.plus_minus(each, 2) if each else "" for each in found]
        if not any(cells):
            found = [values.get((_FEW, method, noise)) for noise in noises]
            cells = [f"{each[0]:.2f} (first {FEW})" if each else "" for each in found]
        lines.append([f"`{method}`", *cells])
    longest = [
        max((max(found) for (m, _, n), found in values.items() if (m, n) == shown), default=0)
        for shown in (("training_seconds", noise) for noise in noises)
    ]
    lines.append([f"longest {training}", *(f"{seconds / 60:.1f} minutes" for seconds in longest)])
    return Table(["", *noises], lines)


def _gains(values: Values, noises: list[str]) -> Table:
    lines = []
    for noise in noises:
        metric = _FEW if any((_FEW, name, noise) in values for name in CLASSICAL) else "psnr"
        known = [name for name in CLASSICAL if (metric, name, noise) in values]
        best = max(known, key=lambda name: np.mean(values[metric, name, noise]), default="")
        for model in (name for name in (*LEARNED, DVAE) if ("psnr", name, noise) in values):
            cells = [
                _gain(values, metric, model, best, noise),
                _gain(values, "psnr", model, CEILING, noise),
            ]
            lines.append([noise, f"`{model}`", f"`{best}`" if best else "", *cells])
    head = ["noise", "model", "classical filter", "over the classical filter", "over the ceiling"]
    return Table(head, lines)


def _gain(values: Values, metric: str, model: str, other: str, noise: str) -> str:
    """Return a model's gain over another method, paired by seed where that has seeds."""
    own, base = (values.get((metric, name, noise), []) for name in (model, other))
    if len(base) not in (1, len(own)):
        return ""
    gains = [ours - theirs for ours, theirs in zip(own, itertools.cycle(base), strict=False)]
    shown = tables.plus_minus(gains, 2)
    return shown if shown.startswith("-") else f"+{shown}"


def _estimates(values: Values, noises: list[str]) -> Table:
    lines = []
    for noise in noises:
        for method in _methods(values):
            true, found = (
                values.get((metric, method, noise)) for metric in ("mse", "mse_estimated")
            )
            if true and found:
                pairs = [-10 * np.log10(np.maximum(each, 1e-12)) for each in (true, found)]
                difference = tables.plus_minus(list(pairs[1] - pairs[0]), 2)
                cells = [f"{pairs[1].mean():.2f}", f"{pairs[0].mean():.2f}", difference]
                lines.append([noise, f"`{method}`", *cells])
    return Table(["noise", "model", "estimated", "true", "difference"], lines)


def _of_pictures(rows: Rows, values: Values, folder: Path, training: str) -> list[Part]:
    first = rows[0]
    given = [{**row, "target": _NOISY} for row in rows if row["metric"] == f"{_PICTURES}_input"]
    mean = [float(row["value"]) for row in given if not row["split"]]
    lines = [[_NOISY, f"{value:.2f}", ""] for value in mean[:1]]
    for method in _methods(values, _PICTURES):
        found = values[_PICTURES, method, ""]
        seconds = values.get(("training_seconds", method, ""))
        took = f"{np.mean(seconds) / 60:.1f} minutes" if seconds else ""
        lines.append([f"`{method}`", tables.plus_minus(found, 2), took])
    denoised = [row for row in rows if row["metric"] == _PICTURES]
    single = [row for row in (*given, *denoised) if row["split"]]
    return [
        Paragraph(
            f"{int(first['n_train'])} noisy pictures of {in_sentence(first['dataset'])}, from "
            f"which models learn in {_steps(rows)} steps and which are denoised; nothing else is "
            "given. PSNR in dB against the true pictures after the best scale and offset, the mean "
            f"over pictures, then over the seeds {_seeds(rows)} with half of its 95% t-interval. "
            "Parameters of classical filters are chosen for each picture by how well they find "
            "pixels that they do not see."
        ),
        Heading("Scale-invariant PSNR in dB"),
        Table(["", "PSNR", training], lines),
        Heading("Each picture"),
        _each(single, [_NOISY, *_methods(values, _PICTURES)]),
        *figures.of_pictures(folder),
    ]


def _each(rows: Rows, methods: list[str]) -> Table:
    """Return the table of each picture, the mean over seeds."""
    names = list(dict.fromkeys(row["split"] for row in rows))
    lines = []
    for method in methods:
        own = [row for row in rows if (row["target"] or row["model"]) == method]
        if not own:
            continue
        scores = [
            np.mean([float(row["value"]) for row in own if row["split"] == name]) for name in names
        ]
        name = method if method == _NOISY else f"`{method}`"
        lines.append([name, *(f"{score:.2f}" for score in scores)])
    return Table(["", *map(in_sentence, names)], lines)
