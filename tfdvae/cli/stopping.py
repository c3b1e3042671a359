"""A command that a system ends (SIGTERM) stops in order, as after Ctrl-C."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """The process was asked to end, as by `kill`, a system's shutdown or a job's time limit."""


@contextlib.contextmanager
def termination_heeded() -> Iterator[None]:
    """Raise `Terminated` in the main thread where SIGTERM comes while the block runs, in place of
    ending at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def status_of(error: KeyboardInterrupt) -> int:
    """Return the exit status of a command that was stopped: 143, or 130 after Ctrl-C."""
    return 143 if isinstance(error, Terminated) else 130


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends already
    raise Terminated
