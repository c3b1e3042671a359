"""A study is a list of cells; each is computed in a process of its own and leaves its rows in a file of its own."""

import concurrent.futures
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tfdvae import files


def run(commands: dict[str, list[str]], folder: Path, workers: int = 1, progress: Callable[[str], None] = print) -> None:
    """Compute the cells whose rows are not there yet, in order, and put all rows together.

    Args:
        commands: name of each cell -> arguments of `python -m tfdvae` that make it write `folder`/cells/NAME.csv in one step.
        folder: of the study; `rows.csv` is written after each cell.
        workers: processes at a time.
        progress: takes a line for the reader.

    Raises:
        RuntimeError: a cell failed; its last lines are shown. Finished cells are kept.
    """
    missing = [name for name in commands if not (folder / "cells" / f"{name}.csv").exists()]
    progress(f"{len(commands)} cells, {len(commands) - len(missing)} done before")
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        names = {pool.submit(_compute, commands[name]): name for name in missing}
        try:
            for number, done in enumerate(concurrent.futures.as_completed(names), start=1):
                if error := done.result():
                    raise RuntimeError(f"cell {names[done]} failed: {error}")
                collect(commands, folder)
                spent = (time.monotonic() - start) / number
                progress(f"[{number}/{len(missing)}] {names[done]}; {spent * (len(missing) - number) / 60:.0f} minutes left")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    collect(commands, folder)


def _compute(arguments: list[str]) -> str:
    """Run one cell; return nothing, or its status and last lines where it failed."""
    process = subprocess.run([sys.executable, "-m", "tfdvae", *arguments], capture_output=True, text=True, check=False)
    last = "\n".join(process.stderr.strip().splitlines()[-5:])
    return f"status {process.returncode}\n{last}" if process.returncode else ""


def collect(commands: dict[str, list[str]], folder: Path) -> list[dict]:
    """Write the rows of all finished cells, in the order of the study, to `rows.csv`, and return them."""
    paths = [folder / "cells" / f"{name}.csv" for name in commands]
    rows = [row for path in paths if path.exists() for row in files.read_rows(path)]
    files.write_rows(folder / "rows.csv", rows)
    return rows
