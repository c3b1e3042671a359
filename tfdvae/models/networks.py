"""Encoder and decoder pairs.

An encoder maps images (N, H, W, C) to a code; for a variational model to two outputs, mean and log-variance. A decoder maps a
code to logits of pixels (N, H, W, C): no final sigmoid.
"""

import math
from functools import partial

import keras

from tfdvae import checks, seeds

HIDDEN = 128
RESIDUAL_BLOCKS = 3


def mlp(
    image_shape: tuple[int, int, int],
    latent_dim: int = 4,
    *,
    variational: bool,
    seed: int = 0,
    dtype: str = "float32",
) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and decoder of the augmentation study: two hidden layers of 128 ReLU units each way.

    For 28x28x1 images and 4 latent units: 236,312 parameters as a VAE or DVAE, 235,796 as an AE or DAE.

    Args:
        image_shape: (H, W, C).
        latent_dim: latent units.
        variational: two heads, mean and log-variance, in place of one code.
        seed: root seed of the initial weights.
        dtype: Keras dtype policy, such as `mixed_bfloat16`.
    """
    height, width, channels = (checks.integer("image_shape", size, 1) for size in image_shape)
    checks.integer("latent_dim", latent_dim, 1)

    def dense(units, name, activation=None):
        start = keras.initializers.GlorotUniform(seed=seeds.stream(seed, f"initial weights/{name}"))
        return keras.layers.Dense(units, activation, kernel_initializer=start, dtype=dtype, name=name)

    relu = partial(dense, activation="relu")
    images = keras.Input((height, width, channels), name="images")
    hidden = keras.layers.Flatten(dtype=dtype)(images)
    hidden = relu(HIDDEN, "encoder_2")(relu(HIDDEN, "encoder_1")(hidden))
    encoder = _encoder(images, [dense(latent_dim, head)(hidden) for head in _heads(variational)])

    code = keras.Input((latent_dim,), name="code")
    hidden = relu(HIDDEN, "decoder_2")(relu(HIDDEN, "decoder_1")(code))
    logits = dense(math.prod(image_shape), "logits")(hidden)
    logits = keras.layers.Reshape((height, width, channels), dtype=dtype)(logits)
    return encoder, keras.Model(code, logits, name="decoder")


def strided_conv(
    image_shape: tuple[int, int, int],
    latent_dim: int = 4,
    *,
    variational: bool,
    seed: int = 0,
    dtype: str = "float32",
) -> tuple[keras.Model, keras.Model]:
    """Return the convolutional encoder and decoder of the noise study, with torch's initialisation and batch normalisation.

    Three convolutions of stride 2 (8, 16 and 32 channels) and dense layers of 128 units and of the code; the decoder mirrors
    them. For 28x28x1 images and 4 latent units: 87,125 trainable parameters as an AE or DAE. A VAE or DVAE has two heads in
    place of the last dense layer. Arguments are those of `mlp`.

    Raises:
        ValueError: height or width is not 8 k + 4 with k at least 1.
    """
    height, width, channels = (checks.integer("image_shape", size, 1) for size in image_shape)
    checks.integer("latent_dim", latent_dim, 1)
    rows, columns = (_steps("strided_conv", size, 8, 4) for size in (height, width))

    def layer(kind, units, fan_in, name, **options):
        kernel, bias = (seeds.stream(seed, f"initial weights/{name}/{part}") for part in ("kernel", "bias"))
        return kind(
            units,
            kernel_initializer=keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed=kernel),
            bias_initializer=keras.initializers.RandomUniform(-(fan_in**-0.5), fan_in**-0.5, seed=bias),
            dtype=dtype,
            name=name,
            **options,
        )

    def conv(inputs, units, name, padding):
        if padding:
            inputs = keras.layers.ZeroPadding2D(padding, dtype=dtype)(inputs)
        return layer(keras.layers.Conv2D, units, 9 * inputs.shape[-1], name, kernel_size=3, strides=2)(inputs)

    def transposed(inputs, units, name, crop):
        grown = layer(keras.layers.Conv2DTranspose, units, 9 * units, name, kernel_size=3, strides=2)(inputs)
        return keras.layers.Cropping2D(((1, 0), (1, 0)), dtype=dtype)(grown) if crop else grown

    def dense(inputs, units, name):
        return layer(keras.layers.Dense, units, inputs.shape[-1], name)(inputs)

    def relu(inputs):
        return keras.layers.ReLU(dtype=dtype)(inputs)

    def normalised(inputs):
        return relu(keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=dtype)(inputs))

    images = keras.Input((height, width, channels), name="images")
    hidden = relu(conv(images, 8, "encoder_1", 1))
    hidden = normalised(conv(hidden, 16, "encoder_2", 1))
    hidden = relu(conv(hidden, 32, "encoder_3", 0))
    hidden = relu(dense(keras.layers.Flatten(dtype=dtype)(hidden), 128, "encoder_4"))
    encoder = _encoder(images, [dense(hidden, latent_dim, head) for head in _heads(variational)])

    code = keras.Input((latent_dim,), name="code")
    hidden = relu(dense(code, 128, "decoder_1"))
    hidden = relu(dense(hidden, rows * columns * 32, "decoder_2"))
    hidden = keras.layers.Reshape((rows, columns, 32), dtype=dtype)(hidden)
    hidden = normalised(transposed(hidden, 16, "decoder_3", crop=False))
    hidden = normalised(transposed(hidden, 8, "decoder_4", crop=True))
    return encoder, keras.Model(code, transposed(hidden, channels, "logits", crop=True), name="decoder")


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
            "kernel_initializer": keras.initializers.GlorotUniform(seed=seeds.stream(seed, f"initial weights/{name}")),
            "dtype": dtype,
            "name": name,
        }

    def activated(hidden):
        return keras.layers.LeakyReLU(dtype=dtype)(normalisation(dtype=dtype)(hidden))

    def transposed(hidden, units, padding, name):
        return keras.layers.Conv2DTranspose(units, 3, padding=padding, **start(name))(hidden)

    hidden = images = keras.Input((height, width, channels), name="images")
    for number, (units, padding, pooled) in enumerate(((32, "same", True), (64, "valid", True), (128, "valid", False)), start=1):
        hidden = activated(keras.layers.Conv2D(units, 3, padding=padding, **start(f"encoder_{number}"))(hidden))
        if pooled:
            hidden = keras.layers.MaxPooling2D(dtype=dtype)(hidden)
    hidden = keras.layers.Flatten(dtype=dtype)(hidden)
    size = rows * columns * 128
    heads = [keras.layers.Dense(latent_dim, **start(head))(hidden) for head in _heads(variational)] if variational else [hidden]

    hidden = code = keras.Input((latent_dim if variational else size,), name="code")
    if variational:
        hidden = keras.layers.Dense(size, **start("decoder_0"))(hidden)
    hidden = keras.layers.Reshape((rows, columns, 128), dtype=dtype)(hidden)
    for number, (units, padding) in enumerate(((64, "valid"), (32, "same")), start=1):
        hidden = keras.layers.UpSampling2D(dtype=dtype)(activated(transposed(hidden, units, padding, f"decoder_{number}")))
    hidden = activated(transposed(hidden, channels, "valid", "decoder_3"))
    return _encoder(images, heads), keras.Model(code, transposed(hidden, channels, "valid", "logits"), name="decoder")


def residual_conv(
    image_shape: tuple[int, int, int],
    latent_dim: int = 4,
    *,
    variational: bool,
    seed: int = 0,
    dtype: str = "float32",
    filters: int = 32,
    inner_filters: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Return a convolutional encoder and decoder made for denoising on a CPU, with a code that keeps its place in the image.

    All work is done at half the height and width: three residual blocks of two 3x3 convolutions each way, activated before they are
    convolved (He et al. 2016, Identity Mappings) and adding nothing at the start, without batch normalisation. The code has shape
    (H / 2, W / 2, latent_dim): with 4 channels as many values as a gray image has pixels; 16 channels denoise better. Arguments are those of
    `mlp`, but `latent_dim` counts channels, and there are `filters`, the channels of the blocks, 32, and `inner_filters`, those between the two
    convolutions of a block, by default as many. Network `slim_residual_conv` has 16 of these and does about half the work; `wide_residual_conv`
    has 64 of both and is meant for bfloat16. As an AE or DAE for one channel and 4 latent channels: 113,349, 57,957 and 447,877 parameters.

    Raises:
        ValueError: height or width is not even.
    """
    height, width, channels = (checks.integer("image_shape", size, 1) for size in image_shape)
    checks.integer("latent_dim", latent_dim, 1)
    rows, columns = (_steps("residual_conv", size, 2, 0) for size in (height, width))

    def conv(inputs, units, name, size=3, strides=1, kind=keras.layers.Conv2D, start=keras.initializers.HeNormal):
        start = start(seed=seeds.stream(seed, f"initial weights/{name}"))
        return kind(units, size, strides, padding="same", kernel_initializer=start, dtype=dtype, name=name)(inputs)

    def relu(inputs):
        return keras.layers.ReLU(dtype=dtype)(inputs)

    def blocks(hidden, part):
        for number in range(1, RESIDUAL_BLOCKS + 1):
            inner = conv(relu(hidden), inner_filters or filters, f"{part}_{number}_1")
            inner = conv(relu(inner), filters, f"{part}_{number}_2", start=lambda seed: keras.initializers.Zeros())
            hidden = keras.layers.Add(dtype=dtype)([hidden, inner])
        return relu(hidden)

    images = keras.Input((height, width, channels), name="images")
    hidden = blocks(conv(images, filters, "encoder_0", size=4, strides=2), "encoder")
    encoder = _encoder(images, [conv(hidden, latent_dim, head, size=1) for head in _heads(variational)])

    code = keras.Input((rows, columns, latent_dim), name="code")
    hidden = blocks(conv(code, filters, "decoder_0"), "decoder")
    logits = conv(hidden, channels, "logits", size=4, strides=2, kind=keras.layers.Conv2DTranspose)
    return encoder, keras.Model(code, logits, name="decoder")


