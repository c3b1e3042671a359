"""Settings of the study of noisy images alone."""

import dataclasses
from pathlib import Path
from typing import Annotated

import tyro

from tfdvae import corruptions
from tfdvae._utils import checks
from tfdvae.config.objective import OF_NOISY_IMAGES as LEARNED
from tfdvae.studies.registry import register_study
from tfdvae.studies.settings import StudyConfig

CEILING = "clean"
"""The objective of models that learn from clean images, to which the noise is added afresh."""

OBJECTIVES = (*LEARNED, CEILING)

CLASSICAL = {
    "non_local_means": "non-local means",
    "tv": "total variation",
    "wavelet": "wavelet",
    "bm3d": "BM3D",
}
"""Rows name classical filters so; values are keys of `studies.filters.FILTERS`."""


@register_study(
    "noisy-alone",
    function="tfdvae.studies.noisy_alone.study:run",
    report="tfdvae.studies.noisy_alone.report:write",
)
@dataclasses.dataclass(frozen=True)
class NoisyAloneConfig(StudyConfig):
    """Measure what denoisers learn from noisy images alone, beside classical filters."""

    noises: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KIND:LEVEL [KIND:LEVEL ...]")] = (
        "gaussian:0.1",
        "gaussian:0.2",
        "gaussian:0.3",
        "poisson:0.2",
    )
    """Noises of the images. Models for Gaussian noise know its level."""
    objectives: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME [NAME ...]")] = OBJECTIVES
    """What models learn: recorrupted (Gaussian noise alone), masked, paired, and clean, from clean
    images, the ceiling."""
    n_train: int = 5000
    """Noisy training images."""
    steps: int = 2400
    """Training steps of each model."""
    pictures: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """A folder of noisy pictures to learn from and to denoise, in place of the dataset and the
    noises. Objectives are then masked and paired."""
    truth: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """A folder with a clean picture of the same name for each of them, which only the measure
    sees: PSNR after the best scale and offset."""

    def __post_init__(self) -> None:
        parsed = tuple(corruptions.parse(text, "noises") for text in self.noises)
        for corruption in parsed:
            if corruption.level == 0 or isinstance(corruption, corruptions.OneOf):
                raise ValueError(
                    f"`noises` must be single corruptions with a level above 0; got {corruption}."
                )
        object.__setattr__(self, "noises", tuple(map(str, parsed)))
        super().__post_init__()
        for objective in self.objectives:
            checks.choice("objectives", objective, OBJECTIVES)
        checks.integer("n_train", self.n_train, 1)
        checks.integer("steps", self.steps, 1)
        if (self.pictures is None) != (self.truth is None):
            raise ValueError("`pictures` and `truth` must be given together.")
        for name in ("pictures", "truth"):
            folder = getattr(self, name)
            if folder is not None and not Path(folder).expanduser().is_dir():
                raise FileNotFoundError(f"`{name}` {folder} is no folder.")
