"""The main job as a list of stages. A run killed at any moment goes on with the first stage that is not done."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import keras
import tensorflow as tf

from tfdvae import classifier
from tfdvae._utils import files, limits
from tfdvae.config import DEFAULT_N_TRAIN, TrainConfig
from tfdvae.data import image_dataset
from tfdvae.inference import keras_files
from tfdvae.models import networks
from tfdvae.models.base import DenoisingModel
from tfdvae.models.build import _describe, _layout, build_generator


def _model_file(path: str) -> Path:
    """Return the file of the model that `init_from` names."""
    file = Path(path).expanduser()
    file = file / "generator.keras" if file.is_dir() else file
    if not file.is_file():
        raise FileNotFoundError(
            f"`init_from` {path} must be a run folder with a generator.keras, or a .keras file."
        )
    return file


def start_from(model: DenoisingModel, file: Path) -> None:
    """Give a model the weights of a trained one.

    Args:
        model: gets the weights.
        file: of the trained model, as Keras saved it.

    Raises:
        ValueError: the file holds no model of tfdvae's, or one whose networks, image shape or code differ.
    """
    trained = keras_files.load(file, "init_from")
    if _layout(trained) != _layout(model):
        raise ValueError(
            f"`init_from` {file} does not fit: it is {_describe(trained)}; the new model is {_describe(model)}."
        )
    for network in ("encoder", "decoder"):
        getattr(model, network).set_weights(getattr(trained, network).get_weights())


def _check_before_loading(config: TrainConfig) -> None:
    """Refuse what is known to be wrong before images are decoded, which may take long."""
    if config.generator.init_from is not None:
        _model_file(config.generator.init_from)
    if config.data.image_size is not None:
        _check_size(config, (*config.data.image_size, 1))


def _check_size(config: TrainConfig, image_shape: tuple[int, int, int]) -> None:
    """Refuse images of a size that a network cannot take, or with which this machine's memory cannot hold its training."""
    c = config
    made = {
        c.generator.chosen_network: partial(
            networks.build,
            c.generator.chosen_network,
            image_shape,
            c.generator.latent_dim,
            variational=c.generator.variational,
        )
    }
    if c.training_sets and min(image_shape[:2]) > 1:
        made["of the classifier"] = partial(classifier.layers, image_shape, 2)
    for name, make in made.items():
        count = _count_parameters(make)
        images = min(c.generator.batch_size, c.data.n_train or 1) * math.prod(image_shape)
        needed = 4 * (
            4 * count + images
        )  # weights, their gradient, Adam's two moments, and a batch, in float32
        if needed > limits.memory():
            height, width, _ = image_shape
            raise ValueError(
                f"network {name} has {count:,} parameters for images of {height}x{width}, and training takes {needed / 2**30:,.0f} GiB "
                f"at least; this machine has {limits.memory() / 2**30:,.0f}. Smaller images, another network or a smaller batch need less."
            )


def _count_parameters(make: Callable) -> int:
    """Return how many parameters the models have that `make` returns, without room for a single one.

    In a thread of its own, with which Keras forgets which variables were still to be given their values.
    """

    def count() -> int:
        with keras.StatelessScope(initialize_variables=False):
            made = make()
            return sum(
                model.count_params() for model in (made if isinstance(made, tuple) else (made,))
            )

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(count).result()


@contextlib.contextmanager
def _naming_size(config: TrainConfig, source: image_dataset.ImageDataset) -> Iterator[None]:
    """Say what memory was too small for."""
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        height, width = source.train.images.shape[1:3]
        raise MemoryError(
            f"memory ran out with images of {height}x{width}, network {config.generator.chosen_network} and `batch_size` {config.generator.batch_size}; "
            f"smaller ones need less."
        ) from error


def _check_generator(config: TrainConfig, source: image_dataset.ImageDataset) -> None:
    """Refuse images that the network cannot take and a model to start from that does not fit, before anything is written."""
    _check_size(config, source.train.images.shape[1:])
    model = build_generator(config, source.train.images.shape[1:])
    if config.generator.init_from is not None:
        start_from(model, _model_file(config.generator.init_from))


def _new_folder(config: TrainConfig) -> Path:
    return (
        Path("saved_models")
        / f"{config.generator.model}-{config.data.condition}-{time.strftime('%Y%m%d-%H%M%S')}"
    )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".lock").touch()
    except OSError as error:
        raise OSError(f"`output` {folder} cannot be written: {error.strerror}.") from error


def _check_empty(folder: Path) -> None:
    if (folder / "config.json").exists():
        raise FileExistsError(
            f"`output` {folder} holds another run. Give a new folder, or go on with that run: --resume {folder}"
        )
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"`output` {folder} is a file; a folder is needed.")
    begun = (".lock", "environment.json")  # what a start that was killed at once leaves
    if folder.exists() and any(
        path.name not in begun and not path.name.startswith(".tmp-") for path in folder.iterdir()
    ):
        raise FileExistsError(
            f"`output` {folder} is not empty, and is not a run folder. Give a new folder."
        )


def _resolve(config: TrainConfig, source: image_dataset.ImageDataset) -> TrainConfig:
    """Return the settings with the dataset really used and the numbers that defaults stand for."""
    available = len(source.train.labels)
    n_train = (
        min(DEFAULT_N_TRAIN, available) if config.data.n_train is None else config.data.n_train
    )
    if n_train > available:
        raise ValueError(
            f"`n_train` must not exceed the {available:,} training images of {source.name}; got {n_train:,}."
        )
    settings = config.settings()
    places = {name: settings[name] for name in ("data_dir", "noisy_dir", "init_from")}
    places = {
        name: None if place is None else str(files.absolute(place))
        for name, place in places.items()
    }
    height, width = source.train.images.shape[1:3]
    if config.training_sets and min(height, width) < 2:
        raise ValueError(
            f"`dataset` {source.name} has images of {height}x{width}; the classifier needs 2x2 at least (--no-classifier does without)."
        )
    return config.replace(
        dataset=source.name,
        n_train=n_train,
        **places,
        network=config.generator.chosen_network,
        corruption=str(config.injected),
        output=None,
        debug=False,
        quiet=False,
    )
