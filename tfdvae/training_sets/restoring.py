"""A classifier that learns to denoise too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tfdvae.config.sets import RESTORING

# Names of the outputs, which no layer of a user has.
_CLASSES, _RESTORED = "tfdvae_classes", "tfdvae_restored"
_METHODS = ("train_step", "compute_loss")


def learner(model: keras.Model, level: float) -> keras.Model:
    """Return a model that shares the weights of a classifier, and also removes noise from images.

    Its second output comes from the last maps of features of the classifier, brought to the size of
    the images, by a 3x3 convolution, and is used in training alone. Its loss is that of the
    classifier, and the weighted squared error of that output, divided by the variance of the noise.

    Args:
        model: a compiled classifier with maps of features, which leave an image where it is, in its
            own layers (not those of a model within it).
        level: the largest standard deviation of the noise that is to be removed.

    Returns:
        A compiled model, for the batches of `batches.noise_to_remove`. As it is trained, so is the
        classifier.

    Raises:
        ValueError: a classifier without maps of features, or that trains in a way of its own.

    Example:
        >>> both = learner(classifier.cnn((28, 28, 1), 10), level=0.2)
        >>> both.fit(batches, steps_per_epoch=100)
    """
    if model.loss is None or any(
        getattr(type(model), name) is not getattr(keras.Model, name) for name in _METHODS
    ):
        raise ValueError(
            "`sets` restoring needs a `classifier` with a loss given to compile, and without a "
            "train_step or compute_loss of its own."
        )
    features = _last_maps(model)
    height, width, channels = model.input_shape[1:]
    hidden = keras.ops.cast(features, "float32")
    for axis, length in ((1, height), (2, width)):  # each to where it was in the image
        nearest = (np.arange(length) + 0.5) * features.shape[axis] / length
        hidden = keras.ops.take(hidden, nearest.astype(np.int32), axis=axis)
    weights = keras.initializers.GlorotUniform(seed=0)
    restored = keras.layers.Conv2D(
        channels, 3, padding="same", kernel_initializer=weights, dtype="float32", name=_RESTORED
    )(hidden)
    classes = keras.layers.Identity(name=_CLASSES, dtype="float32")(model.outputs[0])

    def squared_error(images: Any, made: Any) -> Any:
        """Return one value an image, which the weight of its label applies to."""
        return keras.ops.mean(keras.ops.square(images - made), axis=(1, 2, 3)) / level**2

    both = keras.Model(model.inputs, [classes, restored])
    both.compile(
        model.optimizer, [model.loss, squared_error], [1.0, RESTORING], metrics=[["accuracy"], []]
    )
    return both


def of_classifier(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of the learning curve of a `learner` as a classifier has it.

    Its `loss` and `accuracy` are those of the classes alone, and `restored_loss` is added.

    Example:
        >>> of_classifier({"loss": 2.1, "tfdvae_classes_loss": 2.0, "tfdvae_restored_loss": 1.0})
        {'loss': 2.0, 'restored_loss': 1.0}
    """
    renamed = {name: name.removeprefix(f"{_CLASSES}_").removeprefix("tfdvae_") for name in entry}
    own = {new: entry[name] for name, new in renamed.items() if new != name}
    return {name: value for name, value in entry.items() if renamed[name] == name} | own


def _last_maps(model: keras.Model) -> keras.KerasTensor:
    """Return the last features of a classifier with a height and a width, after some weights."""
    found, learned = None, False
    for layer in getattr(model, "layers", []):
        learned = learned or bool(layer.trainable_weights)
        made = getattr(layer, "output", None)
        if isinstance(layer, keras.Model) or not isinstance(made, keras.KerasTensor):
            continue
        if learned and len(made.shape) == 4 and all(n and n > 1 for n in made.shape[1:3]):
            found = made
    if found is None or None in model.input_shape[1:]:
        raise ValueError(
            "`sets` restoring needs a `classifier` of images of one size with maps of features in "
            "its own layers, such as a keras.Sequential with convolutions."
        )
    return found
