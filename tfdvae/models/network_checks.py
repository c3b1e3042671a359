"""Checks of the networks that a model is made of."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras

from tfdvae._utils import checks


def check_networks(
    encoder: keras.Model,
    decoder: keras.Model,
    variational: bool,
    image_shape: Sequence[int] | None = None,
) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Return image shape and code shape of networks that fit each other.

    Args:
        encoder: from images to one code, or to mean and log-variance.
        decoder: from a code to logits.
        variational: which of the two the encoder has to give.
        image_shape: (H, W, C); None where the encoder knows it.

    Raises:
        TypeError: not Keras models.
        ValueError: unknown shapes, shapes that do not fit, or a decoder that ends in a sigmoid.
    """
    for name, network in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(network, keras.Model):
            raise TypeError(f"`{name}` must be a keras.Model; got {type(network).__name__}.")
    height, width, channels = _image_shape(encoder, image_shape)
    image_shape = (height, width, channels)
    code_shape = _code_shape(encoder, variational, image_shape)
    taken = getattr(decoder, "input_shape", code_shape)
    if not _is_shape(taken, any_size=True) or not _fits(code_shape, taken):
        raise ValueError(
            f"`decoder` must take the encoder's code, of shape {code_shape}; it takes {taken}."
        )
    returned = getattr(decoder(keras.Input(code_shape[1:])), "shape", None)
    if returned != (None, *image_shape):
        raise ValueError(
            "`decoder` must return logits of the shape of the images, "
            f"{(None, *image_shape)}; it returns {returned}."
        )
    if _ends_in_sigmoid(decoder):
        raise ValueError("`decoder` must return logits: leave out its final sigmoid.")
    return image_shape, code_shape[1:]


def _image_shape(encoder: keras.Model, image_shape: Sequence[int] | None) -> tuple[int, ...]:
    if image_shape is None:
        taken = getattr(encoder, "input_shape", None)
        if taken is None:
            raise ValueError(
                "`encoder` must have a known input: begin it with a keras.Input, or give "
                "`image_shape`."
            )
        if _is_shape(taken, any_size=True) and len(taken) == 4 and not _is_shape(taken):
            raise ValueError(
                "`image_shape` (H, W, C) must be given for networks that take images of any size: "
                "that of the images to train on."
            )
        if not _is_shape(taken) or len(taken) != 4:
            raise ValueError(
                "`encoder` must take one input of images (N, H, W, C) of a fixed size with any N; "
                f"it takes {taken}."
            )
        image_shape = taken[1:]
    shape = tuple(checks.integer("image_shape", size, 1) for size in image_shape)
    if len(shape) != 3:
        raise ValueError(f"`image_shape` must be (H, W, C); got {shape}.")
    taken = encoder.inputs[0].shape[1:] if getattr(encoder, "inputs", None) else ()
    if len(taken) == 3 and any(
        size not in (None, given) for size, given in zip(taken, shape, strict=True)
    ):
        raise ValueError(f"`image_shape` must be as the encoder takes it, {taken}; got {shape}.")
    return shape


def _code_shape(
    encoder: keras.Model, variational: bool, image_shape: tuple[int, int, int]
) -> tuple[Any, ...]:
    outputs = encoder(keras.Input(image_shape))
    listed = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    if (
        isinstance(outputs, dict)
        or len(listed) != 1 + variational
        or len({output.shape for output in listed}) != 1
    ):
        wanted = (
            "a list of two outputs of one shape, mean and log-variance"
            if variational
            else "one output, the code"
        )
        shapes = keras.tree.map_structure(lambda output: output.shape, outputs)
        raise ValueError(f"`encoder` must have {wanted}; it has {shapes}.")
    code_shape = listed[0].shape
    if not _is_shape(code_shape):
        raise ValueError(f"`encoder` must give codes of a fixed size; it gives {code_shape}.")
    return code_shape


def _is_shape(shape: object, any_size: bool = False) -> bool:
    """Tell a shape with any number of rows and known sizes from a structure of shapes.

    Args:
        shape: of a tensor.
        any_size: sizes may be unknown too.
    """
    return (
        isinstance(shape, tuple)
        and shape[:1] == (None,)
        and all(isinstance(size, int) or (any_size and size is None) for size in shape[1:])
    )


def _fits(shape: tuple[Any, ...], taken: tuple[Any, ...]) -> bool:
    """Tell whether a network takes a shape, given the one that it takes, with None for any size."""
    return len(shape) == len(taken) and all(
        wanted in (None, size) for size, wanted in zip(shape, taken, strict=True)
    )


def takes_any_size(network: keras.Model) -> bool:
    """Tell whether a network takes images of any height and width."""
    taken = getattr(network, "input_shape", None)
    return isinstance(taken, tuple) and len(taken) == 4 and taken[1:3] == (None, None)


def keep_any_size(encoder: keras.Model, decoder: keras.Model, channels: int) -> bool:
    """Tell whether networks take images of any height and width, and return such ones."""
    if not (takes_any_size(encoder) and takes_any_size(decoder)):
        return False
    images = keras.Input((7, 5, channels))  # odd sizes, which few networks keep by chance
    try:
        code = encoder(images)
        return decoder(code[0] if isinstance(code, list) else code).shape == images.shape
    except ValueError:
        return False


def is_identity(network: keras.Model) -> bool:
    """Tell whether a network returns what it is given: it has no layer but `Identity`."""
    layers = [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]
    return bool(layers) and all(isinstance(layer, keras.layers.Identity) for layer in layers)


def all_layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers of a network, also those of networks within."""
    for layer in network.layers:
        yield layer
        if isinstance(layer, keras.Model):
            yield from all_layers(layer)


_MOVING = (
    keras.layers.Reshape,
    keras.layers.Flatten,
    keras.layers.Permute,
    keras.layers.Cropping2D,
)


def _ends_in_sigmoid(network: keras.Model) -> bool:
    """Follow the output of a network back through layers that only move values.

    Subclassed networks, whose layers are not known, pass.
    """
    if not getattr(network, "outputs", None):
        return False
    tensor = network.outputs[0]
    while True:
        operation, node, _ = tensor._keras_history
        activation = getattr(operation, "activation", None)
        if activation is keras.activations.sigmoid or type(operation).__name__ == "Sigmoid":
            return True
        if isinstance(operation, keras.Model):
            return _ends_in_sigmoid(operation)
        linear = (
            isinstance(operation, keras.layers.Activation)
            and activation is keras.activations.linear
        )
        if not linear and not isinstance(operation, _MOVING):
            return False
        tensor = operation._inbound_nodes[node].input_tensors[0]
