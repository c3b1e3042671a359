"""Encoder and decoder pairs: a module for each, which registers it. TensorFlow is not imported.

An encoder maps images (N, H, W, C) to a code; for a variational model to two outputs, mean and
log-variance. A decoder maps a code to logits of pixels (N, H, W, C): no final sigmoid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfdvae import registry
from tfdvae.models.networks.mlp import mlp
from tfdvae.models.networks.pooled_conv import pooled_conv
from tfdvae.models.networks.residual_conv import residual_conv
from tfdvae.models.networks.strided_conv import strided_conv

if TYPE_CHECKING:
    import keras

__all__ = ["build", "mlp", "pooled_conv", "residual_conv", "strided_conv"]


def build(
    name: str, image_shape: tuple[int, int, int], latent_dim: int, **options: Any
) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and decoder of the network `name`; the other arguments are those of `mlp`.

    Raises:
        ValueError: unknown name, or a size that the network cannot take.
    """
    make = registry.NETWORKS.get(name).load_function()
    try:
        return make(image_shape, latent_dim, **options)
    except ValueError as error:  # of a function that several networks may share
        raise ValueError(str(error).replace("this network", f"network {name}", 1)) from error
