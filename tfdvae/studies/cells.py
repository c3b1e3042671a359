"""A study is a list of cells; each is computed in a process of its own and leaves its rows in a file of its own."""

import concurrent.futures
import dataclasses
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from tfdvae import checks, files
from tfdvae.config import StudyConfig
from tfdvae.runtime import cores, use_threads


def study(
    name: str,
    config: StudyConfig,
    cells: Collection[str],
    fixed: tuple[str, ...],
    compute: Callable[[str, Path], None],
    report: Callable[[list[dict], Path], None],
) -> None:
    """Compute the cells of a study that are missing, or the one that `config.cell` names, then write its report.

    Args:
        name: of the study, as the command line has it.
        config: its settings.
        cells: names of its cells, in order.
        fixed: names of settings that may not change between two starts in one folder.
        compute: takes the name of a cell and the CSV file that it writes.
        report: takes all rows and the folder.

    Raises:
        ValueError: no such cell; results of other settings in the folder.
        BlockingIOError: another process works in the folder.
        ChildProcessError: a cell failed.
    """
    folder = Path(config.output or f"results/{name}")
    threads = config.threads or max(1, cores() // config.workers)
    settings = {setting: getattr(config, setting) for setting in ("dataset", *fixed)} | {"threads": threads}
    if config.cell is not None:
        checks.choice("cell", config.cell, cells)
        _check_same_study(settings, folder)
        use_threads(threads)
        compute(config.cell, folder / "cells" / f"{config.cell}.csv")
        return
    folder.mkdir(parents=True, exist_ok=True)
    with files.locked(folder):
        _check_same_study(settings, folder)
        arguments = _arguments(dataclasses.replace(config, threads=threads))
        commands = {cell: ["study", name, "--cell", cell, *arguments] for cell in cells}
        run(commands, folder, config.workers, lambda line: print(line, flush=True))
        report(collect(commands, folder), folder)
    print(f"Report: {folder / 'report.md'}")


def _check_same_study(settings: dict, folder: Path) -> None:
    settings = {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
    path = folder / "config.json"
    if not path.exists():
        files.write_json(path, settings)
    elif (kept := files.read_json(path)) != settings:
        raise ValueError(f"`output` {folder} holds a study with {kept}; got {settings}. Give another folder.")


def _arguments(config: StudyConfig) -> list[str]:
    """Return the settings as command-line arguments, but for those that concern the whole study."""
    arguments = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name not in ("cell", "workers", "debug") and value is not None:
            arguments += [f"--{field.name.replace('_', '-')}", *map(str, value if isinstance(value, tuple) else (value,))]
    return arguments


def run(commands: dict[str, list[str]], folder: Path, workers: int = 1, progress: Callable[[str], None] = print) -> None:
    """Compute the cells whose rows are not there yet, in order, and put all rows together.

    Args:
        commands: name of each cell -> arguments of `python -m tfdvae` that make it write `folder`/cells/NAME.csv in one step, with its name as `run`.
        folder: of the study; `rows.csv` is written after each cell.
        workers: processes at a time.
        progress: takes a line for the reader.

    Raises:
        ChildProcessError: a cell failed; its last lines are shown. Finished cells are kept.
    """
    missing = [name for name in commands if name not in _finished(folder)]
    progress(f"{len(commands)} cells, {len(commands) - len(missing)} done before")
    start, running = time.monotonic(), []

    def compute(name: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "tfdvae", *commands[name]]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            running.append(process)
            _, errors = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, stderr=errors)

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        names = {pool.submit(compute, name): name for name in missing}
        try:
            for number, done in enumerate(concurrent.futures.as_completed(names), start=1):
                if status := done.result().returncode:
                    last = "\n".join(done.result().stderr.strip().splitlines()[-5:])
                    raise ChildProcessError(f"cell {names[done]} failed with status {status}:\n{last}")
                collect(commands, folder)
                spent = (time.monotonic() - start) / number
                progress(f"[{number}/{len(missing)}] {names[done]}; {spent * (len(missing) - number) / 60:.0f} minutes left")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
    collect(commands, folder)


def collect(names: Iterable[str], folder: Path) -> list[dict]:
    """Write the rows of all finished cells, in the order of the study, to `rows.csv`, and return them."""
    finished = _finished(folder)
    rows = [row for name in names for row in finished.pop(name, [])]
    files.write_rows(folder / "rows.csv", [*rows, *(row for others in finished.values() for row in others)])
    return rows


def _finished(folder: Path) -> dict[str, list[dict]]:
    """Return the rows of each cell that is done: from `rows.csv`, which may have come without `cells`, and from `cells`."""
    finished: dict[str, list[dict]] = {}
    if (folder / "rows.csv").exists():
        for row in files.read_rows(folder / "rows.csv"):
            finished.setdefault(row["run"], []).append(row)
    return finished | {path.stem: files.read_rows(path) for path in (folder / "cells").glob("*.csv")}
