"""The stages of `tfdvae classify`: read, cross-validate, choose, train on all, write.

A classifier that is done is not trained again, and training goes on from its last checkpoint.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfdvae._utils import checks, disk, files, records, seeds
from tfdvae._utils.threads import use_threads
from tfdvae.classifying import (
    choosing,
    exporting,
    finding,
    folders,
    predicting,
    recipes,
    report,
    wording,
)
from tfdvae.classifying import images as images_
from tfdvae.classifying import model as models
from tfdvae.classifying.images import Images, Labelled
from tfdvae.classifying.outcome import Outcome, Predictions
from tfdvae.config.classify import ClassifyConfig
from tfdvae.data import pipelines
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.inference import keras_files
from tfdvae.metrics import calibration, choice

logger = logging.getLogger(__name__)

_BATCH = 256  # images that are classified at once, up to 64x64 pixels


def classify(dataset: str | Path | ImageDataset, output: str | Path, **settings: Any) -> Path:
    """Train a classifier as `tfdvae classify` does, and return the folder.

    Args:
        dataset: a folder, an `.npz` file, a name, or images in memory.
        output: the folder, with `classifier.keras`, `saved_model/`, `predictions.csv` and
            `report.html` when this is done.
        **settings: the flags of `tfdvae classify`, such as `quick=True`.

    Raises:
        TypeError: no such setting.
        FileExistsError, ValueError, FileNotFoundError, BlockingIOError, FloatingPointError: as of
            `tfdvae classify`.

    Example:
        >>> data = tfdvae.ImageDataset.from_arrays(images, labels)
        >>> tfdvae.classify(data, "my_classifier", quick=True)
        PosixPath('my_classifier')
    """
    names = [field.name for field in dataclasses.fields(ClassifyConfig)]
    for name in settings:
        checks.choice("setting of classify", name, names)
    if not isinstance(dataset, (str, Path, ImageDataset)):
        raise TypeError(
            "`dataset` must be a name, a path or a tfdvae.ImageDataset, which "
            f"ImageDataset.from_arrays makes of arrays; got a {type(dataset).__name__}."
        )
    if not isinstance(dataset, ImageDataset):
        return run(ClassifyConfig(dataset=str(dataset), output=str(output), **settings))
    config = ClassifyConfig(dataset=dataset.name, output=str(output), **settings)
    if of_files := [name for name, value in config.own_images.items() if value]:
        raise ValueError(f"`{of_files[0]}` is for images in files; got images in memory.")
    return run(config, dataset)


def run(config: ClassifyConfig, dataset: ImageDataset | None = None) -> Path:
    """Train a classifier, write it and its report, and return the folder.

    Args:
        config: settings.
        dataset: in memory, in the place of the one that is named.

    Raises:
        FileExistsError: the folder holds something else.
        ValueError, FileNotFoundError: images or settings that cannot be used, or others than those
            of the job that the folder holds.
        BlockingIOError: another process writes to the folder.
        FloatingPointError: a training diverged.

    Example:
        >>> run(ClassifyConfig(dataset="my_images", output="my_classifier", quick=True))
        PosixPath('my_classifier')
    """
    folder = Path(config.output).expanduser()
    folders.check(config, folder)
    use_threads(config.threads)
    found = images_.load(config, dataset)
    for line in filter(None, found.notice.split("\n")):
        logger.warning("NOTE: %s", line)
    job = _Job(config, folder, found)
    folder.mkdir(parents=True, exist_ok=True)
    with disk.naming(folder), files.locked(folder):
        files.remove_temporary(folder)
        folders.check_images(folder, found)
        slow = recipes.describe_size(found.train.images.shape[1:])
        for line in filter(None, (slow, folders.describe_lost(folder))):
            logger.warning("NOTE: %s", line)
        if not folders.is_complete(folder):
            folders.begin(config, found, folder)
            job.run()
        elif not (folder / exporting.ONNX_FILE).exists():
            _add_onnx(folder)
    return folder


class _Job:
    """One run: settings, folder and images, and what the stages make of them."""

    def __init__(self, config: ClassifyConfig, folder: Path, images: Images):
        self.config, self.folder, self.images = config, folder, images
        self.checkpoints = folder / "checkpoints"
        self.seconds: dict[str, float] = {}  # of a whole training, by training set
        self.steps = config.chosen("classifier_steps")
        self.classes = len(images.class_names)
        least = choice.least_noise([np.zeros((1, 1, 1), _whole(images.dtype))])
        self.noise_level = recipes.noise_level(images.train.images, config.noise, least)
        train = images.train
        self.folds = choosing.folds(train.labels, train.groups, config.chosen("folds"), config.seed)

    def run(self) -> None:
        """Take all stages, from the checkpoints that are there."""
        train, folds = self.images.train, self.folds
        self.checkpoints.mkdir(exist_ok=True)
        logger.info(
            "%s images of %s classes, %s folds.", f"{len(train):,}", self.classes, len(folds)
        )
        logits = {
            name: self._out_of_fold(name, folds) for name in recipes.candidates(self.noise_level)
        }
        temperatures = {
            name: calibration.temperature(each, train.labels) for name, each in logits.items()
        }
        held_out = {
            name: calibration.scaled(each, temperatures[name]) for name, each in logits.items()
        }
        gains = choosing.gains(
            held_out, train.labels, train.groups, folds, self.config.metric, self.config.seed
        )
        recipe = choosing.best(gains, recipes.PLAIN)
        logger.info("Trained on all images: %s.", recipe)
        temperature = temperatures[recipe]
        model = self._train(
            train, recipe, seeds.stream(self.config.seed, "all"), "all", "All images"
        )
        test = None
        if self.images.test is not None:
            found = _logits(model, self.images.test.images)
            test = Predictions(self.images.test, calibration.scaled(found, temperature))
        about = self._about(temperature, recipe)
        onnx = self._write_models(model, about)
        outcome = Outcome(
            images=self.images,
            gains=gains,
            recipe=recipe,
            held_out=Predictions(train, held_out[recipe]),
            uncalibrated=calibration.scaled(logits[recipe], 1.0),
            cross_fitted=calibration.cross_fitted(logits[recipe], train.labels, folds),
            test=test,
            temperature=temperature,
            folds=len(folds),
            steps=self.steps,
            noise_level=self.noise_level,
            network=model.name,
            onnx=onnx,
        )
        _write_predictions(outcome, self.folder / "predictions.csv")
        report.write(
            self.folder,
            outcome,
            folders.settings(self.config),
            self.config.metric,
            self.config.quick,
        )
        logger.info("%s", wording.verdict(gains, self.config.metric, self.config.quick))
        files.remove_at_once(self.checkpoints)

    def _out_of_fold(self, name: str, folds: list[np.ndarray]) -> np.ndarray:
        """Return the logits of all training images, by classifiers that did not see them."""
        train = self.images.train
        logits = np.zeros((len(train), self.classes), np.float32)
        for number, fold in enumerate(folds):
            path = self.checkpoints / "folds" / f"{name}-{number}.npz"
            if records.damage(path):  # or it is missing
                others = np.setdiff1d(np.arange(len(train)), fold)
                learned = dataclasses.replace(
                    train, images=train.images[others], labels=train.labels[others]
                )
                seed = seeds.stream(self.config.seed, f"fold {number}")
                title = f"{name}, fold {number + 1}/{len(folds)}"
                model = self._train(learned, name, seed, path.stem, title)
                files.write_npz(path, {"logits": _logits(model, train.images[fold])})
                files.remove_at_once(self.checkpoints / path.stem)
            with np.load(path) as kept:
                logits[fold] = kept["logits"]
        return logits

    def _train(self, images: Labelled, name: str, seed: int, kept: str, title: str) -> keras.Model:
        path, begun = self.checkpoints / kept, time.monotonic()
        whole = not path.exists()
        model = recipes.train(
            images.images,
            images.labels,
            name,
            self.classes,
            self.steps,
            seed,
            path,
            self.noise_level,
            self.config.denoiser_steps,
            title,
        )
        if whole and kept != "all" and name not in self.seconds:
            self.seconds[name] = time.monotonic() - begun
            self._log_time_left()
        return model

    def _log_time_left(self) -> None:
        """Log about how long the trainings take that are left, from those that were timed."""
        left = {
            each: len(self.folds) - len(list(self.checkpoints.glob(f"folds/{each}-*.npz")))
            for each in recipes.candidates(self.noise_level)
        }  # the last one is not kept yet, and the one on all images comes in its place
        logger.info(wording.time_left(left, self.seconds))

    def _about(self, temperature: float, recipe: str) -> models.About:
        height, width, channels = self.images.train.images.shape[1:]
        return models.About(
            class_names=self.images.class_names,
            image_shape=(height, width, channels),
            dtype=self.images.dtype,
            scale=self.images.scale,
            white=self.images.white,
            background=self.config.background or "white",
            resized=self.config.image_size is not None,
            temperature=temperature,
            recipe=recipe,
        )

    def _write_models(self, model: keras.Model, about: models.About) -> bool:
        """Write the classifier in each format; tell whether there is an ONNX file."""
        served = models.served(model, about)
        models.save(served, about, self.folder / finding.KERAS_FILE)
        exporting.saved_model(served, about, self.folder / exporting.SAVED_MODEL)
        return exporting.onnx(served, about, self.folder / exporting.ONNX_FILE)


def _add_onnx(folder: Path) -> None:
    """Write the ONNX file of a job that was done without the packages for it."""
    path = folder / finding.KERAS_FILE
    about = models.about_of(path)
    model = keras_files.load_any(path, "output", compiled=False)
    exporting.onnx(model, about, folder / exporting.ONNX_FILE)


def _logits(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the logits of images, float32 (N, K)."""
    size = pipelines.batch_size(_BATCH, images.shape[1:])
    starts = range(0, len(images), size)
    return np.concatenate(
        [np.asarray(model(images[start : start + size], training=False)) for start in starts]
    )


def _whole(dtype: str) -> str:
    return dtype if dtype.startswith("uint") else "uint16"


def _write_predictions(outcome: Outcome, path: Path) -> None:
    """Write what was said of each image, by a classifier that did not see it."""
    rows: list[predicting.Row] = []
    for split, found in (("out-of-fold", outcome.held_out), ("test", outcome.test)):
        if found is None:
            continue
        names = [outcome.images.class_names[label] for label in found.images.labels]
        rows += [
            ([name, split, true], row)
            for name, true, row in zip(found.images.names, names, found.probabilities, strict=True)
        ]
    predicting.write(path, ["file", "split", "true_label"], outcome.images.class_names, rows)
