"""What the command line shows of the library's log."""

import contextlib
import logging
import re
import sys
from collections.abc import Iterator, Sequence

from tfdvae._utils import text

_ROOT = logging.getLogger("tfdvae")


class _Terminal(logging.Handler):
    """Writes bare messages: errors to standard error, all others to standard output.

    Control characters in them, as in names of files, are made visible.

    Args:
        names: parts of paths on the command line in which line breaks are made visible too.
    """

    def __init__(self, names: set[str]):
        super().__init__()
        self._names = names

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stream = sys.stderr if record.levelno >= logging.ERROR else sys.stdout
            shown = self.format(record)
            for name in self._names:
                shown = shown.replace(name, text.name(name))
            stream.write(f"{text.printable(shown)}\n")
            stream.flush()
        except OSError:
            raise
        except Exception:
            self.handleError(record)


@contextlib.contextmanager
def shown(arguments: Sequence[str] = ()) -> Iterator[None]:
    """Show the messages of the library while the block runs.

    Args:
        arguments: of the command line; where messages repeat a path of them, it stays on one line.
    """
    parts = {part for word in arguments for part in re.split("[/=]", word)}
    handler = _Terminal({part for part in parts if "\n" in part.strip()})
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
