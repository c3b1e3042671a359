"""Encoder and decoder pairs.

An encoder maps images (N, H, W, C) to a code; for a variational model to two outputs, mean and log-variance. A decoder maps a
code to logits of pixels (N, H, W, C): no final sigmoid.
"""

import keras

from tfdvae._utils import checks, seeds
from tfdvae.models.networks.common import _encoder, _heads, _steps


@keras.saving.register_keras_serializable(package="tfdvae", name="InferenceBatchNormalization")
class InferenceBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation that is in inference mode also while training: scale and shift are trained, the statistics stay."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=False, mask=mask)


def pooled_conv(
    image_shape: tuple[int, int, int],
    latent_dim: int = 4,
    *,
    variational: bool,
    seed: int = 0,
    dtype: str = "float32",
    normalisation: type[keras.layers.Layer] = keras.layers.BatchNormalization,
) -> tuple[keras.Model, keras.Model]:
    """Return the convolutional encoder and decoder of the Keras DAE of OpenGenus.

    Three convolutions (32, 64 and 128 channels) with batch normalisation, leaky ReLU and max-pooling; the decoder mirrors them with
    transposed convolutions and upsampling. For 28x28x1 images an AE or DAE has 186,511 parameters, 642 of them not
    trainable, and its code is the flattened last layer, 2,048 values: `latent_dim` has no part in it. A VAE or DVAE has two heads of
    `latent_dim` units on it, and a dense layer back. Arguments are those of `mlp`, and `normalisation`. As network
    `pooled_conv_inference` it is `InferenceBatchNormalization`, whose statistics stay at 0 and 1, as in the published training loop, which
    calls its networks in inference mode.

    Raises:
        ValueError: height or width is not 4 k + 12 with k at least 1.
    """
    height, width, channels = (checks.integer("image_shape", size, 1) for size in image_shape)
    checks.integer("latent_dim", latent_dim, 1)
    rows, columns = (_steps("pooled_conv", size, 4, 12) for size in (height, width))

    def start(name):
        return {
            "kernel_initializer": keras.initializers.GlorotUniform(
                seed=seeds.stream(seed, f"initial weights/{name}")
            ),
            "dtype": dtype,
            "name": name,
        }

    def activated(hidden):
        return keras.layers.LeakyReLU(dtype=dtype)(normalisation(dtype=dtype)(hidden))

    def transposed(hidden, units, padding, name):
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
    heads = (
        [keras.layers.Dense(latent_dim, **start(head))(hidden) for head in _heads(variational)]
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
    return _encoder(images, heads), keras.Model(
        code, transposed(hidden, channels, "valid", "logits"), name="decoder"
    )
