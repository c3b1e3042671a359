"""What is damaged in the folder of a study is found before the study goes on, and put right.

- The rows of a cell are in `cells/CELL.csv`, often with arrays in `cells/CELL.npz`. A cell of which
  one of them is damaged is computed again, with a NOTE.
- `rows.csv` has the rows of all cells. Where it is damaged and each cell has its own file, it is
  written anew from these, with a NOTE. Otherwise it is all that is left of some cells, as in a
  clone: the study is refused, and nothing is changed.
- So it is with arrays beside `rows.csv`, such as `bootstrap.npz`.

Nothing is deleted: what is damaged is kept as `NAME.damaged`.
"""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from tfdvae import csv_rows
from tfdvae._utils import files, records, sheets
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
    remedy = (
        "Bring it back, or move it elsewhere: it is then not known which cells there were, and of "
        "how many rows."
    )
    if not path.exists():
        return []
    starts = records.read_list(path, STARTS, remedy, {"rows": dict})
    for count in (count for start in starts for count in start.get("rows", {}).values()):
        if type(count) is not int:
            raise ValueError(
                f"{path} is damaged: its `rows` must hold whole numbers; got {count!r}. {remedy}"
            )
    return starts


@dataclasses.dataclass(frozen=True)
class Found:
    """What is in the folder of a study.

    Attributes:
        damaged: cells to be computed again, and why.
        whole: cells that have a whole file of their own.
        rows: of `rows.csv`; where it is damaged, those of the whole cells.
        reason: what is wrong with `rows.csv`; empty where nothing is.
        arrays: damaged arrays beside it, and what is wrong with them.
    """

    damaged: Mapping[str, str]
    whole: Collection[str]
    rows: Rows
    reason: str
    arrays: Mapping[Path, str]

    @property
    def finished(self) -> set[str]:
        """The cells that need not be computed."""
        return {row["run"] for row in self.rows}.difference(self.damaged).union(self.whole)


def look(folder: Path, starts: Iterable[Mapping[str, Any]], computes: bool = True) -> Found:
    """Return what is damaged of the results in the folder of a study; nothing is changed.

    Args:
        folder: of the study; it need not exist.
        starts: what `read_starts` returned; it tells which cells there were, and of how many rows.
        computes: whether cells may be computed again; not so in a study of another version.

    Raises:
        ValueError: results are damaged of which nothing else is left; the file is named.
        OSError: a file cannot be read.
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
    cells = {path.stem for path in files.completed_files(folder / "cells", "*.csv")}
    whole = cells - damaged.keys()
    rows, reason = _read_rows(folder / "rows.csv", counts, computed, whole)
    arrays = _damaged_arrays(folder, {row["run"] for row in rows} - damaged.keys() <= whole)
    return Found(damaged, whole, rows, reason, arrays)


def mend(folder: Path, starts: Iterable[Mapping[str, Any]], computes: bool = True) -> None:
    """Put right what is damaged of the results in the folder of a study, or refuse to go on.

    Args:
        folder: of the study.
        starts: as for `look`.
        computes: as for `look`.

    Raises:
        ValueError, OSError: as by `look`; nothing is changed.
    """
    found = look(folder, starts, computes)
    for cell, what in found.damaged.items():
        logger.warning("NOTE: %s It is kept as *.damaged. The cell is computed again.", what)
        for path in (folder / "cells" / f"{cell}.{suffix}" for suffix in ("csv", "npz")):
            if path.exists():
                path.rename(files.damaged_name(path))
    _write_rows(folder, found.rows, found.reason, found.damaged)
    for path, what in found.arrays.items():
        kept = path.rename(files.damaged_name(path))
        logger.warning("NOTE: %s It is kept as %s, and written anew.", what, kept.name)


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
    if {row["run"] for row in rows} - {path.stem}:
        return f"{path} is damaged: it has rows of another cell."
    return _missing(path, {path.stem: len(rows)}, counts)


def _missing(path: Path, found: Mapping[str, int], counts: Mapping[str, int]) -> str:
    """Return which cell has fewer rows than there were; empty where none has."""
    for cell, count in found.items():
        if count < counts.get(cell, 0):
            return f"{path} is damaged: it has {count:,} of the {counts[cell]:,} rows of {cell}."
    return ""


def _read_rows(
    path: Path, counts: Mapping[str, int], computed: Collection[str], whole: Collection[str]
) -> tuple[Rows, str]:
    """Return the rows of `rows.csv`, those of the whole cells where it is damaged, and its damage.

    Raises:
        ValueError: it is damaged, and a cell has no whole file.
    """
    if not path.exists():
        return [], ""
    try:
        rows = csv_rows.read_rows(path)
        reason = _missing(path, Counter(row["run"] for row in rows), counts)
    except ValueError as error:
        reason = f"{path} is damaged: {error}"
    if not reason:
        return rows, ""
    lost = {*computed, *_runs(path)} - set(whole)
    if lost or not whole:
        what = f"the {len(lost):,} cells without a whole file in cells/" if lost else "its cells"
        raise ValueError(
            f"{reason} Bring it back, or move it elsewhere: {what} are then computed again."
        )
    cells = files.completed_files(path.parent / "cells", "*.csv")
    return [row for cell in cells if cell.stem in whole for row in csv_rows.read_rows(cell)], reason


def _runs(path: Path) -> set[str]:
    """Return the cells that a damaged `rows.csv` still names."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    place = csv_rows.ROW_FIELDS.index("run")
    # Only where another cell follows is the name not cut off.
    named = (line.split(",") for line in lines if line.count(",") > place)
    return {sheets.from_cell(cells[place].strip('"')) for cells in named} - {"run"}


def _write_rows(folder: Path, rows: Rows, reason: str, damaged: Collection[str]) -> None:
    """Write `rows.csv` anew where it is damaged, or has rows of a cell that is computed again."""
    kept = [row for row in rows if row["run"] not in damaged]
    if not reason and len(kept) == len(rows):
        return
    path = folder / "rows.csv"
    aside = files.damaged_name(path)
    shutil.copy2(path, aside)  # `path` itself is replaced in one step
    if reason:
        logger.warning(
            "NOTE: %s It is kept as %s. It is written anew from the files in cells/.",
            reason,
            aside.name,
        )
    csv_rows.write_rows(path, kept)


def _damaged_arrays(folder: Path, made_anew: bool) -> dict[Path, str]:
    """Return damaged arrays beside `rows.csv` that the report makes anew, and what is wrong.

    Raises:
        ValueError: it does not make them anew.
    """
    found = {}
    for path in files.completed_files(folder, "*.npz"):
        if path.name != DATASET_FILE and (reason := records.damage(path)):
            found[path] = f"{path} is damaged: {reason}."
    if found and not made_anew:
        raise ValueError(
            f"{next(iter(found.values()))} Bring it back, or move it elsewhere: the report then "
            "lacks what it holds."
        )
    return found
