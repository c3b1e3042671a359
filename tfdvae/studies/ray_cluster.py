"""Cells of a study on a Ray cluster: each in a process of its own, on any of its machines."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfdvae._utils import files
from tfdvae.studies.executor import Processes

# What a cell may leave; other files stay behind. Rows come last: with them it is finished.
_SUFFIXES = (".npz", ".csv")
_RETRIES = 10  # of a cell whose machine is lost


class Cluster:
    """Computes each cell on one of the machines of a Ray cluster, and brings its files here.

    Data and modules must be found on each machine as on this one, and tfdvae be of one version. A
    cell whose machine is lost is computed on another one. Source: Moritz et al. 2018.

    Args:
        arguments: of `tfdvae`, but for `--cell` and `--output`.
        address: of the cluster, `auto` for the one that this machine belongs to; by default one is
            started that has this machine alone. In a process that has joined a cluster it is that.
        thread_count: cores that a cell takes.

    Attributes:
        places: cells for which the cluster has cores at a time.

    Raises:
        ValueError: Ray is not installed, there is no cluster, or no machine has so many cores.
    """

    def __init__(self, arguments: Sequence[str], address: str | None, thread_count: int):
        try:
            import ray
        except ImportError as error:
            raise ValueError(
                f'`executor` ray needs a package that is missing ({error}): pip install "tfdvae'
                '[ray]".'
            ) from None
        self._ray: Any = ray
        self._stopped = False
        self._joined = not ray.is_initialized()  # otherwise the cluster is the caller's own
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
        try:
            if self._joined and address not in (None, "auto"):
                _reach(str(address))
            if self._joined:
                ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise ValueError(f"`address` {address or ''} is no Ray cluster: {reason}") from None
        cores = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
        self.places = sum(count // thread_count for count in cores)
        if not self.places:
            self.stop()
            most = max(cores, default=0)
            raise ValueError(
                f"`threads` must be at most {most}, the cores of the largest machine of the "
                f"cluster; got {thread_count}."
            )
        remote = ray.remote(num_cpus=thread_count, max_retries=_RETRIES)(_compute)
        self._compute = remote
        self._arguments = list(arguments)
        self._version = importlib.metadata.version("tfdvae")

    def __call__(self, cell: str, path: Path) -> None:
        """Compute a cell.

        Raises:
            ChildProcessError: it failed, or its machine has another version of tfdvae.
        """
        if self._stopped:
            raise ChildProcessError(f"cell {cell} was not computed: the study has ended.")
        result = self._compute.remote(self._arguments, cell, self._version, os.getcwd())
        try:
            found = self._ray.get(result)
        except self._ray.exceptions.RayTaskError as error:
            raise ChildProcessError(str(error.cause)) from None
        except self._ray.exceptions.RayError as error:
            reason = str(error).strip().partition("\n")[0]
            raise ChildProcessError(f"cell {cell} was lost by the cluster: {reason}") from None
        for suffix in _SUFFIXES:
            if suffix in found:
                with files.replacing(path.with_suffix(suffix)) as temporary:
                    Path(temporary).write_bytes(found[suffix])

    def stop(self) -> None:
        """Leave the cluster, which ends what it still computes for this process."""
        self._stopped = True
        if self._joined:
            self._ray.shutdown()


def _reach(address: str) -> None:
    """Refuse an address where nobody listens: Ray would try it for minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        raise ValueError("it must be HOST:PORT, such as 10.0.0.5:6379, or auto")
    with socket.create_connection((host, int(port)), timeout=10):
        pass


def _compute(arguments: list[str], cell: str, version: str, folder: str) -> dict[str, bytes]:
    """Return the files of a cell by their suffix, computed on this machine."""
    here = importlib.metadata.version("tfdvae")
    if here != version:
        raise ChildProcessError(
            f"machine {platform.node()} of the cluster has tfdvae {here}; it must be {version}."
        )
    if Path(folder).is_dir():
        os.chdir(folder)  # where the user named files
    with tempfile.TemporaryDirectory(prefix="tfdvae-") as output:
        path = Path(output) / "cells" / f"{cell}.csv"
        Processes([*arguments, "--output", output])(cell, path)
        made = {suffix: path.with_suffix(suffix) for suffix in _SUFFIXES}
        return {suffix: file.read_bytes() for suffix, file in made.items() if file.exists()}
