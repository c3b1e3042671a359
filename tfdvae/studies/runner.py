"""A study is a list of cells; each is computed in a process of its own and leaves its rows in a file of its own."""

import concurrent.futures
import dataclasses
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path

import tfdvae
from tfdvae._utils import checks, csv_rows, files
from tfdvae._utils.threads import cores, use_threads
from tfdvae.experiment import provenance
from tfdvae.studies.settings import StudyConfig

logger = logging.getLogger(__name__)


def study(
    name: str,
    config: StudyConfig,
    cells: Collection[str],
    settings: dict[str, object],
    compute: Callable[[str, Path], None],
    report: Callable[[list[dict], Path], None],
    in_process: bool = False,
) -> Path:
    """Compute the cells of a study that are missing, or the one that `config.cell` names, then write its report.

    `environment.json` has an entry for each start: versions, commit, processor, and the seconds that each cell took.

    Args:
        name: of the study, as the command line has it.
        config: its settings.
        cells: names of its cells, in order.
        settings: what may not change between two starts in one folder, besides the dataset, the threads and the version of tfdvae.
        compute: takes the name of a cell and the CSV file that it writes.
        report: takes all rows and the folder.
        in_process: compute the cells one after the other in this process, for studies that are done in no time.

    Raises:
        ValueError: no such cell; results of other settings in the folder.
        BlockingIOError: another process works in the folder.
        ChildProcessError: a cell failed.
    """
    folder, chosen = study_folder(name, config), threads(name, config)
    if config.cell is not None:
        checks.choice("cell", config.cell, cells)
    settings = check_same_study(name, config, settings)
    if config.cell is not None:
        _end_with_the_study()
        _keep_settings(settings, folder)
        use_threads(chosen)
        compute(config.cell, _cell_path(folder, config.cell))
        return folder
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"`output` {folder} is a file; a folder is needed.")
    folder.mkdir(parents=True, exist_ok=True)
    with files.locked(folder):
        check_same_study(name, config, settings)
        _keep_settings(settings, folder)
        if in_process:
            logging.getLogger("tensorflow").setLevel(
                logging.ERROR
            )  # it warns of a model traced for each cell

            def start(cell: str, path: Path) -> None:
                use_threads(chosen)
                compute(cell, path)

        else:
            start = partial(
                _start, ["study", name, *_arguments(dataclasses.replace(config, threads=chosen))]
            )
        report(run(cells, start, folder, config.workers, logger.info), folder)
    logger.info("Report: %s", folder / "report.md")
    return folder


def study_folder(name: str, config: StudyConfig) -> Path:
    """Return the folder of a study: `config.output`, or what stands for its default."""
    return Path(config.output or f"results/{name}").expanduser()


def missing(cells: Iterable[str], folder: Path) -> list[str]:
    """Return the cells that have no rows yet."""
    done = _finished(folder)
    return [name for name in cells if name not in done]


def _cell_path(folder: Path, name: str) -> Path:
    return folder / "cells" / f"{name}.csv"


