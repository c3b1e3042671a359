"""The README's commands, and the servers of the pages.

All other blocks are run by tests/integration/test_snippets.py.
"""

import http.client
import json
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.helpers import snippets
from tests.helpers.processes import ROOT

README = (ROOT / "README.md").read_text()
SERVING = (ROOT / "docs" / "serving.md").read_text()
TRAIN = (ROOT / "docs" / "train.md").read_text()


def commands(page: str, start: str) -> list[str]:
    """Return the lines of a page's blocks of commands that begin so."""
    lines = [
        line
        for block in snippets.blocks(page)
        if block.language == "sh"
        for line in block.code.splitlines()
    ]
    return [line for line in lines if line.startswith(start)]


@pytest.mark.slow
def test_the_main_job_and_its_tensorboard(tmp_path):
    """TensorBoard answers with pictures, hyperparameters and codes of a small run."""
    job = commands(README, "python3 -m venv")[0].partition(".venv/bin/python train.py ")[2]
    small = "--dataset digits --n-train 60 --epochs 2 --classifier-steps 2 --threads 2"
    subprocess.run(
        [sys.executable, ROOT / "train.py", *job.split(), *small.split()],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (command,) = (line.split() for line in commands(TRAIN, "tensorboard"))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name(command[0])
    more = ["--port", str(port), "--load_fast", "false"]
    with open(tmp_path / "output", "w") as output:
        server = subprocess.Popen(
            [program, *command[1:], *more], cwd=tmp_path, stdout=output, stderr=output
        )
    try:

        def answer(path: str, wanted: str) -> str:
            """The first answer that holds what is wanted: runs are still being read at first."""
            deadline, text = time.monotonic() + 120, ""
            while time.monotonic() < deadline and server.poll() is None:
                url = f"http://localhost:{port}/data/plugin/{path}"
                try:
                    with urllib.request.urlopen(url, timeout=30) as reply:
                        text = reply.read().decode()
                except (OSError, http.client.HTTPException) as error:
                    text = str(error)
                if wanted in text:
                    return text
                time.sleep(1)
            printed = (tmp_path / "output").read_text()
            raise AssertionError(f"{path} never held {wanted}: {text}\n{printed}")

        assert "generator/images" in answer("projector/runs", "generator")
        assert "reconstruct" in answer("images/tags", "reconstruct")
        states = [f"STATUS_{state}" for state in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")]
        asked = {
            "experimentName": "",
            "allowedStatuses": states,
            "colParams": [],
            "startIndex": 0,
            "sliceSize": 10,
        }
        query = urllib.parse.quote(json.dumps(asked))
        answer(f"hparams/session_groups?request={query}", "batch_size")
    finally:
        server.kill()
        server.wait()
