"""What is checked before a run writes anything, and the settings that the defaults stand for."""

import contextlib
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfdvae import classifier
from tfdvae._utils import disk, files, limits, room
from tfdvae.config import DEFAULT_N_TRAIN, TrainConfig
from tfdvae.config.classifier import CNN, RESNET, chosen_classifier
from tfdvae.config.sets import SETS, learned_views, needs_noise, view_methods
from tfdvae.data import splits
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import folders, initial_weights
from tfdvae.models import build, networks
from tfdvae.training_sets import batches, losses, restoring, views

_CLASSIFIER = "of the classifier"


def check_before_loading(config: TrainConfig) -> None:
    """Refuse what is known to be wrong before images are decoded, which may take long.

    Raises:
        FileNotFoundError: no model to start from.
        ValueError: images too large for the network or for memory.
    """
    if config.generator.init_from is not None:
        folders.model_file(config.generator.init_from)
    if config.data.image_size is not None:
        height, width = config.data.image_size
        check_image_size(config, (height, width, 1))


def check_generator(config: TrainConfig, dataset: ImageDataset) -> None:
    """Refuse images that the network cannot take, and models and packages that do not fit.

    Raises:
        ValueError, TypeError: saying which.
    """
    image_shape = dataset.train.images.shape[1:]
    check_image_size(config, image_shape)
    if config.training_sets and (own := config.classifier.own) is not None:
        built = classifier.build(own, image_shape, len(dataset.class_names), config.run.seed)
        refined = [name for name in config.training_sets if needs_noise(name)]
        if refined and not losses.can_change(built):
            raise ValueError(
                f"`classifier` {own} must have the loss sparse_categorical_crossentropy for `sets` "
                f"{', '.join(refined)}; without them it may have another one."
            )
        if any(SETS[name].restoring for name in refined):
            restoring.learner(built, 1.0)
    if "bm3d" in view_methods(config.training_sets):
        views.filter_for("bm3d", np.zeros((1, 8, 8, 1), np.float32), 0.1)
    model = build.build_generator(config, image_shape)
    if config.generator.init_from is not None:
        file = folders.model_file(config.generator.init_from)
        initial_weights.start_from(model, file)


def check_disk(config: TrainConfig, dataset: ImageDataset, folder: Path) -> None:
    """Refuse synthetic and denoised images that the disk has no room for.

    Raises:
        ValueError: saying how much they would take.
    """
    size = 4 * (config.data.n_train or 1) * math.prod(dataset.train.images.shape[1:])
    if config.makes_images:
        each = config.generator.samples_per_image
        needed = each * size
        room.check_disk("samples_per_image", each, folder, needed)
    if methods := view_methods(config.training_sets):
        count, kinds = config.data.n_train or 1, list(map(views.count_of, methods))
        room.check_disk("n_train", count, folder, size * sum(kinds))


def check_image_size(config: TrainConfig, image_shape: tuple[int, int, int]) -> None:
    """Refuse images that a network cannot take, or whose training does not fit into memory.

    Raises:
        ValueError: saying how much memory the training takes.
    """
    generator, count = config.generator, config.data.n_train or 1
    pixels = math.prod(image_shape)
    batch = min(generator.batch_size, count) * pixels
    _check_samples(config, batch)
    network = partial(
        networks.build,
        generator.chosen_network,
        image_shape,
        generator.latent_dim,
        variational=generator.variational,
    )
    needs = {generator.chosen_network: (count_parameters(network), batch)}  # and values of a batch
    remedies = {_CLASSIFIER: "or another `classifier` need less; `no_classifier` does without."}
    if config.training_sets and min(image_shape[:2]) > 1:
        kind = chosen_classifier(config.classifier.classifier, *image_shape[:2])
        if kind == CNN:
            parameters = count_parameters(partial(classifier.layers, image_shape, 2))
            needs[_CLASSIFIER] = parameters, min(batches.size(None, image_shape), count) * pixels
        elif kind == RESNET:  # it has few parameters, and features of large images
            small = classifier.resnet(image_shape, 2)
            rows = batches.size(kind, image_shape)
            rows = min(rows, config.data.n_train or rows)
            needs[_CLASSIFIER] = small.count_params(), rows * (pixels + _count_features(small))
    for name, (parameters, values) in needs.items():
        # float32: weights, their gradient, Adam's two moments, and a batch
        needed = 4 * (4 * parameters + values)
        if needed > limits.memory():
            height, width, _ = image_shape
            remedy = remedies.get(name, "another network or a smaller batch need less.")
            raise ValueError(
                f"network {name} has {parameters:,} parameters for images of {height}x{width}, and "
                f"training takes {needed / 2**30:,.0f} GiB at least; this machine has "
                f"{limits.memory() / 2**30:,.0f}. Smaller images, {remedy}"
            )