def threads(name: str, config: StudyConfig) -> int:
    """Return the threads of each process: those asked for, or of the study that goes on, or the cores shared by the workers."""
    path = study_folder(name, config) / "config.json"
    kept = files.read_json(path).get("threads") if path.exists() else None
    return config.threads or kept or max(1, cores() // config.workers)


def check_same_study(
    name: str, config: StudyConfig, settings: dict[str, object]
) -> dict[str, object]:
    """Return all settings that may not change between two starts in one folder, as JSON holds them.

    Raises:
        ValueError: the folder holds results of others.
    """
    folder = study_folder(name, config)
    settings = {
        "tfdvae": tfdvae.__version__,
        "dataset": config.dataset,
        **settings,
        "threads": threads(name, config),
    }
    settings = {
        name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()
    }
    path = folder / "config.json"
    if path.exists() and (kept := files.read_json(path)) != settings:
        differing = [name for name in {**kept, **settings} if kept.get(name) != settings.get(name)]
        told = "; ".join(
            f"`{name}` {kept.get(name)!r} there, {settings.get(name)!r} here" for name in differing
        )
        raise ValueError(
            f"`output` {folder} holds a study with other settings: {told}. Give another folder."
        )
    return settings


def _keep_settings(settings: dict[str, object], folder: Path) -> None:
    if not (folder / "config.json").exists():
        files.write_json(folder / "config.json", settings)


def _arguments(config: StudyConfig) -> list[str]:
    """Return the settings as command-line arguments, but for those that concern the whole study."""
    arguments = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name not in ("cell", "workers") and value is not None and value is not False:
            values = () if value is True else value if isinstance(value, tuple) else (value,)
            arguments += [f"--{field.name.replace('_', '-')}", *map(str, values)]
    return arguments


def _start(arguments: list[str], name: str, path: Path) -> None:
    """Compute a cell in a process of its own, which ends when this one does, however that happens."""
    command = [sys.executable, "-m", "tfdvae", *arguments, "--cell", name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(
        command, **pipes, text=True, env=os.environ | {_OF_A_STUDY: "1"}
    ) as process:
        _running.append(process)
        errors = process.stderr.read()
        process.wait()
    _running.remove(process)
    if process.returncode:
        lines = [
            line
            for line in errors.strip().splitlines()
            if not line.startswith("See `tfdvae --help`")
        ]
        last = "\n".join(lines if "--debug" in arguments else lines[-5:])
        raise ChildProcessError(f"cell {name} failed with status {process.returncode}:\n{last}")


_running: list[subprocess.Popen] = []

_OF_A_STUDY = "TFDVAE_CELL_OF_A_STUDY"


def _end_with_the_study() -> None:
    """End this process as soon as the one that started it as a cell has closed, or lost, its end of our standard input."""

    def wait() -> None:
        os.read(0, 1)
        os._exit(1)

    if os.environ.get(_OF_A_STUDY):
        threading.Thread(target=wait, daemon=True).start()


def run(
    cells: Iterable[str],
    compute: Callable[[str, Path], None],
    folder: Path,
    workers: int = 1,
    progress: Callable[[str], None] = logger.info,
) -> list[dict]:
    """Compute the cells whose rows are not there yet, in order; put all rows together and return those of these cells.

    Args:
        cells: names.
        compute: takes the name of a cell and the CSV file that it writes in one step, with that name as `run`.
        folder: of the study; `rows.csv` and `environment.json` are written after each cell.
        workers: cells at a time.
        progress: takes a line for the reader.

    Raises:
        ChildProcessError: a cell failed; its last lines are shown. Finished cells are kept.
    """
    cells = list(cells)
    todo = missing(cells, folder)
    progress(f"{len(cells)} cells, {len(cells) - len(todo)} done before")
    record = folder / "environment.json"
    starts = files.read_json(record) if record.exists() else []
    seconds: dict[str, float] = {}

    def timed(name: str) -> None:
        begun = time.monotonic()
        compute(name, _cell_path(folder, name))
        seconds[name] = round(time.monotonic() - begun, 1)

    began, environment = time.monotonic(), provenance.environment()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        names = {pool.submit(timed, name): name for name in todo}
        try:
            for number, done in enumerate(concurrent.futures.as_completed(names), start=1):
                done.result()
                collect(cells, folder)
                files.write_json(
                    record, [*starts, environment | {"workers": workers, "seconds": dict(seconds)}]
                )
                each = (time.monotonic() - began) / number
                progress(
                    f"[{number}/{len(todo)}] {names[done]}; {each * (len(todo) - number) / 60:.0f} minutes left"
                )
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(_running):
                process.terminate()
    return collect(cells, folder)


def collect(names: Iterable[str], folder: Path) -> list[dict]:
    """Write the rows of all finished cells, in the order of the study, to `rows.csv`, and return them."""
    finished = _finished(folder)
    rows = [row for name in names for row in finished.pop(name, [])]
    csv_rows.write_rows(
        folder / "rows.csv", [*rows, *(row for others in finished.values() for row in others)]
    )
    return rows


def _finished(folder: Path) -> dict[str, list[dict]]:
    """Return the rows of each cell that is done: from `rows.csv`, which may have come without `cells`, and from `cells`."""
    finished: dict[str, list[dict]] = {}
    if (folder / "rows.csv").exists():
        for row in csv_rows.read_rows(folder / "rows.csv"):
            finished.setdefault(row["run"], []).append(row)
    return finished | {
        path.stem: csv_rows.read_rows(path) for path in files.whole(folder / "cells", "*.csv")
    }
