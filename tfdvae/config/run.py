"""Settings of a run: seed, numbers, threads, folders and what is shown."""

import dataclasses
from typing import Annotated

import tyro

from tfdvae._utils import checks
from tfdvae.config.group import Group, one_of

PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
DISTRIBUTIONS = ("none", "mirrored", "multiworker")
AUTO = "auto"
"""The precision that is float32, but bfloat16 for a classifier where the machine has units."""


@dataclasses.dataclass(frozen=True)
class RunConfig(Group):
    """Seed, precision, threads, the run folder and what is shown.

    Example:
        >>> RunConfig(precision="bfloat16").keras_dtype
        'mixed_bfloat16'
    """

    seed: int = 0
    """Root seed of every random choice."""
    precision: Annotated[str, one_of(AUTO, *PRECISIONS)] = AUTO
    """float32, or mixed precision with the named type for activations. auto: float32 for the model;
    the CNN is trained with bfloat16 where the machine has units for it, else with float32, and kept
    in float32. Other classifiers have the precision of their own."""
    threads: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Threads to compute with. Default: the cores of this machine. Results repeat bit for bit at
    one number of threads."""
    distribute: Annotated[str, one_of(*DISTRIBUTIONS)] = "none"
    """mirrored: train on all GPUs of this machine, which share each batch. multiworker: on several
    machines, as the environment variable TF_CONFIG says; --output is a folder that all of them
    see."""
    output: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """The run folder itself. Default: a new folder in saved_models/."""
    resume: Annotated[str | None, tyro.conf.arg(metavar="RUN")] = None
    """Go on with an interrupted run; its own settings hold."""
    debug: bool = False
    """Show the whole traceback of an error."""
    quiet: bool = False
    """Show errors and notes alone: no progress and no results."""

    def __post_init__(self) -> None:
        checks.texts(self)
        self.keep("seed", checks.integer("seed", self.seed, 0, 2**63 - 1))
        checks.choice("precision", self.precision, (AUTO, *PRECISIONS))
        checks.choice("distribute", self.distribute, DISTRIBUTIONS)
        if self.threads is not None:
            threads = checks.integer("threads", self.threads, 1, checks.MAX_THREADS)
            self.keep("threads", threads)
        self.check_switches("debug", "quiet")
        if self.resume is not None and self.output is not None:
            raise ValueError(
                "`output` cannot be given with `resume`: a run goes on in its own folder."
            )

    @property
    def keras_dtype(self) -> str:
        """The Keras dtype policy of the model."""
        return PRECISIONS.get(self.precision, "float32")
