"""How long the main job takes from a cold start, how much memory it needs, and what a second start
spends on data; its table and figure.

python benchmarks/main_job.py --data-dir FOLDER [--torch]

With --torch also how long the published part of it takes (the sets limited and dvae), and the same
in PyTorch (benchmarks/peers/torch_main_job.py), in a new process each time, tfdvae first; it needs
the extra `benchmarks`.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tfdvae._utils import files
from tfdvae._utils.threads import cores
from tfdvae.data import image_dataset, sources, splits

ROOT = Path(__file__).parents[1]
SECOND_START = """
import time
start = time.perf_counter()
from tfdvae.data import image_dataset, sources
source = sources.load("fashion_mnist", {folder!r})
images = image_dataset.to_unit(source.train.images[:5000])
print(time.perf_counter() - start)
"""


def job(folder: str, output: Path, cache: str, *more: str) -> float:
    """Run the main job with an empty cache, or that of a run before it; return its seconds."""
    script = [sys.executable, ROOT / "train.py", "--model", "dvae", "--noisy-train"]
    command = [*script, "--data-dir", folder, "--output", output, *more]
    start = time.perf_counter()
    subprocess.run(command, check=True, env=os.environ | {"XDG_CACHE_HOME": cache})
    return time.perf_counter() - start


def of_torch(data_dir: str) -> str:
    """Return lines on the published part of the job in PyTorch, beside that of tfdvae."""
    with tempfile.TemporaryDirectory() as temporary:
        own = job(data_dir, Path(temporary) / "run", temporary, "--sets", "limited", "dvae")
    source = sources.load("fashion_mnist", data_dir)
    labels = np.asarray(source.train.labels)
    chosen = splits.stratified_subset(labels, 5000, 0)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "data.npz"
        np.savez(
            path,
            images=image_dataset.to_unit(source.train.images[chosen]),
            labels=labels[chosen].astype(np.int64),
            test_images=image_dataset.to_unit(source.test.images),
            test_labels=np.asarray(source.test.labels).astype(np.int64),
        )
        script = Path(__file__).parent / "peers" / "torch_main_job.py"
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, script, path, str(cores())], check=True, capture_output=True, text=True
        )
        seconds = time.perf_counter() - start
    found = json.loads(done.stdout)
    means = {
        name: 100 * sum(each[name] for each in found.values()) / len(found)
        for name in ("limited", "augmented")
    }
    reached = ", ".join(f"{name} {mean:.1f}%" for name, mean in means.items())
    return (
        f"its published part, limited and dvae: {own / 60:.1f} minutes\n"
        f"that in PyTorch: {seconds / 60:.1f} minutes, {seconds / own:.2f} times as long; mean "
        f"accuracy over the test noises: {reached}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "train")
    parser.add_argument("--torch", action="store_true", help="measure PyTorch too")
    arguments = parser.parse_args()
    folder = os.path.abspath(arguments.data_dir)
    with tempfile.TemporaryDirectory() as temporary:
        run = Path(temporary) / "run"
        seconds = job(folder, run, temporary)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        second = subprocess.run(
            [sys.executable, "-c", SECOND_START.format(folder=folder)],
            check=True,
            env=os.environ | {"XDG_CACHE_HOME": temporary},
            capture_output=True,
            text=True,
        )
        arguments.output.mkdir(parents=True, exist_ok=True)
        for name in ("metrics.csv", "figures/accuracy.png"):
            shutil.copy(run / name, arguments.output)
        stages = files.read_json(run / "stages.json")
    parts = ", ".join(f"{name} {stage['seconds']:.0f} s" for name, stage in stages.items())
    text = (
        f"$ python benchmarks/main_job.py --data-dir FOLDER{' --torch' * arguments.torch}\n"
        f"main job, cold start to final table: {seconds / 60:.1f} minutes, "
        f"{memory:.2f} GiB at most, {os.cpu_count()} cores\n"
        f"of that: {parts}\n"
        f"data at a second start, imports included: {float(second.stdout):.2f} s\n"
    )
    if arguments.torch:
        text += of_torch(folder)
    files.write_text(arguments.output / "benchmark.txt", text)
    print(text, end="")


if __name__ == "__main__":
    main()