def _check_samples(config: TrainConfig, pixels: int) -> None:
    """Refuse more samples of a batch of so many pixels than fit into memory.

    Raises:
        ValueError: saying how much they take.
    """
    generator = config.generator
    for name in ("corruption_samples", "latent_samples"):
        count = getattr(generator, name)
        if count > 1:
            room.check_memory(name, count, 4 * count * pixels)


def count_parameters(builder: Callable[[], Any]) -> int:
    """Return how many parameters the models have that a function builds; none gets memory.

    In a thread of its own, with which Keras forgets which variables still wait for their values.

    Args:
        builder: returns a Keras model, or a tuple of them.
    """

    def count() -> int:
        with keras.StatelessScope(initialize_variables=False):
            built = builder()
            models = built if isinstance(built, tuple) else (built,)
            return sum(model.count_params() for model in models)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(count).result()


def _count_features(network: keras.Model) -> int:
    """Return how many values of an image the convolutions of a model keep for a training step."""
    convolutions = (each for each in network.layers if isinstance(each, keras.layers.Conv2D))
    return sum(math.prod(each.output.shape[1:]) for each in convolutions)


@contextlib.contextmanager
def explain_memory_errors(
    config: TrainConfig, dataset: ImageDataset, stage: str = "generator"
) -> Iterator[None]:
    """Say what memory was too small for.

    Args:
        config: settings of the run.
        dataset: its images.
        stage: that is worked on.

    Raises:
        MemoryError: with the size of the images, and the stage or the generator's settings.
    """
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        if disk.full(error):
            raise
        height, width = dataset.train.images.shape[1:3]
        generator = config.generator
        needing = f"network {generator.chosen_network} and `batch_size` {generator.batch_size}"
        if stage != "generator":
            needing = f"in the stage {stage}"
        raise MemoryError(
            f"memory ran out with images of {height}x{width}, {needing}; smaller ones need less."
        ) from error


def resolve(config: TrainConfig, dataset: ImageDataset) -> TrainConfig:
    """Return the settings with the dataset that was loaded and the values that defaults stand for.

    Raises:
        ValueError: fewer images than `n_train`, images too small for the classifier, or none that
            can be held out.
    """
    available = len(dataset.train.labels)
    n_train = config.data.n_train
    if n_train is None:
        n_train = min(DEFAULT_N_TRAIN, available)
    if n_train > available:
        raise ValueError(
            f"`n_train` must not exceed the {available:,} training images of {dataset.name}; got "
            f"{n_train:,}."
        )
    height, width = dataset.train.images.shape[1:3]
    if config.training_sets and min(height, width) < 2:
        raise ValueError(
            f"`dataset` {dataset.name} has images of {height}x{width}; the classifier needs 2x2 at "
            "least (--no-classifier does without)."
        )
    if config.generator.patience is not None and available < 2:
        raise ValueError(
            "`patience` needs two training images at least, so that one can be held out; "
            f"{dataset.name} has {available}."
        )
    settings, asked = config.settings(), config.classifier.classifier
    paths = {
        name: None if settings[name] is None else str(files.absolute(settings[name]))
        for name in ("data_dir", "noisy_dir", "init_from")
    }
    return config.replace(
        dataset=dataset.name,
        n_train=n_train,
        **paths,
        network=config.generator.chosen_network,
        corruption=str(config.injected),
        objective=config.chosen_objective,
        likelihood=config.chosen_likelihood,
        sets=config.training_sets or None,
        classifier=chosen_classifier(asked, height, width) if config.training_sets else asked,
        denoiser_steps=(
            config.classifier.chosen_denoiser_steps if learned_views(config.training_sets) else None
        ),
        white=dataset.white,
        output=None,
        debug=False,
        quiet=False,
    )


def note_subset(config: TrainConfig, dataset: ImageDataset) -> ImageDataset:
    """Return the dataset, which says if `n_train` images have none of a class.

    Args:
        config: as `resolve` returns it.
        dataset: the images.
    """
    if not (config.training_sets and dataset.class_names and config.data.n_train):
        return dataset
    labels = np.asarray(dataset.train.labels)
    return dataset.with_notice(
        splits.describe_subset(labels, config.data.n_train, dataset.class_names)
    )
