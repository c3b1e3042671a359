"""Settings that all studies have."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import tyro

from tfdvae._utils import checks, files
from tfdvae.config import executors

_NO_QUICK: Mapping[str, Any] = {}
_NONE_REPEATABLE: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class StudyConfig:
    """Settings that all studies have; a field's docstring is the help of its flag.

    The settings of a study are a frozen dataclass derived from this one.
    """

    dataset: Annotated[str, tyro.conf.arg(metavar="NAME")] = "fashion_mnist"
    """As for `tfdvae train`."""
    data_dir: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """As for `tfdvae train`."""
    seeds: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT [INT ...]")] = (0, 1, 2)
    """Root seeds: each model is trained once for each of them."""
    workers: int = 1
    """Cells computed at a time, each in a process of its own."""
    threads: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Threads that each process computes with. Default: the cores of this machine, shared by the
    workers."""
    executor: Annotated[str, executors.Executor] = "processes"
    """processes: of this machine. ray: of a Ray cluster (`pip install "tfdvae[ray]"`), which
    computes as many cells at a time as it has cores for, whatever --workers."""
    address: Annotated[str | None, executors.Address] = None
    """Of the Ray cluster; auto: the one that this machine belongs to. Default: a cluster of this
    machine alone. Data must lie at the same place on all of its machines."""
    output: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of the study, by default results/ and its name. A study that was stopped goes on where
    it was."""
    cell: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Compute only this cell, in this process."""
    debug: bool = False
    """Show the whole traceback of an error."""
    quiet: bool = False
    """Show errors and notes alone."""

    # Without types, or tyro takes what a class inherits for flags.
    QUICK = _NO_QUICK
    """Settings that `--quick` stands for, in studies that have this flag."""
    REPEATABLE = _NONE_REPEATABLE
    """Settings of several values that may hold one of them twice, or none."""

    def __post_init__(self) -> None:
        checks.texts(self)
        if not isinstance(self.seeds, tuple):
            raise TypeError(f"`seeds` must be a tuple of whole numbers; got {self.seeds!r}.")
        for seed in self.seeds:
            checks.integer("seeds", seed, 0, 2**63 - 1)
        checks.integer("workers", self.workers, 1)
        executors.check(self.executor, self.address)
        if self.threads is not None:
            checks.integer("threads", self.threads, 1, checks.MAX_THREADS)
        for field in dataclasses.fields(self):
            values = getattr(self, field.name)
            if field.name in self.REPEATABLE or not isinstance(values, tuple):
                continue
            if len(set(values)) < max(1, len(values)):
                raise ValueError(
                    f"`{field.name}` must be one or more, none of them twice; got {values}."
                )

    @classmethod
    def of_quick(cls, **settings: Any) -> Self:
        """Return the settings of a first look, but for those given."""
        return cls(**{**cls.QUICK, **settings})

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """Return the settings of a study in a folder: those in its `config.json`, and defaults."""
        names = {field.name for field in dataclasses.fields(cls)}
        kept = files.read_json(folder / "config.json")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in kept.items()
            if name in names
        }
        return cls(**values)

    @property
    def own_images(self) -> dict[str, Any]:
        """Options for images of the user's own, as `data.sources.load` and `.check` take them."""
        return {}
