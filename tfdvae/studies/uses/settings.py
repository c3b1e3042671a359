"""Settings of the study on uses of a denoising autoencoder."""

import dataclasses
from typing import Annotated

import tyro

from tfdvae._utils import checks
from tfdvae.studies.registry import register_study
from tfdvae.studies.settings import StudyConfig

USES = ("imputation", "probe", "compression", "anomaly-one", "anomaly-nine")


@register_study(
    "uses",
    function="tfdvae.studies.uses.study:run",
    report="tfdvae.studies.uses.report:write",
)
@dataclasses.dataclass(frozen=True)
class UsesStudyConfig(StudyConfig):
    """Measure uses of a denoising autoencoder: anomalies, missing pixels, features, compression.

    Its models and settings were chosen on validation images of a seed of its own (--development).
    """

    uses: Annotated[tuple[str, ...], tyro.conf.arg(metavar="USE [USE ...]")] = USES
    """imputation: missing pixels filled in; probe: a linear classifier on codes; compression:
    quantized codes, beside JPEG; anomaly-one: anomaly scores where one class is normal;
    anomaly-nine: where all classes but one are."""
    n_train: int = 10_000
    """Training images, another subset for each seed; half as many of a class that alone is
    normal."""
    epochs: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Epochs of each model. Default: those chosen with it, 10 or 20."""
    development: bool = False
    """Measure the candidates, from which models and settings are chosen, on validation images and a
    seed of its own, which is not reported."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for use in self.uses:
            checks.choice("uses", use, USES)
        checks.integer("n_train", self.n_train, 2)
        if self.epochs is not None:
            checks.integer("epochs", self.epochs, 1)
