"""Whether the classifier of the augmentation study may be trained with bfloat16: its accuracy on validation images, beside float32's.

python benchmarks/precision.py --data-dir FOLDER

Development seeds, paired: same images, initial weights and order. Rows and report go to results/precision/; the rows of bfloat16 also tell how accuracy
grows with the epochs.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tfdvae._utils import csv_rows, files
from tfdvae.metrics import statistics

ROOT = Path(__file__).parents[1]
SEEDS = tuple(range(100, 105))
MARGIN = 0.3  # points


def accuracies(
    precision: str, folder: Path, arguments: argparse.Namespace
) -> dict[tuple[str, str], float]:
    """Return accuracy in % by (condition, seed)."""
    options = f"--precision {precision} --sets limited --protocols equal_steps --classifier-steps 1200 --classifier-epochs 7 --workers {arguments.workers} --threads 1"
    command = [
        sys.executable,
        "-m",
        "tfdvae",
        "study",
        "augmentation",
        "--development",
        *options.split(),
    ]
    command += [
        "--seeds",
        *map(str, SEEDS),
        "--data-dir",
        arguments.data_dir,
        "--output",
        str(folder),
    ]
    subprocess.run(command, check=True, cwd=ROOT)
    rows = [
        row
        for row in csv_rows.read_rows(folder / "rows.csv")
        if row["metric"] == "accuracy" and row["test_corruption"] == "none"
    ]
    return {(row["condition"], row["seed"]): 100 * float(row["value"]) for row in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    folder = ROOT / "results" / "precision"
    full, half = (
        accuracies(precision, folder / precision, arguments)
        for precision in ("float32", "bfloat16")
    )
    lines = ["# bfloat16 beside float32", "", f"Published CNN, 5,000 images, 1,200 steps, validation accuracy, seeds {SEEDS[0]} to {SEEDS[-1]}, by `benchmarks/precision.py`.", "",
             f"| training images | float32, % | bfloat16 minus float32, points | within ±{MARGIN} |", "|---|---|---|---|"]  # fmt: skip
    for condition in ("clean", "noisy", "both"):
        conditions = ("clean", "noisy") if condition == "both" else (condition,)
        half_seeds, full_seeds = (
            [
                sum(scores[name, str(seed)] for name in conditions) / len(conditions)
                for seed in SEEDS
            ]
            for scores in (half, full)
        )
        difference = statistics.paired_difference(half_seeds, full_seeds)
        mean, spread = statistics.mean_and_half_width(full_seeds)
        within = "yes" if difference.low >= -MARGIN and difference.high <= MARGIN else "not shown"
        lines.append(
            f"| {condition} | {mean:.2f} ± {spread:.2f} | {difference.mean:+.2f} ({difference.low:+.2f} to {difference.high:+.2f}) | {within} |"
        )
    files.write_text(folder / "report.md", "\n".join([*lines, ""]))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
