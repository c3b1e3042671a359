"""From the rows of the augmentation study to the values that its report shows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae import registry
from tfdvae._utils import files
from tfdvae.config.sets import SETS, is_ceiling, needs_noise
from tfdvae.metrics import statistics
from tfdvae.reporting import tables
from tfdvae.reporting.verdict import MIN_UNITS, Comparison
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig, condition_label
from tfdvae.studies.dataset_info import DatasetInfo

CLEAN_IMAGES, ALL_NOISES = "clean images", "mean over the test noises"
ROUNDING = 1e-9  # points; a smaller spread of bootstrap replicates is that of equal ones

Scores = dict[int, float]  # by seed


class Results:
    """What was measured on test images, by condition, protocol and training set.

    A condition is named as by `condition_of`. Values are in points, hundredths of the metric.
    `tested` is a test noise, `CLEAN_IMAGES` or `ALL_NOISES`.

    Args:
        rows: of the study.
        config: its settings.
        replicates: of a cell, by its name, float (test corruptions, B), as bootstrap made them.
        dataset: facts about its images.

    Attributes:
        rows: of the study.
        metric: of the verdict.
        noises: test noises of the verdict.
        units: number of test images, or of groups where images come in groups.
        unit: what is counted.
        class_count: number of classes.
        test_classes: how many of them have test images; None where that is not known.
    """

    def __init__(
        self,
        rows: list[dict[str, str]],
        config: AugmentationStudyConfig,
        replicates: Mapping[str, np.ndarray],
        dataset: DatasetInfo,
    ):
        self.rows, self.metric, self.noises = rows, config.metric, config.test_noise
        self._reference = config.reference
        self.class_count, self.test_classes = len(dataset.class_names), dataset.test_classes
        if dataset.test_groups is None:
            self.units, self.unit = dataset.test_count, "test images"
        else:
            self.units, self.unit = dataset.test_groups, "groups of test images"
        values: dict[tuple, dict[tuple[str, str], Scores]] = {}
        self._replicates: dict[tuple, dict[int, dict[str, np.ndarray]]] = defaultdict(dict)
        tests = (*config.test_noise, *config.other_noise)
        scaled = {
            run: dict(zip(tests, 100 * replicates[run], strict=True))
            for run in {row["run"] for row in rows}
            if run in replicates
        }
        for row in rows:
            if row["augmentation"] and row["split"] == "test":
                key = (condition_of(row), row["protocol"], row["augmentation"])
                measured = values.setdefault(key, defaultdict(dict))
                seed, value = int(row["seed"]), 100 * float(row["value"])
                measured[row["metric"], row["test_corruption"]][seed] = value
                if row["run"] in scaled:
                    self._replicates[key][seed] = scaled[row["run"]]
        self._values = values

    def sets(self, condition: str, protocol: str) -> list[str]:
        """Return the training sets that have rows."""
        return [name for c, p, name in self._values if (c, p) == (condition, protocol)]

    def settings(self) -> list[tuple[str, str]]:
        """Return the conditions and protocols that have rows."""
        return list(dict.fromkeys((condition, protocol) for condition, protocol, _ in self._values))

    def reference(self, condition: str, protocol: str) -> str:
        """Return the set that others are compared with.

        Where it was not measured, `limited`, or else the first that was.
        """
        measured = self.sets(condition, protocol)
        return next(each for each in (self._reference, "limited", *measured) if each in measured)

    def summaries(self) -> tuple[str, ...]:
        """Return what the verdict is on: clean images, and all test noises if there are several."""
        return (CLEAN_IMAGES, ALL_NOISES)[: len(self.noises)]

    def scores(
        self, condition: str, protocol: str, name: str, tested: str, metric: str | None = None
    ) -> Scores:
        """Return the metric of each seed in points, where it is finite."""
        values = self._values.get((condition, protocol, name), {})
        each = [values.get((metric or self.metric, noise), {}) for noise in self._tests(tested)]
        means = {seed: float(np.mean([scores[seed] for scores in each])) for seed in each[0]}
        return {seed: mean for seed, mean in means.items() if np.isfinite(mean)}

    def summarized(self, condition: str, protocol: str, name: str, metric: str) -> list[Scores]:
        """Return `scores` of a metric for each of `summaries`."""
        return [
            self.scores(condition, protocol, name, tested, metric) for tested in self.summaries()
        ]

    def _tests(self, tested: str) -> tuple[str, ...]:
        return {ALL_NOISES: self.noises, CLEAN_IMAGES: ("none",)}.get(tested, (tested,))

    def difference(
        self, condition: str, protocol: str, name: str, baseline: str, tested: str
    ) -> tuple[statistics.Difference | None, float | None]:
        """Return the lead of a training set over another, and its standard error over test images.

        The lead is over the seeds that both have, and None if there are none. The error is None,
        and not part of the interval, if bootstrap replicates are missing or all equal, or if there
        are too few test images.
        """
        sides = [(condition, protocol, each) for each in (name, baseline)]
        treated, base = (self.scores(*side, tested) for side in sides)
        both = sorted(set(treated) & set(base))
        if not both:
            return None, None
        error = self._image_error(sides, both, tested)
        values = [treated[seed] for seed in both], [base[seed] for seed in both]
        return statistics.paired_difference(*values, error or 0.0, self.units), error

    def _image_error(
        self, sides: list[tuple[str, str, str]], seeds: list[int], tested: str
    ) -> float | None:
        treated, base = (self._replicates.get(side, {}) for side in sides)
        complete = all(seed in side for side in (treated, base) for seed in seeds)
        if self.units < MIN_UNITS or not complete:
            return None
        tests = self._tests(tested)
        ahead = np.array(
            [
                np.mean([treated[seed][test] - base[seed][test] for test in tests], axis=0)
                for seed in seeds
            ]
        )
        ahead = ahead[:, np.isfinite(ahead).all(axis=0)]  # a resample may lack a class
        if ahead.shape[1] > 1 and ahead.mean(axis=0).std() > ROUNDING:
            return statistics.shared_error(ahead, self.units)
        return None

    def lead_over_value(
        self, condition: str, protocol: str, name: str, metric: str, value: float
    ) -> statistics.Difference:
        """Return how far a training set is above a value in points, on test images without noise.

        The interval is for other seeds and other test images. The error over test images is that
        of the bootstrap for the metric of the verdict, and for accuracy the largest there can be,
        that of a share; other metrics have none.
        """
        scores = self.scores(condition, protocol, name, CLEAN_IMAGES, metric)
        replicates, error = self._replicates.get((condition, protocol, name), {}), 0.0
        if metric == self.metric and all(seed in replicates for seed in scores):
            each = np.array([replicates[seed]["none"] for seed in scores])
            error = statistics.shared_error(each[:, np.isfinite(each).all(axis=0)], self.units)
        elif metric == "accuracy":
            share = np.mean(list(scores.values())) / 100
            error = 100 * math.sqrt(share * (1 - share) / self.units)
        values = list(scores.values())
        return statistics.paired_difference(values, [value] * len(values), error, self.units)

    def comparisons(self, condition: str, protocol: str) -> dict[tuple[str, str], Comparison]:
        """Return each training set against its baseline, by its name and by what was tested.

        The baseline is the reference; under equal epochs it is `duplicate`, where that was
        measured, for sets with as many images as that has. Ceilings are limits, not findings, and
        left out. p values are Holm's.
        """
        sets, reference = self.sets(condition, protocol), self.reference(condition, protocol)
        found = {}
        for name in sets:
            baseline = (
                "duplicate"
                if protocol == "equal_epochs" and registry.generates(name) and "duplicate" in sets
                else reference
            )
            if name == reference or is_ceiling(name):
                continue
            for tested in self.summaries():
                difference, error = self.difference(condition, protocol, name, baseline, tested)
                if difference is not None:
                    found[name, tested] = (name, baseline, difference, error)
        return self._compared(found)

    def findings(
        self, condition: str, protocol: str, claims: Mapping[str, tuple[str, str, str]]
    ) -> dict[str, Comparison]:
        """Return what was measured of claims: training set, baseline and what is tested."""
        found = {}
        for claim, (name, baseline, tested) in claims.items():
            difference, error = self.difference(condition, protocol, name, baseline, tested)
            if difference is not None:
                found[claim] = (name, baseline, difference, error)
        return self._compared(found)

    def _compared(
        self, differences: Mapping[Any, tuple[str, str, statistics.Difference, float | None]]
    ) -> dict[Any, Comparison]:
        """Return comparisons of one family, with p values after Holm."""
        adjusted = statistics.holm([difference.p for *_, difference, _ in differences.values()])
        return {
            key: Comparison(
                told(name),
                told(baseline),
                difference,
                p,
                error,
                len(adjusted),
                self.units,
                self.unit,
            )
            for (key, (name, baseline, difference, error)), p in zip(
                differences.items(), adjusted, strict=True
            )
        }


def condition_of(row: Mapping[str, str]) -> str:
    """Return the condition of a row, with the noise of its training images if not the published."""
    return condition_label(row["condition"], row["train_noise"])


def label(name: str) -> str:
    """Return the name of a training set in tables and figures, in words if not of the first study.

    Example:
        >>> label("denoised")
        'mixed with its denoised self'
    """
    return SETS[name].words if needs_noise(name) else tables.training_set_label(name)


def told(name: str) -> str:
    """Return the name of a training set in sentences.

    Example:
        >>> told("vae"), told("denoised")
        ('vae', '"mixed with its denoised self"')
    """
    return f'"{label(name)}"' if needs_noise(name) else name


def collect_replicates(folder: Path) -> dict[str, np.ndarray]:
    """Return the bootstrap replicates of all cells, and keep them in `bootstrap.npz`.

    That file belongs to `rows.csv`; those of finished cells are in `cells`.
    """
    path = folder / "bootstrap.npz"
    replicates: dict[str, np.ndarray] = {}
    if path.exists():
        with np.load(path) as arrays:
            replicates = dict(arrays)
    cells = files.completed_files(folder / "cells", "*.npz")
    for cell in cells:
        with np.load(cell) as arrays:
            replicates[cell.stem] = arrays["replicates"]
    if cells:
        files.write_npz(path, replicates, compressed=True)
    return replicates


def seeds_of(rows: Iterable[Mapping[str, str]]) -> list[int]:
    """Return the seeds that have rows, in order."""
    return sorted({int(row["seed"]) for row in rows if row["seed"]})
