"""The stages of a run: what each does, and which files it leaves."""

import gc
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tfdvae import corruptions, csv_rows
from tfdvae._utils import chunks, files
from tfdvae.config import TrainConfig
from tfdvae.config.sets import view_methods
from tfdvae.data import pipelines
from tfdvae.experiment import (
    classifiers,
    evaluation,
    figures,
    hparams,
    initial_weights,
    own_noise,
    report,
)
from tfdvae.experiment.prepare import prepare_data
from tfdvae.experiment.run import Run
from tfdvae.fitting import training
from tfdvae.inference.augmentation import Augmenter
from tfdvae.inference.exporting import export
from tfdvae.models.build import build_generator

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stage:
    """A step of a run.

    Attributes:
        name: in messages and in `stages.json`.
        work: does it and returns a line of text for the reader.
        outputs: the files and folders that it leaves, below the run folder. A stage is done when
            `stages.json` lists it and these are there.
        trains: whether all machines take part.
    """

    name: str
    work: Callable[[Run], str]
    outputs: tuple[str, ...]
    trains: bool = False

    def made(self, folder: Path) -> bool:
        """Tell whether a run folder has the outputs."""
        return all((folder / output).exists() for output in self.outputs)


def stages(config: TrainConfig) -> list[Stage]:
    """Return the stages of a run in order."""
    initial = ("checkpoints/initial.keras",) if config.generator.init_from else ()
    listed = [
        Stage("data", prepare_data, ("checkpoints/data", *initial)),
        Stage(
            "generator", train_generator, ("generator.keras", "checkpoints/generator.json"), True
        ),
    ]
    if config.makes_images:
        listed.append(Stage("augmentation", augment, ("augmentation",)))
    for method in view_methods(config.training_sets):
        work = partial(classifiers.make_views, method=method)
        listed.append(Stage(f"denoised-{method}", work, (f"denoised/{method}.npy",)))
    for augmentation in config.training_sets:
        name = f"classifier-{augmentation}"
        work = partial(classifiers.train, augmentation=augmentation)
        listed.append(Stage(name, work, (f"{name}.keras", f"checkpoints/{name}.json"), True))
    pictures = tuple(f"figures/{name}.png" for name in figures.names(config))
    return [
        *listed,
        Stage("evaluation", evaluate, ("metrics.csv", "history.csv")),
        Stage("figures", figures.draw, pictures),
        Stage("export", export_model, ("saved_model/saved_model.pb",)),
        Stage("report", report.write_report, ("report.md", "report.html")),
    ]


def train_generator(run: Run) -> str:
    """Train the generative model, from its last checkpoint where there is one."""
    config = run.config.generator
    inputs = run.generator_inputs
    images = inputs[0]
    per_epoch = pipelines.steps_per_epoch(len(images), config.batch_size)
    with run.strategy.scope():
        model = build_generator(run.config, images.shape[1:], per_epoch)
        if config.init_from is not None:
            initial_weights.start_from(model, run.folder / "checkpoints" / "initial.keras")
    pictures = training.Reconstructions(
        np.array(images[:10]), run.folder / "logs" / "generator" / "images"
    )
    early_stopping = None
    if config.patience is not None:
        batch_size = evaluation.batch_size(run.held_out[0])
        held_out = pipelines.batches(run.held_out, batch_size)
        early_stopping = training.EarlyStopping(held_out, config.patience)
    history = training.fit(
        model,
        partial(
            pipelines.training_batches,
            inputs,
            config.batch_size,
            run.config.run.seed,
            "generator",
        ),
        config.epochs * per_epoch,
        per_epoch,
        run.folder / "checkpoints" / "generator",
        config.model,
        [run.tensorboard("generator"), pictures, *run.callbacks],
        early_stopping,
        "a smaller learning rate, or KL warm-up, may help",
    )
    run.save("generator", model, history)
    best = ""
    if early_stopping is not None:
        entry = history[training.best_round(history)]
        loss = run.loss_text(entry["val_loss"])
        best = f"; best epoch {entry['epoch']}, loss {loss} on held-out images"
    return (
        f"{model.count_params():,} parameters, {len(history)} epochs of {per_epoch} steps, loss "
        f"{run.loss_text(history[-1]['loss'])}{best}"
    )


