"""Figures of the augmentation report: scores against test noise."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from tfdvae.metrics import statistics
from tfdvae.reporting import plots
from tfdvae.reporting.document import Figure
from tfdvae.studies.augmentation.results import Results, label
from tfdvae.studies.augmentation.settings import file_name

MOST_CURVES = 8  # of a figure, in which each has a color of its own


def scores_against_noise(
    results: Results, condition: str, protocol: str, folder: Path, dataset: str
) -> list[Figure]:
    """Return the figures of scores against test noise; see `_curves_of_each`."""
    made: list[Figure] = []
    parts = _curves_of_each(results, condition, protocol)
    for number, (seeds, names) in enumerate(parts, start=1):
        curves = {}
        for name in names:
            points = (results.scores(condition, protocol, name, noise) for noise in results.noises)
            curves[label(name)] = [
                statistics.mean_and_half_width(
                    [each[seed] for seed in sorted(seeds & set(each))] or [math.nan]
                )
                for each in points
            ]
        which = f"-{number}" if number > 1 else ""
        counts = {
            len(results.scores(condition, protocol, name, results.noises[0])) for name in names
        }
        counts -= {0}
        part = ""
        if len(parts) > 1:
            part = f", part {number} of {len(parts)}, {_listed(seeds)}"
        elif len(counts) > 1:
            part = f", curves of {min(counts)} to {max(counts)} seeds"
        path = f"figures/{file_name(condition)}-{protocol}{which}.png"
        plots.scores_against_noise(
            curves,
            results.noises,
            f"{dataset}, {condition} training images, {protocol}{part}",
            f"{results.metric}, points (95% interval over seeds)",
            folder / path,
        )
        caption = f"{results.metric} against test noise, {condition} training images, {protocol}"
        made.append(Figure(path, caption + part))
    return made


def _listed(seeds: Iterable[int]) -> str:
    """Return seeds as text.

    Example:
        >>> _listed({21, 20, 22}), _listed({3, 7})
        ('seeds 20 to 22', 'seeds 3, 7')
    """
    first, *others = sorted(seeds)
    if len(others) > 1 and others[-1] - first == len(others):
        return f"seeds {first} to {others[-1]}"
    return f"seeds {', '.join(map(str, (first, *others)))}"


def _curves_of_each(
    results: Results, condition: str, protocol: str
) -> list[tuple[frozenset[int], list[str]]]:
    """Return the seeds and training sets of each figure: all in one, up to `MOST_CURVES`.

    Where there are more, those with the same seeds are together, in equal parts, each with the
    reference, of which these seeds alone are shown; the sets with most seeds come first.
    """
    names = results.sets(condition, protocol)
    by_seeds: dict[frozenset[int], list[str]] = {}
    for name in names:
        seeds = frozenset(results.scores(condition, protocol, name, results.noises[0]))
        if seeds:
            by_seeds.setdefault(seeds, []).append(name)
    if len(names) <= MOST_CURVES:
        return [(frozenset().union(*by_seeds), names)]
    reference = results.reference(condition, protocol)
    figures = []
    for seeds in sorted(by_seeds, key=lambda each: (-len(each), min(each))):
        others = [name for name in by_seeds[seeds] if name != reference]
        parts = max(1, math.ceil(len(others) / (MOST_CURVES - 1)))
        size = max(1, math.ceil(len(others) / parts))
        figures += [
            (seeds, [reference, *others[i : i + size]]) for i in range(0, len(others), size)
        ]
    return figures
