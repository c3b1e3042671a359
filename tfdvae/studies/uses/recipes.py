"""Models of the study on uses: the candidates, and those chosen on validation images.

The choice was read off `choice.csv` in `results/uses`, which the report shows.
"""

from __future__ import annotations

import dataclasses

LATENT_DIMS = (8, 32, 64)  # of compression
BASELINES = {
    "pca": "PCA",
    "isolation_forest": "isolation forest",
    "one_class_svm": "one-class SVM",
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A model and its training.

    Attributes:
        network: name of a network, or one of `BASELINES`: `pca` with a dimension alone, the others
            with scikit-learn's defaults.
        latent_dim: units of the code.
        corruption: injected. `masking` without a level stands for a model for each fraction of
            missing pixels, trained with that level.
        epochs: of training.
        likelihood: of the reconstruction.
    """

    network: str
    latent_dim: int
    corruption: str = "none"
    epochs: int = 0
    likelihood: str = "bernoulli"

    @property
    def fields(self) -> dict[str, str]:
        """Fields of its rows; `network` is name:latent dimension."""
        denoising = "ae" if self.corruption == "none" else "dae"
        return {
            "model": self.network if self.network in BASELINES else denoising,
            "network": f"{self.network}:{self.latent_dim}",
            "corruption": self.corruption,
        }

    @property
    def title(self) -> str:
        """Name in the report."""
        if self.network in BASELINES:
            units = f" of {self.latent_dim}" if self.latent_dim else ""
            return BASELINES[self.network] + units
        return (
            f"DAE ({self.network}, code {self.latent_dim}, {self.corruption}, {self.likelihood}, "
            f"{self.epochs} epochs)"
        )

    @property
    def candidate(self) -> str:
        """Its part in the name of a cell in development."""
        return f"{self.network}-{self.latent_dim}-{self.corruption}-{self.likelihood}-{self.epochs}"

    def trained_for(self, epochs: int | None) -> Recipe:
        """Return the recipe with other epochs, if any are given and it has some."""
        if epochs is None or not self.epochs:
            return self
        return dataclasses.replace(self, epochs=epochs)


_ANOMALY = (
    *(Recipe("mlp", dim, "gaussian:0.1", 10) for dim in (4, 16)),
    Recipe("mlp", 16, "gaussian:0.3", 10),
    *(Recipe("pca", dim) for dim in (4, 16, 32, 64)),
)
CANDIDATES = {
    "compression": (
        *(Recipe("mlp", 32, corruption, 20, "mse") for corruption in ("none", "gaussian:0.1")),
        *(Recipe(network, 32, "gaussian:0.1", 20) for network in ("mlp", "strided_conv")),
    ),
    "imputation": (
        Recipe("mlp", 64, "masking:0.5", 20),
        Recipe("strided_conv", 64, "masking:0.5", 20),
        Recipe("residual_conv", 4, "masking:0.5", 5),
        Recipe("strided_conv", 64, "masking", 10),
    ),
    "probe": tuple(
        Recipe("mlp", 32, corruption, 20) for corruption in ("none", "gaussian:0.1", "masking:0.3")
    ),
    "anomaly-one": _ANOMALY,
    "anomaly-nine": _ANOMALY,
}
CHOSEN = {
    "compression": (Recipe("strided_conv", 32, "gaussian:0.1", 20),),
    "imputation": (Recipe("strided_conv", 64, "masking", 10),),
    "probe": (Recipe("mlp", 32, "masking:0.3", 20),),
    "anomaly-one": (
        Recipe("mlp", 16, "gaussian:0.3", 10),
        Recipe("pca", 32),
        Recipe("isolation_forest", 0),
        Recipe("one_class_svm", 0),
    ),
    "anomaly-nine": (Recipe("mlp", 4, "gaussian:0.1", 10), Recipe("pca", 4)),
}
"""The model of each use, and what it is compared with."""


def compared_sizes(epochs: int | None) -> list[Recipe]:
    """Return the models of compression: the chosen one with each latent size, and PCA."""
    chosen = CHOSEN["compression"][0].trained_for(epochs)
    sizes = (
        (dataclasses.replace(chosen, latent_dim=dim), Recipe("pca", dim)) for dim in LATENT_DIMS
    )
    return [recipe for pair in sizes for recipe in pair]
