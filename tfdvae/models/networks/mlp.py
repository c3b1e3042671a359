"""The network of the augmentation study: fully connected."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from tfdvae._utils import checks, seeds
from tfdvae.models.networks.common import heads, image_sizes, make_encoder
from tfdvae.registry import register_network

if TYPE_CHECKING:
    import keras

HIDDEN = 128


@register_network("mlp", summary="Two hidden layers of 128 units; images of any size.")
def mlp(
    image_shape: tuple[int, int, int],
    latent_dim: int = 4,
    *,
    variational: bool,
    seed: int = 0,
    dtype: str = "float32",
) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and decoder of the augmentation study.

    Two hidden layers of 128 ReLU units each way. For 28x28x1 images and 4 latent units: 236,312
    parameters as a VAE or DVAE, 235,796 as an AE or DAE.

    Args:
        image_shape: (H, W, C).
        latent_dim: latent units.
        variational: two heads, mean and log-variance, in place of one code.
        seed: root seed of the initial weights.
        dtype: Keras dtype policy, such as `mixed_bfloat16`.

    Example:
        >>> encoder, decoder = mlp((28, 28, 1), 4, variational=True)
    """
    import keras

    height, width, channels = image_sizes(image_shape)
    checks.integer("latent_dim", latent_dim, 1)

    def dense(units: int, name: str, activation: str | None = None) -> keras.layers.Layer:
        start = keras.initializers.GlorotUniform(seed=seeds.stream(seed, f"initial weights/{name}"))
        return keras.layers.Dense(
            units, activation, kernel_initializer=start, dtype=dtype, name=name
        )

    relu = partial(dense, activation="relu")
    images = keras.Input((height, width, channels), name="images")
    hidden = keras.layers.Flatten(dtype=dtype)(images)
    hidden = relu(HIDDEN, "encoder_2")(relu(HIDDEN, "encoder_1")(hidden))
    encoder = make_encoder(images, [dense(latent_dim, head)(hidden) for head in heads(variational)])

    code = keras.Input((latent_dim,), name="code")
    hidden = relu(HIDDEN, "decoder_2")(relu(HIDDEN, "decoder_1")(code))
    logits = dense(math.prod(image_shape), "logits")(hidden)
    logits = keras.layers.Reshape((height, width, channels), dtype=dtype)(logits)
    return encoder, keras.Model(code, logits, name="decoder")
