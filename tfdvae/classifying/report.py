"""The report of `tfdvae classify`: first what a doctor asks, then what a statistician does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfdvae.classifying import wording
from tfdvae.classifying.outcome import Outcome, Predictions
from tfdvae.classifying.recipes import PLAIN
from tfdvae.metrics import classification
from tfdvae.reporting import class_plots
from tfdvae.reporting.document import (
    Box,
    Bullets,
    Document,
    Figure,
    Heading,
    Paragraph,
    Part,
    Table,
    literal,
)

UNSURE = 10
"""Images that are shown, since the classifier is least sure of them."""

_METRICS = ("accuracy", "balanced_accuracy", "auc", "kappa")


def write(
    folder: Path, outcome: Outcome, settings: Mapping[str, object], metric: str, quick: bool
) -> Path:
    """Write `report.md`, `report.html` and the figures, and return the page.

    Args:
        folder: of the job.
        outcome: what came out.
        settings: that the result depends on.
        metric: that decided.
        quick: the training was a first look.
    """
    figures = _draw(folder, outcome)
    (_, first), *_ = _measured(outcome)
    parts: list[Part] = [
        Box(f"{wording.verdict(outcome.gains, metric, quick)} {wording.used(outcome.recipe)}"),
        *_warnings(outcome, first),
        Paragraph(_what_was_done(outcome)),
        *_classes(outcome),
        *_pictures(outcome, figures),
        *_use(outcome),
        *_statistics(outcome, metric),
        Heading("Settings", folded=True),
        Table(
            ["setting", ""],
            [[literal(name), literal(_text(value))] for name, value in settings.items()],
        ),
    ]
    return Document(f"A classifier of {outcome.images.title}", parts).write(folder)


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _what_was_done(outcome: Outcome) -> str:
    images = outcome.images
    height, width, channels = images.train.images.shape[1:]
    kind = "different ones" if images.train.equal_only else "groups"
    of_groups = "" if images.train.groups is None else f" of {images.train.units:,} {kind}"
    test = "" if images.test is None else f" The {len(images.test):,} test images decided nothing."
    return (
        f"It learned {len(images.class_names):,} classes from {len(images.train):,} images"
        f"{of_groups} of {height}x{width} pixels, {'gray' if channels == 1 else 'in color'}. "
        f"Whatever is said here of images is said by classifiers that did not see them: the images "
        f"were cut into {outcome.folds} parts, and each part was classified by what was learned "
        f"from the others.{test} {literal(images.notice)}"
    )


def _warnings(outcome: Outcome, found: Predictions) -> list[Part]:
    named = zip(outcome.images.class_names, found.scores, strict=True)
    warnings = [text for name, each in named if (text := wording.warning(name, each))]
    return [Bullets(warnings)] if warnings else []


def _classes(outcome: Outcome) -> list[Part]:
    parts: list[Part] = []
    for number, (title, found) in enumerate(_measured(outcome)):
        named = list(zip(outcome.images.class_names, found.scores, strict=True))
        parts += [
            Heading(title),
            Paragraph(
                f"{found.right.part:,} of {found.right.whole:,} images are right, "
                f"{wording.percent(found.right)} of 100."
            ),
        ]
        if number:  # those of the first are below the box
            parts += _warnings(outcome, found)
        parts += [
            Paragraph("Class by class:"),
            Bullets([wording.of_class(*pair) for pair in named]),
        ]
        head = ["class", "images", "found (sensitivity)", "others left alone (specificity)"]
        parts += [
            Table(
                [*head, "right where it says so (precision)"],
                [
                    [
                        literal(name),
                        f"{each.count:,}",
                        *map(wording.percent, (each.sensitivity, each.specificity, each.precision)),
                    ]
                    for name, each in named
                ],
            ),
            Paragraph(
                "Numbers are in percent; in brackets are 95% intervals, for other images like "
                "these."
                + (
                    " Images of one group count there as if they were copies of one image."
                    if found.images.groups is not None and not found.images.equal_only
                    else ""
                )
            ),
        ]
    return parts


def _measured(outcome: Outcome) -> list[tuple[str, Predictions]]:
    """Return titles and predictions, the test images first where there are any."""
    found = [("How often it is right", outcome.held_out)]
    if outcome.test is not None:
        found = [
            ("How often it is right: test images", outcome.test),
            ("How often it is right: images to learn from", outcome.held_out),
        ]
    return found


def _draw(folder: Path, outcome: Outcome) -> list[Figure]:
    """Draw the figures and return them."""
    shown = outcome.test or outcome.held_out
    names = outcome.images.class_names
    place = folder / "figures"
    place.mkdir(exist_ok=True)
    class_plots.confusion(shown.counts, names, "What is taken for what", place / "confusion.png")
    top = shown.probabilities.max(axis=1)
    unsure = np.argsort(top, kind="stable")[:UNSURE]
    captions = [
        f"{shown.images.names[row]}\nis {names[shown.images.labels[row]]}\n"
        f"it says {names[shown.predicted[row]]} ({100 * top[row]:.0f}%)"
        for row in unsure
    ]
    class_plots.captioned(
        shown.images.images[unsure],
        captions,
        "The images it is least sure of",
        place / "least_sure.png",
    )
    return [
        Figure("figures/confusion.png", "Rows: what images are. Columns: what it says."),
        Figure(
            "figures/least_sure.png",
            "The images it is least sure of: worth a look by somebody who knows.",
        ),
    ]


def _pictures(outcome: Outcome, figures: list[Figure]) -> list[Part]:
    which = "test images" if outcome.test is not None else "images to learn from"
    return [
        Heading("Where it is wrong or unsure"),
        Paragraph(f"Both figures are of the {which}. `predictions.csv` has every image."),
        *figures,
    ]


def _use(outcome: Outcome) -> list[Part]:
    onnx = [f"`{name}`" for name in ("classifier.onnx",) if outcome.onnx]
    models = ", ".join(["`classifier.keras`", "`saved_model/`", *onnx])
    return [
        Heading("How to use it"),
        Paragraph(
            "`tfdvae predict FOLDER_OF_THIS_REPORT NEW_IMAGES out.csv` writes a label and a "
            "probability for each image in a folder."
        ),
        Paragraph(
            f"The models ({models}) take the pixels as files hold them, from 0 to "
            f"{outcome.images.scale:g}, and give the probability of each class. They know nothing "
            "of other classes, and nothing of images of another kind: for these the probabilities "
            "mean nothing."
        ),
    ]


def _called(name: str) -> str:
    """Return what a training set is, and its name, for a table."""
    return f"{wording.WORDS[name]} (`{name}`)"


def _statistics(outcome: Outcome, metric: str) -> list[Part]:
    labels = outcome.images.train.labels
    names = dict.fromkeys((*_METRICS, metric))
    values = {
        name: classification.parse(name)(outcome.held_out.probabilities, labels) for name in names
    }
    before, after = (
        classification.expected_calibration_error(each, labels)
        for each in (outcome.uncalibrated, outcome.cross_fitted)
    )
    noise = (
        ""
        if outcome.noise_level is None
        else f" The noise of the images has a standard deviation of {outcome.noise_level:.3g}."
    )
    train = outcome.images.train
    unit = "images" if train.groups is None or train.equal_only else "groups of images"
    gains = [[_called(PLAIN), f"{outcome.gains[0].plain:.4f}", ""]] + [
        [_called(gain.name), f"{gain.value:.4f}", wording.points(gain)] for gain in outcome.gains
    ]
    return [
        Heading("Statistics", folded=True),
        Paragraph(
            f"Each classifier ({outcome.network}) was trained for {outcome.steps:,} steps of Adam "
            "at a rate that falls to 0. Classifiers of one part share initial weights and order."
            f"{noise}"
        ),
        Table(["trained on", metric, "points ahead of the first (95% interval)"], gains),
        Paragraph(
            f"Points are hundredths of {metric}. Intervals are for other {unit} like these, or for "
            "other trainings, whichever vary more (bootstrap of the differences; Student's t over "
            "the parts), and for all comparisons together. The best value was chosen, even where "
            "chance could explain it; of several, the best one looks a little better than it is. "
            "Probabilities are calibrated, those of each row with a temperature of its own."
        ),
        Table(
            ["measure of the chosen one, by cross-validation", ""],
            [[literal(name), f"{value:.4f}"] for name, value in values.items()],
        ),
        Paragraph(
            f"Temperature {outcome.temperature:.3g}, fitted to these predictions. Expected "
            f"calibration error: {before:.4f} without a temperature, {after:.4f} where each part "
            "has the temperature of the others."
        ),
    ]
