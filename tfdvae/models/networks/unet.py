"""The network for denoising: a U-Net that returns images, of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfdvae._utils import checks, seeds
from tfdvae.models.networks.common import image_sizes
from tfdvae.registry import register_network

if TYPE_CHECKING:
    import keras

DEPTH = 2


@register_network(
    "unet", tiles=True, encodes=False, summary="U-Net for denoising: images of any size, no code."
)
def unet(
    image_shape: tuple[int, int, int],
    latent_dim: int = 4,
    *,
    variational: bool,
    seed: int = 0,
    dtype: str = "float32",
    filters: int = 24,
    residual: bool = True,
    mean: float = 0.0,
    deviation: float = 1.0,
) -> tuple[keras.Model, keras.Model]:
    """Return a U-Net (Ronneberger et al. 2015) that maps noisy images to clean ones.

    At the full height and width, at a half and at a quarter there are two 3x3 convolutions with
    `filters`, twice and four times as many channels, on the way down and, but for the lowest level,
    on the way up, where what was computed on the way down is given to them too. For one channel and
    24 filters: 265,297 parameters.

    There is no code: the second network is the identity. Images
    may have any height and width; within the network their edges are repeated until both are
    multiples of 4. The image is added in float32 whatever `dtype` is.

    Args:
        image_shape: (H, W, C), of which C counts.
        latent_dim: without meaning here.
        variational: must be False.
        seed: root seed of the initial weights.
        dtype: Keras dtype policy, such as `mixed_bfloat16`.
        filters: channels at the full size.
        residual: the image is added to what the convolutions make, so that an untrained network
            returns its input. It is for models that see all of the image: one that learns from
            hidden pixels would be given their noise. Without it, `mean` is returned at first.
        mean: of the values of the images, which the network scales to 0.
        deviation: their standard deviation, which it scales to 1.

    Raises:
        ValueError: a variational model, which needs a code.
    """
    import keras

    from tfdvae.models.layers import CropLike, PadToMultiple

    _, _, channels = image_sizes(image_shape)
    checks.integer("latent_dim", latent_dim, 1)
    checks.number("deviation", deviation, 0, above_low=True)
    if variational:
        raise ValueError(
            "this network must belong to an ae or dae: it has no code that could be a distribution."
        )

    images = keras.Input((None, None, channels), name="images")
    scaled = keras.layers.Rescaling(1 / deviation, -mean / deviation, dtype="float32")(images)
    padded = PadToMultiple(2**DEPTH, dtype="float32")(scaled)
    hidden = levels(padded, filters, seed, dtype)
    made = conv3x3(hidden, channels, "last", seed, dtype, activation=None)
    if residual:
        made = keras.layers.Add(dtype="float32")([padded, made])
    made = CropLike(dtype="float32")([made, images])
    made = keras.layers.Rescaling(deviation, mean, dtype="float32")(made)
    network = keras.Model(images, made, name="unet")
    code = keras.Input((None, None, channels), name="made")
    same = keras.Model(code, keras.layers.Identity(dtype="float32")(code), name="identity")
    return network, same


def levels(inputs: Any, filters: int, seed: int, dtype: str, prefix: str = "") -> Any:
    """Return what the levels of a U-Net make of a Keras tensor, at its full size.

    Args:
        inputs: (N, H, W, any), H and W multiples of 2**DEPTH.
        filters: channels at the full size, which the result has.
        seed: root seed of the initial weights.
        dtype: Keras dtype policy.
        prefix: of the names of layers.
    """
    import keras

    def pair(inputs: Any, units: int, name: str) -> Any:
        first = conv3x3(inputs, units, f"{prefix}{name}_1", seed, dtype)
        return conv3x3(first, units, f"{prefix}{name}_2", seed, dtype)

    hidden, kept = inputs, []
    for level in range(DEPTH):
        hidden = pair(hidden, filters * 2**level, f"down_{level}")
        kept.append(hidden)
        hidden = keras.layers.MaxPooling2D(dtype=dtype)(hidden)
    hidden = pair(hidden, filters * 2**DEPTH, "lowest")
    for level in reversed(range(DEPTH)):
        larger = keras.layers.UpSampling2D(dtype=dtype)(hidden)
        joined = keras.layers.Concatenate(dtype=dtype)([larger, kept[level]])
        hidden = pair(joined, filters * 2**level, f"up_{level}")
    return hidden


def conv3x3(
    inputs: Any,
    units: int,
    name: str,
    seed: int,
    dtype: str,
    activation: str | None = "relu",
    bias: float = 0.0,
) -> Any:
    """Return a convolution of a Keras tensor; one without activation begins with zero weights."""
    import keras

    start: Any = keras.initializers.HeNormal(seeds.stream(seed, f"initial weights/{name}"))
    return keras.layers.Conv2D(
        units,
        3,
        padding="same",
        activation=activation,
        kernel_initializer=start if activation else "zeros",
        bias_initializer=keras.initializers.Constant(bias) if bias else "zeros",
        dtype=dtype,
        name=name,
    )(inputs)
