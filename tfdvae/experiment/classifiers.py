"""The stages of a run that train classifiers, and make what their images are mixed with."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from tfdvae import classifier, corruptions
from tfdvae._utils import files, processor
from tfdvae.config import AUTO, TrainConfig
from tfdvae.config.sets import AGREEMENT, SETS, SMOOTHING, needs_noise
from tfdvae.data import pipelines
from tfdvae.experiment.run import Run
from tfdvae.fitting import training
from tfdvae.training_sets import views
from tfdvae.training_sets.arrays import Arrays, of_set
from tfdvae.training_sets.batches import Step
from tfdvae.training_sets.losses import change_loss, fall_to_zero

ROUND_STEPS = 100  # classifier steps between two checkpoints under equal_steps


def marks(config: TrainConfig) -> dict[str, Any]:
    """Return what `environment.json` keeps of the classifiers: their precision, and their source.

    The user's own has the precision that its function gives it.
    """
    own = config.classifier.classifier
    asked = "float32" if own else config.run.precision
    kept = {"classifier_precision": processor.chosen_precision(asked, processor.has_bfloat16())}
    return kept | {"classifier_source": classifier.fingerprint(own)} if own else kept


def check_source(config: TrainConfig, recorded: Mapping[str, Any]) -> None:
    """Refuse to go on with another classifier of the user's than the run began with.

    Args:
        config: settings of the run.
        recorded: what `marks` returned then.

    Raises:
        ValueError: the file was changed; or as `classifier.build` does.
    """
    own = config.classifier.classifier
    if own and recorded.get("classifier_source") != classifier.fingerprint(own):
        raise ValueError(
            f"`classifier` {own} is not what it was when the run began: its file was changed since."
        )


def make_views(run: Run, method: str) -> str:
    """Denoise the training images, or draw a DVAE's; a model is trained first, if one does it."""
    noise, config = run.config.data.known_noise, run.config.classifier
    assert noise is not None
    learned = run.clean if views.METHODS[method].clean else None
    made = views.make(
        method,
        run.data["images"],
        learned,
        corruptions.Gaussian(noise.level),
        run.config.run.seed,
        config.chosen_denoiser_steps,
        run.folder / "checkpoints" / f"denoised-{method}",
    )
    folder = run.folder / "denoised"
    folder.mkdir(exist_ok=True)
    with files.replacing(folder / f"{method}.npy") as temporary:
        np.save(temporary, made.images)
    how = made.network
    if views.METHODS[method].objective:
        how += f", {config.chosen_denoiser_steps:,} steps on these images alone"
    return f"{len(made.images):,} training images: {how}"


def train(run: Run, augmentation: str) -> str:
    """Train a classifier on a training set: a key of `SETS`, or the name of the model."""
    config = run.config.classifier
    arrays, transform = _training_set(run, augmentation)
    agreeing = augmentation in SETS and SETS[augmentation].agreeing
    count = sum(map(len, arrays[-1]))
    per_epoch = pipelines.steps_per_epoch(count, classifier.BATCH_SIZE)
    total, per_round = config.classifier_epochs * per_epoch, per_epoch
    if config.protocol == "equal_steps":
        total, per_round = config.classifier_steps, ROUND_STEPS
    refined = needs_noise(augmentation)
    with run.strategy.scope():
        model = run.new_classifier(run.classifier_precision)
        if refined:
            change_loss(model, SMOOTHING, AGREEMENT if agreeing else 0.0)
            fall_to_zero(model, total)
    name = f"classifier-{augmentation}"
    # Sets that differ in what images are mixed with share order, geometry, noise and strengths.
    stream = "noisy" if refined else augmentation
    history = training.fit(
        model,
        partial(
            pipelines.training_batches,
            arrays,
            classifier.BATCH_SIZE // 2 if agreeing else classifier.BATCH_SIZE,
            run.config.run.seed,
            f"classifier/{stream}",
            transform=transform,
        ),
        total,
        per_round,
        run.folder / "checkpoints" / name,
        name,
        [run.tensorboard(name)],
    )
    lowered = run.config.run.precision == AUTO and run.classifier_precision != "float32"
    kept = model
    if lowered or refined:
        kept = run.new_classifier("float32" if lowered else run.classifier_precision)
    if refined:  # its loss is known to tfdvae alone, and its rate is at its end
        kept.set_weights(model.get_weights())
    elif lowered:  # any machine computes it fast
        training.copy_state(model, kept)
    run.save(name, kept, history)
    text, accuracy = f"{count:,} images, {total:,} steps", history[-1].get("accuracy")
    return text if accuracy is None else f"{text}, training accuracy {100 * accuracy:.2f}%"


def _training_set(run: Run, augmentation: str) -> tuple[Arrays, Step | None]:
    images, labels = run.data["images"], run.data["labels"]
    if augmentation not in SETS:
        made = run.synthetic
        return ([images, made["images"]], [labels, made["labels"]]), None
    row, noise = SETS[augmentation], run.config.data.known_noise
    level = 0.0 if noise is None else noise.level
    seen = run.views(row.views) if row.views else None
    clean = run.clean if row.start == "clean" else None
    return of_set(row, images, labels, level, run.config.run.seed, seen, clean)
