"""Which file or folder a trained model is, found without importing TensorFlow."""

from pathlib import Path

from tfdvae._utils import checks
from tfdvae.inference import shipped


def find(model: str | Path) -> Path | None:
    """Return the path of a model, or None where it is the name of one that comes with tfdvae.

    What lies at a path goes before a name. Of a run folder it is the `.keras` file within.

    Args:
        model: a run folder, a `.keras` file, a SavedModel, an ONNX file, or a name.

    Raises:
        FileNotFoundError: there is nothing of that name; the nearest names are suggested.
        ValueError: a folder that is neither a run nor a SavedModel, something that is neither a
            folder nor a file, such as a pipe, or an empty text.

    Example:
        >>> find("clothing-denoiser") is None
        True
    """
    path = Path(checks.text("model", str(model))).expanduser()
    if not path.exists():
        names = shipped.names()
        if str(model) in names:
            return None
        raise FileNotFoundError(
            f"`model` must be a run folder, a .keras file, a SavedModel or one of "
            f"{', '.join(names)}; there is no {model}.{checks.nearest(str(model), names)}"
        )
    if not (path.is_file() or path.is_dir()):
        raise ValueError(f"`model` {path} must be a file or a folder; it is neither.")
    if path.is_dir() and (path / "generator.keras").is_file():
        return path / "generator.keras"
    if path.is_dir() and not is_saved_model(path):
        raise ValueError(
            f"`model` {path} must be a run folder with a generator.keras, or a SavedModel; it is "
            "neither."
        )
    return path


def is_saved_model(path: Path) -> bool:
    """Tell whether a folder is a SavedModel of TensorFlow."""
    return (path / "saved_model.pb").is_file()
