"""Leads of training sets over those of other studies of the same training and test images.

python benchmarks/across.py

Over the seeds that both studies have, with their rows in results/. The table goes to
results/denoised_sizes/across.md. Intervals are for other seeds and other test images alike.
"""

import argparse
from pathlib import Path

import numpy as np

from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.reporting.document import Document, Heading, Part, Table
from tfdvae.studies.augmentation.results import Results
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig
from tfdvae.studies.dataset_info import DatasetInfo

RESULTS = Path(__file__).parents[1] / "results"
OTHER = "other "  # before the names of the second study
CONDITION, PROTOCOL = "noisy gaussian:0.2", "equal_steps"
STEPS, WRONG = "Further steps", "A wrong noise"
LEADS = {
    STEPS: {
        "`fresh-noise` in four times the steps, over that of 2,340": (
            ("denoised_sizes/steps-9360", "fresh-noise"),
            ("denoised_training", "fresh-noise"),
        ),
        "`denoised` in 2,340 steps, over `fresh-noise` in four times as many": (
            ("denoised_training", "denoised"),
            ("denoised_sizes/steps-9360", "fresh-noise"),
        ),
    },
    WRONG: {
        # Of the seeds of the next two rows: `fresh-noise` is told nothing, and the same in both.
        "`denoised`, told the noise, over `fresh-noise`": (
            ("denoised_training", "denoised"),
            ("denoised_sizes/assumed-1.3", "fresh-noise"),
        ),
        "`denoised`, told 1.3 times the noise, over `fresh-noise`": (
            ("denoised_sizes/assumed-1.3", "denoised"),
            ("denoised_sizes/assumed-1.3", "fresh-noise"),
        ),
        "`denoised`, told the noise, over that told 1.3 times the noise": (
            ("denoised_training", "denoised"),
            ("denoised_sizes/assumed-1.3", "denoised"),
        ),
    },
}


def read(folder: Path, before: str) -> tuple[list[dict[str, str]], dict[str, np.ndarray]]:
    """Return the rows and bootstrap replicates of a study, with a text before names of its sets."""
    rows = csv_rows.read_rows(folder / "rows.csv")
    for row in rows:
        row["run"] = before + row["run"]
        row["augmentation"] = row["augmentation"] and before + row["augmentation"]
    with np.load(folder / "bootstrap.npz") as kept:
        return rows, {before + name: kept[name] for name in kept.files}


def line(words: str, first: tuple[str, str], second: tuple[str, str]) -> list[str]:
    """Return the row of a table: words, seeds, and leads in points.

    Args:
        words: what is compared.
        first: study and training set.
        second: those that it is compared with.
    """
    folder = RESULTS / first[0]
    rows, replicates = read(folder, "")
    others, other_replicates = read(RESULTS / second[0], OTHER)
    config, dataset = AugmentationStudyConfig.of_folder(folder), DatasetInfo.read(folder)
    results = Results([*rows, *others], config, replicates | other_replicates, dataset)
    names = first[1], OTHER + second[1]
    shown = []
    for tested in results.summaries():
        lead, _ = results.difference(CONDITION, PROTOCOL, *names, tested)
        shown.append(f"{lead.mean:+.2f} ({lead.low:+.2f} to {lead.high:+.2f})")
    of_each = [results.scores(CONDITION, PROTOCOL, name, "none") for name in names]
    seeds = sorted(set(of_each[0]) & set(of_each[1]))
    return [words, f"{seeds[0]} to {seeds[-1]}", *shown]


def table() -> str:
    """Return all leads as Markdown, a table under each heading."""
    head = ["points ahead", "seeds", "clean test images", "five test noises"]
    parts: list[Part] = []
    for title, leads in LEADS.items():
        body = [line(words, *sides) for words, sides in leads.items()]
        parts += [Heading(title), Table(head, body)]
    return Document("Leads over training sets of other studies", parts).markdown()


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    text = table()
    files.write_text(RESULTS / "denoised_sizes" / "across.md", text)
    print(text)


if __name__ == "__main__":
    main()
