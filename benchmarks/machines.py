"""What more machines give: for studies, for folders of images and for training.

python -m benchmarks.machines --data-dir FOLDER

Measured are, with one thread each: `tfdvae denoise --part` on folders of test images of
Fashion-MNIST, which says what a start, the list of a folder and an image cost; training steps with
whole batches and with the parts of 2, 10 and 100 machines; and training in two processes on this
machine, which says how long two wait for each other and how many bytes they send. The cells of the
augmentation study took the seconds that `results/augmentation/environment.json` has. The rest is
computed from these numbers. It needs two cores that nothing else uses. The report goes to
results/machines/report.md.
"""

import argparse
import heapq
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tests.helpers.distributed import train_in_two_processes
from tfdvae import corruptions
from tfdvae._utils import files, threads
from tfdvae.config import TrainConfig
from tfdvae.data import pipelines, sources
from tfdvae.experiment import evaluation
from tfdvae.inference import image_arrays
from tfdvae.models.build import build_generator
from tfdvae.reporting.document import Heading, Paragraph, Table, to_markdown

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "results" / "machines"
MACHINES = (1, 10, 100)
SMALL, LARGE, PART = 10_000, 200_000, 1_000  # files of folders, and of a part of them
FOLDERS = (10**6, 10**7, 10**8, 10**9)
CORES = 2  # of a machine
NETWORKS = {"mlp": ("dvae", 128), "unet": ("dae", 128)}  # model and images of a batch
STEPS = {"mlp": (400, 4400), "unet": (40, 160)}  # of the short and the long training
LINKS = {"1 Gbit/s": 125e6, "10 Gbit/s": 1250e6}  # bytes a second
REPEATS = 3

Numbers = dict[str, float]


def measured_folders(noisy: np.ndarray) -> Numbers:
    """Return seconds of a start, of a listed file and of an image, and bytes of a listed file."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for count in (SMALL, LARGE):
            (folder / str(count)).mkdir()
        for number, image in enumerate(noisy[:SMALL]):
            Image.fromarray(image[..., 0]).save(folder / str(SMALL) / f"{number:07}.png")
        for number in range(LARGE):
            os.link(
                folder / str(SMALL) / f"{number % SMALL:07}.png",
                folder / str(LARGE) / f"{number:07}.png",
            )
        ways = {
            "part": (SMALL, f"1/{SMALL // PART}"),
            "whole": (SMALL, "1/1"),
            "listed": (LARGE, f"1/{LARGE // PART}"),
        }
        found = {
            name: [_denoise(folder, count, part, f"{name}{turn}") for turn in range(REPEATS)]
            for name, (count, part) in ways.items()
        }
    seconds, memory = (
        {name: float(np.median([one[which] for one in each])) for name, each in found.items()}
        for which in (0, 1)
    )
    image = (seconds["whole"] - seconds["part"]) / (SMALL - PART)
    listed = (seconds["listed"] - seconds["part"]) / (LARGE - SMALL)
    return {
        "image": image,
        "listed": listed,
        "start": seconds["part"] - PART * image - SMALL * listed,
        "bytes": (memory["listed"] - memory["part"]) / (LARGE - SMALL),
    }


def _denoise(folder: Path, count: int, part: str, output: str) -> tuple[float, float]:
    """Return the seconds and the greatest memory, in bytes, of a part of a folder."""
    program = (  # `ru_maxrss` would begin at this process's own
        "import re, sys; from tfdvae.cli.main import main; status = main(sys.argv[1:]); "
        r"print(re.search(r'VmHWM:\s+(\d+)', open('/proc/self/status').read())[1]); "
        "sys.exit(status)"
    )
    words = ["denoise", "clothing-denoiser", str(folder / str(count)), str(folder / output)]
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, *words, "--part", part, "--threads", "1"],
        check=True,
        capture_output=True,
        text=True,
    )
    return time.monotonic() - begun, 1024.0 * int(done.stdout.split()[-1])


def folder_seconds(count: int, machines: int, cost: Numbers) -> float:
    """Return how long a folder takes: each part starts, lists all files and makes its own."""
    return cost["start"] + count * (cost["listed"] + cost["image"] / (machines * CORES))


def step_seconds(network: str, batch: int, images: np.ndarray) -> float:
    """Return the seconds of a training step of one thread, the least of three measures."""
    model, _ = NETWORKS[network]
    config = TrainConfig.of(**_settings(model, network), batch_size=batch)
    built = build_generator(config, images.shape[1:], 100)
    batches = pipelines.training_batches((images,), batch, 0, "machines")
    steps = STEPS[network][0] // 2

    def timed() -> float:
        begun = time.monotonic()
        built.fit(batches, epochs=1, steps_per_epoch=steps, verbose=0)
        return (time.monotonic() - begun) / steps

    timed()  # makes the graph
    return min(timed() for _ in range(REPEATS))


def _settings(model: str, network: str) -> dict:
    return {
        "model": model,
        "network": network,
        "corruption": "gaussian:0.1",
        "objective": "observed",
        "precision": "float32",
    }


def two_processes(network: str, images: np.ndarray) -> Numbers:
    """Return seconds of a step in two processes with a thread each, and the bytes they send."""
    model, batch = NETWORKS[network]
    times, sent = [], []
    with tempfile.TemporaryDirectory() as temporary:
        dataset = Path(temporary) / "images.npz"
        labels = np.arange(len(images)) % 2
        np.savez(dataset, x_train=images, y_train=labels, x_test=images[:20], y_test=labels[:20])
        for steps in STEPS[network]:
            arguments = [
                *("--dataset", dataset, "--batch-size", batch, "--threads", 1),
                *("--epochs", steps * batch // len(images), "--no-classifier"),
                *("--n-train", len(images), "--test-noise", 0.1),
                *("--output", Path(temporary) / str(steps)),
            ]
            for name, value in _settings(model, network).items():
                arguments += [f"--{name}", value]
            before, begun = _loopback(), time.monotonic()
            for status, errors in train_in_two_processes(*arguments):
                if status:
                    raise ChildProcessError(errors)
            times.append(time.monotonic() - begun)
            sent.append(_loopback() - before)
    more = STEPS[network][1] - STEPS[network][0]
    return {"step": (times[1] - times[0]) / more, "bytes": (sent[1] - sent[0]) / more}


def _loopback() -> int:
    """Return the bytes that this machine has sent to itself."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            return int(numbers.split()[8])
    raise OSError("/proc/net/dev has no lo")


