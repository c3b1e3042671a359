"""Trained models from `.keras` files."""

import textwrap
import zipfile
from pathlib import Path

import keras

from tfdvae import registry
from tfdvae._utils import records
from tfdvae.models.base import DenoisingModel

AGAIN = "Delete it: the same command then makes it again."
"""What to do where the file is one that a job keeps."""


def load(path: Path, argument: str, compiled: bool = False, hint: str = "") -> DenoisingModel:
    """Return the model of a `.keras` file.

    Args:
        path: of the file.
        argument: name used in messages.
        compiled: whether the optimizer is wanted too.
        hint: what to do where it is damaged, a sentence.

    Raises:
        ValueError: the file holds no model of tfdvae, or is damaged.
    """
    model = load_any(path, argument, compiled, hint)
    if not isinstance(model, DenoisingModel):
        raise ValueError(
            f"`{argument}` {path} must be a DAE, VAE or DVAE; got {type(model).__name__}."
        )
    return model


def load_any(path: Path, argument: str, compiled: bool = True, hint: str = "") -> keras.Model:
    """Return the Keras model of a `.keras` file; arguments and errors as of `load`."""
    start = f"`{argument}` {path} is no model that can be loaded: "
    end = f" {hint}" if hint else ""
    if path.is_file() and not zipfile.is_zipfile(path):
        raise ValueError(f"{start}it is no zip file, as .keras files are, or a damaged one.{end}")
    if reason := records.archive_damage(path):
        raise ValueError(f"{start}{reason}.{end}")
    registry.import_registered()
    try:
        return keras.models.load_model(path, compile=compiled)
    except Exception as error:  # a file may hold anything
        # The first line says what is wrong; after it Keras may print the whole configuration.
        reason = textwrap.shorten(str(error).strip().partition("\n")[0], 300)
        raise ValueError(f"{start}{reason or type(error).__name__}{end}") from None
