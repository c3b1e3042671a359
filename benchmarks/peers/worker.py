"""What the peers of `benchmarks/run.py` share: the work, and how they are told to do it.

A peer is a script of this folder in a process of its own: `python SCRIPT FOLDER CASE THREADS`. It
prepares the case and says `ready`. For each line `go` that it reads it does the work once and
answers with the seconds that a unit of it took; for `check` it writes what its model makes of the
images that are held out to `FOLDER/CASE-SCRIPT.npy`, so that equal work can be verified.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

BATCH, RATE, NOISE = 128, 1e-3, 0.1
EPOCH = 39
STEPS = {
    "mlp": 60 * EPOCH,
    "strided_conv": 10 * EPOCH,
    "pooled_conv": EPOCH,
    "residual_conv": EPOCH,
    "unet": 5,
    "cnn": 10,
    "hiding": 48,
}
"""Steps of a measurement, by network."""


@dataclass
class Data:
    """Images of Fashion-MNIST, float32 (N, 28, 28, 1), and labels, int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray
    noisy: np.ndarray

    @classmethod
    def of(cls, folder: Path) -> "Data":
        with np.load(folder / "data.npz") as arrays:
            return cls(**{name: arrays[name] for name in arrays.files})

    def observed(self) -> "Data":
        """Return the same with noise on the images to learn from, which stays."""
        noise = np.random.default_rng(0).standard_normal(self.images.shape, dtype=np.float32)
        return replace(self, images=self.images + NOISE * noise)


@dataclass
class Task:
    """A case that is ready.

    Attributes:
        work: does it once and returns the seconds a unit: a step, or an image.
        check: returns what the model makes of the noisy held-out images, or None.
    """

    work: Callable[[], float]
    check: Callable[[], np.ndarray | None] = lambda: None


Case = Callable[[Path, Data, int], Task]


def serve(cases: dict[str, Case]) -> None:
    """Do what standard input asks for, for the case that the command line names.

    Args:
        cases: by name; a case takes the folder, the data and the number of threads.
    """
    folder, name, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    task = cases[name](folder, Data.of(folder), threads)
    _say("ready")
    for line in sys.stdin:
        if line.strip() == "go":
            _say(task.work())
        else:
            made = task.check()
            if made is not None:
                np.save(folder / f"{name}-{Path(sys.argv[0]).stem}.npy", made)
            _say("checked")


def process(*command: str | Path) -> Task:
    """Return the task to run a command in a process of its own."""

    def work() -> float:
        start = time.perf_counter()
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
        return time.perf_counter() - start

    return Task(work)


def pictures(height: int, width: int) -> np.ndarray:
    """Return one random gray picture, float32 (1, height, width, 1)."""
    return np.random.default_rng(0).random((1, height, width, 1), dtype=np.float32)


def mosaics(images: np.ndarray) -> np.ndarray:
    """Return pictures of 448x448, each of 16x16 images: (N, 28, 28, 1) -> (N // 256, 448, 448).

    Images that are left over are not in them.
    """
    whole = images[: len(images) // 256 * 256].reshape(-1, 16, 16, 28, 28)
    return whole.transpose(0, 1, 3, 2, 4).reshape(-1, 448, 448)


def of_mosaics(pictures: np.ndarray) -> np.ndarray:
    """Return the images of `mosaics`, (N, 28, 28, 1)."""
    parts = pictures.reshape(-1, 16, 28, 16, 28).transpose(0, 1, 3, 2, 4)
    return parts.reshape(-1, 28, 28, 1)


def _say(value: object) -> None:
    """Answer in a line of its own, which starts with @, for libraries print too."""
    print(f"\n@{json.dumps(value)}", flush=True)
