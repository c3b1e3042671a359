"""The classifier as it is given to others: from the pixels of a file to calibrated probabilities.

It consists of Keras's own layers, so that Keras alone loads it. What it is about, such as the names
of its classes, is kept beside the layers in its file.
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from tfdvae._utils import files, records
from tfdvae.inference import keras_files

ABOUT = "tfdvae.json"  # in a `.keras` file
ABOUT_SAVED = Path("assets.extra", "classifier.json")  # in a SavedModel


@dataclass(frozen=True)
class About:
    """What must be known of a classifier to use it.

    Attributes:
        class_names: one for each probability, in order.
        image_shape: (H, W, C) of the images that it was trained on.
        dtype: of these images as they were read: `uint8`, `uint16` or `float32`.
        scale: the value that stands for white in the pixels that it takes.
        white: as `image_io.reading.Reading` takes it, or None.
        background: what transparent parts of images are put on.
        resized: images were resized to that shape; otherwise all had it.
        temperature: by which logits are divided.
        recipe: the training set.
    """

    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    dtype: str
    scale: float
    white: float | None
    background: str
    resized: bool
    temperature: float
    recipe: str


_KINDS: records.Kinds = {
    "class_names": list,
    "image_shape": list,
    "dtype": str,
    "scale": records.NUMBER,
    "white": (int, float, type(None)),
    "background": str,
    "resized": bool,
    "temperature": records.NUMBER,
    "recipe": str,
}


def served(model: keras.Model, about: About) -> keras.Model:
    """Return a classifier that takes pixels as files hold them and gives probabilities.

    Pixels are (N, H, W, 1) or (N, H, W, 3), from 0 to the scale; other numbers of channels are an
    error. Where the classifier is one of gray images, it takes the mean of three channels; where it
    is one of colors, gray ones get three equal channels.

    Args:
        model: from float images (N, H, W, C) in [0, 1] to logits.
        about: the classifier.

    Example:
        >>> served(model, about).predict(np.zeros((2, 28, 28, 1), np.uint8)).shape
        (2, 10)
    """
    height, width, channels = about.image_shape
    plain = keras.models.clone_model(model)  # without the optimizer
    plain.set_weights(model.get_weights())
    pixels = keras.Input((height, width, None), name="pixels")
    # It fails for 2 or 4 channels. A tensor of ones would be an input of its own in ONNX files.
    hidden = pixels * np.ones((1, 1, 1, 3), np.float32)
    if channels == 1:
        hidden = keras.ops.mean(hidden, axis=-1, keepdims=True)
    logits = plain(keras.layers.Rescaling(1 / about.scale)(hidden))
    calibrated = keras.layers.Rescaling(1 / about.temperature, name="calibrated")(logits)
    probabilities = keras.layers.Softmax(name="probabilities")(calibrated)
    return keras.Model(pixels, probabilities, name="classifier")


def save(model: keras.Model, about: About, path: Path) -> None:
    """Write what `served` returned to a `.keras` file, in one step."""
    with files.replacing(path) as temporary:
        named = temporary.with_name(f"{temporary.name}.keras")
        try:
            model.save(named)
            with zipfile.ZipFile(named, "a") as archive:
                archive.writestr(ABOUT, to_json(about))
            named.replace(temporary)
        finally:
            files.remove(named)


def to_json(about: About) -> str:
    """Return what is known of a classifier as JSON."""
    return json.dumps(dataclasses.asdict(about), indent=2) + "\n"


def about_of(path: Path) -> About:
    """Return what is known of the classifier at a path that `finding.find` returned.

    Raises:
        ValueError: it is no classifier of `tfdvae classify`, or a damaged one.
    """
    try:
        if path.is_dir():
            text = (path / ABOUT_SAVED).read_text(encoding="utf-8")
        else:
            with zipfile.ZipFile(path) as archive:
                text = archive.read(ABOUT).decode()
        values = json.loads(text)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        raise ValueError(
            f"`model` {path} must be a classifier of `tfdvae classify`; it is none, or a damaged "
            "one."
        ) from None
    records.check(values, _KINDS, path, "Give another classifier.")
    names, shape = tuple(values["class_names"]), tuple(values["image_shape"])
    known = {field.name for field in dataclasses.fields(About)}
    kept = {name: value for name, value in values.items() if name in known}
    return About(**kept | {"class_names": names, "image_shape": shape})


class Classifier:
    """A classifier that was loaded, with what is known of it.

    Args:
        path: as `finding.find` returns it.

    Raises:
        ValueError: it is no classifier of `tfdvae classify`, or a damaged one.
    """

    def __init__(self, path: Path):
        self.about = about_of(path)
        if path.is_dir():
            import tensorflow as tf

            self._model = tf.saved_model.load(str(path))
            self._function = self._model.serve
        else:
            self._model = keras_files.load_any(path, "model", compiled=False)
            self._function = self._model

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return the probability of each class, float32 (N, K).

        Args:
            images: pixels as files hold them, (N, H, W, C).
        """
        return np.asarray(self._function(keras.ops.convert_to_tensor(images, "float32")))
