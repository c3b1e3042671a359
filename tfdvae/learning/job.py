"""The stages of `tfdvae denoise --learn`: decode, look at the noise, train, denoise, report.

A stage whose files are there is not repeated, and training goes on from its last checkpoint.
"""

import dataclasses
import logging
import math
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tfdvae._utils import disk, files, records
from tfdvae._utils.threads import use_threads
from tfdvae.config import PRECISIONS
from tfdvae.config.learn import LearnConfig
from tfdvae.data import pipelines
from tfdvae.data.patches import training_patches
from tfdvae.fitting import training
from tfdvae.image_io import reader
from tfdvae.inference import keras_files
from tfdvae.inference.on_disk import rewriting
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.learning import held_out, output_folder, pictures, quality, report, stacks
from tfdvae.learning.model import (
    PATCH,
    STEPS,
    batch_size,
    in_float32,
    moments_of,
    patch_size,
)
from tfdvae.learning.model import build as build_model
from tfdvae.metrics import choice, noise
from tfdvae.models.autoencoder import DAE

logger = logging.getLogger(__name__)

_PICTURES = "checkpoints/pictures"
_ROUNDS = 24  # after each of which the loss on held-out parts is looked at
_LEAST_ROUND = 20  # steps
_PATIENCE = 8  # rounds without a lower loss, after which training stops
_TIMED = 5  # steps by which the seconds of a step are measured, after as many that do not count
_SHARE = 0.95  # of the time that training may take


def run(config: LearnConfig) -> tuple[reader.Tally, TrainedModel]:
    """Learn from noisy pictures, denoise them and write the report.

    Args:
        config: settings.

    Returns:
        A tally of the pictures that were denoised, and the model.

    Raises:
        FileExistsError: the output folder holds something else.
        FileNotFoundError, ValueError: pictures that cannot be used, or noise that cannot be removed
            by what they show alone.
        BlockingIOError: another process writes to the folder.
    """
    source, folder = Path(config.learn).expanduser(), Path(config.output).expanduser()
    use_threads(config.threads)
    config = output_folder.with_precision(config, folder)
    output_folder.check(config, folder)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with disk.naming(folder), files.locked(folder):
            files.remove_temporary(folder)
            files.write_json(folder / "settings.json", output_folder.settings(config))
            if output_folder.began(folder):
                output_folder.note_change(source, folder)
            complete = output_folder.is_complete(folder)
            trained = _load(folder) if complete else _learn(config, source, folder)
            tally = _denoise(trained, source, folder, config.overwrite)
    except (ValueError, FileNotFoundError):  # pictures that cannot be learned from
        if is_new and not output_folder.began(folder):
            files.remove_at_once(folder)
        raise
    return tally, trained


def _learn(config: LearnConfig, source: Path, folder: Path) -> TrainedModel:
    """Return the trained model; the report is there when this is done."""
    began = output_folder.began(folder)
    found = _decode(source, folder, config.patch_size or PATCH)
    windows = stacks.windows(found, config.frames)
    estimate, objective, reason = _look_at_noise(config, found, folder)
    if not began:
        mark = pictures.decoded_fingerprint(folder / _PICTURES)
        files.write_json(
            folder / "learned.json",
            {"pictures": len(found), "reason": reason, "fingerprint": mark},
        )
    trained = TrainedModel(_train(config, windows, estimate, objective, folder))
    known = config.noise is not None
    _, parts = held_out.split(
        [picture.values for picture in windows], config.patch_size or PATCH, config.frames > 1
    )
    _, measured = held_out.for_two_uses(parts)
    of_all = [held_out.Part(picture.values) for picture in windows]
    estimate = quality.measure(trained, measured, estimate, known, folder, config.frames, of_all)
    _write_noise(estimate, known, folder)
    report.write(folder, source.name, windows, trained, reason, estimate, known)
    files.remove_at_once(folder / "checkpoints")
    return trained


def _load(folder: Path) -> TrainedModel:
    return TrainedModel(keras_files.load(folder / "model.keras", "output", hint=keras_files.AGAIN))


def _decode(source: Path, folder: Path, side: int) -> list[pictures.Picture]:
    """Return the pictures to learn from: those that the training began with, if it did."""
    kept = folder / _PICTURES
    kept.parent.mkdir(exist_ok=True)
    if not (output_folder.began(folder) and kept.exists()):
        pictures.decode(source, kept)
        (kept.parent / "steps.json").unlink(missing_ok=True)
    found = pictures.usable(pictures.load(kept), side)
    logger.info("%s to learn from.", _counted(found))
    return found


def _counted(found: Sequence[pictures.Picture]) -> str:
    sizes = sorted({picture.values.shape[:2] for picture in found})
    shown = " and ".join(
        f"{height}x{width}" for height, width in (sizes[0], sizes[-1])[: len(sizes)]
    )
    between = "between " if len(sizes) > 2 else ""
    return f"{output_folder.counted(len(found))} of {between}{shown}"


