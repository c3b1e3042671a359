"""A command that a system ends (SIGTERM) stops in order, as after Ctrl-C."""

import signal
import threading
from types import FrameType
from typing import NoReturn


class Terminated(KeyboardInterrupt):
    """The process was asked to end, as by `kill`, a system's shutdown or a job's time limit."""


def heed_termination() -> None:
    """Raise `Terminated` in the main thread where SIGTERM comes, in place of ending at once."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _end)


def status_of(error: KeyboardInterrupt) -> int:
    """Return the exit status of a command that was stopped: 143, or 130 after Ctrl-C."""
    return 143 if isinstance(error, Terminated) else 130


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends already
    raise Terminated
