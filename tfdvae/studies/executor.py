"""How the cells of a study are computed: each in a process of its own, or all in this one.

On several machines it is `ray_cluster`.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from tfdvae.studies.settings import StudyConfig

_PARENT = "TFDVAE_CELL_OF_A_STUDY"
_KILLED = 9  # SIGKILL, a name that Windows lacks


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
    """

    def __init__(self, arguments: Sequence[str]):
        self._arguments = list(arguments)
        self._running: list[subprocess.Popen] = []

    def __call__(self, cell: str, path: Path) -> None:
        """Compute a cell.

        Raises:
            ChildProcessError: the process failed; its last lines are shown.
        """
        command = [sys.executable, "-m", "tfdvae", *self._arguments, "--cell", cell]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
            env=os.environ | {_PARENT: "1", "PYTHONIOENCODING": "utf-8"},
        ) as process:
            self._running.append(process)
            assert process.stderr is not None
            errors = process.stderr.read()
            process.wait()
        self._running.remove(process)
        if process.returncode == -_KILLED:
            raise ChildProcessError(
                f"cell {cell} was killed, as a system does where memory runs out; fewer `workers` "
                "need less."
            )
        if process.returncode:
            lines = [
                line
                for line in errors.strip().splitlines()
                if not line.startswith("See `tfdvae --help`")
            ]
            last = "\n".join(lines if "--debug" in self._arguments else lines[-5:])
            raise ChildProcessError(f"cell {cell} failed with status {process.returncode}:\n{last}")

    def stop(self) -> None:
        """Terminate the processes that still run."""
        for process in list(self._running):
            process.terminate()


def end_with_parent() -> None:
    """End this process, if a study started it for a cell, as soon as that study ends.

    The study holds our standard input open, and loses its end of it however it ends.
    """

    def wait() -> None:
        os.read(0, 1)
        os._exit(1)

    if os.environ.get(_PARENT):
        threading.Thread(target=wait, daemon=True).start()


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
