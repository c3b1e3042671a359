"""Commands of tfdvae in processes of their own."""

import functools
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.helpers.requirements import lacking

ROOT = Path(__file__).parents[2]
TINY = ["--dataset", "digits", "--n-train", "60", "--epochs", "1", "--classifier-steps", "2"]


def run(*arguments, cwd=ROOT, timeout=300, **environment):
    """Run `python train.py` with arguments and return the finished process, its output as text."""
    command = [sys.executable, str(ROOT / "train.py"), *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=os.environ | environment,
    )


def complaint(process):
    """The message of a refused command, frames and line breaks of the box removed."""
    assert process.returncode == 2, process.stdout + process.stderr
    assert "Traceback" not in process.stderr
    assert process.stderr.count("\n") < 20, "short"
    return re.sub(r"[\s│╭╮╰╯─]+", " ", process.stderr)


def run_tfdvae(*arguments, stop_when=None, sent=signal.SIGKILL, group=True, cwd=ROOT):
    """Run `python -m tfdvae` with arguments and return the finished process.

    Args:
        *arguments: of the command line.
        stop_when: called again and again; once it returns True, the process is sent a signal, with
            which it ends within a minute.
        sent: this one.
        group: its children are sent it too.
        cwd: where it runs.
    """
    command = [sys.executable, "-m", "tfdvae", *map(str, arguments)]
    # A shell may start its background jobs with SIGINT ignored, and they would pass that on.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed,
    ) as process:
        deadline = time.monotonic() + 900
        while stop_when is not None and process.poll() is None and time.monotonic() < deadline:
            if stop_when():
                (os.killpg if group else os.kill)(process.pid, sent)
                break
            time.sleep(0.05)
        try:
            stdout, stderr = process.communicate(timeout=900 if stop_when is None else 60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


_PEAK = """
import re, sys, threading, time
from tfdvae._utils import limits
from tfdvae.cli import main as cli
peak, done = 0, threading.Event()
def watch():
    global peak
    while not done.wait(0.005):
        peak = max(peak, int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]))
watching = threading.Thread(target=watch)
watching.start()
try:
    with limits.use(piece_bytes=2**20):
        status = cli.main(sys.argv[1:])
finally:
    done.set()
    watching.join()
print("PEAK", peak / 1024)
sys.exit(status)
"""


def peak_memory(*arguments):
    """The most memory, in MiB, that a `tfdvae` command had of its own: without mapped files, which
    are given back when memory is needed.

    oneDNN is off, and malloc gives most of what was freed back at once: with them peaks differed by
    120 MiB from run to run, for few images as for many. What oneDNN keeps is not measured.
    """
    if not Path("/proc/self/status").exists():
        lacking("/proc, where Linux tells what memory a process has of its own, is missing")
    command = [sys.executable, "-c", _PEAK, *map(str, arguments)]
    settings = {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": str(2**18),
        "MALLOC_TRIM_THRESHOLD_": str(2**18),
    }
    process = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | settings
    )
    assert process.returncode == 0, process.stderr
    return float(process.stdout.split()[-1])
