"""A study is a list of cells; each is computed in a process of its own and leaves its rows in a file of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tfdvae import files


def run(commands: dict[str, list[str]], folder: Path, progress: Callable[[str], None] = print) -> None:
    """Compute the cells whose rows are not there yet, one after the other, and put all rows together.

    Args:
        commands: name of each cell -> arguments of `python -m tfdvae` that make it write `folder`/cells/NAME.csv in one step.
        folder: of the study; `rows.csv` is written after each cell.
        progress: takes a line for the reader.

    Raises:
        RuntimeError: a cell failed; its last lines are shown. Finished cells are kept.
    """
    missing = [name for name in commands if not (folder / "cells" / f"{name}.csv").exists()]
    progress(f"{len(commands)} cells, {len(commands) - len(missing)} done before")
    start = time.monotonic()
    for number, name in enumerate(missing, start=1):
        process = subprocess.run(
            [sys.executable, "-m", "tfdvae", *commands[name]], capture_output=True, text=True, check=False, env=os.environ
        )
        if process.returncode:
            last = "\n".join(process.stderr.strip().splitlines()[-5:])
            raise RuntimeError(f"cell {name} failed with status {process.returncode}:\n{last}")
        collect(commands, folder)
        spent = time.monotonic() - start
        progress(
            f"[{number}/{len(missing)}] {name}: {spent / number:.0f} s a cell, {spent / number * (len(missing) - number) / 60:.0f} minutes left"
        )
    collect(commands, folder)


def collect(commands: dict[str, list[str]], folder: Path) -> list[dict]:
    """Write the rows of all finished cells, in the order of the study, to `rows.csv`, and return them."""
    paths = [folder / "cells" / f"{name}.csv" for name in commands]
    rows = [row for path in paths if path.exists() for row in files.read_rows(path)]
    files.write_rows(folder / "rows.csv", rows)
    return rows
