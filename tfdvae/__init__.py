"""tfdvae: does a denoising generative model help with few, noisy, labelled images, and by how much?

Names are imported when they are first used, so that `import tfdvae` does not import TensorFlow.
"""

import importlib
import importlib.metadata
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    from tfdvae.classifying.job import classify
    from tfdvae.cli.registry import register_command
    from tfdvae.config import TrainConfig
    from tfdvae.corruptions import register as register_corruption
    from tfdvae.data.image_dataset import ImageDataset
    from tfdvae.data.sources import register_source
    from tfdvae.experiment.runner import train
    from tfdvae.inference.augmentation import Augmenter
    from tfdvae.inference.exporting import export
    from tfdvae.inference.loading import load
    from tfdvae.inference.trained_model import TrainedModel
    from tfdvae.models.autoencoder import DAE
    from tfdvae.models.variational import DVAE, VAE
    from tfdvae.registry import register_model, register_network
    from tfdvae.studies.api import study
    from tfdvae.studies.registry import register_study

__version__ = importlib.metadata.version("tfdvae")
__all__ = [
    "DAE",
    "DVAE",
    "VAE",
    "Augmenter",
    "ImageDataset",
    "TrainConfig",
    "TrainedModel",
    "classify",
    "export",
    "load",
    "register_command",
    "register_corruption",
    "register_model",
    "register_network",
    "register_source",
    "register_study",
    "study",
    "train",
]

_HOMES = {
    "DAE": "models.autoencoder:DAE",
    "DVAE": "models.variational:DVAE",
    "VAE": "models.variational:VAE",
    "Augmenter": "inference.augmentation:Augmenter",
    "ImageDataset": "data.image_dataset:ImageDataset",
    "TrainConfig": "config:TrainConfig",
    "TrainedModel": "inference.trained_model:TrainedModel",
    "classify": "classifying.job:classify",
    "export": "inference.exporting:export",
    "load": "inference.loading:load",
    "register_command": "cli.registry:register_command",
    "register_corruption": "corruptions:register",
    "register_model": "registry:register_model",
    "register_network": "registry:register_network",
    "register_source": "data.sources:register_source",
    "register_study": "studies.registry:register_study",
    "study": "studies.api:study",
    "train": "experiment.runner:train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tfdvae' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(importlib.import_module(f"tfdvae.{module}"), attribute)


def _after_keras(keras: ModuleType) -> None:
    """Import the classes that Keras must know to load a `.keras` file.

    Nothing is done for another backend, where they cannot be imported, nor while their base is
    itself being imported: then `_after_base` follows.
    """
    parts = ("tfdvae.models.base", "tfdvae.models.keras_api")
    if keras.backend.backend() == "tensorflow" and not any(part in sys.modules for part in parts):
        importlib.import_module("tfdvae.models.base")


def _after_base(base: ModuleType) -> None:
    registry = importlib.import_module("tfdvae.registry")
    for module in (*registry.own_modules(), "tfdvae.models.layers"):
        importlib.import_module(module)


wrapt.register_post_import_hook(_after_keras, "keras")
wrapt.register_post_import_hook(_after_base, "tfdvae.models.base")
