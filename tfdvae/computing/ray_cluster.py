"""Functions that are called on the machines of a Ray cluster."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

FEWER_AT_A_TIME = "; with more `threads`, fewer run on a machine at a time"
"""Advice for `Commands`."""

_RETRIES = 10  # of a call whose machine is lost


class Cluster:
    """Calls functions of tfdvae, each on one of the machines of a Ray cluster.

    Data and modules must be found on each machine as on this one, and tfdvae be of one version. A
    call whose machine is lost is made on another one. GPUs are not used, which all calls of a
    machine would share. Source: Moritz et al. 2018.

    Args:
        address: of the cluster, `auto` for the one that this machine belongs to; by default one is
            started that has this machine alone. In a process that has joined a cluster it is that.
        thread_count: cores that a call takes.

    Attributes:
        places: calls for which the cluster has cores at a time.

    Raises:
        ValueError: Ray is not installed, there is no cluster, or no machine has so many cores.
    """

    def __init__(self, address: str | None, thread_count: int):
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
        self._remote = ray.remote(num_cpus=thread_count, max_retries=_RETRIES)(_call)
        self._version = importlib.metadata.version("tfdvae")

    def call(self, what: str, function: Callable[..., Any], *arguments: object) -> Any:
        """Call a function on one of the machines and return what it returns.

        It may be called from several threads at a time.

        Args:
            what: it computes, in words for messages.
            function: of a module of tfdvae.
            *arguments: of the function.

        Raises:
            ChildProcessError: it failed, or its machine has another version of tfdvae.
        """
        if self._stopped:
            raise ChildProcessError(f"{what} was not computed: the command has ended.")
        result = self._remote.remote(function, arguments, self._version, os.getcwd())
        try:
            return self._ray.get(result)
        except self._ray.exceptions.RayTaskError as error:
            raise ChildProcessError(str(error.cause)) from None
        except self._ray.exceptions.RayError as error:
            reason = str(error).strip().partition("\n")[0]
            raise ChildProcessError(f"{what} was lost by the cluster: {reason}") from None

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


def _call(
    function: Callable[..., Any], arguments: tuple[Any, ...], version: str, folder: str
) -> Any:
    here = importlib.metadata.version("tfdvae")
    if here != version:
        raise ChildProcessError(
            f"machine {platform.node()} of the cluster has tfdvae {here}; it must be {version}."
        )
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    if Path(folder).is_dir():
        os.chdir(folder)  # where the user named files
    return function(*arguments)
