"""Section of the augmentation report on the generative models: codes, images and training loss."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tfdvae import corruptions
from tfdvae.reporting import plots, tables
from tfdvae.reporting.document import Figure, Heading, Paragraph, Part, Table
from tfdvae.studies.augmentation.results import condition_of

SHOWN_EPOCHS = (1, 2, 5, 10, 20, 30, 40, 50)
Model = tuple[str, str]  # condition and name
Curves = dict[Model, dict[int, list[float]]]  # losses of all seeds by epoch


def section(rows: list[dict[str, str]], folder: Path) -> list[Part]:
    """Return the section, or nothing without rows of generative models, and draw its figure."""
    values, curves = _read(rows)
    if not values:
        return []
    labels = {(condition, model): f"{model.upper()}, {condition}" for condition, model in curves}
    _draw(curves, folder)
    last = max(max(curve) for curve in curves.values())
    shown = [epoch for epoch in sorted({*SHOWN_EPOCHS, last}) if epoch <= last]
    text = (
        "Mean over seeds and half of its 95% t-interval. log likelihood K: importance-sampled with "
        "K samples, nats an image, of up to 1,000 test images binarized once. nearest distance: "
        "median Euclidean distance from a synthetic image to the nearest training image, and from "
        "a test image with the same noise; closer than held out: the fraction of synthetic images "
        "that are nearer to a training image than 99% of the test images are. A fraction above "
        "0.01 comes from training images that were memorized, or from synthetic images that are "
        "smooth. test loss: as in training, so that DAE and DVAE corrupt the images first."
    )
    return [
        Heading("Generative models"),
        Paragraph(text),
        Table(
            ["", *labels.values()],
            [
                [
                    name,
                    *(
                        tables.plus_minus(found[model], 4, "g") if model in found else ""
                        for model in labels
                    ),
                ]
                for name, found in values.items()
            ],
        ),
        *_empty_codes(values.get("active units", {}), labels),
        Figure("figures/training-loss.png", "Training loss of each epoch"),
        Paragraph("Training loss in nats per image, mean over seeds, after epoch"),
        Table(
            ["", *map(str, shown)],
            [
                [labels[model], *(f"{np.mean(curve[epoch]):.1f}" for epoch in shown)]
                for model, curve in curves.items()
            ],
        ),
    ]


def _empty_codes(active: Mapping[Model, list[float]], labels: Mapping[Model, str]) -> list[Part]:
    """Return which models have codes without an active unit, in words."""
    listed = [
        f"{label} ({active[model].count(0)} of {len(active[model])} seeds)"
        for model, label in labels.items()
        if 0 in active.get(model, [])
    ]
    if not listed:
        return []
    text = (
        "The codes of these carry nothing, as no latent unit is active (posterior collapse), and "
        f"their synthetic images are all alike: {', '.join(listed)}. More epochs or images may help"
    )
    return [Paragraph(f"{text}.")]


def _read(rows: list[dict[str, str]]) -> tuple[dict[str, dict[Model, list[float]]], Curves]:
    """Return the values of all seeds by name and model, and the training losses."""
    values: dict[str, dict[Model, list[float]]] = defaultdict(lambda: defaultdict(list))
    curves: Curves = defaultdict(lambda: defaultdict(list))
    for row in rows:
        model, value = (condition_of(row), row["model"]), float(row["value"])
        if row["augmentation"]:
            continue
        if row["epoch"]:
            curves[model][int(row["epoch"])].append(value)
            continue
        name = {"loss": "test loss, nats"}.get(row["metric"], row["metric"].replace("_", " "))
        name += f" at {corruptions.label(row['test_corruption'])}" if row["test_corruption"] else ""
        values[name][model].append(value)
    return values, curves


def _draw(curves: Curves, folder: Path) -> None:
    panels: dict[str, dict[str, list[float]]] = defaultdict(dict)
    for (condition, model), curve in curves.items():
        panels[f"{condition} training images"][model.upper()] = [
            float(np.mean(curve[epoch])) for epoch in sorted(curve)
        ]
    path = folder / "figures" / "training-loss.png"
    plots.loss_curves(panels, "Training loss, mean over seeds", path, "nats per image")
