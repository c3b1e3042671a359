"""`tfdvae train` on several devices and in several processes, as on several machines."""

import contextlib
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
from tfdvae.cli import main
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
sys.exit(main.main(sys.argv[1:]))
"""


def train_on_two_devices(*arguments):
    """Run `tfdvae train --distribute mirrored` on two devices that are this processor."""
    words = ["train", *map(str, arguments), "--distribute", "mirrored"]
    command = [sys.executable, "-c", _TWO_DEVICES, *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def train_in_two_processes(*arguments, kill_when=None):
    """Run `tfdvae train` in two processes that TF_CONFIG tells of each other.

    Args:
        *arguments: of both; `--distribute` is added where a run begins.
        kill_when: called again and again; once it returns True, the second process is killed.

    Returns:
        Exit status and standard error of each.
    """
    words = ["train", *map(str, arguments)]
    words += [] if "--resume" in words else ["--distribute", "multiworker"]
    workers = [f"127.0.0.1:{port}" for port in _free_ports(2)]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tfdvae", *words],
                    cwd=ROOT,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=os.environ | {"TF_CONFIG": _cluster(workers, index)},
                )
            )
            for index in range(2)
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


def _cluster(workers, index):
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
