"""Settings of the study of noisy images alone."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from tfdvae import corruptions
from tfdvae._utils import checks
from tfdvae.config.group import one_of
from tfdvae.config.learn import LEARNING
from tfdvae.config.objective import HIDING, RECORRUPTED
from tfdvae.config.objective import OF_NOISY_IMAGES as LEARNED
from tfdvae.config.run import AUTO
from tfdvae.studies.registry import register_study
from tfdvae.studies.settings import StudyConfig

CEILING = "clean"
"""The objective of models that learn from clean images, to which the noise is added afresh."""

BLIND = "clean_blind"
"""That of models that learn from clean photographs too, and are to remove noise of any level."""

DVAE = "dvae"
"""That of a DVAE that learns as `recorrupted` does, and whose draws are measured too."""

CEILINGS = (CEILING, BLIND)
SHOWN_CEILING = "ceiling"
"""What figures keep the output of `CEILING` as: `clean` is the clean image."""

OBJECTIVES = (*LEARNED, DVAE, CEILING)
NOISE_SEED = 0
"""Test noise is the same for all."""

CHOOSING = 200
"""Images on which the parameters of a classical filter are chosen."""

FEW = 500
"""Test images, the first ones, that all methods have in common."""

SLOW = {"bm3d": 20}
"""Images on which those of a filter are chosen that has but `FEW` test images."""

ESTIMATED = 1000
"""Test images on which the error is estimated too."""

SHOWN_IMAGES = 6
"""Test images of the figure."""


def suits(objective: str, noise: str) -> bool:
    """Return whether models of an objective can learn from images with a noise.

    Example:
        >>> suits("recorrupted", "speckle:0.2")
        False
    """
    kinds = {"recorrupted": RECORRUPTED, DVAE: (corruptions.Gaussian,)}
    return isinstance(corruptions.parse(noise), kinds.get(objective, corruptions.Corruption))


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
    """Noises of the images. Models that learn recorrupted know its level."""
    objectives: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME [NAME ...]")] = OBJECTIVES
    """What models learn: recorrupted (Gaussian noise and photons), masked, paired, dvae (a DVAE
    that learns recorrupted, of the dataset and Gaussian noise alone, whose draws are measured too),
    and clean, from clean images, the ceiling; of photographs also clean_blind, the same with
    Gaussian noise of 0 to 55 of 255, one model for all noises."""
    n_train: int = 5000
    """Noisy training images of the dataset."""
    steps: int = 2400
    """Training steps of each model."""
    precision: Annotated[str, one_of(AUTO, *LEARNING)] = AUTO
    """Of the training of models, but for those of dvae, which are trained with float32. auto: that
    of the study in the folder, else bfloat16 where the machine has units for it and float32
    elsewhere."""
    pictures: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """A folder of noisy pictures to learn from and to denoise, in place of the dataset and the
    noises. Objectives are then masked and paired."""
    truth: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """A folder with a clean picture of the same name for each of them, which only the measure
    sees: PSNR after the best scale and offset."""
    photographs: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """A folder of clean pictures of any sizes, to which the noises are added, in place of the
    dataset. A twentieth is held out, to choose the parameters of classical filters."""
    photographs_test: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """A folder of the clean pictures that are the test, with the same noises."""

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
            checks.choice("objectives", objective, (*OBJECTIVES, BLIND))
        checks.integer("n_train", self.n_train, 1)
        checks.integer("steps", self.steps, 1)
        checks.choice("precision", self.precision, (AUTO, *LEARNING))
        for name, other in (("pictures", "truth"), ("photographs", "photographs_test")):
            if (getattr(self, name) is None) != (getattr(self, other) is None):
                raise ValueError(f"`{name}` and `{other}` must be given together.")
        if self.pictures is not None and self.photographs is not None:
            raise ValueError("`pictures` and `photographs` are two studies; give one of them.")
        if BLIND in self.objectives and self.photographs is None:
            raise ValueError(f"`objectives` {BLIND} needs `photographs`.")
        self._check_models()
        for name in ("pictures", "truth", "photographs", "photographs_test"):
            folder = getattr(self, name)
            if folder is not None and not Path(folder).expanduser().is_dir():
                raise FileNotFoundError(f"`{name}` {folder} is no folder.")

    def _check_models(self) -> None:
        """Refuse objectives of which none suits the pictures or the noises."""
        if self.pictures is not None:
            if not set(HIDING) & set(self.objectives):
                raise ValueError(
                    f"`objectives` must hold one of {', '.join(HIDING)} with `pictures`; got "
                    f"{', '.join(self.objectives)}."
                )
        elif not any(suits(name, noise) for name in self.objectives for noise in self.noises):
            raise ValueError(
                "`objectives` must hold others than recorrupted, which is for Gaussian noise and "
                "that of photons, and dvae, which is for Gaussian noise; got noises "
                f"{', '.join(self.noises)}."
            )
        elif set(self.objectives) == {DVAE} and self.photographs is not None:
            raise ValueError(f"`objectives` {DVAE} is for the dataset; got `photographs`.")


def command_of(
    kept: Mapping[str, Any], noises: Sequence[str] = (), objectives: Iterable[str] = ()
) -> str:
    """Return the command that makes the rows of a study's folder, but for folders and seeds.

    Args:
        kept: the settings that the folder holds.
        noises: of its rows, none of pictures.
        objectives: of its rows.
    """
    folders = ("pictures", "truth", "photographs", "photographs_test")
    words = [f"--{name.replace('_', '-')} DIR" for name in folders if name in kept]
    defaults = {field.name: field.default for field in dataclasses.fields(NoisyAloneConfig)}
    words += [
        f"--{name.replace('_', '-')} {kept[name]}"
        for name in ("n_train", "steps")
        if name in kept and kept[name] != defaults[name]
    ]
    if noises and tuple(noises) != defaults["noises"]:
        words.append(f"--noises {' '.join(noises)}")
    names = HIDING if "pictures" in kept else (*OBJECTIVES, BLIND)
    found = [name for name in names if name in objectives]
    if found and not set(names) - {BLIND} <= set(found):
        words.append(f"--objectives {' '.join(found)}")
    # Folders of earlier versions do not say the precision.
    words.append(f"--precision {kept.get('precision', 'float32')}")
    return f"tfdvae study noisy-alone {' '.join(words)}"
