"""The convolutional network of the noise study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfdvae._utils import checks, seeds
from tfdvae.models.networks.common import heads, image_sizes, make_encoder, smallest_size
from tfdvae.registry import register_network

if TYPE_CHECKING:
    import keras


@register_network(
    "strided_conv", summary="Strided convolutions and a dense code (the noise study)."
)
def strided_conv(
    image_shape: tuple[int, int, int],
    latent_dim: int = 4,
    *,
    variational: bool,
    seed: int = 0,
    dtype: str = "float32",
) -> tuple[keras.Model, keras.Model]:
    """Return the convolutional encoder and decoder of the noise study.

    Initialization and batch normalization are those of torch. Three convolutions of stride 2 (8, 16
    and 32 channels) and dense layers of 128 units and of the code; the decoder mirrors them. For
    28x28x1 images and 4 latent units: 87,125 trainable parameters as an AE or DAE. A VAE or DVAE
    has two heads in place of the last dense layer. Arguments are those of `mlp`.

    Raises:
        ValueError: height or width is not 8 k + 4 with k at least 1.
    """
    import keras

    height, width, channels = image_sizes(image_shape)
    checks.integer("latent_dim", latent_dim, 1)
    rows, columns = (smallest_size(size, 8, 4) for size in (height, width))

    def layer(kind: Any, units: int, fan_in: int, name: str, **options: Any) -> Any:
        kernel, bias = (
            seeds.stream(seed, f"initial weights/{name}/{part}") for part in ("kernel", "bias")
        )
        return kind(
            units,
            kernel_initializer=keras.initializers.VarianceScaling(
                1 / 3, "fan_in", "uniform", seed=kernel
            ),
            bias_initializer=keras.initializers.RandomUniform(
                -(fan_in**-0.5), fan_in**-0.5, seed=bias
            ),
            dtype=dtype,
            name=name,
            **options,
        )

    def conv(inputs: Any, units: int, name: str, padding: int) -> Any:
        if padding:
            inputs = keras.layers.ZeroPadding2D(padding, dtype=dtype)(inputs)
        return layer(
            keras.layers.Conv2D, units, 9 * inputs.shape[-1], name, kernel_size=3, strides=2
        )(inputs)

    def transposed(inputs: Any, units: int, name: str, crop: bool) -> Any:
        grown = layer(
            keras.layers.Conv2DTranspose, units, 9 * units, name, kernel_size=3, strides=2
        )(inputs)
        return keras.layers.Cropping2D(((1, 0), (1, 0)), dtype=dtype)(grown) if crop else grown

    def dense(inputs: Any, units: int, name: str) -> Any:
        return layer(keras.layers.Dense, units, inputs.shape[-1], name)(inputs)

    def relu(inputs: Any) -> Any:
        return keras.layers.ReLU(dtype=dtype)(inputs)

    def normalized(inputs: Any) -> Any:
        return relu(
            keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=dtype)(inputs)
        )

    images = keras.Input((height, width, channels), name="images")
    hidden = relu(conv(images, 8, "encoder_1", 1))
    hidden = normalized(conv(hidden, 16, "encoder_2", 1))
    hidden = relu(conv(hidden, 32, "encoder_3", 0))
    hidden = relu(dense(keras.layers.Flatten(dtype=dtype)(hidden), 128, "encoder_4"))
    encoder = make_encoder(images, [dense(hidden, latent_dim, head) for head in heads(variational)])

    code = keras.Input((latent_dim,), name="code")
    hidden = relu(dense(code, 128, "decoder_1"))
    hidden = relu(dense(hidden, rows * columns * 32, "decoder_2"))
    hidden = keras.layers.Reshape((rows, columns, 32), dtype=dtype)(hidden)
    hidden = normalized(transposed(hidden, 16, "decoder_3", crop=False))
    hidden = normalized(transposed(hidden, 8, "decoder_4", crop=True))
    return encoder, keras.Model(
        code, transposed(hidden, channels, "logits", crop=True), name="decoder"
    )
