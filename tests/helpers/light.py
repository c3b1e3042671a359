"""`tfdvae` commands that do not need TensorFlow, each in a process of its own that starts at once.

A server process imports the command line and forks for each command, which is possible as long as
TensorFlow is not imported: half a second less for each.
"""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers.processes import ROOT

_SERVER = """
import json, os, sys, traceback
from tfdvae.cli.main import main
assert "tensorflow" not in sys.modules, "TensorFlow was imported"
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    for name, number in (("stdout", 1), ("stderr", 2)):
        os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT), number)
    os.chdir(job["cwd"])
    try:
        status = main(job["arguments"])
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    if "tensorflow" in sys.modules:
        print("TensorFlow was imported", file=sys.stderr)
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)
"""


@functools.cache
def _server() -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    atexit.register(process.kill)
    return process


def light_main(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    """Run `tfdvae` with arguments; the exit status is 1 where it imports TensorFlow."""
    server = _server()
    with tempfile.TemporaryDirectory() as folder:
        job = {"arguments": list(map(str, arguments)), "cwd": str(cwd)}
        outputs = {name: str(Path(folder, name)) for name in ("stdout", "stderr")}
        print(json.dumps(job | outputs), file=server.stdin, flush=True)
        status = int(server.stdout.readline())
        texts = {name: Path(path).read_text() for name, path in outputs.items()}
    return subprocess.CompletedProcess(job["arguments"], status, **texts)
