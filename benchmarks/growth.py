"""How time and memory grow with the number of images, their size and their channels.

python benchmarks/growth.py [--threads N]

Each point is a `tfdvae train` and a `tfdvae denoise` of random images in an array file, each in a
process of its own; memory is the most that such a process had, in which Python and TensorFlow have
a part. A point that is in the rows is not measured again. Rows, report and figure go to
results/growth/.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure as Drawing

from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae._utils.threads import cores
from tfdvae.reporting import plots
from tfdvae.reporting.document import Figure, Heading, Paragraph, Part, Table, to_markdown

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "results" / "growth"
COUNTS = (1_000, 4_000, 16_000, 60_000)
SIZES = (28, 64, 128, 256, 512)
PIXELS = 4_096 * 28 * 28  # of all images together, where sizes differ
BATCH_PIXELS = 128 * 28 * 28
PROGRAM = """
import json, re, sys, time
from tfdvae.cli.main import main
import tensorflow
begun = time.monotonic()
status = main(sys.argv[1:])
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print("@" + json.dumps([time.monotonic() - begun, peak]))
sys.exit(status)
"""

Point = dict[str, float]


def measured(*arguments: object) -> tuple[float, float]:
    """Return the seconds of a `tfdvae` command, without the import of TensorFlow, and its MiB."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"tfdvae {' '.join(map(str, arguments))} failed:\n{done.stderr}")
    line = next(each for each in done.stdout.splitlines() if each.startswith("@"))
    seconds, peak = json.loads(line[1:])
    return seconds, peak


