"""Ctrl-C and SIGTERM: they wait for the end of a training step, or end the process at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
Handler = Callable[[int, FrameType | None], Any]


class Interruption:
    """While it is entered, a signal that has a handler waits until `heed` is called, or to the end.

    A second one is heeded at once. In other threads than the main one, where no signal comes, it
    does nothing.

    Attributes:
        came: whether a signal waits.

    Example:
        >>> with Interruption() as interruption:
        ...     for _ in range(1000):
        ...         step()
        ...         if interruption.came:
        ...             save()
        ...             interruption.heed()
    """

    def __init__(self) -> None:
        self.came = False
        self._waiting: tuple[int, FrameType | None] = (0, None)
        self._handlers: dict[int, Handler] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._take)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers.items():
            if signal.getsignal(number) == self._take:  # the handler may have set another one
                signal.signal(number, handler)
        if error is None:
            self.heed()

    def heed(self) -> None:
        """Call the handler of the signal that waits, if one does; most raise an error."""
        if self.came:
            self.came = False
            number, frame = self._waiting
            self._handlers[number](number, frame)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.heed()
        self.came, self._waiting = True, (number, frame)


@contextlib.contextmanager
def at_once() -> Iterator[None]:
    """Let a signal end the process at once while the block waits outside Python.

    Example:
        >>> with at_once():
        ...     wait_for_other_machines()
    """
    in_main = threading.current_thread() is threading.main_thread()
    earlier = {number: signal.getsignal(number) for number in SIGNALS if in_main}
    heeded = {number: handler for number, handler in earlier.items() if callable(handler)}
    for number in heeded:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in heeded.items():
            signal.signal(number, handler)
