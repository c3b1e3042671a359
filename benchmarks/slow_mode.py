"""Why a step of the CNN takes twice as long at times: rounds of ten steps, and who computed them.

python benchmarks/slow_mode.py [--threads N] [--rounds N]

For each round of `fit` in one process: milliseconds a step by the clock, those that the processor
worked, and of the two threads that worked most, how long each worked and how long it waited for a
core. Linux alone tells this. It needs a machine that does nothing else.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np

from tfdvae import classifier
from tfdvae._utils.threads import cores, use_threads
from tfdvae.data import pipelines

STEPS = 10


def worked() -> dict[str, tuple[int, int]]:
    """Return for each thread of this process the ns that it worked, and waited for a core."""
    found = {}
    for path in Path("/proc/self/task").iterdir():
        try:
            ran, waited, _ = map(int, (path / "schedstat").read_text().split())
        except OSError:  # it has ended
            continue
        found[path.name] = ran, waited
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    random = np.random.default_rng(0)
    images = random.random((5000, 28, 28, 1), dtype=np.float32)
    model = classifier.cnn(images.shape[1:], 10)
    data = (images, random.integers(0, 10, len(images)))
    batches = pipelines.training_batches(data, classifier.BATCH_SIZE, 0, "slow mode")
    print(f"{arguments.threads} threads, {os.cpu_count()} cores")
    for number in range(arguments.rounds + 1):
        before, clock, processor = worked(), time.perf_counter(), time.process_time()
        model.fit(batches, steps_per_epoch=STEPS, shuffle=False, verbose=0)
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        if number == 0:
            continue  # makes the graph
        shares = sorted(
            tuple(now - then for now, then in zip(times, before.get(name, (0, 0)), strict=True))
            for name, times in worked().items()
        )
        threads = ", ".join(
            f"{ran / STEPS / 1e6:.0f} (waited {waited / STEPS / 1e6:.0f})"
            for ran, waited in reversed(shares[-2:])
        )
        each = f"{1e3 * clock / STEPS:.0f} ms a step, {1e3 * processor / STEPS:.0f} of processors"
        print(f"{each}; threads: {threads}", flush=True)


if __name__ == "__main__":
    main()
