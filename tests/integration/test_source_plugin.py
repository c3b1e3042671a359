"""A source of another package, registered through an entry point, is used by the command line."""

import csv
import json
import os
import subprocess
import sys

import pytest

from tests.helpers.processes import ROOT, run

MODULE = '''
import numpy as np

import tfdvae
from tfdvae.data.sources import ImageDataset, Request, Source


@tfdvae.register_source
class Toy(Source):
    """Bright and dark squares, `toy:COUNT` of each."""

    name = "toy"
    description = "toy:COUNT"
    datasets = ("toy",)

    def accepts(self, text: str) -> bool:
        return text.split(":")[0] == "toy"

    def check(self, request: Request) -> None:
        if not request.dataset.removeprefix("toy:").isdigit():
            raise ValueError(f"`dataset` must be toy:COUNT; got {request.dataset}.")

    def load(self, request: Request) -> ImageDataset:
        labels = np.arange(2 * int(request.dataset.removeprefix("toy:"))) % 2
        images = np.full((len(labels), 8, 8), 0.2, np.float32) + 0.6 * labels[:, None, None]
        return ImageDataset.from_arrays(
            images, labels, class_names=("dark", "bright"), name=request.dataset
        )
'''

REFUSED = """
import json
import sys

from tfdvae.cli import main

for arguments in json.loads(sys.argv[1]):
    print("status", main.main(["train", "--dataset", *arguments]), file=sys.stderr)
"""


@pytest.mark.slow
def test_a_source_of_another_package(tmp_path):
    (tmp_path / "toy_source.py").write_text(MODULE)
    info = tmp_path / "toy_source-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-source\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tfdvae]\ntoy = toy_source\n")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))

    output = tmp_path / "run"
    options = (
        "--model",
        "dae",
        "--n-train",
        60,
        "--epochs",
        1,
        "--no-classifier",
        "--output",
        output,
    )
    done = run("--dataset", "toy:50", *options, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    with open(output / "metrics.csv", newline="") as file:
        assert {(row["dataset"], row["n_train"]) for row in csv.DictReader(file)} == {
            ("toy:50", "60")
        }

    refused = {
        ("toy:many",): "`dataset` must be toy:COUNT; got toy:many",
        ("toy:50", "--image-size", "32"): "`image_size` is for a `dataset` that is a folder of",
        ("toi",): "Did you mean 'toy'",
    }
    done = subprocess.run(
        [sys.executable, "-c", REFUSED, json.dumps(list(refused))],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    *messages, end = done.stderr.replace("│", " ").split("status 2")
    assert end == "\n", done.stderr
    for message, expected in zip(messages, refused.values(), strict=True):
        assert expected in " ".join(message.split())
