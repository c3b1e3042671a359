"""Sections of the augmentation report with tables of scores."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from pathlib import Path

from tfdvae import corruptions, registry
from tfdvae.config.sets import is_control, is_denoised
from tfdvae.metrics import statistics
from tfdvae.reporting import tables
from tfdvae.reporting.document import Heading, Paragraph, Part, Table, literal
from tfdvae.reporting.verdict import describe_mean
from tfdvae.studies.augmentation import figures
from tfdvae.studies.augmentation.results import CLEAN_IMAGES, Results, Scores, label, told
from tfdvae.studies.augmentation.settings import OBSERVED_NOISE

METRICS = (
    "accuracy",
    "balanced_accuracy",
    "auc",
    "kappa",
    "quadratic_kappa",
    "calibration_error",
)
CORRUPTED_LIKE = {  # kinds of corruption that the images of a training set have
    "gaussian": ("gaussian",),
    "classical": ("random_erasing",),
    "classical+gaussian": ("gaussian", "random_erasing"),
    "oriented+light": ("contrast", "color_cast"),
}


def heading(condition: str, protocol: str = "") -> str:
    """Return the heading of a condition and protocol."""
    kind, _, level = noise_of(condition).partition(":")
    noise = f"Gaussian noise of {level}" if kind == "gaussian" else f"{kind}:{level}"
    images = "Clean training images"
    if condition != "clean":
        images = f"Training images corrupted once with {noise}"
    return f"{images}, {protocol}" if protocol else images


def noise_of(condition: str) -> str:
    """Return the noise of the training images of a condition, as `results.condition_of` names it.

    Example:
        >>> noise_of("noisy"), noise_of("noisy gaussian:0.2")
        ('gaussian:0.1', 'gaussian:0.2')
    """
    return "none" if condition == "clean" else condition.partition(" ")[2] or OBSERVED_NOISE


def sections(results: Results, folder: Path, dataset: str) -> list[Part]:
    """Return a section for each condition and protocol, and draw its figure.

    Args:
        results: of the study.
        folder: of the report.
        dataset: its name, for the figures.
    """
    parts: list[Part] = []
    for condition, protocol in results.settings():
        text = (
            f"{results.metric}, points: mean over seeds and half of its 95% t-interval; "
            "* a kind of corruption that the training images had."
        )
        parts += [
            Heading(heading(condition, protocol)),
            Paragraph(text),
            _scores(results, condition, protocol),
            *_leads(results, condition, protocol),
            *_leads_over_classical(results, condition, protocol),
            *_leads_over_controls(results, condition, protocol),
            *figures.scores_against_noise(results, condition, protocol, folder, dataset),
        ]
    return parts


def _scores(results: Results, condition: str, protocol: str) -> Table:
    rows = []
    for name in results.sets(condition, protocol):
        each = [results.scores(condition, protocol, name, noise) for noise in results.noises]
        cells = (
            plus_minus(values) + _star(condition, name, tested)
            for tested, values in zip(results.noises, each, strict=True)
        )
        rows.append([label(name), str(len(each[0])), *cells])
    return Table(["trained on", "seeds", *map(corruptions.label, results.noises)], rows)


def _leads(results: Results, condition: str, protocol: str) -> list[Part]:
    rows, reference = [], results.reference(condition, protocol)
    for name in results.sets(condition, protocol):
        if name == reference:
            continue
        cells = []
        for tested in results.summaries():
            lead, _ = results.difference(condition, protocol, name, reference, tested)
            cells += [interval(lead), _detectable(lead)] if lead else ["", ""]
        rows.append([label(name), *cells])
    if not rows:
        return []
    pairs = ((tested, "detectable") for tested in results.summaries())
    text = (
        f"Points ahead of {label(reference)}, and the smallest difference that so many seeds and "
        "images find four times out of five in a single comparison:"
    )
    return [Paragraph(text), Table(["trained on", *itertools.chain(*pairs)], rows)]


def _detectable(lead: statistics.Difference) -> str:
    found = statistics.detectable_difference(lead)
    return f"{found:.2f}" if math.isfinite(found) else "none"


def _leads_over_classical(results: Results, condition: str, protocol: str) -> list[Part]:
    sets = results.sets(condition, protocol)
    made = [name for name in sets if registry.generates(name)]
    if "classical" not in sets or not made:
        return []
    rows = []
    for name in made:
        leads = (
            results.difference(condition, protocol, name, "classical", tested)[0]
            for tested in results.summaries()
        )
        rows.append([label(name), *(interval(lead) if lead else "" for lead in leads)])
    return [
        Paragraph("Points ahead of classical augmentation, which needs no model:"),
        Table(["trained on", *results.summaries()], rows),
    ]


def _leads_over_controls(results: Results, condition: str, protocol: str) -> list[Part]:
    sets = results.sets(condition, protocol)
    pairs = [(name, each) for name in sets if is_denoised(name) for each in sets]
    rows = []
    for name, control in (pair for pair in pairs if is_control(pair[1], of=pair[0])):
        leads = (
            results.difference(condition, protocol, name, control, tested)[0]
            for tested in results.summaries()
        )
        cells = (interval(lead) if lead else "" for lead in leads)
        rows.append([label(name), label(control), *cells])
    if not rows:
        return []
    text = (
        "Points ahead of the controls, with a filter or nothing in the model's place, with more "
        "noise, or with the noise of another image; intervals of single comparisons:"
    )
    return [Paragraph(text), Table(["trained on", "control", *results.summaries()], rows)]


def other_corruptions(results: Results) -> list[Part]:
    """Return the section on corruptions of the test images that the verdict is not about."""
    tests = dict.fromkeys(row["test_corruption"] for row in results.rows if row["augmentation"])
    others = [tested for tested in tests if tested not in results.noises]
    references = dict.fromkeys(label(results.reference(*each)) for each in results.settings())
    compared = any(len(results.sets(*each)) > 1 for each in results.settings())
    ahead = f" ahead of {' or '.join(references)}" if compared else ""
    text = (
        f"Points{ahead} and half of the 95% interval; "
        "* a kind of corruption that the training images had."
    )
    parts: list[Part] = [Heading("Other corruptions of the test images"), Paragraph(text)]
    for condition, protocol in results.settings():
        rows, reference = [], results.reference(condition, protocol)
        for name in results.sets(condition, protocol):
            cells = []
            for tested in others:
                if name == reference:
                    cell = plus_minus(results.scores(condition, protocol, name, tested))
                else:
                    lead, _ = results.difference(condition, protocol, name, reference, tested)
                    cell = _lead_plus_minus(lead) if lead else ""
                cells.append(cell + _star(condition, name, tested))
            rows.append([label(name), *cells])
        parts += [
            Heading(heading(condition, protocol), 3),
            Table(["trained on", *others], rows),
        ]
    return parts


def other_metrics(results: Results, class_names: tuple[str, ...]) -> list[Part]:
    """Return the section on metrics that the verdict is not about, and on single classes."""
    metrics = [name for name in METRICS if name != results.metric]
    if "quadratic_kappa" not in {row["metric"] for row in results.rows}:  # as before it was there
        metrics.remove("quadratic_kappa")
    text = "Points; `calibration_error` is the expected calibration error, better where small."
    means = [describe_mean(each, results.test_classes, results.class_count) for each in metrics]
    text = " ".join([text, *filter(None, means)])
    parts: list[Part] = [Heading("Other metrics, clean images"), Paragraph(text)]
    for condition, protocol in results.settings():
        sets = results.sets(condition, protocol)
        cell = _clean_score(results, condition, protocol)
        parts += [
            Heading(heading(condition, protocol), 3),
            Table(
                ["trained on", *metrics],
                [[label(name), *(cell(name, metric) for metric in metrics)] for name in sets],
            ),
            Table(
                ["accuracy of class", *map(told, sets)],
                [
                    [literal(text), *(cell(name, f"accuracy_class_{number}") for name in sets)]
                    for number, text in enumerate(class_names)
                ],
            ),
        ]
    return parts


def _clean_score(results: Results, condition: str, protocol: str) -> Callable[[str, str], str]:
    def cell(name: str, metric: str) -> str:
        return plus_minus(results.scores(condition, protocol, name, CLEAN_IMAGES, metric))

    return cell


def _star(condition: str, name: str, tested: str) -> str:
    """Return a star where the images of a training set had the kind of corruption."""
    kinds = (*CORRUPTED_LIKE.get(name, ()), noise_of(condition).partition(":")[0])
    kind = corruptions.parse(tested).kind.removeprefix("clipped_")
    return " *" if kind != "none" and kind in kinds else ""


def plus_minus(scores: Scores) -> str:
    """Return mean and half width of the interval over seeds; nothing where there is no score."""
    return tables.plus_minus(list(scores.values())) if scores else ""


def interval(difference: statistics.Difference) -> str:
    """Return a lead with its 95% interval, which a single seed does not have."""
    if difference.count < 2:
        return f"{difference.mean:+z.2f}"
    return f"{difference.mean:+z.2f} ({difference.low:+z.2f} to {difference.high:+z.2f})"


def _lead_plus_minus(difference: statistics.Difference) -> str:
    half = f" ± {difference.high - difference.mean:.2f}" if difference.count > 1 else ""
    return f"{difference.mean:+z.2f}{half}"
