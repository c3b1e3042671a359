"""Long rows in CSV files: one schema for everything that is measured."""

import csv
from collections.abc import Iterable
from pathlib import Path

from tfdvae._utils import sheets
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
    "train_noise",
]

ADDED = ("train_noise",)
"""Columns that files of earlier versions lack; they are then empty."""


def write_rows(path: str | Path, rows: Iterable[dict]) -> None:
    """Write long rows as CSV in one step, with the columns `ROW_FIELDS`, empty where not given.

    Floats are written with 17 significant digits, so that reading them back gives the same bits.
    Text that a spreadsheet would take for a formula gets an apostrophe, which `read_rows` removes.

    Raises:
        ValueError: a row has a field outside the schema.
    """
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        sheet = sheets.Writer(file)
        sheet.row(ROW_FIELDS)
        for row in rows:
            if unknown := sorted(row.keys() - set(ROW_FIELDS)):
                raise ValueError(f"rows must have no field {unknown[0]}; it is not in the schema.")
            values = (row.get(name, "") for name in ROW_FIELDS)
            sheet.row(f"{value:.17g}" if isinstance(value, float) else value for value in values)


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file written by `write_rows`, as text.

    Columns that were `ADDED` since the file was written are empty.

    Raises:
        ValueError: the file is not CSV, or was cut off; the columns are not those of the schema; or
            a row has more or fewer cells, or a value that is no number, but for an empty one.
    """
    with open(path, newline="", encoding="utf-8") as file:
        try:
            lines = file.readlines()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} must be a CSV file of UTF-8 text: {error}.") from None
    reader = csv.reader(lines)
    try:
        columns = next(reader, [])
        if columns not in (ROW_FIELDS, ROW_FIELDS[: -len(ADDED)]):
            raise ValueError(
                f"{path} must have the columns {','.join(ROW_FIELDS)}; got {','.join(columns)!r}."
            )
        rows = [cells for cells in reader if cells]
    except csv.Error as error:
        raise ValueError(
            f"{path} must be a CSV file; in line {reader.line_num}: {error}."
        ) from error
    for number, cells in enumerate(rows, 1):
        _check_row(path, number, cells, columns)
    # A cut within the last cell shows in nothing but the line break; an empty one cannot be cut.
    ends_whole = columns == ROW_FIELDS and bool(rows) and not rows[-1][-1]
    if not lines[-1].endswith("\n") and not ends_whole:
        raise ValueError(
            f"{path} must end with a line break; without it row {len(rows)} may be cut off. Add "
            "one if that row is whole."
        )
    texts = [map(sheets.from_cell, cells) for cells in rows]
    empty = dict.fromkeys(ROW_FIELDS, "")
    return [empty | dict(zip(columns, cells, strict=True)) for cells in texts]


def _check_row(path: str | Path, number: int, cells: list[str], columns: list[str]) -> None:
    if len(cells) != len(columns):
        more = "more" if len(cells) > len(columns) else "fewer"
        raise ValueError(f"{path} must have {len(columns)} cells a row; row {number} has {more}.")
    value = cells[columns.index("value")]
    if not value:
        return
    try:
        float(value)
    except ValueError:
        raise ValueError(
            f"{path} must have a number as the value of each row; row {number} has {value!r}."
        ) from None
