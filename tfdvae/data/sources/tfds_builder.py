"""The builders of TensorFlow Datasets (TFDS), by name. TensorFlow is not imported."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from tfdvae._utils import checks
from tfdvae.data.sources import tfds_names
from tfdvae.data.sources.base import SOURCES


def names() -> list[str]:
    """Return the names of all datasets that TFDS has."""
    import tensorflow_datasets as tfds

    return tfds.list_builders(with_community_datasets=False)


def is_tfds_name(text: str) -> bool:
    """Return whether TFDS has a dataset of that name, whatever its configuration or version."""
    plain = plain_name(text)
    if plain in tfds_names.listed():
        return True
    maybe = tfds_names.tfds_is_imported() or plain in tfds_names.possible()
    return maybe and plain in names()


def plain_name(text: str) -> str:
    """Return the name of a dataset without its configuration and version."""
    return re.split("[:/]", text)[0]


def make_builder(name: str, **options: Any) -> Any:
    """Return the TFDS builder of a dataset.

    Args:
        name: with configuration or version where wanted, such as `mnist:3.0.1`.
        **options: of `tfds.builder`.

    Raises:
        ValueError: TFDS has no such dataset (the nearest names are suggested), or cannot make it.
    """
    import tensorflow_datasets as tfds

    try:
        with errors_only():
            return tfds.builder(name, **options)
    except tfds.core.registered.DatasetNotFoundError:
        checks.choice("dataset", plain_name(name), [*_other_names(), *names()])
        raise
    except (ValueError, RuntimeError, AssertionError, KeyError, ImportError) as error:
        raise ValueError(
            f"`dataset` {name!r} is not a dataset that TFDS can make: {first_line(error)}"
        ) from None


def check(name: str) -> None:
    """Refuse a dataset that TFDS does not have; TFDS is asked only where its files do not tell.

    Raises:
        ValueError: as `make_builder`.
    """
    plain = plain_name(name)
    if name == plain and plain in tfds_names.listed():
        return
    if tfds_names.near_misses(plain, _other_names()):
        checks.choice("dataset", plain, [*_other_names(), *sorted(tfds_names.listed())])
    make_builder(name)


def _other_names() -> tuple[str, ...]:
    """Return the names of datasets of other sources."""
    return tuple(dataset for source in SOURCES for dataset in source.datasets)


@contextlib.contextmanager
def errors_only() -> Iterator[None]:
    """Hide the progress and expected misses that TFDS reports through absl; errors are shown."""
    from absl import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type where it has none."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
