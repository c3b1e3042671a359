"""The convolutional network of the Keras DAE of OpenGenus."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tfdvae._utils import checks, seeds
from tfdvae.models.networks.common import heads, image_sizes, make_encoder, smallest_size
from tfdvae.registry import register_network

if TYPE_CHECKING:
    import keras


@register_network(
    "pooled_conv", latent_units=False, summary="Max-pooled convolutions (the OpenGenus DAE)."
)
def pooled_conv(
    image_shape: tuple[int, int, int],
    latent_dim: int = 4,
    *,
    variational: bool,
    seed: int = 0,
    dtype: str = "float32",
    fixed_statistics: bool = False,
) -> tuple[keras.Model, keras.Model]:
    """Return the convolutional encoder and decoder of the Keras DAE of OpenGenus.

    Three convolutions (32, 64 and 128 channels) with batch normalization, leaky ReLU and
    max-pooling; the decoder mirrors them with transposed convolutions and upsampling. For 28x28x1
    images an AE or DAE has 186,511 parameters, 642 of them not trainable, and its code is the
    flattened last layer, 2,048 values: `latent_dim` has no part in it. A VAE or DVAE has two heads
    of `latent_dim` units on it, and a dense layer back.

    Arguments are those of `mlp`, and `fixed_statistics`: batch normalization whose statistics stay
    at 0 and 1 (network `pooled_conv_inference`), as in the published training loop, which calls its
    networks in inference mode.

    Raises:
        ValueError: height or width is not 4 k + 12 with k at least 1.
    """
    import keras

    from tfdvae.models.layers import InferenceBatchNormalization

    normalization = (
        InferenceBatchNormalization if fixed_statistics else keras.layers.BatchNormalization
    )
    height, width, channels = image_sizes(image_shape)
    checks.integer("latent_dim", latent_dim, 1)
    rows, columns = (smallest_size(size, 4, 12) for size in (height, width))

    def start(name: str) -> dict[str, Any]:
        return {
            "kernel_initializer": keras.initializers.GlorotUniform(
                seed=seeds.stream(seed, f"initial weights/{name}")
            ),
            "dtype": dtype,
            "name": name,
        }

    def activated(hidden: Any) -> Any:
        return keras.layers.LeakyReLU(dtype=dtype)(normalization(dtype=dtype)(hidden))

    def transposed(hidden: Any, units: int, padding: str, name: str) -> Any:
        return keras.layers.Conv2DTranspose(units, 3, padding=padding, **start(name))(hidden)

    hidden = images = keras.Input((height, width, channels), name="images")
    for number, (units, padding, pooled) in enumerate(
        ((32, "same", True), (64, "valid", True), (128, "valid", False)), start=1
    ):
        hidden = activated(
            keras.layers.Conv2D(units, 3, padding=padding, **start(f"encoder_{number}"))(hidden)
        )
        if pooled:
            hidden = keras.layers.MaxPooling2D(dtype=dtype)(hidden)
    hidden = keras.layers.Flatten(dtype=dtype)(hidden)
    size = rows * columns * 128
    outputs = (
        [keras.layers.Dense(latent_dim, **start(head))(hidden) for head in heads(variational)]
        if variational
        else [hidden]
    )

    hidden = code = keras.Input((latent_dim if variational else size,), name="code")
    if variational:
        hidden = keras.layers.Dense(size, **start("decoder_0"))(hidden)
    hidden = keras.layers.Reshape((rows, columns, 128), dtype=dtype)(hidden)
    for number, (units, padding) in enumerate(((64, "valid"), (32, "same")), start=1):
        hidden = keras.layers.UpSampling2D(dtype=dtype)(
            activated(transposed(hidden, units, padding, f"decoder_{number}"))
        )
    hidden = activated(transposed(hidden, channels, "valid", "decoder_3"))
    return make_encoder(images, outputs), keras.Model(
        code, transposed(hidden, channels, "valid", "logits"), name="decoder"
    )


register_network(
    "pooled_conv_inference",
    latent_units=False,
    summary="pooled_conv with fixed batch statistics, as published.",
)(partial(pooled_conv, fixed_statistics=True))
