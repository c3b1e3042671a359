"""From the rows of the denoising study to the values that its report shows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from tfdvae.studies.denoising.settings import CLASSICAL

OWN, BLIND = "own model", "blind model"
Values = dict[tuple[str, str, str], list[float]]  # of all seeds


@dataclass(frozen=True)
class Results:
    """What was measured.

    Attributes:
        values: by metric, denoiser and test corruption.
        parameters: those chosen for a classical filter, by its name and test corruption.
        seen: corruptions that models were trained on.
        unseen: further ones.
        seeds: of the models.
    """

    values: Values
    parameters: dict[tuple[str, str], str]
    seen: list[str]
    unseen: list[str]
    seeds: list[int]

    @classmethod
    def of(cls, rows: list[dict[str, str]]) -> Results:
        """Return the values of rows."""
        values: Values = defaultdict(list)
        parameters = {}
        for row in rows:
            name = {"own": OWN, "blind": BLIND}.get(row["augmentation"], row["model"])
            tested, value, metric = row["test_corruption"], float(row["value"]), row["metric"]
            if metric.endswith("_input"):
                values[metric.removesuffix("_input"), "corrupted", tested] = [value]
            else:
                shown = f"{name}, {row['corruption']}" if tested == "none" else name
                values[metric, shown, tested].append(value)
            if name in CLASSICAL:
                parameters[name, tested] = row["network"]
        own = (row["test_corruption"] for row in rows if row["augmentation"] == "own")
        seen = [tested for tested in dict.fromkeys(own) if tested != "none"]
        tests = dict.fromkeys(tested for _, _, tested in values)
        unseen = [tested for tested in tests if tested not in (*seen, "none")]
        seeds = sorted({int(row["seed"]) for row in rows if row["seed"]})
        return cls(values, parameters, seen, unseen, seeds)
