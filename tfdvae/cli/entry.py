"""Where `tfdvae` begins: it also ends in order when Ctrl-C comes while it is still starting."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; arguments and exit status are those of `tfdvae.cli.main.main`."""
    try:
        from tfdvae.cli import main as command_line
    except KeyboardInterrupt:
        sys.stderr.write("tfdvae: stopped.\n")
        return 130
    return command_line.main(arguments)