def study_seconds(places: int, cells: Sequence[float]) -> float:
    """Return how long cells take that are begun in their order, each where a place is free."""
    free = [0.0] * places
    for seconds in cells:
        heapq.heappush(free, heapq.heappop(free) + seconds)
    return max(free)


def duration(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 1.95 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.0f} s"


def study_table() -> list:
    """Return the part of the report on studies."""
    runs = json.loads((ROOT / "results" / "augmentation" / "environment.json").read_text())
    cells = [seconds for run in runs for seconds in run["seconds"].values()]
    alone = study_seconds(CORES, cells)
    rows = [
        [
            f"{machines:,}",
            duration(took := study_seconds(machines * CORES, cells)),
            f"{alone / took:.1f}",
        ]
        for machines in MACHINES
    ]
    text = (
        f"The augmentation study: {len(cells)} cells of {min(cells):.0f} to {max(cells):,.0f} s, "
        f"{duration(sum(cells))} together, one for each of {CORES} cores of a machine. No study is "
        "faster than its longest cell."
    )
    return [Heading("A study"), Paragraph(text), Table(["machines", "time", "faster by"], rows)]


def folder_table(cost: Numbers) -> list:
    """Return the part of the report on folders."""
    text = (
        f"`tfdvae denoise clothing-denoiser` on PNG files of 28x28 pixels, one thread: a start "
        f"takes {cost['start']:.1f} s, an image {cost['image'] * 1e3:.2f} ms, and each file of the "
        f"folder {cost['listed'] * 1e6:.1f} µs and {cost['bytes']:,.0f} bytes of memory, in each "
        f"part, for each lists the whole folder. Computed from these for machines of {CORES} "
        "cores, a part for each core, and a disk that is never waited for:"
    )
    rows = [
        [
            f"{count:,}",
            *(duration(folder_seconds(count, machines, cost)) for machines in MACHINES),
            duration(cost["listed"] * count),
            f"{cost['bytes'] * count / 2**30:,.1f}",
        ]
        for count in FOLDERS
    ]
    machines = ["1 machine", *(f"{count} machines" for count in MACHINES[1:])]
    head = ["files of one folder", *machines, "of this the list", "GiB of memory, a part"]
    return [Heading("A folder of images"), Paragraph(text), Table(head, rows)]


def training_table(network: str, images: np.ndarray) -> list:
    """Return the part of the report on a training."""
    model, batch = NETWORKS[network]
    config = TrainConfig.of(**_settings(model, network))
    count = build_generator(config, images.shape[1:], 100).count_params()
    shares = {machines: max(1, round(batch / machines)) for machines in (1, 2, *MACHINES[1:])}
    computed = {machines: step_seconds(network, each, images) for machines, each in shares.items()}
    both = two_processes(network, images)
    waited = max(0.0, both["step"] - computed[2])
    text = (
        f"`{model}` on `{network}`, {count:,} parameters, {batch} images a step, float32, one "
        f"thread a machine. Two processes on this machine took {both['step'] * 1e3:.2f} ms a step, "
        f"of which {waited * 1e3:.2f} ms beside the computation of half a batch, and sent "
        f"{both['bytes'] / 1e6:.2f} MB. For more machines the first part of a time is measured, "
        "with the share of a batch that a machine has; to it are added these "
        f"{waited * 1e3:.2f} ms and the time in which a machine sends 2 (M - 1) / M of 4 bytes for "
        "each parameter, as a ring of M does."
    )
    rows = []
    for machines, share in shares.items():
        cells = [f"{machines}", f"{share}", f"{computed[machines] * 1e3:.2f}"]
        for speed in LINKS.values():
            volume = 2 * (machines - 1) / machines * 4 * count
            step = computed[machines] + (waited + volume / speed if machines > 1 else 0)
            cells.append(f"{step * 1e3:.2f} ({computed[1] / step:.1f})")
        rows.append(cells)
    links = [f"ms a step at {link} (faster by)" for link in LINKS]
    head = ["machines", "images of each", "ms to compute", *links]
    return [Heading(f"A training: {network}"), Paragraph(text), Table(head, rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    arguments = parser.parse_args()
    threads.use_threads(1)
    source = sources.load("fashion_mnist", arguments.data_dir)
    noisy = evaluation.test_noise(source.test.images, corruptions.parse("gaussian:0.1"), 0)
    stored = image_arrays.to_dtype(np.clip(noisy, 0, 1), np.dtype(np.uint8))
    images = np.asarray(source.train.images[:1280], np.float32) / 255
    parts = [
        Heading("More than one machine", 1),
        Paragraph(
            "By `python -m benchmarks.machines --data-dir FOLDER`, on one machine of 2 cores. "
            "Nothing here was run on 10 or 100 machines: their numbers are computed."
        ),
        *study_table(),
        *folder_table(measured_folders(stored)),
        *(part for network in NETWORKS for part in training_table(network, images)),
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    files.write_text(FOLDER / "report.md", to_markdown(parts))
    print(to_markdown(parts))


if __name__ == "__main__":
    main()
