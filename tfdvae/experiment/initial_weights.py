"""Start a model from the weights of a trained one (the setting `init_from`)."""

from pathlib import Path
from typing import Any

from tfdvae.inference import keras_files
from tfdvae.models.base import DenoisingModel


def start_from(model: DenoisingModel, file: Path) -> None:
    """Give a model the weights of a trained one.

    Args:
        model: gets the weights.
        file: of the trained model, as Keras saved it.

    Raises:
        ValueError: the file holds no model of tfdvae's, or one whose networks, image shape or code
            differ.
    """
    trained = keras_files.load(file, "init_from")
    if layout(trained) != layout(model):
        raise ValueError(
            f"`init_from` {file} does not fit: it is {describe(trained)}; the new model is "
            f"{describe(model)}."
        )
    for network in ("encoder", "decoder"):
        getattr(model, network).set_weights(getattr(trained, network).get_weights())


def layout(model: DenoisingModel) -> list[Any]:
    """Return what two models must share for weights of one to have their meaning in the other."""
    layers = [
        (type(layer).__name__, [tuple(weight.shape) for weight in layer.weights])
        for network in (model.encoder, model.decoder)
        for layer in network.layers
    ]
    shapes = None if model.any_size else (model.image_shape, model.code_shape)
    return [shapes, layers]


def describe(model: DenoisingModel) -> str:
    """Return the class, shapes and sizes of a model in words."""
    shape, code = ("x".join(map(str, sizes)) for sizes in (model.image_shape, model.code_shape))
    coded = f"with a code of {code}" if model.has_code else "without a code"
    layers = "+".join(str(len(network.layers)) for network in (model.encoder, model.decoder))
    return (
        f"a {type(model).__name__} for images {shape} {coded}, {layers} layers and "
        f"{model.count_params():,} parameters"
    )
