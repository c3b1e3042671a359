"""How fast `tfdvae denoise` is on a folder of small PNG files, beside a loop that only decodes and
encodes them, and whether its memory grows.

python benchmarks/files.py --data-dir FOLDER [--model MODEL ...]

The files are test images of Fashion-MNIST with Gaussian noise of 0.1, 28x28 gray, 10,000 of them.
All ways run on the same cores, one after the other, in nine rounds, into a new folder each time. A
round begins and ends with the loop, and ratios are to the mean of the two; the models take turns in
being the first. The time in which Python and TensorFlow start is left out. The report goes to
results/files/report.md. The folders take 1.5 GB of the disk, for
they are removed in the end alone: removing them slows what follows.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tfdvae import corruptions
from tfdvae._utils import files
from tfdvae._utils.threads import cores, use_threads
from tfdvae.cli.commands.denoise import denoise
from tfdvae.config import DenoiseConfig
from tfdvae.data import sources
from tfdvae.experiment import evaluation
from tfdvae.inference import image_arrays, shipped

ROOT = Path(__file__).parents[1]
COUNTS, ROUNDS = (1_000, 10_000), 9


def bare_loop(source: Path, output: Path) -> None:
    """Decode and encode each image, as anybody would."""
    output.mkdir()
    for path in sorted(source.iterdir()):
        with Image.open(path) as image:
            pixels = np.asarray(image)
        Image.fromarray(pixels).save(output / path.name)


def seconds(work) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def peak_memory(model: str, source: Path, output: Path) -> float:
    """Return the greatest memory of a process that denoises, in MiB."""
    program = (  # `ru_maxrss` would begin at this process's own
        "import re, sys; from tfdvae.cli.main import main; status = main(sys.argv[1:]); "
        r"print(re.search(r'VmHWM:\s+(\d+)', open('/proc/self/status').read())[1]); "
        "sys.exit(status)"
    )
    command = [sys.executable, "-c", program, "denoise", model, str(source), str(output)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) / 1024


def spread(values: list[float], form: str) -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir")
    parser.add_argument("--model", nargs="+", default=shipped.names())
    arguments = parser.parse_args()
    use_threads(None)
    source = sources.load("fashion_mnist", arguments.data_dir)
    noisy = evaluation.test_noise(source.test.images, corruptions.parse("gaussian:0.1"), 0)
    images = image_arrays.to_dtype(np.clip(noisy, 0, 1), np.dtype(np.uint8))
    lines = [
        "# Denoising files",
        "",
        f"{COUNTS[-1]:,} PNG files of 28x28 gray pixels, {cores()} cores, by `python "
        "benchmarks/files.py --data-dir FOLDER`.",
        "",
        f"Medians of {ROUNDS} rounds, and in brackets the least and the greatest.",
        "",
        "| | files a second | of the bare loop's in the same round | peak memory, MiB, of "
        f"{COUNTS[0]:,} files | of {COUNTS[1]:,} |",
        "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for count in COUNTS:
            (folder / str(count)).mkdir()
            for number, image in enumerate(images[:count]):
                Image.fromarray(image[..., 0]).save(folder / str(count) / f"{number:05}.png")
        given, fresh = (
            folder / str(COUNTS[-1]),
            (folder / f"made-{number}" for number in itertools.count()),
        )
        times: dict[str | None, list[float]] = {model: [] for model in (None, *arguments.model)}

        def timed(model: str | None) -> float:
            made = next(fresh)
            config = model and DenoiseConfig(model=model, input=str(given), output=str(made))
            return seconds(partial(denoise, config) if config else partial(bare_loop, given, made))

        for number in range(ROUNDS):
            first, turn = timed(None), number % len(arguments.model)
            for model in arguments.model[turn:] + arguments.model[:turn]:
                times[model].append(timed(model))
            times[None].append((first + timed(None)) / 2)
        for model, measured in times.items():
            speed = spread([COUNTS[-1] / time for time in measured], ",.0f")
            if model is None:
                lines.append(f"| decode and encode alone | {speed} | | | |")
                continue
            ratios = [bare / time for time, bare in zip(measured, times[None], strict=True)]
            peaks = " | ".join(
                f"{peak_memory(model, folder / str(count), next(fresh)):,.0f}" for count in COUNTS
            )
            lines.append(f"| `{Path(model).name}` | {speed} | {spread(ratios, '.0%')} | {peaks} |")
    files.write_text(ROOT / "results" / "files" / "report.md", "\n".join([*lines, ""]))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
