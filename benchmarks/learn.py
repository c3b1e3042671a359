"""What `tfdvae denoise --learn` makes of noisy images, where the truth is known.

python benchmarks/learn.py pictures --pictures NOISY --truth TRUTH [--seeds 0 1 2]
python benchmarks/learn.py images --data-dir FOLDER [--noises 0.1 0.2 0.3] [--seeds 0]

One command for each row, with no other setting. Of pictures, those that it leaves are compared with
the ones of the same names in the other folder, after the best scale and offset, since exposures
differ; the model has seen the noisy ones alone. `images` are the 5,000 noisy training images of the
study of noisy images alone, as an array. The command is not told their noise, and its model is
measured on the noisy test images of that study too. Rows that are there are kept; the report goes
to results/learn/report.md.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import tfdvae
from tfdvae import corruptions, csv_rows
from tfdvae._utils.threads import cores
from tfdvae.data import pipelines, sources, splits
from tfdvae.data.image_dataset import to_unit
from tfdvae.image_io import codec
from tfdvae.learning import held_out
from tfdvae.metrics import image
from tfdvae.reporting import tables
from tfdvae.reporting.document import Paragraph, Part, Table, to_markdown

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "results" / "learn"
ESTIMATED = "psnr_estimated"
Rows = list[dict[str, str]]
Scores = dict[tuple[str, str], float]  # by split and metric


def learned(source: Path, seed: int, score: Callable[[Path], Scores]) -> tuple[str, Scores]:
    """Return the objective that one command chose, and what it made.

    Args:
        source: what it learns from.
        seed: root seed.
        score: returns what is measured of its output folder.
    """
    with tempfile.TemporaryDirectory() as temporary:
        output = Path(temporary) / "output"
        words = ["denoise", "--learn", str(source), str(output)]
        words += ["--seed", str(seed)] if seed else []
        begun = time.monotonic()
        subprocess.run([sys.executable, "-m", "tfdvae", *words], check=True)
        values: Scores = {("", "seconds"): time.monotonic() - begun}
        began, ended = (
            (output / name).stat().st_mtime for name in ("learned.json", "history.json")
        )
        values["", "training_seconds"] = ended - began
        told = csv_rows.read_rows(output / "metrics.csv")
        values |= {
            ("", row["metric"]): float(row["value"]) for row in told if row["metric"] == ESTIMATED
        }
        model = tfdvae.load(output / "model.keras")
        return getattr(model.core, "objective", ""), values | score(output)


def of_pictures(pictures: Path, truth: Path, seed: int) -> list[dict]:
    """Return the rows of one command on a folder of pictures."""

    def scale_invariant(made: Path) -> float:
        scores = [
            image.scale_invariant_psnr(
                *(to_unit(codec.read(each)).astype(np.float32) for each in (made / path.name, path))
            )
            for path in sorted(truth.iterdir())
        ]
        return float(np.mean(scores))

    def score(output: Path) -> Scores:
        return {
            ("", "psnr_scale_invariant"): scale_invariant(output / "denoised"),
            ("", "psnr_scale_invariant_input"): scale_invariant(pictures),
        }

    objective, values = learned(pictures, seed, score)
    return _rows(f"pictures-seed{seed}", pictures.name, _files(pictures), objective, seed, values)


def of_images(data_dir: str, level: float, seed: int) -> list[dict]:
    """Return the rows of one command on an array of noisy images."""
    source = sources.load("fashion_mnist", data_dir)
    corruption = corruptions.parse(f"gaussian:{level}")
    chosen = np.sort(splits.stratified_subset(np.asarray(source.train.labels), 5000, 0))
    clean, tested = to_unit(source.train.images[chosen]), to_unit(source.test.images)

    def noisy(images: np.ndarray, root: int, purpose: str) -> np.ndarray:
        return pipelines.freeze_noise(images, np.arange(len(images)), corruption, root, purpose)

    with tempfile.TemporaryDirectory() as temporary:
        given = Path(temporary) / "noisy.npy"
        np.save(given, noisy(clean, seed, "observed"))

        def score(output: Path) -> Scores:
            made = np.load(output / "denoised" / given.name)
            model = tfdvae.load(output / "model.keras")
            others = model.denoise(noisy(tested, 0, "test"))
            estimated_on = [
                np.stack([part.values for part in held_out.for_two_uses(parts)[1]])
                for _, parts in (held_out.split(list(made)), held_out.split(list(clean)))
            ]
            return {
                ("", "noise"): json.loads((output / "noise.json").read_text())["level"],
                ("held_out", "mse"): float(np.square(np.subtract(*estimated_on)).mean()),
                ("train", "psnr"): float(image.psnr(made, clean).mean()),
                ("test", "psnr"): float(image.psnr(others, tested).mean()),
            }

        objective, values = learned(given, seed, score)
    name = f"images-{level:g}-seed{seed}"
    rows = _rows(name, "fashion_mnist", len(clean), objective, seed, values)
    return [row | {"test_corruption": str(corruption)} for row in rows]


def _files(folder: Path) -> int:
    return len(list(folder.iterdir()))


def _rows(
    run: str, dataset: str, count: int, objective: str, seed: int, values: Scores
) -> list[dict]:
    row = {
        "study": "learn",
        "run": run,
        "dataset": dataset,
        "n_train": count,
        "condition": "noisy",
        "model": "dae",
        "network": "unet",
        "target": objective,
        "protocol": f"cores:{cores()}",
        "seed": seed,
    }
    return [
        row | {"split": split, "metric": metric, "value": value}
        for (split, metric), value in values.items()
    ]


def report(rows: Rows) -> str:
    """Return the report in Markdown."""
    runs: dict[str, Rows] = {}
    for row in rows:
        runs.setdefault(row["run"], []).append(row)
    parts: list[Part] = []
    pictures = {run: each for run, each in runs.items() if run.startswith("pictures")}
    if pictures:
        parts += _of_pictures(pictures)
    images = {run: each for run, each in runs.items() if run.startswith("images")}
    if images:
        parts += _of_images(images)
    return to_markdown(parts)


def _value(rows: Rows, metric: str, split: str = "") -> float | None:
    found = [float(r["value"]) for r in rows if (r["metric"], r["split"]) == (metric, split)]
    return found[0] if found else None


def _minutes(rows: Rows) -> list[str]:
    return [f"{(_value(rows, name) or 0) / 60:.1f}" for name in ("seconds", "training_seconds")]


def _machine(runs: dict[str, Rows]) -> str:
    counts = sorted(
        {row["protocol"].removeprefix("cores:") for each in runs.values() for row in each}
    )
    return f"{' or '.join(counts)} cores"


def _of_pictures(runs: dict[str, Rows]) -> list[Part]:
    lines, reached = [], []
    for rows in runs.values():
        estimated = _value(rows, ESTIMATED)
        reached.append(_value(rows, "psnr_scale_invariant") or 0)
        told = "none" if estimated is None else f"{estimated:.2f}"
        lines.append([rows[0]["seed"], *_minutes(rows), told, f"{reached[-1]:.2f}"])
    lines.append(["all", "", "", "", tables.plus_minus(reached, 2)])
    first = next(iter(runs.values()))
    given = _value(first, "psnr_scale_invariant_input")
    text = (
        f"`tfdvae denoise --learn` on {first[0]['n_train']} pictures, {_machine(runs)}: minutes of "
        "the whole command and of its training, the PSNR that it estimated on what it had held out "
        "of the noisy pictures, and the scale-invariant PSNR against the truth, in dB, mean over "
        f"pictures. The noisy pictures have {given:.2f} dB. By `python benchmarks/learn.py "
        "pictures --pictures NOISY --truth TRUTH`."
    )
    head = ["seed", "minutes", "of training", "estimated PSNR", "scale-invariant PSNR"]
    return [Paragraph(text), Table(head, lines)]


def _of_images(runs: dict[str, Rows]) -> list[Part]:
    lines = []
    for rows in runs.values():
        estimated, error = _value(rows, ESTIMATED), _value(rows, "mse", "held_out")
        lines.append(
            [
                rows[0]["test_corruption"],
                rows[0]["seed"],
                *_minutes(rows),
                f"{_value(rows, 'noise'):.4f} (`{rows[0]['target']}`)",
                "none" if estimated is None else f"{estimated:.2f}",
                f"{-10 * math.log10(error or 1):.2f}",
                f"{_value(rows, 'psnr', 'train'):.2f}",
                f"{_value(rows, 'psnr', 'test'):.2f}",
            ]
        )
    text = (
        "The same on an array of 5,000 noisy images of Fashion-MNIST, whose noise it is not told: "
        "the noise that it estimated and the objective that it chose; the PSNR that it estimated "
        "on images that it had held out, and the true one there, both of the mean squared error; "
        "and the mean PSNR of all that it made of these images, and of the 10,000 noisy test "
        "images of the study. By `python benchmarks/learn.py images --data-dir FOLDER`."
    )
    head = [
        "noise",
        "seed",
        "minutes",
        "of training",
        "noise found",
        "estimated",
        "true",
        "PSNR",
        "test",
    ]
    return [Paragraph(text), Table(head, lines)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    pictures, images = kinds.add_parser("pictures"), kinds.add_parser("images")
    pictures.add_argument("--pictures", type=Path, required=True)
    pictures.add_argument("--truth", type=Path, required=True)
    pictures.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    images.add_argument("--data-dir", required=True)
    images.add_argument("--noises", type=float, nargs="+", default=[0.1, 0.2, 0.3])
    images.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    path = FOLDER / "rows.csv"
    rows: list[dict] = list(csv_rows.read_rows(path)) if path.exists() else []
    cases: dict[str, Callable[[], list[dict]]] = {}
    for seed in arguments.seeds:
        if arguments.kind == "pictures":
            cases[f"pictures-seed{seed}"] = partial(
                of_pictures, arguments.pictures, arguments.truth, seed
            )
        else:
            for level in arguments.noises:
                cases[f"images-{level:g}-seed{seed}"] = partial(
                    of_images, arguments.data_dir, level, seed
                )
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in cases.items():
        if name not in {row["run"] for row in rows}:
            rows += make()
            csv_rows.write_rows(path, rows)
    text = report(csv_rows.read_rows(path))
    (FOLDER / "report.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
