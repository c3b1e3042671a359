"""How the cells of a study are computed: in processes of their own, here or on other machines."""

from __future__ import annotations

import dataclasses
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from tfdvae._utils import files
from tfdvae.computing.commands import Commands
from tfdvae.computing.ray_cluster import FEWER_AT_A_TIME, Cluster
from tfdvae.studies.settings import StudyConfig

# What a cell may leave; other files stay behind. Rows come last: with them it is finished.
_SUFFIXES = (".npz", ".csv")


class Executor(Protocol):
    """Computes cells; it may be called from several threads at a time."""

    def __call__(self, cell: str, path: Path) -> None:
        """Compute a cell, given its name, into a CSV file."""

    def stop(self) -> None:
        """End what still computes."""


class ThisProcess:
    """Computes cells in this process.

    Args:
        compute: takes the name of a cell and the CSV file that it writes.
        thread_count: threads to compute with. OpenMP has its number in each thread that calls it,
            so that it is set for each cell.
    """

    def __init__(self, compute: Callable[[str, Path], None], thread_count: int):
        self._compute, self._threads = compute, thread_count
        # it warns of a model that is traced for each cell
        logging.getLogger("tensorflow").setLevel(logging.ERROR)

    def __call__(self, cell: str, path: Path) -> None:
        """Compute a cell."""
        from tfdvae._utils import threads  # needs TensorFlow, which other executors do without

        threads.use_threads(self._threads)
        self._compute(cell, path)

    def stop(self) -> None:
        """Do nothing: a cell in this process ends by itself."""


class Processes:
    """Computes each cell by a command in a process of its own, which ends when this one does.

    Args:
        arguments: of `tfdvae`, but for `--cell`.
        advice: as for `Commands`.
    """

    def __init__(self, arguments: Sequence[str], advice: str = "; fewer `workers` need less"):
        self._arguments = list(arguments)
        self._commands = Commands(advice)

    def __call__(self, cell: str, path: Path) -> None:
        """Compute a cell.

        Raises:
            ChildProcessError: the process failed; its last lines are shown.
        """
        self._commands.run([*self._arguments, "--cell", cell], f"cell {cell}")

    def stop(self) -> None:
        """Terminate the processes that still run."""
        self._commands.stop()


class OnCluster:
    """Computes each cell on one of the machines of a Ray cluster, and brings its files here.

    Args:
        arguments: of `tfdvae`, but for `--cell` and `--output`.
        cluster: of the machines.
    """

    def __init__(self, arguments: Sequence[str], cluster: Cluster):
        self._arguments, self._cluster = list(arguments), cluster

    def __call__(self, cell: str, path: Path) -> None:
        """Compute a cell.

        Raises:
            ChildProcessError: it failed, or its machine has another version of tfdvae.
        """
        found = self._cluster.call(f"cell {cell}", _files_of, self._arguments, cell)
        for suffix in _SUFFIXES:
            if suffix in found:
                with files.replacing(path.with_suffix(suffix)) as temporary:
                    Path(temporary).write_bytes(found[suffix])

    def stop(self) -> None:
        """Leave the cluster, which ends what it still computes."""
        self._cluster.stop()


def _files_of(arguments: list[str], cell: str) -> dict[str, bytes]:
    """Return the files of a cell by their suffix, computed on this machine."""
    with tempfile.TemporaryDirectory(prefix="tfdvae-") as output:
        path = Path(output) / "cells" / f"{cell}.csv"
        Processes([*arguments, "--output", output], FEWER_AT_A_TIME)(cell, path)
        made = {suffix: path.with_suffix(suffix) for suffix in _SUFFIXES}
        return {suffix: file.read_bytes() for suffix, file in made.items() if file.exists()}


def to_arguments(config: StudyConfig) -> list[str]:
    """Return the settings of one cell's process as command-line arguments.

    Those that concern the study as a whole are left out.
    """
    arguments = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if (
            field.name not in ("cell", "workers", "quiet", "executor", "address")
            and value is not None
            and value is not False
        ):
            values = () if value is True else value if isinstance(value, tuple) else (value,)
            arguments += [f"--{field.name.replace('_', '-')}", *map(str, values)]
    return arguments