def _look_at_noise(
    config: LearnConfig, found: Sequence[pictures.Picture], folder: Path
) -> tuple[noise.NoiseEstimate, str, str]:
    """Return the noise of the pictures, the objective and why it was chosen."""
    parts = pictures.sample(found, noise.MOST_VALUES)
    least = choice.least_noise(parts)
    estimate = noise.estimate(map(pictures.unit, parts))
    if config.frames > 1:
        estimate = stacks.with_frames(estimate, found)
    if config.objective is not None:
        objective, reason = config.objective, "it was asked for"
    elif config.noise is not None:
        objective, reason = "recorrupted", "its standard deviation was given"
    else:
        objective, reason = choice.choose(estimate, least)
    if config.noise is not None:
        for doubt in choice.doubts(estimate, config.noise, least):
            logger.warning("NOTE: %s", doubt)
        estimate = estimate.of_level(config.noise)
    elif objective == "recorrupted":
        estimate = estimate.of_level(estimate.floor)
    if objective == "recorrupted" and not estimate.floor > 0:
        raise ValueError("`objective` recorrupted needs noise; the estimate is 0. Give `noise`.")
    _write_noise(estimate, config.noise is not None, folder)
    how = "on average" if config.noise is None else "as given"
    logger.info("Noise: standard deviation %.3g of 255 %s.", 255 * estimate.level, how)
    logger.info("Objective: %s, since %s.", objective, reason)
    return estimate, objective, reason


def _write_noise(estimate: noise.NoiseEstimate, given: bool, folder: Path) -> None:
    """Write `noise.json`; of noise that was given nothing but its level is known."""
    found = {"level": estimate.level} if given else dataclasses.asdict(estimate)
    values = {name: None if math.isnan(value) else value for name, value in found.items()}
    files.write_json(folder / "noise.json", {"given": given, **values})


def _train(
    config: LearnConfig,
    found: Sequence[pictures.Picture],
    estimate: noise.NoiseEstimate,
    objective: str,
    folder: Path,
) -> DAE:
    """Return the trained model, from its file where it is there."""
    file = folder / "model.keras"
    if file.exists():
        loaded = keras_files.load(file, "output", hint=keras_files.AGAIN)
        assert isinstance(loaded, DAE)
        return loaded
    values, parts = held_out.split(
        [picture.values for picture in found], config.patch_size or PATCH, config.frames > 1
    )
    size = patch_size(values, config.patch_size)
    shape = (size, size, values[0].shape[-1])
    corruption = f"gaussian:{estimate.floor:.6g}" if objective == "recorrupted" else "none"
    dtype = PRECISIONS[config.precision]
    build = partial(
        build_model, objective, corruption, shape, moments_of(values), config.seed, dtype=dtype
    )
    batches = partial(training_patches, values, size, batch_size(size), config.seed, "learn")
    steps = _steps(config, build, batches, folder)
    stopping, _ = held_out.for_two_uses(parts)
    squares = held_out.squares(stopping, size)
    model = build(steps)
    model.frames = config.frames if config.frames > 1 else None
    history = training.fit(
        model,
        batches,
        steps,
        max(_LEAST_ROUND, steps // _ROUNDS),
        folder / "checkpoints" / "training",
        "Learning",
        early_stopping=training.EarlyStopping(
            pipelines.batches((squares,), batch_size(squares.shape[1])), _PATIENCE
        ),
        hint="another `--seed` may help",
    )
    files.write_json(folder / "history.json", history)
    if dtype != "float32":
        model = in_float32(model, build(steps, dtype="float32"))
    with files.replacing(file) as temporary:
        model.save(temporary)
    return model


def _steps(config: LearnConfig, build: partial, batches: partial, folder: Path) -> int:
    """Return the number of training steps, once and for all: fewer where the time bounds them."""
    if config.seconds is None:
        return STEPS
    known = folder / "checkpoints" / "steps.json"
    if not known.exists():
        model = build(STEPS)
        for data in batches().take(_TIMED):
            model.train_on_batch(data)
        start = time.monotonic()
        for data in batches().take(_TIMED):
            model.train_on_batch(data)
        each = (time.monotonic() - start) / _TIMED
        steps = int(_SHARE * config.seconds / each)
        files.write_json(known, min(STEPS, max(_LEAST_ROUND, steps)))
    steps = int(records.read_number(known, "Delete it: the time is then measured again."))
    if steps < STEPS:
        logger.warning(
            "NOTE: the time allows %d of %s training steps; with more, pictures may be cleaner.",
            *(steps, f"{STEPS:,}"),
        )
    return steps


def _denoise(trained: TrainedModel, source: Path, folder: Path, overwrite: bool) -> reader.Tally:
    if not source.exists():
        raise FileNotFoundError(
            f"`learn` {source} was removed meanwhile; what was learned is in {folder}. Bring it "
            "back, and give the same command again."
        )
    output = folder / "denoised"
    if not source.is_dir():
        output = output / source.name
        output.parent.mkdir(exist_ok=True)
        if output.exists() and not overwrite:
            return reader.Tally(kept=1)
    return rewriting.denoise(trained, source, output, overwrite)
