"""Runs a study: computes the cells that are missing, collects their rows, writes the report.

A cell is what is computed at a time. It leaves its rows in a CSV file of its own in `cells`, so
that a study that was stopped goes on where it was.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import tfdvae
from tfdvae import csv_rows
from tfdvae._utils import checks, files, records, threads
from tfdvae.computing.ray_cluster import Cluster
from tfdvae.experiment import provenance
from tfdvae.studies import executor, mending
from tfdvae.studies.registry import STUDIES
from tfdvae.studies.settings import StudyConfig

logger = logging.getLogger(__name__)


def run_study(
    name: str,
    config: StudyConfig,
    cells: Collection[str],
    settings: Mapping[str, object],
    compute: Callable[[str, Path], None],
    report: Callable[[Path], object] | None = None,
    in_process: bool = False,
) -> Path:
    """Compute the cells of a study that are missing and write its report; return its folder.

    If `config.cell` names a cell, that cell alone is computed, in this process, without a report.
    `rows.csv` has the rows of all cells. `environment.json` has an entry for each start: versions,
    commit, processor, and the seconds and rows of each cell. What is damaged in the folder is
    computed again, or refused by name (`mending`).

    Args:
        name: of the study, as the command line has it.
        config: its settings.
        cells: names of its cells, in order.
        settings: what may not change between two starts in one folder; the dataset, the threads
            and the version of tfdvae are added.
        compute: takes the name of a cell and the CSV file that it writes in one step, with the
            name as `run` in each row.
        report: takes the folder, and writes the report from all rows in it; by default the one
            that the study was registered with.
        in_process: compute the cells one after the other in this process, whatever
            `config.workers`; for quick studies.

    Raises:
        ValueError: no such cell, or damaged results, or those of other settings, in the folder.
        BlockingIOError: another process works in the folder.
        ChildProcessError: a cell failed. Finished cells are kept, and the report is of them.

    Example:
        >>> def compute(cell, path):
        ...     csv_rows.write_rows(path, [{"study": "mine", "run": cell, "value": 1.0}])
        >>> run_study("mine", config, ["a", "b"], {"epochs": 2}, compute)
    """
    folder, thread_count = study_folder(name, config), thread_count_of(name, config)
    if config.cell is not None:
        checks.choice("cell", config.cell, cells)
    agreed = check_settings(name, config, [], settings)  # no cell is read before all are mended
    if config.cell is not None:
        _keep_settings(agreed, folder)
        threads.use_threads(thread_count)
        compute(config.cell, _cell_path(folder, config.cell))
        return folder
    files.check_folder("output", folder)
    files.check_writable("output", folder)
    folder.mkdir(parents=True, exist_ok=True)
    with files.locked(folder):
        files.remove_temporary(folder)
        same_version = agreed["tfdvae"] == tfdvae.__version__
        mending.mend(folder, mending.read_starts(folder), same_version)
        check_settings(name, config, cells, settings)
        _keep_settings(agreed, folder)
        if not missing_cells(cells, folder):
            config = dataclasses.replace(config, executor="processes", address=None)
        start, workers = _executor(name, config, thread_count, compute if in_process else None)
        write_report = report or STUDIES.get(name).write_report
        try:
            compute_cells(cells, start, folder, workers)
        except (ChildProcessError, ValueError, FloatingPointError):  # of a cell
            _report_what_is_there(write_report, folder)
            raise
        write_report(folder)
    logger.info("Report: %s", folder / "report.md")
    return folder


def _report_what_is_there(write_report: Callable[[Path], object], folder: Path) -> None:
    """Write the report of a study that a cell has stopped; where it lacks rows, say so."""
    try:
        if (folder / "rows.csv").exists():
            write_report(folder)
    except Exception as error:  # the cell's own is what counts
        logger.warning("NOTE: too few cells are there for a report (%s).", error)


def _executor(
    name: str, config: StudyConfig, thread_count: int, compute: Callable[[str, Path], None] | None
) -> tuple[executor.Executor, int]:
    """Return what computes cells, in this process where `compute` is given, and how many at a time.

    Raises:
        ValueError: Ray, or a cluster of it, is not there.
    """
    if config.executor == "ray":
        elsewhere = dataclasses.replace(config, threads=thread_count, output=None)
        arguments = ["study", name, *executor.to_arguments(elsewhere)]
        cluster = Cluster(config.address, thread_count)
        return executor.OnCluster(arguments, cluster), cluster.places
    if compute is not None:
        return executor.ThisProcess(compute, thread_count), 1
    arguments = executor.to_arguments(dataclasses.replace(config, threads=thread_count))
    return executor.Processes(["study", name, *arguments]), config.workers


def study_folder(name: str, config: StudyConfig) -> Path:
    """Return the folder of a study: `config.output`, or by default `results/NAME`.

    A hyphen in the name is an underscore there, as it is in rows.
    """
    return Path(config.output or f"results/{name.replace('-', '_')}").expanduser()


def thread_count_of(name: str, config: StudyConfig) -> int:
    """Return the number of threads of each process.

    That is the number asked for, or that of the study in the folder, or else the cores of this
    machine divided by the workers.
    """
    kept = (kept_settings(study_folder(name, config)) or {}).get("threads")
    return config.threads or kept or max(1, threads.cores() // config.workers)


def check_settings(
    name: str, config: StudyConfig, cells: Iterable[str], settings: Mapping[str, object]
) -> dict[str, object]:
    """Return all settings that may not change between two starts in one folder, as JSON holds them.

    A folder in which no cell is missing may be of another version of tfdvae: its report is written
    anew from its rows. Without `cells`, none is looked for.

    Raises:
        ValueError: the folder holds results of other settings.
    """
    folder = study_folder(name, config)
    wanted = {
        "tfdvae": tfdvae.__version__,
        "dataset": config.dataset,
        **settings,
        "threads": thread_count_of(name, config),
    }
    wanted = {
        key: list(value) if isinstance(value, tuple) else value for key, value in wanted.items()
    }
    kept = kept_settings(folder)
    if kept is None:
        return wanted
    records.check_version(kept.get("tfdvae"), folder)
    differing = [key for key in {**kept, **wanted} if kept.get(key) != wanted.get(key)]
    if differing == ["tfdvae"] and config.cell is None and not missing_cells(cells, folder):
        return kept
    if differing:
        shown = "; ".join(
            f"`{key}` {kept.get(key)!r} there, {wanted.get(key)!r} here" for key in differing
        )
        raise ValueError(
            f"`output` {folder} holds a study with other settings: {shown}. Give another folder."
        )
    return wanted


def cells_to_compute(
    name: str, config: StudyConfig, cells: Iterable[str], settings: Mapping[str, object]
) -> list[str]:
    """Return the cells that `run_study` with these arguments computes; nothing is changed.

    Raises:
        ValueError: the folder holds results of other settings, or damaged ones.
    """
    folder = study_folder(name, config)
    agreed = check_settings(name, config, [], settings)
    same_version = agreed["tfdvae"] == tfdvae.__version__
    found = mending.look(folder, mending.read_starts(folder), same_version)
    for what in found.damaged.values():
        logger.warning("NOTE: %s The cell is to be computed again.", what)
    missing = [cell for cell in cells if cell not in found.finished]
    if missing and not same_version:
        check_settings(name, config, missing, settings)
    return missing


def missing_cells(cells: Iterable[str], folder: Path) -> list[str]:
    """Return the cells that have no rows yet."""
    cells = list(cells)
    finished = _finished(folder) if cells else {}
    return [name for name in cells if name not in finished]


def compute_cells(
    cells: Iterable[str], compute: executor.Executor, folder: Path, workers: int = 1
) -> None:
    """Compute the cells that have no rows yet, in order.

    `rows.csv` and `environment.json` in the folder are written after each of them.

    Args:
        cells: names.
        compute: computes a cell, given its name and its CSV file.
        folder: of the study, which is locked.
        workers: cells at a time.

    Raises:
        ChildProcessError: a cell failed. Finished cells are kept.
        FileNotFoundError: the folder was removed meanwhile.
    """
    cells = list(cells)
    missing = missing_cells(cells, folder)
    logger.info("%d cells, %d done before", len(cells), len(cells) - len(missing))
    record = folder / "environment.json"
    starts = mending.read_starts(folder)
    environment = provenance.environment() | {"workers": workers}
    seconds: dict[str, float] = {}
    counts: dict[str, int] = {}

    def timed(name: str) -> None:
        begun = time.monotonic()
        compute(name, _cell_path(folder, name))
        seconds[name] = round(time.monotonic() - begun, 1)
        counts[name] = len(csv_rows.read_rows(_cell_path(folder, name)))

    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        names = {pool.submit(timed, name): name for name in missing}
        try:
            for number, done in enumerate(concurrent.futures.as_completed(names), start=1):
                done.result()
                files.check_held(folder)
                collect_rows(cells, folder)
                computed = {"seconds": dict(seconds), "rows": dict(counts)}
                files.write_json(record, [*starts, environment | computed])
                left = (time.monotonic() - begun) / number * (len(missing) - number) / 60
                place = f"[{number}/{len(missing)}]"
                logger.info("%s %s; %.0f minutes left", place, names[done], left)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            compute.stop()
    collect_rows(cells, folder)


def collect_rows(cells: Iterable[str], folder: Path) -> None:
    """Write the rows of all finished cells to `rows.csv`, those of the given cells first."""
    finished = _finished(folder)
    ordered = [*(name for name in cells if name in finished), *finished]
    rows = [row for name in dict.fromkeys(ordered) for row in finished[name]]
    csv_rows.write_rows(folder / "rows.csv", rows)


def _finished(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Return the rows of each finished cell.

    They are in `cells`, and in `rows.csv`, which may have come alone, as in a clone.
    """
    finished: dict[str, list[dict[str, str]]] = {}
    if (folder / "rows.csv").exists():
        for row in csv_rows.read_rows(folder / "rows.csv"):
            finished.setdefault(row["run"], []).append(row)
    paths = files.completed_files(folder / "cells", "*.csv")
    return finished | {path.stem: csv_rows.read_rows(path) for path in paths}


def _cell_path(folder: Path, name: str) -> Path:
    return folder / "cells" / f"{name}.csv"


def kept_settings(folder: Path) -> dict[str, Any] | None:
    """Return the settings that the folder of a study holds; None where there is no study."""
    path = folder / "config.json"
    if not path.exists():
        return None
    remedy = "Bring it back, or give another folder."
    kinds = {"tfdvae": str, "dataset": str, "threads": int}
    return records.read(path, {}, remedy, kinds)


def _keep_settings(settings: dict[str, object], folder: Path) -> None:
    if not (folder / "config.json").exists():
        files.write_json(folder / "config.json", settings)
