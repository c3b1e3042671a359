"""Which file or folder a classifier is, found without importing TensorFlow."""

from pathlib import Path

from tfdvae._utils import checks
from tfdvae.inference.model_files import is_saved_model

KERAS_FILE = "classifier.keras"


def find(model: str) -> Path:
    """Return the `.keras` file or the SavedModel that a text names.

    Args:
        model: the folder of `tfdvae classify`, or one of its models.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ValueError: it is no classifier.
    """
    path = Path(checks.text("model", model)).expanduser()
    if not path.exists():
        raise FileNotFoundError(
            "`model` must be the folder of `tfdvae classify`, its classifier.keras or its "
            f"saved_model; there is no {model}."
        )
    if not (path.is_file() or path.is_dir()):
        raise ValueError(f"`model` {model} is neither a file nor a folder.")
    if path.is_dir() and (path / KERAS_FILE).is_file():
        return path / KERAS_FILE
    if path.is_dir() and not is_saved_model(path):
        raise ValueError(
            f"`model` {path} must be the folder of `tfdvae classify`, with a {KERAS_FILE}, or a "
            "SavedModel; it is neither."
        )
    return path
