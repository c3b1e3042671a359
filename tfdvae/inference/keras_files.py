"""Trained models from `.keras` files."""

import textwrap
import zipfile
from pathlib import Path

import keras

from tfdvae import registry
from tfdvae.models.base import DenoisingModel


def load(path: Path, argument: str, compiled: bool = False) -> DenoisingModel:
    """Return the model of a `.keras` file.

    Args:
        path: of the file.
        argument: name used in messages.
        compiled: whether the optimizer is wanted too.

    Raises:
        ValueError: the file holds no model of tfdvae, or is damaged.
    """
    if path.is_file() and not zipfile.is_zipfile(path):
        raise ValueError(
            f"`{argument}` {path} is no model that can be loaded: it is no zip file, as .keras "
            "files are, or a damaged one."
        )
    registry.import_registered()
    try:
        model = keras.models.load_model(path, compile=compiled)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        # The first line says what is wrong; after it Keras may print the whole configuration.
        reason = textwrap.shorten(str(error).strip().partition("\n")[0], 300)
        raise ValueError(f"`{argument}` {path} is no model that can be loaded: {reason}") from None
    if not isinstance(model, DenoisingModel):
        raise ValueError(
            f"`{argument}` {path} must be a DAE, VAE or DVAE; got {type(model).__name__}."
        )
    return model
