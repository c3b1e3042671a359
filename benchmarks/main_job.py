"""How long the main job takes from a cold start, how much memory it needs, and what a second start spends on data.

python benchmarks/main_job.py --data-dir FOLDER
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECOND_START = """
import time
start = time.perf_counter()
from tfdvae.data import sources
source = sources.load("fashion_mnist", {folder!r})
images = sources.to_unit(source.train_images[:5000])
print(time.perf_counter() - start)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    folder = os.path.abspath(parser.parse_args().data_dir)
    with tempfile.TemporaryDirectory() as temporary:
        environment = os.environ | {"XDG_CACHE_HOME": temporary}
        command = [
            sys.executable,
            ROOT / "train.py",
            "--model",
            "dvae",
            "--noisy-train",
            "--data-dir",
            folder,
            "--output",
            f"{temporary}/run",
        ]
        start = time.perf_counter()
        subprocess.run(command, check=True, env=environment)
        seconds = time.perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        second = subprocess.run(
            [sys.executable, "-c", SECOND_START.format(folder=folder)], check=True, env=environment, capture_output=True, text=True
        )
    print(f"main job, cold start to final table: {seconds / 60:.1f} minutes, {memory:.2f} GiB at most, {os.cpu_count()} cores")
    print(f"data at a second start, imports included: {float(second.stdout):.2f} s")


if __name__ == "__main__":
    main()
