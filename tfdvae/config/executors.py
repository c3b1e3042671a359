"""Where a command that can be shared out computes."""

from typing import Any

import tyro

from tfdvae._utils import checks
from tfdvae.config.group import one_of

EXECUTORS = ("processes", "ray")

Executor = one_of(*EXECUTORS)
Address: Any = tyro.conf.arg(metavar="HOST:PORT")


def check(executor: str, address: str | None) -> None:
    """Refuse an executor that there is none of, and an address that nobody asks for.

    Raises:
        ValueError: naming the argument.
    """
    checks.choice("executor", executor, EXECUTORS)
    if address is not None and executor != "ray":
        raise ValueError("`address` is of a Ray cluster: give `executor` ray too.")