def augment(run: Run) -> str:
    """Make synthetic images of the training images."""
    config = run.config.generator
    method = config.sampling if config.variational else None
    augmenter = Augmenter(run.generator, method, config.corrupt_before_encoding)
    labels, source = [], []
    with files.replacing(run.folder / "augmentation") as temporary:
        temporary.mkdir()
        with chunks.array_writer(temporary / "images.npy") as append:
            for made in augmenter.pieces(
                run.data["images"],
                run.data["labels"],
                config.samples_per_image,
                run.config.run.seed,
            ):
                append(made.images)
                labels.append(made.labels)
                source.append(made.parent_index)
        np.save(temporary / "labels.npy", np.concatenate(labels))
        np.save(temporary / "source.npy", np.concatenate(source))
    kind = "synthetic images, whose labels are all 0 as there are none"
    if run.dataset.class_names:
        kind = "labelled synthetic images"
    return (
        f"{sum(map(len, labels)):,} {kind} ({augmenter.method}), {config.samples_per_image} for "
        "each training image"
    )


def evaluate(run: Run) -> str:
    """Measure the models on training and test images; write `metrics.csv` and `history.csv`."""
    gc.collect()  # trained models refer to themselves, and would lie beside those that are loaded
    rows = [run.row(**fields) for fields in _measured(run)]
    curves = [run.row(**fields) for fields in _learning_curves(run)]
    csv_rows.write_rows(run.folder / "history.csv", curves)
    hparams.write(run, rows)
    csv_rows.write_rows(run.folder / "metrics.csv", rows)
    for finding in report.findings_of(run):
        logger.warning("NOTE: %s", finding)
    return f"{len(rows)} rows in metrics.csv, {len(curves)} in history.csv"


def _measured(run: Run) -> Iterator[dict[str, Any]]:
    config, test = run.config, run.dataset.test
    tests = [corruptions.parse(text) for text in config.classifier.test_noise]
    names, protocol = config.training_sets, config.classifier.protocol
    noise_is_added = not config.data.noisy_dir and config.data.noise is None
    denoised, classified = evaluation.rows_with_noise(
        run.generator if noise_is_added else None,
        {name: run.classifier(name) for name in names},
        test.images,
        test.labels,
        tests,
        config.run.seed,
    )
    train = run.generator_inputs
    if config.data.noisy_dir:
        assert test.noisy is not None
        yield from evaluation.generator_rows(run.generator, train, (test.noisy, test.images))
        if second := run.noise_of_second:
            pair = (test.noisy, test.images)
            yield from evaluation.estimated_rows_of_pairs(run.generator, *pair, second)
        else:
            yield from evaluation.denoising_rows(run.generator, test.images, test.noisy, "observed")
    else:
        yield from evaluation.generator_rows(run.generator, train, test.images)
    yield from denoised
    if config.data.noise is not None and config.generator.denoising:
        found = own_noise.of_images(config, run.dataset)
        if found is not None:
            known = config.data.noise != "auto"
            yield from evaluation.estimated_rows(run.generator, test.images, found, known)
    for name in names:
        for fields in classified[name]:
            yield {"augmentation": name, "protocol": protocol, **fields}


def _learning_curves(run: Run) -> Iterator[dict[str, Any]]:
    protocol = run.config.classifier.protocol
    curves: dict[str, dict[str, str]] = {"generator": {}}
    for augmentation in run.config.training_sets:
        fields = {"augmentation": augmentation, "protocol": protocol}
        curves[f"classifier-{augmentation}"] = fields
    for name, fields in curves.items():
        for entry in run.history(name):
            place = {"step": entry["step"]}
            if name == "generator" or protocol == "equal_epochs":
                place["epoch"] = entry["epoch"]
            for key, value in entry.items():
                if key not in ("epoch", "step"):
                    split = "validation" if key.startswith("val_") else "train"
                    metric = key.removeprefix("val_")
                    yield {**fields, **place, "split": split, "metric": metric, "value": value}


def export_model(run: Run) -> str:
    """Export the generative model for use without tfdvae."""
    folder = run.folder / "saved_model"
    files.remove(folder)
    export(run.generator, folder)
    return f"SavedModel in {folder}"
