"""What the start of the command line leaves behind in a program that calls it."""

import os
import signal
import threading

import pytest

from tfdvae.cli import entry
from tfdvae.cli import main as command_line


@pytest.fixture(params=[signal.SIG_DFL, signal.SIG_IGN, lambda number, frame: None])
def handler(request):
    """What the program does at SIGTERM."""
    before = signal.signal(signal.SIGTERM, request.param)
    yield request.param
    signal.signal(signal.SIGTERM, before)


def _quits(arguments):
    raise SystemExit(2)


def _is_terminated(arguments):
    os.kill(os.getpid(), signal.SIGTERM)
    raise AssertionError("it goes on")


@pytest.mark.parametrize(
    ("work", "status"),
    [(lambda arguments: 1, 1), (_quits, None), (_is_terminated, 143)],
    ids=["returns", "exits", "terminated"],
)
def test_the_handler_of_sigterm_is_that_of_the_program_again(work, status, handler, monkeypatch):
    monkeypatch.setattr(command_line, "main", work)
    if status is None:
        with pytest.raises(SystemExit):
            entry.main(["models"])
    else:
        assert entry.main(["models"]) == status
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_thread_of_a_program_may_call_it(monkeypatch):
    monkeypatch.setattr(command_line, "main", lambda arguments: 0)
    found = []
    thread = threading.Thread(target=lambda: found.append(entry.main(["models"])))
    thread.start()
    thread.join()
    assert found == [0]
