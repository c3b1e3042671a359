"""From the rows of the study on uses to the values that its report shows."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from tfdvae import csv_rows
from tfdvae.reporting import tables
from tfdvae.studies.uses.recipes import Recipe


class Results:
    """What was measured on test images, one value for each seed.

    Args:
        rows: of the study.

    Attributes:
        seeds: that have rows.
        uses: names of cells without seed that have rows.
    """

    def __init__(self, rows: list[dict[str, str]]):
        rows = [row for row in rows if row["split"] == "test"]
        self.seeds = sorted({int(row["seed"]) for row in rows if row["seed"]})
        self._values: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for row in rows:
            name = row["run"].rpartition("-seed")[0] or row["run"]
            keys = (row["model"], row["network"], row["protocol"], row["test_corruption"])
            self._values[(name, *keys, row["metric"])].append(float(row["value"]))
        self.uses = {name for name, *_ in self._values}

    def has(self, use: str) -> bool:
        """Tell whether a use was measured."""
        return any(name.startswith(use) for name in self.uses)

    def values(
        self,
        cell: str,
        metric: str,
        protocol: str = "",
        *,
        recipe: Recipe | None = None,
        model: str = "",
        network: str = "",
        tested: str = "",
    ) -> list[float]:
        """Return the values of all seeds; none where nothing was measured.

        Args:
            cell: its name without seed.
            metric: its name.
            protocol: what was measured.
            recipe: of the model; otherwise `model` and `network` are asked.
            model: field of the rows.
            network: field of the rows.
            tested: corruption of the images.
        """
        if recipe is not None:
            model, network = recipe.fields["model"], recipe.fields["network"]
        return self._values.get((cell, model, network, protocol, tested, metric), [])


def read_choice(folder: Path) -> list[dict[str, str]]:
    """Return the rows of candidates on validation images.

    Those of a development run are in `rows.csv`, those that settings were chosen by in
    `choice.csv`.
    """
    rows = []
    for name in ("choice.csv", "rows.csv"):
        if (folder / name).exists():
            rows += csv_rows.read_rows(folder / name)
    return [row for row in rows if row["split"] == "validation"]


def shown(values: list[float], digits: int = 2, scale: float = 1) -> str:
    """Return mean and interval over seeds; nothing where nothing was measured."""
    return tables.plus_minus([scale * value for value in values], digits) if values else ""
