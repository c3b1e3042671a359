"""Whether the classifier of the augmentation study may be trained with bfloat16.

python benchmarks/precision.py --data-dir FOLDER

Its accuracy on validation images, beside float32's. Development seeds, paired: same images, initial
weights and order. Rows and report go to results/precision/; the rows of bfloat16 also tell how
accuracy grows with the epochs.
"""

import argparse
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.metrics import statistics
from tfdvae.reporting import tables
from tfdvae.reporting.document import Document, Paragraph, Table

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "results" / "precision"
PRECISIONS = ("float32", "bfloat16")
SEEDS = tuple(range(100, 110))
MARGIN = 0.3  # points
OPTIONS = (
    "--development --sets limited --protocols equal_steps --classifier-steps 1200 "
    "--classifier-epochs 7 --threads 1"
)

Rows = list[dict[str, str]]


def measure(precision: str, arguments: argparse.Namespace) -> Rows:
    """Run the study with a precision and return its rows."""
    command = [sys.executable, "-m", "tfdvae", "study", "augmentation", *OPTIONS.split()]
    command += ["--precision", precision, "--seeds", *map(str, SEEDS)]
    command += ["--data-dir", arguments.data_dir, "--workers", str(arguments.workers)]
    subprocess.run([*command, "--output", str(FOLDER / precision)], check=True, cwd=ROOT)
    return csv_rows.read_rows(FOLDER / precision / "rows.csv")


def accuracies(rows: Rows) -> dict[tuple[str, str], float]:
    """Return accuracy in % by (condition, seed)."""
    return {
        (row["condition"], row["seed"]): 100 * float(row["value"])
        for row in rows
        if row["metric"] == "accuracy" and row["test_corruption"] == "none"
    }


def report(rows: Mapping[str, Rows]) -> Document:
    """Return the report of the rows of each precision."""
    scores = {precision: accuracies(rows[precision]) for precision in PRECISIONS}
    body = []
    for name in ("clean", "noisy", "both"):
        conditions = ("clean", "noisy") if name == "both" else (name,)
        full, half = (
            [
                sum(scores[precision][condition, str(seed)] for condition in conditions)
                / len(conditions)
                for seed in SEEDS
            ]
            for precision in PRECISIONS
        )
        lead = statistics.paired_difference(half, full)
        within = "yes" if lead.low >= -MARGIN and lead.high <= MARGIN else "not shown"
        shown = f"{lead.mean:+.2f} ({lead.low:+.2f} to {lead.high:+.2f})"
        body.append([name, tables.plus_minus(full), shown, within])
    text = (
        "Published CNN, 5,000 images, 1,200 steps, validation accuracy, "
        f"seeds {SEEDS[0]} to {SEEDS[-1]}, by `benchmarks/precision.py`."
    )
    head = ["training images", "float32, %", "bfloat16 minus float32, points", f"within ±{MARGIN}"]
    return Document("bfloat16 beside float32", [Paragraph(text), Table(head, body)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    rows = {precision: measure(precision, arguments) for precision in PRECISIONS}
    text = report(rows).markdown()
    files.write_text(FOLDER / "report.md", text)
    print(text)


if __name__ == "__main__":
    main()
