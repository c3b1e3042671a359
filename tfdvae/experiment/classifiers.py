"""The stages of a run that train classifiers, and make what their images are mixed with."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import numpy as np

from tfdvae import classifier, corruptions
from tfdvae._utils import chunks, files, processor, seeds
from tfdvae.config import AUTO, TrainConfig
from tfdvae.config.classifier import RESNET
from tfdvae.config.sets import AGREEMENT, SETS, SMOOTHING, generator_of, is_taught, needs_noise
from tfdvae.data import pipelines
from tfdvae.experiment import evaluation
from tfdvae.experiment.run import Run
from tfdvae.fitting import training
from tfdvae.metrics import classification
from tfdvae.training_sets import batches, restoring, views
from tfdvae.training_sets.arrays import Arrays, of_set
from tfdvae.training_sets.batches import Step
from tfdvae.training_sets.losses import change_loss, fall_to_zero, soft_labels

ROUND_STEPS = 100  # classifier steps between two checkpoints under equal_steps


def marks(config: TrainConfig) -> dict[str, Any]:
    """Return what `environment.json` keeps of the classifiers: their precision, and their source.

    One that is not the published CNN has the precision that its function gives it.
    """
    own = config.classifier.own
    asked = "float32" if own else config.run.precision
    kept = {"classifier_precision": processor.chosen_precision(asked, processor.has_bfloat16())}
    source = _source(own)
    return kept | {"classifier_source": source} if source else kept


def _source(own: str | None) -> str | None:
    """Return the fingerprint of the user's classifier; what is in this package has its version."""
    return None if own in (None, RESNET) else classifier.fingerprint(own)


def check_source(
    config: TrainConfig, recorded: Mapping[str, Any], image_shape: tuple[int, ...]
) -> None:
    """Refuse to go on with another classifier, or other batches, than the run began with.

    Args:
        config: settings of the run.
        recorded: what `marks` returned then.
        image_shape: (H, W, C).

    Raises:
        ValueError: the user's file was changed, or batches were larger in the version that began
            the run; or as `classifier.build` does.
    """
    own = config.classifier.own
    batches.check_size(own, image_shape, recorded.get("classifier_source"))
    source = _source(own)
    if source and recorded.get("classifier_source") != source:
        raise ValueError(
            f"`classifier` {own} is not what it was when the run began: its file was changed since."
        )


def make_views(run: Run, method: str) -> str:
    """Denoise the training images, or draw a DVAE's; a model is trained first, if one does it."""
    noise, config = run.config.data.known_noise, run.config.classifier
    assert noise is not None
    learned = run.clean if views.METHODS[method].clean else None
    images = run.data["images"]
    maker = views.maker(
        method,
        images,
        learned,
        corruptions.Gaussian(noise.level),
        run.config.run.seed,
        config.chosen_denoiser_steps,
        run.folder / "checkpoints" / f"denoised-{method}",
    )
    folder = run.folder / "denoised"
    folder.mkdir(exist_ok=True)
    with files.replacing(folder / f"{method}.npy") as temporary:
        # In small pieces, so that memory does not grow with the images.
        rows = chunks.batch_rows(4 * images[0].size * views.count_of(method), 1000)
        with chunks.array_writer(temporary) as append:
            for start in range(0, len(images), rows):
                made = maker.of(np.asarray(images[start : start + rows]))
                append(made.astype(np.float32, copy=False))
    how = maker.network
    if views.METHODS[method].objective:
        how += f", {config.chosen_denoiser_steps:,} steps on these images alone"
    return f"{len(images):,} training images: {how}"


def train(run: Run, augmentation: str) -> str:
    """Train a classifier on a training set: a key of `SETS`, or the name of the model."""
    arrays, transform = _training_set(run, augmentation)
    count, total = sum(map(len, arrays[-1])), _steps(run, arrays)
    if taught := is_taught(augmentation):
        arrays = (*arrays[:-1], [_taught_labels(run, augmentation)])
    model, history = _fit(run, augmentation, arrays, transform, run.config.run.seed)
    lowered = run.config.run.precision == AUTO and run.classifier_precision != "float32"
    refined, kept = needs_noise(augmentation), model
    if lowered or refined:
        kept = run.new_classifier("float32" if lowered else run.classifier_precision)
    if refined:  # its loss is known to tfdvae alone, and its rate is at its end
        kept.set_weights(model.get_weights())
        kept.optimizer.build(kept.trainable_variables)  # or Keras warns whoever loads it
    elif lowered:  # any machine computes it fast
        training.copy_state(model, kept)
    run.save(f"classifier-{augmentation}", kept, history)
    text, accuracy = f"{count:,} images, {total:,} steps", history[-1].get("accuracy")
    if taught:
        return f"{text}, and as many of a teacher"  # accuracy is not that of the labels
    return text if accuracy is None else f"{text}, training accuracy {100 * accuracy:.2f}%"


