"""From the rows of the noise study to the values that its report shows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from tfdvae import corruptions

Values = dict[tuple[str, ...], list[float]]  # of all seeds


def variance(noise: str, target: str) -> float:
    """Return what Gaussian noise in the target adds to the loss: the square of its level."""
    corruption = corruptions.parse(noise)
    return corruption.level**2 if corruption.kind == "gaussian" and target == "corrupted" else 0.0


@dataclass(frozen=True)
class Results:
    """What was measured, one value for each seed.

    Attributes:
        targets: what models reconstruct.
        losses: by target, training noise, split and epoch.
        floors: the part of the loss that no model avoids, by target, training noise and split.
        measured: by target, metric, training noise and test noise.
    """

    targets: list[str]
    losses: Values = field(default_factory=lambda: defaultdict(list))
    floors: Values = field(default_factory=lambda: defaultdict(list))
    measured: Values = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, rows: list[dict[str, str]]) -> Results:
        """Return the values of rows; models without noise count for each target, and once."""
        trained = dict.fromkeys(row["target"] for row in rows if row["corruption"] != "none")
        results = cls(list(trained or dict.fromkeys(row["target"] for row in rows)))
        first: dict[str, str] = {}  # target of the model without noise, by seed
        for row in rows:
            value, noise, split = float(row["value"]), row["corruption"], row["split"]
            if noise == "none" and first.setdefault(row["seed"], row["target"]) != row["target"]:
                continue
            for target in results.targets if noise == "none" else (row["target"],):
                if row["metric"] == "loss":
                    results.losses[target, noise, split, row["epoch"]].append(value)
                elif row["metric"] == "floor":
                    results.floors[target, noise, split].append(value)
                else:
                    key = (target, row["metric"], noise, row["test_corruption"])
                    results.measured[key].append(value)
        return results

    @property
    def last_epoch(self) -> str:
        """The last epoch of training."""
        return str(max(int(epoch) for *_, epoch in self.losses))
