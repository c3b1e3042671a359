"""The command line: `tfdvae COMMAND ...`; `python train.py ...` is `tfdvae train ...`."""

import logging
import re
import sys
import zipfile
from collections.abc import Sequence

import tfdvae
from tfdvae._utils import disk
from tfdvae.cli import flags, messages, stopping, streams
from tfdvae.cli.commands import SUMMARIES
from tfdvae.cli.registry import COMMANDS

logger = logging.getLogger(__name__)

USER_ERRORS = (
    ValueError,
    TypeError,
    OSError,
    RuntimeError,
    FloatingPointError,
    MemoryError,
    ImportError,
    OverflowError,
    EOFError,
    zipfile.BadZipFile,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: the words after `tfdvae`; by default those of this process.

    Returns:
        The exit status: 0, 1 where some images failed, 2 after an error of the user's, 130 after
        Ctrl-C, 143 after SIGTERM.

    Raises:
        SystemExit: after `--help` (status 0), or where flags are unknown or not of their type (2).
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    with streams.usable(), messages.shown(words):
        return _main(words)


def _main(arguments: list[str]) -> int:
    name = next(iter(arguments), "-")
    try:
        try:
            return _run(name, arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt as error:
        resumes = COMMANDS.get(name).resumes if name in COMMANDS else ""
        logger.error("\ntfdvae: stopped. %s", resumes)
        return stopping.status_of(error)
    except Exception as error:
        if "--debug" in arguments or not (isinstance(error, USER_ERRORS) or _of_tensorflow(error)):
            raise
        text = _tensorflow_text(error) if _of_tensorflow(error) else error
        if disk.full(error) and not isinstance(error, disk.DiskFull):
            text = f"the disk is full: {text}"
        logger.error(
            "tfdvae: error: %s\nSee `tfdvae --help`; --debug shows where it happened.", text
        )
        return 2


def _run(name: str, arguments: list[str]) -> int:
    if "--version" in arguments:
        logger.info("tfdvae %s", tfdvae.__version__)
        return 0
    if name.startswith("-"):
        about = f"{(tfdvae.__doc__ or '').splitlines()[0]} `tfdvae --version` prints the version."
        others = {name: command.summary for name, command in COMMANDS.registered().items()}
        flags.show_help(SUMMARIES | others, arguments, "tfdvae", about)
    return COMMANDS.get(name).run(arguments[1:])


def _tensorflow_text(error: Exception) -> str:
    """Return the first line of an error of TensorFlow's, without names of nodes of its graph."""
    line = str(error).strip().partition("\n")[0]
    text = re.sub(r"\{\{.*?\}\}\s*|\s*\[Op:.*", "", line)
    exhausted = isinstance(error, sys.modules["tensorflow"].errors.ResourceExhaustedError)
    return f"memory ran out: {text}" if exhausted and not disk.full(error) else text


def _of_tensorflow(error: Exception) -> bool:
    """Return whether an error comes from a graph of TensorFlow's."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(error, tensorflow.errors.OpError)
