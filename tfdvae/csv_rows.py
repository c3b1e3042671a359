"""Long rows in CSV files: one schema for everything that is measured."""

import csv
from collections.abc import Iterable
from pathlib import Path

from tfdvae._utils.files import replacing

ROW_FIELDS = [
    "study",
    "run",
    "dataset",
    "n_train",
    "condition",
    "model",
    "network",
    "corruption",
    "target",
    "augmentation",
    "protocol",
    "test_corruption",
    "split",
    "epoch",
    "step",
    "seed",
    "metric",
    "value",
]


def write_rows(path: str | Path, rows: Iterable[dict]) -> None:
    """Write long rows as CSV in one step, with the columns `ROW_FIELDS`, empty where not given.

    Floats are written with 17 significant digits, so that reading them back gives the same bits.

    Raises:
        ValueError: a row has a field outside the schema.
    """
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ROW_FIELDS, restval="", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {
                    key: f"{value:.17g}" if isinstance(value, float) else value
                    for key, value in row.items()
                }
            )


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file written by `write_rows`, as text.

    Raises:
        ValueError: the columns are not those of the schema.
    """
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != ROW_FIELDS:
            raise ValueError(
                f"{path} must have the columns {','.join(ROW_FIELDS)}; got {reader.fieldnames}."
            )
        return list(reader)
