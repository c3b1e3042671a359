"""Settings of the noise study."""

import dataclasses
from typing import Annotated

import tyro

from tfdvae._utils import checks
from tfdvae.studies.registry import register_study
from tfdvae.studies.settings import StudyConfig

NOISES = (
    "none",
    "gaussian:1",
    "random_erasing:0.5",
    "gaussian:0.01",
    "gaussian:0.1",
    "gaussian:0.5",
)
"""Training noises, and test noises, in units of images in [-1, 1]."""


TARGETS = ("corrupted", "observed")


@register_study(
    "noise",
    function="tfdvae.studies.noise.study:run",
    report="tfdvae.studies.noise.report:write",
)
@dataclasses.dataclass(frozen=True)
class NoiseStudyConfig(StudyConfig):
    """Repeat the CS 307 noise study over several seeds and answer its question on common inputs."""

    targets: Annotated[tuple[str, ...], tyro.conf.arg(metavar="TARGET [TARGET ...]")] = (
        "corrupted",
        "observed",
    )
    """What the models reconstruct: corrupted, as published, and observed."""
    epochs: int = 20
    """Epochs of each model."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for target in self.targets:
            checks.choice("targets", target, TARGETS)
        checks.integer("epochs", self.epochs, 1)
