"""Commands of tfdvae, each in a process of its own that ends when this one does."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence

_PARENT = "TFDVAE_ENDS_WITH_STANDARD_INPUT"
_KILLED = 9  # SIGKILL, a name that Windows lacks


class Commands:
    """Runs commands; it may be called from several threads at a time.

    Args:
        advice: what needs less memory, where a command was killed.

    Example:
        >>> Commands().run(["models"], "the list of models")
    """

    def __init__(self, advice: str = "") -> None:
        self._advice = advice
        self._running: list[subprocess.Popen] = []

    def run(self, arguments: Sequence[str], what: str) -> list[str]:
        """Run a command, wait for its end and return its notes, NOTE left out.

        Args:
            arguments: of `tfdvae`.
            what: it computes, in words for messages.

        Raises:
            ChildProcessError: it failed; its last lines are shown, with `--debug` all of them.
        """
        with subprocess.Popen(
            [sys.executable, "-m", "tfdvae", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
            env=os.environ | {_PARENT: "1", "PYTHONIOENCODING": "utf-8"},
        ) as process:
            self._running.append(process)
            assert process.stderr is not None
            errors = process.stderr.read()
            process.wait()
        self._running.remove(process)
        if process.returncode == -_KILLED:
            raise ChildProcessError(
                f"{what} was killed, as a system does where memory runs out{self._advice}."
            )
        lines = errors.strip().splitlines()
        if process.returncode:
            lines = [line for line in lines if not line.startswith("See `tfdvae ")]
            last = "\n".join(lines if "--debug" in arguments else lines[-5:])
            raise ChildProcessError(f"{what} failed with status {process.returncode}:\n{last}")
        return [line.removeprefix("NOTE: ") for line in lines if line.startswith("NOTE: ")]

    def stop(self) -> None:
        """Terminate the processes that still run."""
        for process in list(self._running):
            process.terminate()


def end_with_parent() -> None:
    """End this process, which `Commands` started, as soon as the one that did ends.

    That one holds our standard input open, and loses its end of it however it ends.
    """

    def wait() -> None:
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def has_parent() -> bool:
    """Return whether `Commands` started this process."""
    return bool(os.environ.get(_PARENT))
