"""How fast tfdvae is beside what a user would pick instead, on this processor.

pip install -e ".[benchmarks]"
python benchmarks/run.py --data-dir FOLDER [CASE ...]

CAREamics takes an older PyTorch, so an environment of its own: --careamics names its Python.

For each case the peers (benchmarks/peers/) do the same work, each in a process of its own, all on
the same cores: they take turns, round after round, and only one works at a time. New processes are
started some times, since a process may be slow or fast for all of its life. Medians over all
rounds, the fastest and the slowest, and ratios to tfdvae; what the models make of 1,000 noisy test
images shows that the work is the same. A case that is done is kept in results/speed/CASE.json for
the report; --again measures it anew.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import LogLocator, NullLocator
from PIL import Image

from tfdvae import corruptions
from tfdvae._utils import files
from tfdvae.data import image_dataset, sources, splits
from tfdvae.experiment import evaluation
from tfdvae.metrics import image
from tfdvae.reporting import plots
from tfdvae.reporting.document import Document, Figure, Heading, Paragraph, Table

ROOT = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
OWN = "tfdvae"
TRAINING = "ms a step of 128"
CASES = {
    "dvae-mlp": (TRAINING, ("tfdvae", "torch", "pythae", "keras")),
    "dvae-mlp-disk": (TRAINING + ", images on disk", ("tfdvae", "tfdvae_in_memory")),
    "dae-mlp": (TRAINING, ("tfdvae", "torch", "keras")),
    "dae-strided_conv": (TRAINING, ("tfdvae", "torch")),
    "dae-pooled_conv": (TRAINING, ("tfdvae", "torch")),
    "dae-residual_conv": (TRAINING, ("tfdvae", "torch")),
    "unet": (TRAINING, ("tfdvae", "torch")),
    "unet-bfloat16": (TRAINING, ("tfdvae", "torch")),
    "hiding": ("ms a step of 16 patches of 64x64, pixels hidden", ("tfdvae", "careamics")),
    "cnn": (TRAINING, ("tfdvae", "torch", "torch_channels_last", "keras")),
    "cnn-bfloat16": (TRAINING, ("tfdvae", "torch", "torch_channels_last", "keras")),
    "denoise": ("ms an image, of 2,000", ("tfdvae", "tfdvae_onnx", "onnxruntime")),
    "denoise-one": ("ms an image, one at a time", ("tfdvae", "tfdvae_onnx", "onnxruntime")),
    "denoise-512": (
        "ms a picture of 512x512, U-Net, in one orientation",
        ("tfdvae", "tfdvae_onnx", "onnxruntime"),
    ),
    "denoise-large": ("ms a picture of 4,000x3,000, U-Net, in one orientation", ("tfdvae",)),
    "folder-png": ("ms a PNG file of 1,000", ("tfdvae",)),
    "folder-tiff": ("ms a TIFF file of 1,000", ("tfdvae",)),
    "augment": ("ms a synthetic image", ("tfdvae",)),
    "start": ("ms to denoise a PNG file in a new process", ("tfdvae", "onnxruntime")),
    "help": ("ms of `tfdvae --help`", ("tfdvae",)),
}
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONDONTWRITEBYTECODE": "",  # or each start compiles what is not installed
}
PREPARE = """
import sys, tfdvae
from tfdvae.learning import model
unet = model.build("recorrupted", "gaussian:0.1", (64, 64, 1), (0.5, 0.3), seed=0, steps=1)
unet.orientations = None  # of the eight: an ONNX file makes one
weights = unet.get_weights()
weights[-2:] = [0.01 + 0 * each for each in weights[-2:]]  # those of the last layer begin with 0
unet.set_weights(weights)
unet.save(sys.argv[1] + "/unet.keras")
for name in ("clothing-denoiser", sys.argv[1] + "/unet.keras"):
    file = f"{sys.argv[1]}/{name.rpartition('/')[2].removesuffix('.keras')}.onnx"
    tfdvae.export(tfdvae.load(name), file, "onnx")
