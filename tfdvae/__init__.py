"""tfdvae: does a denoising generative model help with few, noisy, labelled images, and by how much?

Names are imported when they are first used, so that `import tfdvae` does not import TensorFlow.
"""

import importlib
import importlib.metadata
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfdvae.config import TrainConfig
    from tfdvae.experiment.runner import train
    from tfdvae.inference.augmentation import Augmenter
    from tfdvae.inference.exporting import export
    from tfdvae.inference.loading import load
    from tfdvae.inference.trained_model import TrainedModel, augmenter
    from tfdvae.models.autoencoder import DAE
    from tfdvae.models.variational import DVAE, VAE
    from tfdvae.studies.registry import register_study

__version__ = importlib.metadata.version("tfdvae")
__all__ = [
    "DAE",
    "DVAE",
    "VAE",
    "Augmenter",
    "TrainConfig",
    "TrainedModel",
    "augmenter",
    "export",
    "load",
    "load_model",
    "register_study",
    "train",
]

_HOMES = {
    "DAE": "models.autoencoder",
    "DVAE": "models.variational",
    "VAE": "models.variational",
    "Augmenter": "inference.augmentation",
    "TrainConfig": "config",
    "TrainedModel": "inference.trained_model",
    "augmenter": "inference.trained_model",
    "export": "inference.exporting",
    "load": "inference.loading",
    "register_study": "studies.registry",
    "train": "experiment.runner",
}


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(f"tfdvae.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'tfdvae' has no attribute {name!r}")


def load_model(path):
    """Return the model of a `.keras` file, such as a run's `generator.keras`: `keras.models.load_model`, with the classes of tfdvae known."""
    import keras

    _register()
    return keras.models.load_model(path)


def _register() -> None:
    for module in ("models.autoencoder", "models.variational", "models.networks"):
        importlib.import_module(f"tfdvae.{module}")


if "keras" in sys.modules:  # then `keras.models.load_model` is to know the classes without more ado
    _register()