def point(
    folder: Path, images: np.ndarray, model: tuple[str, str], batch: int, epochs: int, threads: int
) -> Point:
    """Return what training on images and denoising them takes.

    Args:
        folder: an empty one.
        images: uint8 (N, H, W, C).
        model: and its network.
        batch: images a step.
        epochs: of the training.
        threads: of both.
    """
    test = images[: max(2, len(images) // 50)]
    np.savez(folder / "data.npz", x_train=images, x_test=test)
    np.save(folder / "images.npy", images)
    settings = ("--model", model[0], "--network", model[1], "--epochs", epochs)
    run = folder / "run"
    _, peak = measured(
        *("train", "--no-classifier", "--dataset", folder / "data.npz", "--output", run),
        *(*settings, "--n-train", len(images), "--batch-size", batch, "--threads", threads),
    )
    history = files.read_json(run / "checkpoints" / "generator.json")
    stages = files.read_json(run / "stages.json")
    seconds, most = measured(
        *("denoise", run / "generator.keras", folder / "images.npy", folder / "made.npy"),
        *("--threads", threads),
    )
    return {
        "train_seconds": stages["generator"]["seconds"],
        "epochs": len(history),
        "train_mib": peak,
        "denoise_seconds": seconds,
        "denoise_mib": most,
    }


def images_of(count: int, size: int, channels: int) -> np.ndarray:
    """Return random images of 4x4 areas with noise, uint8 (N, H, W, C)."""
    random = np.random.default_rng(0)
    small = random.random((count, 4, 4, channels), dtype=np.float32)
    each = -(-size // 4)
    made = np.empty((count, size, size, channels), np.uint8)
    for number, image in enumerate(small):
        large = np.kron(image, np.ones((each, each, 1), np.float32))[:size, :size]
        noise = random.normal(0, 0.1, large.shape)
        made[number] = np.rint(255 * np.clip(large + noise, 0, 1))
    return made


def measure(threads: int) -> None:
    """Write the rows of all points; those that are there are not measured again."""
    path = FOLDER / "rows.csv"
    rows: list[dict[str, Any]] = list(csv_rows.read_rows(path)) if path.exists() else []
    points = [("images", count, 28, 1, ("dvae", "mlp"), 128, 4) for count in COUNTS]
    for channels in (1, 3):
        for size in SIZES:
            count = max(16, PIXELS // size**2)
            batch = max(1, BATCH_PIXELS // size**2)
            points.append(("size", count, size, channels, ("dae", "unet"), batch, 1))
    for axis, count, size, channels, model, batch, epochs in points:
        run = f"{axis}-{count}x{size}x{channels}"
        if any(row["run"] == run for row in rows):
            continue
        with tempfile.TemporaryDirectory() as temporary:
            os.environ["XDG_CACHE_HOME"] = f"{temporary}/cache"
            images = images_of(count, size, channels)
            found = point(Path(temporary), images, model, batch, epochs, threads)
        fixed = {"study": "growth", "run": run, "dataset": "random", "n_train": count}
        found["threads"] = threads
        fixed |= {"model": model[0], "network": model[1]}
        rows += [{**fixed, "metric": name, "value": value} for name, value in found.items()]
        csv_rows.write_rows(path, rows)
        print(run, found, flush=True)


def values(rows: list[dict[str, str]], axis: str) -> list[tuple[int, int, int, Point]]:
    """Return count, size, channels and values of the points along an axis."""
    found: dict[str, Point] = {}
    for row in rows:
        if row["run"].startswith(f"{axis}-"):
            found.setdefault(row["run"], {})[row["metric"]] = float(row["value"])
    sides = [run.partition("-")[2].split("x") for run in found]
    return [
        (int(count), int(size), int(channels), each)
        for (count, size, channels), each in zip(sides, found.values(), strict=True)
    ]


def report() -> None:
    """Write report and figure from the rows."""
    rows = csv_rows.read_rows(FOLDER / "rows.csv")
    threads = " and ".join(sorted({row["value"] for row in rows if row["metric"] == "threads"}))
    by_count, by_size = values(rows, "images"), values(rows, "size")
    lines = [
        [
            f"{count:,}",
            f"{each['train_seconds'] / each['epochs']:.2f}",
            f"{each['denoise_seconds']:.2f}",
            f"{each['train_mib']:,.0f}",
            f"{each['denoise_mib']:,.0f}",
            f"{count * size * size / 2**20:,.0f}",
        ]
        for count, size, _, each in by_count
    ]
    sizes = [
        [
            f"{size}x{size}",
            f"{channels}",
            f"{count:,}",
            f"{each['train_seconds'] / (count * size**2 / 1e6):.2f}",
            f"{each['denoise_seconds'] / (count * size**2 / 1e6):.2f}",
            f"{each['train_mib']:,.0f}",
            f"{each['denoise_mib']:,.0f}",
        ]
        for count, size, channels, each in by_size
    ]
    draw(by_count, by_size, FOLDER / "figures" / "growth.png")
    parts: list[Part] = [
        Heading("Growth", 1),
        Paragraph(
            f"By `python benchmarks/growth.py`, {cores()} cores, {threads} threads, float32, "
            "random images of 8 bit. The import of TensorFlow is left out of times, and is part of "
            "memory; making the graph is part of times."
        ),
        Heading("Number of images"),
        Paragraph("`dvae` on `mlp`, images of 28x28 gray pixels."),
        Table(
            [
                *("images", "s an epoch", "s to denoise all", "MiB of a training"),
                *("MiB to denoise", "MiB of the images"),
            ],
            lines,
        ),
        Heading("Size and channels"),
        Paragraph(
            f"`dae` on `unet`, {PIXELS / 1e6:.1f} megapixels in all and "
            f"{BATCH_PIXELS / 1e6:.2f} a step, but at least 16 images, and one a step."
        ),
        Table(
            [
                *("size", "channels", "images", "s a megapixel, training"),
                *("s a megapixel, denoising", "MiB of a training", "MiB to denoise"),
            ],
            sizes,
        ),
        Figure("figures/growth.png", "Time and memory by number and by size of images"),
    ]
    text = to_markdown(parts)
    files.write_text(FOLDER / "report.md", text)
    print(text)


def draw(by_count: list, by_size: list, path: Path) -> None:
    """Draw time and memory, by number of images above and by their size below."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(plots.STYLE):
        figure = Drawing(figsize=(9, 6.4), layout="constrained")
        (time_axes, memory_axes), (pixel_axes, size_axes) = figure.subplots(2, 2)
        counts = [count for count, *_ in by_count]
        for place, (name, label) in enumerate((("train", "an epoch"), ("denoise", "denoising"))):
            style = {"color": plots.COLORS[place], "marker": plots.MARKERS[place], "label": label}
            per = [each["epochs"] if name == "train" else 1 for *_, each in by_count]
            seconds = [each[f"{name}_seconds"] for *_, each in by_count]
            time_axes.plot(counts, np.divide(seconds, per), **style)
            style["label"] = {"train": "training", "denoise": "denoising"}[name]
            memory_axes.plot(counts, [each[f"{name}_mib"] for *_, each in by_count], **style)
        for place, (name, channels) in enumerate(
            (name, channels) for name in ("train", "denoise") for channels in (1, 3)
        ):
            chosen = [each for each in by_size if each[2] == channels]
            kind = {"train": "training", "denoise": "denoising"}[name]
            style = {
                "color": plots.COLORS[place],
                "marker": plots.MARKERS[place],
                "label": f"{kind}, {channels} channel{'s' * (channels > 1)}",
            }
            sides = [size for _, size, *_ in chosen]
            pixels = [count * size**2 / 1e6 for count, size, *_ in chosen]
            seconds = [each[f"{name}_seconds"] for *_, each in chosen]
            pixel_axes.plot(sides, np.divide(seconds, pixels), **style)
            size_axes.plot(sides, [each[f"{name}_mib"] for *_, each in chosen], **style)
        for axes, title, across, up in (
            (time_axes, "Time, 28x28 pixels", "images", "seconds"),
            (memory_axes, "Memory, 28x28 pixels", "images", "MiB at most"),
            (pixel_axes, "Time, by size", "pixels a side", "seconds a megapixel"),
            (size_axes, "Memory, by size", "pixels a side", "MiB at most"),
        ):
            axes.set(title=title, xlabel=across, ylabel=up)
            axes.set_ylim(bottom=0)
            axes.legend(fontsize=9)
        plots.save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=cores())
    arguments = parser.parse_args()
    begun = time.monotonic()
    measure(arguments.threads)
    report()
    print(f"{(time.monotonic() - begun) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
