"""The recipes for a convolutional DAE beside each other.

python benchmarks/recipes.py --data-dir FOLDER

They are opengenus as published, the same with its batch normalization mended, and conv-dae, which
works. Trains each of them on 5,000 images of Fashion-MNIST over several seeds, through the command
line, and writes PSNR, seconds of training and one picture to --output. `conv-dae` is trained for
its own epochs, and for fewer, at about the cost of the published recipe; the table has the seconds
of each.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import tfdvae
from tfdvae import corruptions, csv_rows
from tfdvae._utils import files
from tfdvae.data import image_dataset, sources
from tfdvae.experiment import evaluation
from tfdvae.reporting import image_plots, tables
from tfdvae.reporting.document import Figure, Paragraph, Table, to_markdown

ROOT = Path(__file__).parents[1]
NOISE = "clipped_gaussian:0.1"
RUNS = {
    "opengenus (as published)": ["--recipe", "opengenus"],
    "opengenus, batch statistics": ["--recipe", "opengenus", "--network", "pooled_conv"],
    "conv-dae": ["--recipe", "conv-dae"],
    "conv-dae, {epochs} epochs": ["--recipe", "conv-dae", "--epochs", "{epochs}"],
}


def values(rows: list[dict], metric: str) -> dict[str, list[float]]:
    """Return a metric of all seeds by the name of the recipe; on noisy images, if on any."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["metric"] == metric and row["test_corruption"] in ("", NOISE):
            found.setdefault(row["protocol"], []).append(float(row["value"]))
    return found


def report(rows: list[dict]) -> str:
    """Return the report in Markdown; seconds are those of the rows that have some."""
    psnr, seconds = values(rows, "psnr"), values(rows, "seconds")
    given = next(iter(values(rows, "psnr_input").values()))[0]
    seeds = sorted({int(row["seed"]) for row in rows})
    text = (
        f"5,000 training images of Fashion-MNIST, seeds {', '.join(map(str, seeds))}; PSNR of "
        f"10,000 test images with {NOISE}, mean over seeds and half of its 95% t-interval; "
        f"{given:.2f} dB before denoising. Command: "
        "`python benchmarks/recipes.py --data-dir FOLDER`."
    )
    body = []
    for name, each in psnr.items():
        taken = tables.plus_minus(seconds[name], 0) if name in seconds else ""
        body.append([name, tables.plus_minus(each), taken])
    table = Table(["recipe", "PSNR, dB", "seconds of training"], body)
    return to_markdown([Paragraph(text), table, Figure("pictures.png", "Pictures")])


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
    rows: list[dict] = []
    source = sources.load("fashion_mnist", arguments.data_dir)
    clean = image_dataset.to_unit(source.test.images[:10])
    noisy = evaluation.test_noise(clean, corruptions.parse(NOISE), 0)
    pictures = {"uncorrupted": clean, NOISE: noisy}
    for template, flags in RUNS.items():
        name = template.format(epochs=arguments.equal_cost_epochs)
        flags = [flag.format(epochs=arguments.equal_cost_epochs) for flag in flags]
        stem = "-".join(flag.strip("-") for flag in flags)
        for seed in arguments.seeds:
            folder = arguments.runs / f"{stem}-seed{seed}"
            train(folder, [*flags, "--seed", str(seed), "--data-dir", arguments.data_dir])
            fields = {"study": "recipes", "protocol": name}
            rows += [row | fields for row in csv_rows.read_rows(folder / "metrics.csv")]
            taken = files.read_json(folder / "stages.json")["generator"]["seconds"]
            fields |= {"split": "train", "seed": seed, "test_corruption": ""}
            rows.append(fields | {"metric": "seconds", "value": taken})
        model = tfdvae.load(arguments.runs / f"{stem}-seed{arguments.seeds[0]}" / "generator.keras")
        pictures[name] = model.denoise(noisy)
    csv_rows.write_rows(arguments.output / "rows.csv", rows)
    title = f"Recipes: test images with {NOISE}, denoised"
    image_plots.image_rows(pictures, title, arguments.output / "pictures.png")
    text = report(rows)
    files.write_text(arguments.output / "report.md", text)
    print(text)


def train(folder: Path, flags: list[str]) -> None:
    """Train one run without a classifier.

    A finished one is kept, another begins anew, for its time is measured.
    """
    if (folder / "summary.md").exists():
        return
    files.remove(folder)
    options = ["--dataset", "fashion_mnist", "--no-classifier", "--test-noise", "0", NOISE]
    command = [sys.executable, ROOT / "train.py", *flags, *options, "--output", folder]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
