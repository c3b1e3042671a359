"""How long the main job takes from a cold start, how much memory it needs, and what a second start
spends on data; its table and figure.

python benchmarks/main_job.py --data-dir FOLDER
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tfdvae._utils import files

ROOT = Path(__file__).parents[1]
SECOND_START = """
import time
start = time.perf_counter()
from tfdvae.data import image_dataset, sources
source = sources.load("fashion_mnist", {folder!r})
images = image_dataset.to_unit(source.train.images[:5000])
print(time.perf_counter() - start)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "train")
    arguments = parser.parse_args()
    folder = os.path.abspath(arguments.data_dir)
    with tempfile.TemporaryDirectory() as temporary:
        environment = os.environ | {"XDG_CACHE_HOME": temporary}
        run = Path(temporary) / "run"
        command = [
            sys.executable,
            ROOT / "train.py",
            "--model",
            "dvae",
            "--noisy-train",
            "--data-dir",
            folder,
            "--output",
            run,
        ]
        start = time.perf_counter()
        subprocess.run(command, check=True, env=environment)
        seconds = time.perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        second = subprocess.run(
            [sys.executable, "-c", SECOND_START.format(folder=folder)],
            check=True,
            env=environment,
            capture_output=True,
            text=True,
        )
        arguments.output.mkdir(parents=True, exist_ok=True)
        for name in ("metrics.csv", "figures/accuracy.png"):
            shutil.copy(run / name, arguments.output)
    text = (
        "$ python benchmarks/main_job.py --data-dir FOLDER\n"
        f"main job, cold start to final table: {seconds / 60:.1f} minutes, "
        f"{memory:.2f} GiB at most, {os.cpu_count()} cores\n"
        f"data at a second start, imports included: {float(second.stdout):.2f} s\n"
    )
    files.write_text(arguments.output / "benchmark.txt", text)
    print(text, end="")


if __name__ == "__main__":
    main()
