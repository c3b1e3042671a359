"""Trained models that come with tfdvae.

Each is a `.keras` file and a card of the same name that says what it is for.
"""

from importlib import resources
from importlib.resources.abc import Traversable

_FOLDER = resources.files(__name__)


def names() -> list[str]:
    """Return the names of the models."""
    return sorted(
        file.name.removesuffix(".keras")
        for file in _FOLDER.iterdir()
        if file.name.endswith(".keras")
    )


def file(name: str) -> Traversable:
    """Return the file of a model."""
    return _FOLDER / f"{name}.keras"


def cards() -> list[str]:
    """Return the cards of the models, Markdown."""
    return [(_FOLDER / f"{name}.md").read_text(encoding="utf-8").strip() for name in names()]
