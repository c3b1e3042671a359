"""What the cells of the studies in `results/` took, by their `environment.json`.

python benchmarks/hours.py

The table goes to results/hours.md. A cell is one process. What was computed twice counts twice in
its minutes. Denoising models and filters are in the cell that made them first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tfdvae._utils import files

RESULTS = Path(__file__).parents[1] / "results"


def spent(folder: Path) -> tuple[int, float]:
    """Return how many cells of a study were computed, and their minutes together."""
    starts = files.read_json(folder / "environment.json")
    cells = {name for start in starts for name in start["seconds"]}
    return len(cells), sum(sum(start["seconds"].values()) for start in starts) / 60


def table(results: Path) -> str:
    """Return the table of all studies below a folder, in Markdown."""
    folders = sorted(path.parent for path in results.rglob("environment.json"))
    found = {folder.relative_to(results).as_posix(): spent(folder) for folder in folders}
    lines = ["| results/ | cells | minutes together |", "|---|---|---|"]
    cells, minutes = map(sum, zip(*found.values(), strict=True))
    found["all"] = cells, minutes
    lines += [f"| {name} | {count:,} | {taken:,.0f} |" for name, (count, taken) in found.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    text = "# What the studies took\n\n" + table(RESULTS)
    files.write_text(RESULTS / "hours.md", text)
    print(text)


if __name__ == "__main__":
    main()