def _steps(run: Run, arrays: Arrays) -> int:
    config = run.config.classifier
    if config.protocol == "equal_steps":
        return config.classifier_steps
    return config.classifier_epochs * _per_epoch(run, arrays)


def _per_epoch(run: Run, arrays: Arrays) -> int:
    return pipelines.steps_per_epoch(sum(map(len, arrays[0])), _batch_size(run))


def _batch_size(run: Run) -> int:
    chosen = batches.size(run.config.classifier.own, run.data["images"].shape[1:])
    return max(chosen, run.strategy.num_replicas_in_sync)


def _fit(
    run: Run, augmentation: str, arrays: Arrays, transform: Step | None, seed: int, name: str = ""
) -> tuple[keras.Model, training.History]:
    """Return a classifier that is trained on the arrays of a set, and its learning curve.

    Args:
        run: the run.
        augmentation: the training set.
        arrays: as `_training_set` returns them; labels may be those of a teacher.
        transform: likewise.
        seed: root seed of the initial weights.
        name: of the checkpoints, by default that of the classifier.
    """
    row = SETS.get(augmentation, SETS["limited"])
    refined, total = needs_noise(augmentation), _steps(run, arrays)
    name = name or f"classifier-{augmentation}"
    batch_size = _batch_size(run)
    if row.agreeing:  # as many rows as other sets have, also of few images
        batch_size = max(2, min(batch_size, len(run.data["labels"]))) // 2
    with run.strategy.scope():
        model = run.new_classifier(run.classifier_precision, seed)
        if refined:
            soft = is_taught(augmentation)  # of these the labels alone are smoothed
            agreement = AGREEMENT if row.agreeing else 0.0
            change_loss(model, 0.0 if soft else SMOOTHING, agreement, soft)
            fall_to_zero(model, total)
        fitted = model
        if row.restoring:
            noise = run.config.data.known_noise
            assert noise is not None
            fitted = restoring.learner(model, noise.level)
    # Sets that differ in what images are mixed with share order, geometry, noise and strengths.
    stream = "noisy" if refined else augmentation
    equal_steps = run.config.classifier.protocol == "equal_steps"
    history = training.fit(
        fitted,
        partial(
            pipelines.training_batches,
            arrays,
            batch_size,
            run.config.run.seed,
            f"classifier/{stream}",
            transform=transform,
        ),
        total,
        ROUND_STEPS if equal_steps else _per_epoch(run, arrays),
        run.folder / "checkpoints" / name,
        name,
        [run.tensorboard(name)],
    )
    return model, list(map(restoring.of_classifier, history)) if row.restoring else history


def _taught_labels(run: Run, augmentation: str) -> np.ndarray:
    """Return what a classifier learns that is taught: labels and the teacher's words, half each.

    The teacher has other initial weights, and is shown each training image as observed, or its
    denoised self where the set has it.
    """
    row, seed = SETS[augmentation], run.config.run.seed
    arrays, transform = _training_set(run, row.teacher)
    own = seeds.stream(seed, "teacher")
    teacher, _ = _fit(run, row.teacher, arrays, transform, own, f"teacher-{augmentation}")
    shown = run.views(row.views)[:, 0] if row.views else run.data["images"]
    alone = run.new_classifier(run.classifier_precision)  # on one device, whatever trained it
    alone.set_weights(teacher.get_weights())
    outputs = evaluation.classifier_outputs(alone, shown, corruptions.parse("none"), seed)
    return soft_labels(run.data["labels"], classification.probabilities(outputs), SMOOTHING)


def _training_set(run: Run, augmentation: str) -> tuple[Arrays, Step | None]:
    images, labels = run.data["images"], run.data["labels"]
    row, noise = SETS.get(augmentation, SETS["limited"]), run.config.data.known_noise
    added = None
    if generator_of(augmentation):
        added = run.synthetic["images"], run.synthetic["labels"]
    level = 0.0 if noise is None else noise.level
    seen = run.views(row.views) if row.views else None
    clean = run.clean if row.start == "clean" else None
    return of_set(row, images, labels, level, run.config.run.seed, seen, clean, added)
