"""Run the stages one after the other. A run that was killed goes on with the first one not done."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfdvae._utils import checks, disk, files
from tfdvae._utils.threads import use_threads
from tfdvae.config import PRECISIONS, TrainConfig
from tfdvae.data import sources
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import (
    classifiers,
    folders,
    new_dataset,
    own_noise,
    preflight,
    provenance,
    report,
    same_data,
    stage_record,
)
from tfdvae.experiment.run import Run
from tfdvae.experiment.stages import stages
from tfdvae.fitting import distribution
from tfdvae.reporting import document

logger = logging.getLogger(__name__)

_DEFAULTS = TrainConfig().settings()


def train(
    config: TrainConfig | None = None,
    *,
    dataset: str | Path | ImageDataset | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **settings: Any,
) -> Path:
    """Train a generative model and the classifiers, and measure them, as `tfdvae train` does.

    Args:
        config: settings; by default those of `settings`, or the defaults.
        dataset: name, folder or `.npz` file, as the setting `dataset`; or images and labels in
            memory, which are then kept in the run folder as `dataset.npz`.
        callbacks: Keras callbacks for the training of the generative model. Where a run goes on,
            they see its remaining epochs. One that sets `model.stop_training` ends the training.
        **settings: any settings of `tfdvae train` by their flat names, such as `epochs=10`; they
            win over those of `config`. `resume=FOLDER` goes on with a run.

    Returns:
        The run folder.

    Raises:
        TypeError: a value or a callback of the wrong type.
        ValueError: an unknown setting, or settings or data that do not fit.
        FileNotFoundError: no such data, model or run.
        tfdvae.data.sources.Unavailable: a dataset that cannot be downloaded.
        FileExistsError: the output folder holds something.
        BlockingIOError: another process writes to the folder.
        FloatingPointError: a loss became NaN.
        MemoryError: memory ran out.

    Example:
        >>> folder = tfdvae.train(model="dae", dataset="digits", epochs=1, no_classifier=True)
        >>> tfdvae.load(folder).denoise(noisy)
    """
    if config is not None and not isinstance(config, TrainConfig):
        raise TypeError(f"`config` must be a TrainConfig; got a {type(config).__name__}.")
    if not isinstance(dataset, (str, Path, ImageDataset, type(None))):
        raise TypeError(
            "`dataset` must be a name, a path or a tfdvae.ImageDataset, which "
            f"ImageDataset.from_arrays makes of arrays; got a {type(dataset).__name__}."
        )
    if isinstance(callbacks, keras.callbacks.Callback):
        raise TypeError("`callbacks` must be a list of Keras callbacks; got a single one.")
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                f"`callbacks` must be Keras callbacks; got a {type(callback).__name__}."
            )
    in_memory = dataset if isinstance(dataset, ImageDataset) else None
    if dataset is not None and in_memory is None:
        settings["dataset"] = str(dataset)
    config = TrainConfig.of(**settings) if config is None else config.replace(**settings)
    given = {name for name, value in config.settings().items() if value != _DEFAULTS[name]}
    return run_experiment(config, given | set(settings), in_memory, callbacks)


def run_experiment(
    config: TrainConfig,
    given: Iterable[str] = (),
    dataset: ImageDataset | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Path:
    """Begin a run, or go on with the one that `config.run.resume` names; return its folder.

    Args:
        config: settings.
        given: names of settings that were given though they may equal a default, for `origin` in
            `config.json`.
        dataset: images in memory, instead of the setting `dataset`.
        callbacks: for the training of the generative model.

    Raises:
        as `train` does.
    """
    if config.run.resume is None:
        return _begin(config, given, dataset, callbacks)
    if dataset is not None:
        raise ValueError("`dataset` in memory cannot be given with `resume`: the run has its own.")
    return _resume(config, given, callbacks)


def _begin(
    config: TrainConfig,
    given: Iterable[str],
    dataset: ImageDataset | None,
    callbacks: Sequence[keras.callbacks.Callback],
) -> Path:
    origin = config.origin(given)
    folder = folders.run_folder(config)
    config = config.replace(threads=use_threads(config.run.threads))
    if config.run.distribute == "multiworker" and config.run.output is None:
        raise ValueError("`output` must be given with `distribute` multiworker.")
    strategy = _strategy(config, callbacks)
    if not distribution.is_chief(strategy):
        with distribution.losses_told(strategy):
            return _follow(folder, strategy)
    folders.check_empty(folder)
    files.check_writable("output", folder)
    preflight.check_before_loading(config)
    allowed: tuple[str, ...] = ()
    with contextlib.ExitStack() as stack:
        if dataset is not None:
            stack.enter_context(new_dataset.kept(config, dataset, folder))
            config = config.replace(dataset=str(files.absolute(folder / new_dataset.FILE)))
            allowed = (new_dataset.FILE,)
        loaded = _load(config, config.data.n_train)
        for text in own_noise.notes(config, loaded):
            loaded = loaded.with_notice(text)
        config, choice = own_noise.settle(config, loaded)
        if choice.advice:
            loaded = loaded.with_notice(str(choice))
        config = preflight.resolve(config, loaded)
        loaded = preflight.note_subset(config, loaded)
        with preflight.explain_memory_errors(config, loaded):
            preflight.check_generator(config, loaded)
        preflight.check_disk(config, loaded, folder)
        stack.enter_context(disk.naming(folder))
        folders.make_folder(folder)
        stack.enter_context(files.locked(folder))
        folders.check_empty(folder, allowed)
        marks: dict[str, Any] = {"notice": loaded.notice, "data": loaded.fingerprint}
        marks["decoded"] = same_data.marks(loaded)
        marks["objective"] = "" if choice.advice else str(choice)
        marks |= classifiers.marks(config)
        if config.generator.init_from is not None:
            file = folders.model_file(config.generator.init_from)
            marks["init_from"] = files.sha256(file)
        files.write_json(folder / "environment.json", provenance.environment() | marks)
        files.write_json(folder / "config.json", config.to_dict() | {"origin": origin})
        own = marks["objective"], marks["classifier_precision"], strategy
        _run_stages(Run(config, folder, loaded, callbacks, *own))
    return folder


def _resume(
    asked: TrainConfig, given: Iterable[str], callbacks: Sequence[keras.callbacks.Callback]
) -> Path:
    folder = Path(str(asked.run.resume)).expanduser()
    recorded = folders.recorded(folder)
    config = folders.resumed_settings(asked, given)
    use_threads(config.run.threads)
    strategy = _strategy(config, callbacks)
    if not distribution.is_chief(strategy):
        with distribution.losses_told(strategy):
            return _follow(folder, strategy)
    loaded = _load(config)
    if loaded.fingerprint != recorded.get("data", loaded.fingerprint):
        raise ValueError(
            f"`dataset` {loaded.name} is not what it was when the run began: files were added, "
            "removed or written since."
        )
    provenance.note_differences(recorded)
    classifiers.check_source(config, recorded, loaded.train.images.shape[1:])
    loaded = dataclasses.replace(loaded, notice=recorded.get("notice", ""))
    precision = recorded.get("classifier_precision", config.run.precision)
    checks.choice("classifier_precision of environment.json", precision, PRECISIONS)
    own = recorded.get("objective", ""), precision, strategy
    run = Run(config, folder, loaded, callbacks, *own)
    with disk.naming(folder), files.locked(folder):
        same_data.check(run, recorded)
        _run_stages(run)
    return folder


def _strategy(
    config: TrainConfig, callbacks: Sequence[keras.callbacks.Callback]
) -> tf.distribute.Strategy:
    """Return the strategy of a run, made before TensorFlow computes anything."""
    if callbacks and config.run.distribute == "multiworker":
        raise ValueError("`callbacks` cannot be given with `distribute` multiworker.")
    return distribution.start(config.run.distribute)


def _follow(folder: Path, strategy: tf.distribute.Strategy) -> Path:
    """Take part in the trainings of a run that another machine writes."""
    distribution.wait(strategy)  # until its folder is there
    config, recorded = TrainConfig.of_run(folder), folders.recorded(folder)
    loaded = _load(config)
    classifiers.check_source(config, recorded, loaded.train.images.shape[1:])
    run = Run(
        config,
        folder,
        loaded,
        classifier_precision=recorded["classifier_precision"],
        strategy=strategy,
    )
    for stage in stages(config):
        distribution.wait(strategy)
        done = stage_record.read(folder / "stages.json")
        if stage.trains and not (stage.name in done and stage.made(folder)):
            stage.work(run)
    distribution.wait(strategy)
    return folder


def _load(config: TrainConfig, n_train: int | None = None) -> ImageDataset:
    return sources.load(
        config.data.dataset,
        config.data.data_dir,
        **config.data.own_images,
        labelled=bool(config.training_sets),
        n_train=n_train,
    )


def _run_stages(run: Run) -> None:
    files.remove_temporary(run.folder)
    record = run.folder / "stages.json"
    done: dict[str, Any] = stage_record.read(record)
    for line in run.dataset.notice.splitlines():
        logger.warning("NOTE: %s", line)
    logger.info("%s. Run folder: %s", run.title, run.folder)
    if run.objective:
        logger.info("%s", run.objective)
    if run.config.returns_its_input:
        logger.warning(
            "NOTE: this model is to return what it is given, and %s has no code to pass it "
            "through: there is nothing to learn, and no noise is removed. Networks with a code: "
            "`tfdvae networks`.",
            run.config.generator.chosen_network,
        )
    listed = stages(run.config)
    distribution.wait(run.strategy)
    with distribution.losses_told(run.strategy):
        for number, stage in enumerate(listed, start=1):
            distribution.wait(run.strategy)
            if stage.name in done and stage.made(run.folder):
                stage_record.check(run.folder, done[stage.name])
                logger.info("[%d/%d] %s: done before", number, len(listed), stage.name)
                continue
            logger.info("[%d/%d] %s", number, len(listed), stage.name)
            if done.pop(stage.name, None):
                files.write_json(record, done)  # its files are no longer those of the checksums
            start = time.monotonic()
            files.check_held(run.folder)
            with preflight.explain_memory_errors(run.config, run.dataset, stage.name):
                summary = stage.work(run)
            files.check_held(run.folder)
            seconds = round(time.monotonic() - start, 1)
            done[stage.name] = {"seconds": seconds, "summary": summary}
            done[stage.name]["sha256"] = stage_record.sums(run.folder, stage.outputs)
            files.write_json(record, done)
            logger.info("      %s (%.1f s)", summary, seconds)
        distribution.wait(run.strategy)
        text = report.summary(run)
        files.write_text(run.folder / "summary.md", text)
        logger.info("\n%s", document.to_plain(text))
