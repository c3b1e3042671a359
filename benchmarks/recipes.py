"""The recipes for a convolutional DAE beside each other: as published, with its batch normalisation mended, and the one that works.

python benchmarks/recipes.py --data-dir FOLDER

Trains each of them on 5,000 images of Fashion-MNIST over several seeds, through the command line, and writes PSNR, seconds of training and one
picture to --output. `conv-dae` is trained for its own epochs, and for fewer, at about the cost of the published recipe; the table has the
seconds of each.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import tfdvae
from tfdvae import corruptions
from tfdvae._utils import csv_rows, files
from tfdvae.data import image_dataset, sources
from tfdvae.experiment import evaluation
from tfdvae.reporting import plots, tables

ROOT = Path(__file__).parents[1]
NOISE = "clipped_gaussian:0.1"
RUNS = {
    "opengenus (as published)": ["--recipe", "opengenus"],
    "opengenus, batch statistics": ["--recipe", "opengenus", "--network", "pooled_conv"],
    "conv-dae": ["--recipe", "conv-dae"],
    "conv-dae, {epochs} epochs": ["--recipe", "conv-dae", "--epochs", "{epochs}"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="two or more")
    parser.add_argument("--equal-cost-epochs", type=int, default=3)
    parser.add_argument(
        "--runs",
        type=Path,
        default=ROOT / "saved_models" / "recipes",
        help="run folders; finished runs are kept",
    )
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "recipes")
    arguments = parser.parse_args()
    rows, measured = [], {}
    source = sources.load("fashion_mnist", arguments.data_dir)
    clean = image_dataset.to_unit(source.test.images[:10])
    noisy = evaluation.test_noise(clean, corruptions.parse(NOISE), 0)
    pictures = {"uncorrupted": clean, NOISE: noisy}
    for template, flags in RUNS.items():
        name = template.format(epochs=arguments.equal_cost_epochs)
        flags = [flag.format(epochs=arguments.equal_cost_epochs) for flag in flags]
        for seed in arguments.seeds:
            folder = arguments.runs / f"{'-'.join(flag.strip('-') for flag in flags)}-seed{seed}"
            train(folder, [*flags, "--seed", str(seed), "--data-dir", arguments.data_dir])
            seconds = json.loads((folder / "stages.json").read_text())["generator"]["seconds"]
            run_rows = [
                row | {"study": "recipes", "protocol": name}
                for row in csv_rows.read_rows(folder / "metrics.csv")
            ]
            psnr = [
                float(row["value"])
                for row in run_rows
                if row["metric"] == "psnr" and row["test_corruption"] == NOISE
            ]
            rows += run_rows
            measured.setdefault(name, []).append((psnr[0], seconds))
        folder = (
            arguments.runs
            / f"{'-'.join(flag.strip('-') for flag in flags)}-seed{arguments.seeds[0]}"
        )
        pictures[name] = tfdvae.load(folder / "generator.keras").denoise(noisy)
    csv_rows.write_rows(arguments.output / "rows.csv", rows)
    plots.image_rows(
        pictures, f"Recipes: test images with {NOISE}, denoised", arguments.output / "pictures.png"
    )
    given = next(
        float(row["value"])
        for row in rows
        if row["metric"] == "psnr_input" and row["test_corruption"] == NOISE
    )
    lines = [
        f"5,000 training images of Fashion-MNIST, seeds {', '.join(map(str, arguments.seeds))}; PSNR of 10,000 test images with {NOISE},",
        f"mean over seeds and half of its 95% t-interval; {given:.2f} dB before denoising. Command: `python benchmarks/recipes.py --data-dir FOLDER`.",
        "",
        "| recipe | PSNR, dB | seconds of training |",
        "|---|---|---|",
    ]
    for name, values in measured.items():
        psnr, seconds = (list(column) for column in zip(*values, strict=True))
        lines.append(f"| {name} | {tables.plus_minus(psnr)} | {tables.plus_minus(seconds, 0)} |")
    text = "\n".join([*lines, "", "![Pictures](pictures.png)"]) + "\n"
    files.write_text(arguments.output / "report.md", text)
    print(text)


def train(folder: Path, flags: list[str]) -> None:
    """Train one run without a classifier; a finished one is left as it is, another begins anew, for its time is measured."""
    if (folder / "summary.md").exists():
        return
    files.remove(folder)
    command = [
        sys.executable,
        ROOT / "train.py",
        *flags,
        "--dataset",
        "fashion_mnist",
        "--no-classifier",
        "--test-noise",
        "0",
        NOISE,
    ]
    subprocess.run([*command, "--output", folder], check=True)


if __name__ == "__main__":
    main()