def _heads(variational: bool) -> tuple[str, ...]:
    return ("mean", "log_variance") if variational else ("code",)


def _encoder(images, outputs) -> keras.Model:
    return keras.Model(images, outputs if len(outputs) > 1 else outputs[0], name="encoder")


def _steps(network: str, size: int, step: int, offset: int) -> int:
    """Return k where `size` is `step` * k + `offset`, k at least 1: the size of the smallest layer."""
    k, rest = divmod(size - offset, step)
    if k < 1 or rest:
        below = max(1, k)
        fitting = [step * n + offset for n in ((below,) if k < 1 else (below, below + 1))]
        wanted = f"{step} k + {offset}" if offset else f"multiples of {step}"
        raise ValueError(
            f"network {network} must have images whose height and width are {wanted}; got {size}. Nearest: {' and '.join(map(str, fitting))}."
        )
    return k


NETWORKS = {
    "mlp": mlp,
    "strided_conv": strided_conv,
    "pooled_conv": pooled_conv,
    "pooled_conv_inference": partial(pooled_conv, normalisation=InferenceBatchNormalization),
    "slim_residual_conv": partial(residual_conv, inner_filters=16),
    "residual_conv": residual_conv,
    "wide_residual_conv": partial(residual_conv, filters=64),
}


def build(name: str, image_shape: tuple[int, int, int], latent_dim: int, **options) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and decoder of the network `name`; the other arguments are those of `mlp`.

    Raises:
        ValueError: unknown name, or a size that the network cannot take.
    """
    return NETWORKS[checks.choice("network", name, NETWORKS)](image_shape, latent_dim, **options)
