"""Trained models from `.keras` files."""

import contextlib
import textwrap
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf

from tfdvae import registry
from tfdvae._utils import records
from tfdvae.models.base import DenoisingModel

_CODE = "it holds code of its own, a Lambda layer, which is not run."
AGAIN = "Delete it: the same command then makes it again."
"""What to do where the file is one that a job keeps."""


def load(path: Path, argument: str, compiled: bool = False, hint: str = "") -> DenoisingModel:
    """Return the model of a `.keras` file.

    Args:
        path: of the file.
        argument: name used in messages.
        compiled: whether the optimizer is wanted too.
        hint: what to do where it is damaged, a sentence, of a file that a job keeps. Any other one
            may fill half of the memory once it is unpacked, no more.

    Raises:
        ValueError: the file holds no model of tfdvae, is damaged, or too large.
        OSError: the file cannot be read.
        MemoryError, tf.errors.ResourceExhaustedError: memory ran out.
    """
    model = load_any(path, argument, compiled, hint)
    if not isinstance(model, DenoisingModel):
        raise ValueError(
            f"`{argument}` {path} must be a DAE, VAE or DVAE; got {type(model).__name__}."
        )
    return model


def load_any(path: Path, argument: str, compiled: bool = True, hint: str = "") -> keras.Model:
    """Return the Keras model of a `.keras` file; arguments and errors as of `load`.

    Code that it holds is not run: it is refused.
    """
    registry.import_registered()
    with _explained(path, argument, hint):
        return keras.models.load_model(path, compile=compiled, safe_mode=True)


def load_weights(model: keras.Model, path: Path, argument: str, hint: str = "") -> None:
    """Give a model the weights in the `.keras` file of one of the same layers.

    Nothing else is read, so that the file may hold code, which is not run; other arguments and
    errors as of `load`.

    Example:
        >>> load_weights(classifier.cnn((28, 28, 1), 10), Path("classifier.keras"), "classifier")
    """
    with _explained(path, argument, hint), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        model.load_weights(path)


@contextlib.contextmanager
def _explained(path: Path, argument: str, hint: str) -> Iterator[None]:
    """Check a `.keras` file, and say what is wrong where the block cannot use it."""
    start = f"`{argument}` {path} is no model that can be loaded: "
    end = f" {hint}" if hint else ""
    if path.is_file() and not _is_zip(path):
        raise ValueError(f"{start}it is no zip file, as .keras files are, or a damaged one.{end}")
    excess = "" if hint else records.archive_excess(path)
    if reason := excess or records.archive_damage(path):
        raise ValueError(f"{start}{reason}.{end}")
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError):
        raise
    except Exception as error:  # a file may hold anything
        # The first line says what is wrong; after it Keras may print the whole configuration.
        first = textwrap.shorten(str(error).strip().partition("\n")[0], 300)
        reason = _CODE if "safe_mode=False" in str(error) else first  # Keras's advice is unsafe
        raise ValueError(f"{start}{reason or type(error).__name__}{end}") from None


def _is_zip(path: Path) -> bool:
    with open(path, "rb") as file:  # where it may not be read, this says so
        return zipfile.is_zipfile(file)
