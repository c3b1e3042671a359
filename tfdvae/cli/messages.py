"""What the command line shows of the library's log."""

import contextlib
import logging
import sys
from collections.abc import Iterator

from tfdvae._utils import text

_ROOT = logging.getLogger("tfdvae")


class _Terminal(logging.Handler):
    """Writes bare messages: errors to standard error, all others to standard output.

    Control characters in them, as in names of files, are made visible.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stream = sys.stderr if record.levelno >= logging.ERROR else sys.stdout
            stream.write(f"{text.printable(self.format(record))}\n")
            stream.flush()
        except OSError:
            raise
        except Exception:
            self.handleError(record)


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """Show the messages of the library while the block runs."""
    handler = _Terminal()
    level, propagate = _ROOT.level, _ROOT.propagate
    _ROOT.addHandler(handler)
    _ROOT.setLevel(logging.INFO)
    _ROOT.propagate = False  # TensorFlow's handlers would show warnings a second time
    try:
        yield
    finally:
        _ROOT.removeHandler(handler)
        _ROOT.setLevel(level)
        _ROOT.propagate = propagate


def be_quiet() -> None:
    """Show errors and NOTEs alone, and no progress bars."""
    _ROOT.setLevel(logging.WARNING)
