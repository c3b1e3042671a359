"""Encoder and decoder pairs: a module for each, which registers it. TensorFlow is not imported.

An encoder maps images (N, H, W, C) to a code; for a variational model to two outputs, mean and
log-variance. A decoder maps a code to logits of pixels (N, H, W, C): no final sigmoid.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfdvae import registry
from tfdvae._utils import checks
from tfdvae.models.networks.common import image_sizes
from tfdvae.models.networks.mlp import mlp
from tfdvae.models.networks.pooled_conv import pooled_conv
from tfdvae.models.networks.residual_conv import residual_conv
from tfdvae.models.networks.spatial_unet import spatial_unet
from tfdvae.models.networks.strided_conv import strided_conv
from tfdvae.models.networks.unet import unet

if TYPE_CHECKING:
    import keras

__all__ = [
    "build",
    "mlp",
    "pooled_conv",
    "residual_conv",
    "spatial_unet",
    "strided_conv",
    "takes",
    "unet",
]


def build(
    name: str, image_shape: tuple[int, int, int], latent_dim: int, **options: Any
) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and decoder of the network `name`; the other arguments are those of `mlp`.

    Raises:
        TypeError: arguments that the network does not take or of the wrong type, or `variational`
            left out.
        ValueError: unknown name, or a size that the network cannot take.
    """
    make = registry.NETWORKS.get(name).load_function()
    image_shape = image_sizes(image_shape)
    _check_options(name, make, options)
    try:
        return make(image_shape, latent_dim, **options)
    except ValueError as error:  # of a function that several networks may share
        raise ValueError(str(error).replace("this network", f"network {name}", 1)) from error


def takes(name: str, option: str) -> bool:
    """Tell whether the function of the network `name` takes an argument of that name."""
    parameters = inspect.signature(registry.NETWORKS.get(name).load_function()).parameters
    return option in parameters or any(
        each.kind is each.VAR_KEYWORD for each in parameters.values()
    )


def _check_options(name: str, make: Callable, options: Mapping[str, Any]) -> None:
    """Refuse options of a network that it does not have, and values that Keras would take amiss."""
    parameters = inspect.signature(make).parameters
    if not any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
        taken = [each for each in parameters if each not in ("image_shape", "latent_dim")]
        for option in options:
            if option not in taken:
                near = difflib.get_close_matches(option, taken, n=1)
                hint = f" Did you mean `{near[0]}`?" if near else ""
                raise TypeError(
                    f"`{option}` is no argument of network {name}, which takes "
                    f"{', '.join(taken)}.{hint}"
                )
    variational = parameters.get("variational")
    default = None if variational is None else variational.default
    if not isinstance(options.get("variational", default), (bool, np.bool_)):
        got = repr(options["variational"]) if "variational" in options else "nothing"
        raise TypeError(
            f"`variational` must be True, for a VAE or DVAE, or False, for an AE or DAE; got {got}."
        )
    if "seed" in options:
        checks.integer("seed", options["seed"], 0, 2**63 - 1)
