"""Encoder and decoder pairs.

An encoder maps images (N, H, W, C) to a code; for a variational model to two outputs, mean and log-variance. A decoder maps a
code to logits of pixels (N, H, W, C): no final sigmoid.
"""

from functools import partial

import keras

from tfdvae._utils import checks
from tfdvae.models.networks.mlp import mlp
from tfdvae.models.networks.pooled_conv import InferenceBatchNormalization, pooled_conv
from tfdvae.models.networks.residual_conv import residual_conv
from tfdvae.models.networks.strided_conv import strided_conv

NETWORKS = {
    "mlp": mlp,
    "strided_conv": strided_conv,
    "pooled_conv": pooled_conv,
    "pooled_conv_inference": partial(pooled_conv, normalisation=InferenceBatchNormalization),
    "slim_residual_conv": partial(residual_conv, inner_filters=16),
    "residual_conv": residual_conv,
    "wide_residual_conv": partial(residual_conv, filters=64),
}


def build(
    name: str, image_shape: tuple[int, int, int], latent_dim: int, **options
) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and decoder of the network `name`; the other arguments are those of `mlp`.

    Raises:
        ValueError: unknown name, or a size that the network cannot take.
    """
    return NETWORKS[checks.choice("network", name, NETWORKS)](image_shape, latent_dim, **options)
