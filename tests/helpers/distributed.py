"""`tfdvae train` on several devices and in several processes, as on several machines."""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time

from tests.helpers.processes import ROOT

_TWO_DEVICES = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
"""
_TRAIN = """
from tfdvae.cli import main
sys.exit(main.main(sys.argv[1:]))
"""

# A process that ends with status 13 as soon as Python changes something below the folder of the
# run, which comes last. Libraries write behind Python's back, but here into a new file or folder
# that Python then renames.
_ONLY_READS = f"""
import os, sys
FOLDER = os.path.realpath(sys.argv[-1])
def refuse(event, given):
    changes = event in ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink")
    writes = event == "open" and given[2] & (os.O_ACCMODE | os.O_CREAT)
    for path in given[:2] if changes or writes else ():
        if isinstance(path, (str, bytes)):
            if os.path.realpath(os.fsdecode(path)).startswith(FOLDER):
                os.write(2, f"{{event}} of {{path}}".encode())
                os._exit(13)
sys.addaudithook(refuse)
{_TRAIN}
"""


def run_on_two_devices(script, *arguments):
    """Run lines of Python, which find two devices that are this processor."""
    command = [sys.executable, "-c", _TWO_DEVICES + script, *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def train_on_two_devices(*arguments):
    """Run `tfdvae train --distribute mirrored` on two devices that are this processor."""
    return run_on_two_devices(_TRAIN, "train", *arguments, "--distribute", "mirrored")


def train_in_two_processes(*arguments, kill_when=None):
    """Run `tfdvae train` in two processes that TF_CONFIG tells of each other.

    The second one is to change nothing in the folder of the run: it ends with status 13 if it does.

    Args:
        *arguments: of both, the folder last; `--distribute` is added where a run begins.
        kill_when: called again and again; once it returns True, the second process is killed.

    Returns:
        Exit status and standard error of each.
    """
    begins = [] if "--resume" in arguments else ["--distribute", "multiworker"]
    words = ["train", *begins, *map(str, arguments)]
    workers = [f"127.0.0.1:{port}" for port in _free_ports(2)]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, *way, *words],
                    cwd=ROOT,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=os.environ | {"TF_CONFIG": _cluster(workers, index)},
                )
            )
            for index, way in enumerate((("-m", "tfdvae"), ("-c", _ONLY_READS)))
        ]
        for process in processes:
            stack.callback(process.kill)
        deadline = time.monotonic() + 200
        while kill_when is not None and time.monotonic() < deadline:
            if kill_when():
                processes[1].send_signal(signal.SIGKILL)
                break
            time.sleep(0.05)
        errors = [process.communicate(timeout=300)[1] for process in processes]
    return [(process.returncode, error) for process, error in zip(processes, errors, strict=True)]


def stop_while_others_are_waited_for(*arguments):
    """Run `tfdvae train` as the first of two processes, never start the other one, send SIGINT
    and return the exit status.
    """
    ports = _free_ports(2)
    command = ["-m", "tfdvae", "train", *map(str, arguments), "--distribute", "multiworker"]
    # A shell may start its background jobs with SIGINT ignored, and they would pass that on.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        preexec_fn=heed,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TF_CONFIG": _cluster([f"127.0.0.1:{port}" for port in ports], 0)},
    ) as process:
        deadline = time.monotonic() + 100
        while process.poll() is None and time.monotonic() < deadline and not _listens(ports[0]):
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(timeout=20)
        finally:
            process.kill()


def _listens(port):
    with socket.socket() as found:
        return found.connect_ex(("127.0.0.1", port)) == 0


def _cluster(workers, index):
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
