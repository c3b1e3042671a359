"""Where `tfdvae` begins: it also ends in order when it is stopped while it is still starting."""

import sys
from collections.abc import Sequence

from tfdvae.cli import stopping
from tfdvae.computing import commands


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; arguments and exit status are those of `tfdvae.cli.main.main`."""
    try:
        if commands.has_parent():
            commands.end_with_parent()  # and at once where that asks
            return _run(arguments)
        with stopping.termination_heeded():
            return _run(arguments)
    except KeyboardInterrupt as error:
        sys.stderr.write("tfdvae: stopped.\n")
        return stopping.status_of(error)


def _run(arguments: Sequence[str] | None) -> int:
    from tfdvae.cli import main as command_line  # takes a while, in which a signal may come

    return command_line.main(arguments)