"""


class Peer:
    """A process of a peer that has prepared a case."""

    def __init__(self, name: str, folder: Path, case: str, threads: int, python: str):
        command = [python, PEERS / f"with_{name}.py", folder, case, str(threads)]
        count = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        self.process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | count | ENVIRONMENT,
        )
        self._answer()

    def ask(self, line: str) -> object:
        """Send a line and return the answer."""
        assert self.process.stdin is not None
        print(line, file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> object:
        assert self.process.stdout is not None
        last = ""
        for line in self.process.stdout:
            if line.startswith("@"):
                return json.loads(line[1:])
            last = line.strip() or last
        raise RuntimeError(f"{self.process.args[1]} ended without an answer: {last}")

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def prepare(folder: Path, data_dir: str) -> tuple[np.ndarray, np.ndarray]:
    """Write what peers read, and return the clean held-out images and their labels."""
    source = sources.load("fashion_mnist", data_dir)
    labels = np.asarray(source.train.labels)
    chosen = splits.stratified_subset(labels, 5000, 0)
    held_out = image_dataset.to_unit(source.test.images[:1000])
    noisy = evaluation.test_noise(held_out, corruptions.parse("gaussian:0.1"), 0)
    np.savez(
        folder / "data.npz",
        images=image_dataset.to_unit(source.train.images[chosen]),
        labels=labels[chosen].astype(np.int64),
        held_out=held_out,
        noisy=noisy,
    )
    one = np.rint(255 * np.clip(noisy[0, ..., 0], 0, 1)).astype(np.uint8)
    Image.fromarray(one).save(folder / "one.png")
    command = [sys.executable, "-c", PREPARE, str(folder)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return held_out, np.asarray(source.test.labels[:1000])


def measure(
    case: str, folder: Path, rounds: int, processes: int, threads: int, pythons: dict[str, str]
) -> dict[str, list[list[float]]]:
    """Return milliseconds a unit by peer, a list for each of its processes."""
    found: dict[str, list[list[float]]] = {name: [] for name in CASES[case][1]}
    for number in range(processes):
        peers = {
            name: Peer(name, folder, case, threads, pythons.get(name, sys.executable))
            for name in found
        }
        for name, peer in peers.items():
            peer.ask("go")  # makes graphs and fills caches
            found[name].append([])
        for turn in range(rounds):
            names = list(peers)
            for name in names[turn % len(names) :] + names[: turn % len(names)]:
                found[name][-1].append(1000 * float(str(peers[name].ask("go"))))
        for peer in peers.values():
            if number == processes - 1:
                peer.ask("check")
            peer.close()
    return found


def quality(case: str, folder: Path, clean: np.ndarray, labels: np.ndarray) -> dict[str, str]:
    """Return by peer what its output is worth: PSNR in dB, or accuracy in %."""
    found = {}
    for name in CASES[case][1]:
        path = folder / f"{case}-with_{name}.npy"
        if not path.exists():
            continue
        made = np.load(path)
        if made.ndim == 2:
            found[name] = f"{100 * np.mean(made.argmax(1) == labels):.1f}%"
        else:
            found[name] = f"{image.psnr(np.clip(made, 0, 1), clean[: len(made)]).mean():.2f} dB"
    return found


def processor() -> str:
    """Return the name of the processor and what it can do that matters."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    parts = (line.partition(":") for line in lines)
    values = {name.strip(): value.strip() for name, _, value in parts}
    flags = set(values.get("flags", "").split()) & {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}
    return f"{values.get('model name', 'unknown')} ({', '.join(sorted(flags))})"


