"""Downstream classifiers of the augmentation study: the published one, another, the user's own."""

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tfdvae._utils import checks, files, seeds

BATCH_SIZE, LEARNING_RATE = 128, 1e-3


def cnn(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    seed: int = 0,
    dtype: str = "float32",
) -> keras.Model:
    """Return the published CNN, compiled with Adam and cross-entropy from logits.

    Two 3x3 convolutions (32 and 64 channels, reflect padding, ReLU), max-pooling by 2, three dense
    layers of 128 ReLU units, logits. 1,658,890 parameters for 28x28x1 images and 10 classes.

    Args:
        image_shape: (H, W, C), at least 2x2.
        classes: number of classes.
        seed: root seed of the initial weights.
        dtype: Keras dtype policy; the logits are float32.

    Example:
        >>> cnn((28, 28, 1), 10).count_params()
        1658890
    """
    model = layers(image_shape, classes, seed=seed, dtype=dtype)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    # Keras scales the loss by itself only where the whole model has this policy.
    if dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def layers(
    image_shape: tuple[int, int, int], classes: int, *, seed: int = 0, dtype: str = "float32"
) -> keras.Model:
    """Return what `cnn` does, not compiled."""
    for size in image_shape[:2]:
        checks.integer("image height and width", size, 2)

    def start(name: str) -> dict[str, Any]:
        return {
            "name": name,
            "kernel_initializer": keras.initializers.GlorotUniform(
                seed=seeds.stream(seed, f"classifier weights/{name}")
            ),
            "dtype": dtype,
        }

    hidden = images = keras.Input(image_shape, name="images")
    for number, channels in enumerate((32, 64), start=1):
        hidden = keras.ops.pad(hidden, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        hidden = keras.layers.Conv2D(channels, 3, activation="relu", **start(f"conv_{number}"))(
            hidden
        )
    hidden = keras.layers.Flatten(dtype=dtype)(keras.layers.MaxPooling2D(dtype=dtype)(hidden))
    for number in range(1, 4):
        hidden = keras.layers.Dense(128, "relu", **start(f"dense_{number}"))(hidden)
    logits = keras.layers.Dense(classes, **start("logits") | {"dtype": "float32"})(hidden)
    return keras.Model(images, logits, name="cnn")


def resnet(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return a small residual network, compiled with Adam and cross-entropy from logits.

    It suits images above 32 pixels, where the published CNN has tens of millions of weights. After
    three residual blocks of two 3x3 convolutions (32, 64, 128 channels, the last two blocks at half
    and a quarter of the size) it takes the mean over the image, so that it has as many weights for
    images of any size. Images above 32 pixels are halved at once.

    `tfdvae study augmentation --classifier tfdvae.classifier:resnet` trains it.

    Args:
        image_shape: (H, W, C).
        classes: number of classes.

    Example:
        >>> resnet((64, 64, 1), 10).count_params()
        308842
    """
    images = keras.Input(image_shape, name="images")
    first = 2 if min(image_shape[:2]) > 32 else 1
    hidden = keras.layers.ReLU()(_convolution(images, 32, first))
    for channels, strides in ((32, 1), (64, 2), (128, 2)):
        changed = keras.layers.ReLU()(_convolution(hidden, channels, strides))
        changed = _convolution(changed, channels)
        if strides > 1:
            hidden = keras.layers.Conv2D(channels, 1, strides=strides)(hidden)
        hidden = keras.layers.ReLU()(keras.layers.Add()([hidden, changed]))
    logits = keras.layers.Dense(classes)(keras.layers.GlobalAveragePooling2D()(hidden))
    model = keras.Model(images, logits, name="resnet")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss, metrics=["accuracy"])
    return model


def _convolution(images: keras.KerasTensor, channels: int, strides: int = 1) -> keras.KerasTensor:
    """Return images after a 3x3 convolution and batch normalization."""
    options = {"strides": strides, "padding": "same", "use_bias": False}
    made = keras.layers.Conv2D(channels, 3, kernel_initializer="he_normal", **options)(images)
    return keras.layers.BatchNormalization(momentum=0.9)(made)


def build(text: str, image_shape: tuple[int, int, int], classes: int, seed: int) -> keras.Model:
    """Return the user's own classifier, whose initial weights are a function of the seed.

    The function is called with `image_shape` and `classes`, after Keras's global seed was set. It
    returns a compiled model that takes float images (N, H, W, C), gives logits or probabilities
    (N, classes), and has a loss that takes class numbers (N,).

    Args:
        text: `module:function`; the module may be in the working folder.
        image_shape: (H, W, C).
        classes: number of classes, at least 2.
        seed: root seed; the stream is `classifier`.

    Raises:
        ValueError: no such module or function, an error in one of them, or a model that does not
            fit; all name `classifier`.
        TypeError: no function, or one that returns no Keras model.
    """
    function = _find(text)
    keras.utils.set_random_seed(seeds.stream(seed, "classifier"))
    try:
        model = function(tuple(image_shape), classes)
    except Exception as error:
        raise ValueError(
            f"`classifier`: {text}({tuple(image_shape)}, {classes}) raised {describe_error(error)}"
        ) from error
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`classifier` {text} must return a keras.Model; got {type(model).__module__}."
            f"{type(model).__qualname__}."
        )
    if not model.compiled:
        raise ValueError(
            f"`classifier` {text} must return a compiled model: model.compile(optimizer, loss)."
        )
    _check_shapes(model, text, image_shape, classes)
    # With as many images as classes, a loss that compares number by number would raise nothing.
    count = 3 if classes == 2 else 2
    try:
        model.test_step((keras.ops.zeros((count, *image_shape)), keras.ops.arange(count) % 2))
    except Exception as error:
        raise ValueError(
            f"`classifier` {text} must have a loss that takes class numbers, such as "
            f"sparse_categorical_crossentropy; it raised {describe_error(error)}"
        ) from error
    model.reset_metrics()
    return model


def fingerprint(text: str) -> str:
    """Return a hash of the file of the user's classifier, without what it imports.

    Of a `functools.partial`, or what else is no function or class, it is the file of the module
    that holds it.

    Raises:
        ValueError, TypeError: as `build` does.
    """
    function = _find(text)
    is_definition = inspect.isroutine(function) or inspect.isclass(function)
    module = function.__module__ if is_definition else text.partition(":")[0]
    path = inspect.getsourcefile(importlib.import_module(module))
    if path is None:
        raise ValueError(f"`classifier` {text} must come from a Python file.")
    return files.sha256(path)


def _find(text: str) -> Callable:
    module_name, _, name = text.partition(":")
    if not module_name or not name:
        raise ValueError(
            f"`classifier` must be module:function, as my_networks:build; got {text!r}."
        )
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        if (
            isinstance(error, ModuleNotFoundError)
            and error.name
            and f"{module_name}.".startswith(f"{error.name}.")
        ):
            raise ValueError(
                f"`classifier` {text}: there is no module {error.name}, neither in {os.getcwd()} "
                "nor installed."
            ) from None
        raise ValueError(
            f"`classifier` {text}: importing {module_name} raised {describe_error(error)}"
        ) from error
    if not hasattr(module, name):
        functions = [
            f"{module_name}:{key}"
            for key, value in vars(module).items()
            if callable(value) and not key.startswith("_")
        ]
        checks.choice("classifier", text, functions)
    function = getattr(module, name)
    if not callable(function):
        raise TypeError(f"`classifier` {text} must be a function; got {type(function).__name__}.")
    return function


def _check_shapes(
    model: keras.Model, text: str, image_shape: tuple[int, int, int], classes: int
) -> None:
    """Check that a model takes one batch of images and gives one output a class; build it."""
    wanted = (None, *image_shape)
    taken = [
        tuple(each.shape) for each in getattr(model, "inputs", None) or []
    ]  # a subclassed model has none
    if taken and (
        len(taken) > 1
        or len(taken[0]) != 4
        or any(n not in (None, m) for n, m in zip(taken[0], wanted, strict=True))
    ):
        raise ValueError(
            f"`classifier` {text} must take images {wanted}; got a model of "
            f"{' and '.join(map(str, taken))}."
        )
    try:
        output = model(np.zeros((2, *image_shape), np.float32), training=False)
    except Exception as error:
        raise ValueError(
            f"`classifier` {text} must take images {wanted}; it raised {describe_error(error)}"
        ) from error
    if not keras.ops.is_tensor(output):
        raise ValueError(
            f"`classifier` {text} must have one output a class {(None, classes)}; got a "
            f"{type(output).__name__} of outputs."
        )
    if output.shape != (2, classes):
        raise ValueError(
            f"`classifier` {text} must have one output a class {(None, classes)}; got "
            f"{(None, *output.shape[1:])}."
        )


def describe_error(error: Exception) -> str:
    """Return the type of an error and the first line of its text, without Keras's preamble."""
    lines = re.sub(r"\x1b\[\d*m", "", str(error)).splitlines()
    said = next(
        (
            line.strip()
            for line in lines
            if line.strip() and not line.startswith("Exception encountered when calling")
        ),
        "",
    )
    return f"{type(error).__name__}: {said}" if said else f"{type(error).__name__}."
