"""Settings of the denoising study."""

import dataclasses
from typing import Annotated

import tyro

from tfdvae import corruptions
from tfdvae._utils import checks
from tfdvae.studies.registry import register_study
from tfdvae.studies.settings import StudyConfig

CLASSICAL = ("gaussian filter", "median", "non-local means", "total variation", "wavelet")
"""The classical filters, keys of `filters.FILTERS`."""


@register_study(
    "denoising",
    function="tfdvae.studies.denoising.study:run",
    report="tfdvae.studies.denoising.report:write",
)
@dataclasses.dataclass(frozen=True)
class DenoisingStudyConfig(StudyConfig):
    """Measure denoisers, for a corruption and for any, beside classical and linear ones."""

    corruptions: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="KIND:LEVEL [KIND:LEVEL ...]")
    ] = (
        "gaussian:0.1",
        "gaussian:0.3",
        "gaussian:0.5",
        "salt_and_pepper:0.2",
        "masking:0.5",
    )
    """Corruptions that models are trained and tested on; the blind model, which is not told the
    corruption, is trained on all of them."""
    unseen: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KIND:LEVEL [KIND:LEVEL ...]")] = (
        "gaussian:0.2",
        "clipped_gaussian:0.3",
        "speckle:0.5",
        "uniform:0.3",
        "salt_and_pepper:0.4",
        "random_erasing:1",
    )
    """Further corruptions that the blind model is tested on."""
    epochs: int = 4
    """Epochs of each model."""

    def __post_init__(self) -> None:
        for name in ("corruptions", "unseen"):
            parsed = tuple(corruptions.parse(text, name) for text in getattr(self, name))
            for corruption in parsed:
                if corruption.level == 0 or isinstance(corruption, corruptions.OneOf):
                    raise ValueError(
                        f"`{name}` must be single corruptions with a level above 0; "
                        f"got {corruption}."
                    )
            object.__setattr__(self, name, tuple(map(str, parsed)))
        super().__post_init__()
        if len(self.corruptions) < 2:
            raise ValueError(
                "`corruptions` must be two or more, for the blind model to have a choice; "
                f"got {self.corruptions[0]}."
            )
        if both := set(self.corruptions) & set(self.unseen):
            raise ValueError(
                f"`unseen` must hold none of `corruptions`; both hold {', '.join(sorted(both))}."
            )
        checks.integer("epochs", self.epochs, 1)
