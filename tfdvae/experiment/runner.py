"""The main job as a list of stages. A run killed at any moment goes on with the first stage that is not done."""

import dataclasses
import logging
import time
from collections.abc import Iterable
from pathlib import Path

from tfdvae._utils import files
from tfdvae._utils.threads import use_threads
from tfdvae.config import TrainConfig
from tfdvae.data import image_dataset, sources
from tfdvae.experiment import report
from tfdvae.experiment.preflight import (
    _check_before_loading,
    _check_empty,
    _check_generator,
    _make,
    _model_file,
    _naming_size,
    _new_folder,
    _resolve,
)
from tfdvae.experiment.provenance import _tell_differences, environment
from tfdvae.experiment.run import Run
from tfdvae.experiment.stages import stages

logger = logging.getLogger(__name__)


def train(config: TrainConfig, given: Iterable[str] = ()) -> Path:
    """Do the main job, or go on with it where `config.run.resume` names a run; return the run folder.

    Args:
        config: settings.
        given: names of settings that were given though they may equal a default, for `origin` in `config.json`.

    Raises:
        ValueError, FileNotFoundError, sources.Unavailable: settings or data that do not fit.
        FileExistsError: the output folder holds something.
        BlockingIOError: another process writes to the folder.
        FloatingPointError: a loss became NaN.
        MemoryError: memory ran out.
    """
    resuming = config.run.resume is not None
    if resuming:
        folder = Path(config.run.resume)
        config = TrainConfig.of_run(folder, config)
        use_threads(config.run.threads)
        source = _load(config)
        recorded = files.read_json(folder / "environment.json")
        if source.fingerprint != recorded.get("data", source.fingerprint):
            raise ValueError(
                f"`dataset` {source.name} is not what it was when the run began: files were added, removed or written since."
            )
        _tell_differences(recorded)
        notice = recorded.get("notice", "")
        source = dataclasses.replace(source, notice=notice)
    else:
        folder = (
            Path(config.run.output).expanduser()
            if config.run.output is not None
            else _new_folder(config)
        )
        _check_empty(folder)
        origin = config.origin(given)
        config = config.replace(threads=use_threads(config.run.threads))
        _check_before_loading(config)
        source = _load(config, config.data.n_train)
        config = _resolve(config, source)
        with _naming_size(config, source):
            _check_generator(config, source)
        _make(folder)
    with files.locked(folder), _naming_size(config, source):
        if not resuming:
            _check_empty(folder)
            marks = {"notice": source.notice, "data": source.fingerprint}
            if config.generator.init_from is not None:
                marks["init_from"] = files.sha256(_model_file(config.generator.init_from))
            files.write_json(folder / "environment.json", environment() | marks)
            files.write_json(folder / "config.json", config.to_dict() | {"origin": origin})
        files.remove_temporary(folder)
        _run_stages(Run(config, folder, source))
    return folder


def _load(config: TrainConfig, n_train: int | None = None) -> image_dataset.ImageDataset:
    return sources.load(
        config.data.dataset,
        config.data.data_dir,
        **config.data.own_images,
        labelled=bool(config.training_sets),
        n_train=n_train,
    )


def _run_stages(run: Run) -> None:
    record = run.folder / "stages.json"
    done = files.read_json(record) if record.exists() else {}
    if run.source.notice:
        logger.warning("NOTE: %s", run.source.notice)
    logger.info("%s. Run folder: %s", run.title, run.folder)
    listed = stages(run.config)
    for number, stage in enumerate(listed, start=1):
        if stage.name in done and all((run.folder / output).exists() for output in stage.outputs):
            logger.info("[%d/%d] %s: done before", number, len(listed), stage.name)
            continue
        logger.info("[%d/%d] %s", number, len(listed), stage.name)
        start = time.monotonic()
        summary = stage.work(run)
        done[stage.name] = {"seconds": round(time.monotonic() - start, 1), "summary": summary}
        files.write_json(record, done)
        logger.info("      %s (%.1f s)", summary, done[stage.name]["seconds"])
    text = report.summary(run)
    files.write_text(run.folder / "summary.md", text)
    logger.info("\n%s", text)
