"""Settings of `tfdvae denoise --learn`."""

import dataclasses
import re
from typing import Annotated

import tyro

from tfdvae._utils import checks
from tfdvae.config.group import one_of
from tfdvae.config.objective import OF_NOISY_IMAGES
from tfdvae.config.run import AUTO
from tfdvae.config.tasks import TaskConfig

LEAST_PATCH, MOST_PATCH, MOST_FRAMES = 16, 512, 15
LEARNING = ("float32", "bfloat16")
"""Precisions of the training of a U-Net."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LearnConfig(TaskConfig):
    """Learn to denoise from noisy pictures alone, and denoise them.

    The output folder gets the denoised pictures in `denoised/`, with the names and types of the
    input, the model and a report. No clean picture is needed. The same command goes on where it was
    stopped.
    """

    learn: Annotated[str, tyro.conf.arg(metavar="INPUT")]
    """A folder of noisy pictures with any folders below it, one picture or stack, or an .npy or
    .npz file of arrays."""
    output: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="OUTPUT")]
    """Folder for the result."""
    objective: Annotated[str | None, one_of(*OF_NOISY_IMAGES)] = None
    """How the model learns. Default: what the noise of the pictures allows."""
    noise: Annotated[float | None, tyro.conf.arg(metavar="SIGMA")] = None
    """Standard deviation of Gaussian noise, as a fraction of the range of the pictures' type.
    Default: the noise is estimated."""
    time: Annotated[str | None, tyro.conf.arg(metavar="TIME")] = None
    """About the longest training, such as 90s, 10m or 2h. Reading, denoising and the report are not
    counted. Default: as many steps as usually suffice."""
    patch_size: Annotated[int | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Side of the square patches that the model learns from, a multiple of 4. Default: 64, or that
    of the smallest picture. Larger ones show more of a scene, and a step has fewer of them."""
    frames: Annotated[int, tyro.conf.arg(metavar="INT")] = 1
    """Neighboring frames of a stack from which the one in the middle is denoised, an odd number: 3
    are the one before, itself and the one after. It helps where the scene changes slowly, and needs
    stacks of as many frames; rows of an array are frames too. 1: each frame by itself."""
    precision: Annotated[str, one_of(AUTO, *LEARNING)] = AUTO
    """Number format of the training: bfloat16 is faster where the machine has units for it. auto:
    bfloat16 there and float32 elsewhere. The model is kept in float32."""
    seed: int = 0
    """Root seed of all random choices."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.text("learn", self.learn)
        checks.text("output", self.output)
        if self.objective is not None:
            checks.choice("objective", self.objective, OF_NOISY_IMAGES)
        if self.noise is not None:
            checks.number("noise", self.noise, 0, 1, above_low=True)
        if self.patch_size is not None:
            checks.integer("patch_size", self.patch_size, LEAST_PATCH, MOST_PATCH)
            if self.patch_size % 4:
                raise ValueError(
                    "`patch_size` must be a multiple of 4, which the U-Net halves twice; got "
                    f"{self.patch_size}."
                )
        checks.integer("frames", self.frames, 1, MOST_FRAMES)
        if self.frames % 2 == 0:
            raise ValueError(f"`frames` must be odd, as many before as after; got {self.frames}.")
        checks.choice("precision", self.precision, (AUTO, *LEARNING))
        checks.integer("seed", self.seed, 0)
        _ = self.seconds

    @property
    def seconds(self) -> float | None:
        """The longest training in seconds; None for no limit.

        Raises:
            ValueError: no number with s, m or h behind it.
        """
        if self.time is None:
            return None
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", self.time.strip())
        if found is None or float(found[1]) <= 0:
            raise ValueError(
                f"`time` must be a number above 0 and s, m or h, such as 10m; got {self.time!r}."
            )
        return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]