def draw(found: dict[str, dict[str, list[float]]], path: Path) -> None:
    """Draw the time of each peer as a multiple of the median of tfdvae, by case."""
    path.parent.mkdir(parents=True, exist_ok=True)
    peers = list(dict.fromkeys(name for case in found for name in CASES[case][1]))
    libraries = list(dict.fromkeys(name.partition("_")[0] for name in peers))
    with matplotlib.rc_context(plots.STYLE):
        figure = Drawing(figsize=(8, 1.2 + 0.42 * len(found)), layout="constrained")
        axes = figure.subplots()
        for number, name in enumerate(peers):
            places, middles, spreads = [], [], []
            for row, times in enumerate(found.values()):
                if name in times:
                    own = statistics.median(times[OWN])
                    middle = statistics.median(times[name]) / own
                    places.append(row + 0.16 * (list(times).index(name) - (len(times) - 1) / 2))
                    middles.append(middle)
                    spreads.append(
                        (middle - min(times[name]) / own, max(times[name]) / own - middle)
                    )
            axes.errorbar(
                *(middles, places),
                xerr=np.transpose(spreads),
                color=plots.COLORS[libraries.index(name.partition("_")[0])],
                marker=plots.MARKERS[number % len(plots.MARKERS)],
                linestyle="none",
                label=name.replace("_", " "),
            )
        axes.axvline(1, color="0.4", linewidth=1, zorder=0)
        axes.set(
            xscale="log", xlabel="time, as a multiple of the median of tfdvae; bars: the range"
        )
        axes.set_yticks(range(len(found)), list(found))
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.invert_yaxis()
        figure.legend(loc="outside upper center", ncols=3, fontsize=9)
        plots.save(figure, path)


def shown(milliseconds: float) -> str:
    """Return a time with three digits."""
    return f"{milliseconds:,.0f}" if milliseconds >= 1000 else f"{milliseconds:.3g}"


def report(folder: Path) -> Document:
    """Return the report of all cases that are measured, and draw its figure."""
    found = {
        case: {
            name: list(itertools.chain(*times))
            for name, times in files.read_json(folder / f"{case}.json")["ms"].items()
        }
        for case, (_, names) in CASES.items()
        if len(names) > 1 and (folder / f"{case}.json").exists()
    }
    parts: list = [Paragraph(__doc__.split("\n\n")[3].replace("\n", " "))]
    if found:
        draw(found, folder / "figures" / "ratios.png")
        parts.append(Figure("figures/ratios.png", "Time of each peer to that of tfdvae, by case"))
    for case, (unit, names) in CASES.items():
        path = folder / f"{case}.json"
        if not path.exists():
            continue
        kept = files.read_json(path)
        medians = {
            name: statistics.median(value for each in kept["ms"][name] for value in each)
            for name in names
        }
        lines = []
        for name in names:
            values = [value for each in kept["ms"][name] for value in each]
            of_processes = [shown(statistics.median(each)) for each in kept["ms"][name]]
            lines.append(
                [
                    name.replace("_", " "),
                    f"{shown(medians[name])} ({shown(min(values))} to {shown(max(values))})",
                    ", ".join(of_processes),
                    f"{medians[name] / medians[OWN]:.2f}",
                    kept["quality"].get(name, ""),
                ]
            )
        parts += [
            Heading(case),
            Paragraph(f"{kept['processor']}, {kept['threads']} threads; {unit}."),
            Table(["", "median (range)", "of each process", "to tfdvae", "output"], lines),
        ]
    return Document("Speed", parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", default=[], help=", ".join(CASES))
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--rounds", type=int, default=7, help="of each process")
    parser.add_argument("--processes", type=int, default=3, help="of each peer, one by one")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--careamics", metavar="PYTHON", help="without it `hiding` is left out")
    parser.add_argument("--again", action="store_true", help="measure what is measured")
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "speed")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - CASES.keys():
        parser.error(f"unknown case {sorted(unknown)[0]}; there are {', '.join(CASES)}")
    pythons = {"careamics": arguments.careamics} if arguments.careamics else {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clean, labels = prepare(folder, arguments.data_dir)
        for case in arguments.cases or CASES:
            path = arguments.output / f"{case}.json"
            if path.exists() and not arguments.again:
                continue
            if "careamics" in CASES[case][1] and not pythons:
                print(f"{case} is left out: it needs --careamics")
                continue
            found = measure(
                case, folder, arguments.rounds, arguments.processes, arguments.threads, pythons
            )
            kept = {
                "processor": processor(),
                "threads": arguments.threads,
                "ms": found,
                "quality": quality(case, folder, clean, labels),
            }
            files.write_json(path, kept)
            print(
                case,
                {n: statistics.median(itertools.chain(*v)) for n, v in found.items()},
                flush=True,
            )
    print(report(arguments.output).write(arguments.output))


if __name__ == "__main__":
    main()
