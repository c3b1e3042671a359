"""A trained model in everyday use: `tfdvae.load(path)` and what it does with images as they come."""

from importlib import resources
from pathlib import Path

from tfdvae.inference import keras_files, saved_model, shipped
from tfdvae.inference.trained_model import TrainedModel


def load(model: str | Path) -> "TrainedModel":
    """Return a trained model, ready to use.

    Args:
        model: a run folder, a `.keras` file, a SavedModel that tfdvae exported, or the name of a model that comes with tfdvae.
            What lies at a path goes before a name.

    Raises:
        FileNotFoundError: nothing of that name.
        ValueError: something that holds no model of tfdvae's, or a damaged one.
    """
    path = Path(model).expanduser()
    if not path.exists():
        if str(model) not in shipped.names():
            raise FileNotFoundError(
                f"`model` must be a run folder, a .keras file, a SavedModel or one of {', '.join(shipped.names())}; there is no {model}."
            )
        with resources.as_file(shipped.file(str(model))) as file:
            return TrainedModel(keras_files.load(file, "model"))
    if path.is_dir() and (path / "generator.keras").is_file():
        path = path / "generator.keras"
    if path.is_dir():
        if not saved_model.is_saved_model(path):
            raise ValueError(
                f"`model` {path} must be a run folder with a generator.keras, or a SavedModel; it is neither."
            )
        return TrainedModel(saved_model.SavedModel(path))
    return TrainedModel(keras_files.load(path, "model"))
