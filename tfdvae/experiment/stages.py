"""The main job as a list of stages. A run killed at any moment goes on with the first stage that is not done."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from tfdvae import classifier, corruptions
from tfdvae._utils import chunks, csv_rows, files
from tfdvae.config import INCIDENTAL, TrainConfig
from tfdvae.data import image_dataset, pipelines, splits
from tfdvae.experiment import evaluation, report, training
from tfdvae.experiment.preflight import _model_file, start_from
from tfdvae.experiment.run import Run, loss_text, read_history
from tfdvae.inference.augmentation import Augmenter
from tfdvae.inference.exporting import export
from tfdvae.models.build import build_generator

ROUND_STEPS = 100  # classifier steps between two checkpoints under equal_steps


def prepare_data(run: Run) -> str:
    c, source = run.config, run.source
    noise = corruptions.parse(c.data.train_noise if c.data.noisy_train else "none")
    index = splits.stratified_subset(np.asarray(source.train.labels), c.data.n_train, c.run.seed)
    with files.replacing(run.folder / "checkpoints" / "data") as temporary:
        temporary.mkdir()
        np.save(temporary / "index.npy", index)
        np.save(temporary / "labels.npy", source.train.labels[index])
        chosen = (
            {"images": source.train.noisy, "clean": source.train.images}
            if c.data.noisy_dir
            else {"images": source.train.images}
        )
        for name, stored in chosen.items():
            with chunks.array_writer(temporary / f"{name}.npy") as append:
                for piece in chunks.pieces(len(index), 4 * stored[0].size):
                    rows = index[piece]
                    append(
                        pipelines.freeze_noise(
                            image_dataset.to_unit(stored[rows]), rows, noise, c.run.seed, "observed"
                        )
                    )
    if c.generator.init_from is not None:
        with files.replacing(run.folder / "checkpoints" / "initial.keras") as temporary:
            shutil.copyfile(_model_file(c.generator.init_from), temporary)
    noise = f", corrupted once with {c.data.train_noise}" if c.data.noisy_train else ""
    return f"{len(index):,} of {len(run.source.train.labels):,} training images of {c.data.title}{noise}; {len(run.source.test.labels):,} test images"


def _tensorboard(run: Run, name: str) -> keras.callbacks.Callback:
    return keras.callbacks.TensorBoard(run.folder / "logs" / name, write_graph=False)


def train_generator(run: Run) -> str:
    c = run.config
    images = run.data["images"]
    per_epoch = pipelines.steps_per_epoch(len(images), c.generator.batch_size)
    model = build_generator(c, images.shape[1:], per_epoch)
    if c.generator.init_from is not None:
        start_from(model, run.folder / "checkpoints" / "initial.keras")
    batches_from = partial(
        pipelines.training_batches,
        (images, run.data["clean"]) if c.data.noisy_dir else (images,),
        c.generator.batch_size,
        c.run.seed,
        "generator",
    )
    pictures = training.Reconstructions(
        np.array(images[:10]), run.folder / "logs" / "generator" / "images"
    )
    history = training.fit(model, batches_from, c.generator.epochs * per_epoch, per_epoch, run.folder / "checkpoints" / "generator", c.generator.model,
                           [_tensorboard(run, "generator"), pictures])  # fmt: skip
    _keep(run, "generator", model, history)
    return f"{model.count_params():,} parameters, {c.generator.epochs} epochs of {per_epoch} steps, loss {loss_text(c, history[-1]['loss'])}"


def augment(run: Run) -> str:
    c = run.config
    method = c.generator.sampling if c.generator.variational else None
    augmenter = Augmenter(run.generator, method, c.generator.corrupt_before_encoding)
    labels, source = [], []
    with files.replacing(run.folder / "augmentation") as temporary:
        temporary.mkdir()
        with chunks.array_writer(temporary / "images.npy") as append:
            for made in augmenter.pieces(
                run.data["images"], run.data["labels"], c.generator.samples_per_image, c.run.seed
            ):
                append(made.images)
                labels.append(made.labels)
                source.append(made.source)
        np.save(temporary / "labels.npy", np.concatenate(labels))
        np.save(temporary / "source.npy", np.concatenate(source))
    kind = (
        "labelled synthetic images"
        if run.source.class_names
        else "synthetic images, whose labels are all 0 as there are none"
    )
    return f"{sum(map(len, labels)):,} {kind} ({augmenter.method}), {c.generator.samples_per_image} for each training image"


def train_classifier(run: Run, augmentation: str) -> str:
    c = run.config
    sets = [run.data] if augmentation == "limited" else [run.data, run.synthetic]
    images, labels = [part["images"] for part in sets], [part["labels"] for part in sets]
    count = sum(map(len, labels))
    model = classifier.cnn(
        images[0].shape[1:], len(run.source.class_names), seed=c.run.seed, dtype=run.dtype
    )
    per_epoch = pipelines.steps_per_epoch(count, classifier.BATCH_SIZE)
    total, per_round = (
        (c.classifier.classifier_steps, ROUND_STEPS)
        if c.classifier.protocol == "equal_steps"
        else (c.classifier.classifier_epochs * per_epoch, per_epoch)
    )
    batches_from = partial(
        pipelines.training_batches,
        (images, labels),
        classifier.BATCH_SIZE,
        c.run.seed,
        f"classifier/{augmentation}",
    )
    name = f"classifier-{augmentation}"
    history = training.fit(
        model,
        batches_from,
        total,
        per_round,
        run.folder / "checkpoints" / name,
        name,
        [_tensorboard(run, name)],
    )
    _keep(run, name, model, history)
    return (
        f"{count:,} images, {total:,} steps, training accuracy {100 * history[-1]['accuracy']:.2f}%"
    )


def _keep(run: Run, name: str, model: keras.Model, history: list[dict]) -> None:
    files.write_json(run.folder / "checkpoints" / f"{name}.json", history)
    with files.replacing(run.folder / f"{name}.keras") as temporary:
        model.save(temporary)


def evaluate(run: Run) -> str:
    c = run.config
    if c.data.noisy_dir:
        train, test = (
            (run.data["images"], run.data["clean"]),
            (run.source.test.noisy, run.source.test.images),
        )
        measured = [
            *evaluation.denoising_rows(
                run.generator, run.source.test.images, run.source.test.noisy, "observed"
            )
        ]
    else:
        train, test = run.data["images"], run.source.test.images
        measured = [
            *evaluation.corruption_rows(
                run.generator, test, map(corruptions.parse, c.classifier.test_noise), c.run.seed
            )
        ]
    rows = [
        run.row(**fields)
        for fields in [*evaluation.generator_rows(run.generator, train, test), *measured]
    ]
    tests = list(map(corruptions.parse, c.classifier.test_noise))
    for augmentation in c.training_sets:
        model = keras.models.load_model(run.folder / f"classifier-{augmentation}.keras")
        measured = evaluation.classifier_rows(
            model, run.source.test.images, run.source.test.labels, tests, c.run.seed
        )
        rows += [
            run.row(augmentation=augmentation, protocol=c.classifier.protocol, **fields)
            for fields in measured
        ]
    curves = []
    for name, fields in [("generator", {})] + [
        (f"classifier-{a}", {"augmentation": a, "protocol": c.classifier.protocol})
        for a in c.training_sets
    ]:
        for entry in read_history(run, name):
            place = {"split": "train", "step": entry["step"]}
            if name == "generator" or c.classifier.protocol == "equal_epochs":
                place["epoch"] = entry["epoch"]
            curves += [
                run.row(**fields, **place, metric=metric, value=value)
                for metric, value in entry.items()
                if metric not in ("epoch", "step")
            ]
    csv_rows.write_rows(run.folder / "history.csv", curves)
    _write_hparams(run, rows)
    csv_rows.write_rows(run.folder / "metrics.csv", rows)
    return f"{len(rows)} rows in metrics.csv, {len(curves)} in history.csv"


def _write_hparams(run: Run, rows: list[dict]) -> None:
    """Settings and results for TensorBoard's HPARAMS tab."""
    from tensorboard.plugins.hparams import api

    settings = {
        key: value if isinstance(value, (bool, int, float, str)) else str(value)
        for key, value in run.config.to_dict().items()
    }
    for name in INCIDENTAL:
        del settings[name]
    folder = run.folder / "logs" / "hparams"
    files.remove(folder)
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        api.hparams(settings, trial_id=run.config.identity())
        for row in rows:
            name = "/".join(
                row[key]
                for key in ("metric", "split", "augmentation", "test_corruption")
                if row.get(key)
            )
            tf.summary.scalar(name, row["value"], step=0)
    writer.close()


