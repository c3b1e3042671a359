"""What is damaged in the folder of a study is found before the study goes on, and put right.

- The rows of a cell are in `cells/CELL.csv`, often with arrays in `cells/CELL.npz`. A cell of which
  one of them is damaged is computed again, with a NOTE.
- `rows.csv` has the rows of all cells. Where it is damaged and each cell has its own file, it is
  written anew from these, with a NOTE. Otherwise it is all that is left of some cells, as in a
  clone: the study is refused, and the file is left as it is.
- So it is with arrays beside `rows.csv`, such as `bootstrap.npz`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from tfdvae import csv_rows
from tfdvae._utils import files, records
from tfdvae.studies.api import DATASET_FILE

logger = logging.getLogger(__name__)

Rows = list[dict[str, str]]
STARTS = {"started": str, "packages": dict, "workers": int, "seconds": dict}
"""What each start leaves in `environment.json`; those of earlier versions lack `rows`."""


def read_starts(folder: Path) -> list[dict[str, Any]]:
    """Return what the starts of a study left in its `environment.json`.

    Raises:
        ValueError: the file is damaged.
    """
    path = folder / "environment.json"
    remedy = "Bring it back, or delete it: only the record of earlier starts is lost."
    return records.read_list(path, STARTS, remedy) if path.exists() else []


def mend(folder: Path, starts: Iterable[Mapping[str, Any]], computes: bool = True) -> None:
    """Put right what is damaged of the results in the folder of a study, or refuse to go on.

    Args:
        folder: of the study.
        starts: what `read_starts` returned; it tells which cells there were, and of how many rows.
        computes: whether cells may be computed again; not so in a study of another version.

    Raises:
        ValueError: results are damaged of which nothing else is left; the file is named.
    """
    starts = list(starts)
    counts: dict[str, int] = {}
    for start in starts:
        counts |= start.get("rows", {})
    computed = {cell for start in starts for cell in start["seconds"]}
    damaged = _damaged_cells(folder, counts)
    if damaged and not computes:
        raise ValueError(
            f"{next(iter(damaged.values()))} The version that made the study computes it again."
        )
    for cell, reason in damaged.items():
        logger.warning("NOTE: %s The cell is computed again.", reason)
        for suffix in ("csv", "npz"):
            files.remove(folder / "cells" / f"{cell}.{suffix}")
    whole = {path.stem for path in files.completed_files(folder / "cells", "*.csv")}
    rows = _mend_rows(folder, counts, computed, whole)
    if {row["run"] for row in rows} & damaged.keys():
        kept = [row for row in rows if row["run"] not in damaged]
        csv_rows.write_rows(folder / "rows.csv", kept)
    _mend_arrays(folder, {row["run"] for row in rows} - damaged.keys() <= whole)


def _damaged_cells(folder: Path, counts: Mapping[str, int]) -> dict[str, str]:
    """Return the cells that have a damaged file, and what is wrong with it."""
    found = {}
    for path in files.completed_files(folder / "cells", "*.csv"):
        if reason := _damage_of_rows(path, counts):
            found[path.stem] = reason
    for path in files.completed_files(folder / "cells", "*.npz"):
        if reason := records.damage(path):
            found[path.stem] = f"{path} is damaged: {reason}."
    return found


def _damage_of_rows(path: Path, counts: Mapping[str, int]) -> str:
    """Return what is wrong with the file of a cell; empty where it is whole."""
    try:
        rows = csv_rows.read_rows(path)
    except ValueError as error:
        return f"{path} is damaged: {error}"
    others = sorted({row["run"] for row in rows} - {path.stem})
    if others or not rows:
        return f"{path} is damaged: it has no rows, or rows of another cell."
    return _missing(path, rows, {path.stem: counts.get(path.stem, len(rows))})


def _missing(path: Path, rows: Rows, counts: Mapping[str, int]) -> str:
    """Return which of the rows that were there are missing; empty where none is."""
    found = Counter(row["run"] for row in rows)
    for cell, count in counts.items():
        if cell in found and found[cell] != count:
            return f"{path} is damaged: it has {found[cell]:,} of the {count:,} rows of {cell}."
    return ""


def _mend_rows(
    folder: Path, counts: Mapping[str, int], computed: Collection[str], whole: Collection[str]
) -> Rows:
    """Return the rows of `rows.csv`, which is written anew from the files of the cells if damaged.

    Raises:
        ValueError: it is damaged, and a cell has no file.
    """
    path = folder / "rows.csv"
    if not path.exists():
        return []
    try:
        rows = csv_rows.read_rows(path)
        reason = _missing(path, rows, counts)
    except ValueError as error:
        reason = f"{path} is damaged: {error}"
    if not reason:
        return rows
    lost = sorted(set(computed) - set(whole))
    if lost or not whole:
        what = f"the {len(lost):,} cells that have no file in cells/" if lost else "its cells"
        raise ValueError(f"{reason} Bring it back, or delete it: {what} are then computed again.")
    logger.warning("NOTE: %s It is written anew from the files in cells/.", reason)
    paths = files.completed_files(folder / "cells", "*.csv")
    rows = [row for cell in paths for row in csv_rows.read_rows(cell)]
    csv_rows.write_rows(path, rows)
    return rows


def _mend_arrays(folder: Path, made_anew: bool) -> None:
    """Remove damaged arrays beside `rows.csv` that the report makes anew; refuse others."""
    for path in files.completed_files(folder, "*.npz"):
        reason = "" if path.name == DATASET_FILE else records.damage(path)
        if not reason:
            continue
        if not made_anew:
            raise ValueError(
                f"{path} is damaged: {reason}. Bring it back, or delete it: the report then lacks "
                "what it holds."
            )
        logger.warning("NOTE: %s is damaged: %s. It is written anew.", path, reason)
        files.remove(path)
