"""Section of the augmentation report in development: the metric on validation images by step."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from tfdvae.reporting import tables
from tfdvae.reporting.document import Heading, Paragraph, Part, Table
from tfdvae.studies.augmentation.results import condition_of, told
from tfdvae.studies.augmentation.scores import heading


def section(rows: list[dict[str, str]], metric: str) -> list[Part]:
    """Return the metric of each training set after so many steps, in points."""
    curves: dict[tuple[str, str, str], dict[int, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    ends: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        if row["metric"] == metric:
            key = (condition_of(row), row["protocol"], row["augmentation"])
            values = ends[key] if row["test_corruption"] else curves[key][int(row["step"])]
            values.append(100 * float(row["value"]))
    text = (
        "Points, mean over seeds, and in the end on all validation images. "
        "For choosing; the seeds are not to be reported again."
    )
    parts: list[Part] = [
        Heading(f"{metric} on validation images after so many steps"),
        Paragraph(text),
    ]
    for condition, protocol in dict.fromkeys(key[:2] for key in curves):
        chosen = {
            name: curve for (c, p, name), curve in curves.items() if (c, p) == (condition, protocol)
        }
        steps = sorted({step for curve in chosen.values() for step in curve})
        body = [
            [str(step), *(_mean(curve.get(step)) for curve in chosen.values())] for step in steps
        ]
        means = (tables.plus_minus(ends[condition, protocol, name]) for name in chosen)
        body.append(["all validation images", *means])
        parts += [
            Heading(heading(condition, protocol), 3),
            Table(["steps", *map(told, chosen)], body),
        ]
    return parts


def _mean(values: list[float] | None) -> str:
    return f"{np.mean(values):.2f}" if values else ""