def export_model(run: Run) -> str:
    files.remove(run.folder / "saved_model")
    export(run.generator, run.folder / "saved_model")
    return f"SavedModel in {run.folder / 'saved_model'}"


@dataclass(frozen=True)
class Stage:
    """A step of a run: its name, what it does (returning a line for the reader) and the files that it leaves."""

    name: str
    work: Callable[[Run], str]
    outputs: tuple[str, ...]


def stages(config: TrainConfig) -> list[Stage]:
    """Return the stages of a run in order."""
    listed = [
        Stage(
            "data",
            prepare_data,
            ("checkpoints/data",)
            + (("checkpoints/initial.keras",) if config.generator.init_from else ()),
        ),
        Stage("generator", train_generator, ("generator.keras", "checkpoints/generator.json")),
    ]
    if config.makes_images:
        listed.append(Stage("augmentation", augment, ("augmentation",)))
    for augmentation in config.training_sets:
        listed.append(
            Stage(
                f"classifier-{augmentation}",
                partial(train_classifier, augmentation=augmentation),
                (f"classifier-{augmentation}.keras", f"checkpoints/classifier-{augmentation}.json"),
            )
        )
    return [
        *listed,
        Stage("evaluation", evaluate, ("metrics.csv", "history.csv")),
        Stage(
            "figures",
            report.draw_figures,
            tuple(f"figures/{name}.png" for name in report.figure_names(config)),
        ),
        Stage("export", export_model, ("saved_model/saved_model.pb",)),
        Stage("report", report.write_report, ("report.md", "report.html")),
    ]
