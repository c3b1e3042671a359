"""A run of one's own images goes on with the images that it began with, or not at all."""

import json

import numpy as np
from PIL import Image

from tests.helpers.cases import Case, table
from tests.helpers.processes import complaint

SETTINGS = ("--model", "dae", "--network", "mlp", "--epochs", "1", "--no-classifier")


def _begin(folder, command):
    """Finish a run of ink on nothing, which was put on black."""
    random = np.random.default_rng(0)
    for number in range(20):
        ink = np.zeros((8, 8, 4), np.uint8)
        ink[..., :3] = random.integers(0, 99, (8, 8, 1))
        ink[2:6, 2:6, 3] = 255
        path = folder / "ink" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(ink).save(path)
    settings = (*SETTINGS, "--background", "black", "--test-noise", "0", "--output", "run")
    done = command("train", "--dataset", "./ink", *settings)
    assert done.returncode == 0, done.stderr


def _edit(file, **changed):
    values = json.loads(file.read_text()) | changed
    file.write_text(json.dumps({name: value for name, value in values.items() if value != "no"}))


def _read_otherwise(folder, command):
    _begin(folder, command)
    again = ("train", "--resume", "run")
    assert command(*again).stdout.count("done before") > 4
    environment = folder / "run/environment.json"
    recorded = json.loads(environment.read_text())["decoded"]
    _edit(environment, decoded=recorded | {"class_names": ["b", "a"]})
    told = complaint(command(*again))
    assert "the names of its classes differ. Begin a new run." in told
    _edit(environment, decoded="no")  # as versions before left it
    assert command(*again).stdout.count("done before") > 4
    _edit(folder / "run/config.json", background=None)  # the same files become others
    before = {path: path.read_bytes() for path in (folder / "run").iterdir() if path.is_file()}
    told = complaint(command(*again))
    assert "): the pixels of its training images differ. Begin a new run." in told
    after = {path: path.read_bytes() for path in (folder / "run").iterdir() if path.is_file()}
    assert after == before


@table(
    Case("a run whose classes or images are others", "refused, nothing lost", _read_otherwise),
)
def test_resumed(case, tmp_path, command):
    case.check(tmp_path, command)
