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
    filters: int = 32,
    mean: float = 0.0,
    deviation: float = 1.0,
) -> tuple[keras.Model, keras.Model]:
    """Return a U-Net (Ronneberger et al. 2015) that maps noisy images to clean ones.

    It works at the full height and width, at a half and at a quarter, with `filters`, twice and
    four times as many channels. Each level has residual blocks on the way down and up, activated
    before they are convolved, and what was computed on the way down is added on the way up. The
    result is added to the image, so that an untrained network returns its input.

    There is no code: the second network is the identity, and `latent_dim` has no part in it. Images
    may have any height and width; within the network their edges are repeated until both are
    multiples of 4.

    Arguments are those of `mlp`, and `filters`, and `mean` and `deviation` of the values of the
    images, which the network scales to 0 and 1 inside.

    Raises:
        ValueError: a variational model, which needs a code.
    """
    import keras

    from tfdvae.models.layers import CropLike, PadToMultiple

    _, _, channels = image_sizes(image_shape)
    checks.integer("latent_dim", latent_dim, 1)
    if variational:
        raise ValueError(
            "this network must belong to an ae or dae: it has no code that could be a distribution."
        )

    def conv(
        inputs: Any, units: int, name: str, size: int = 3, strides: int = 1, kind: Any = None
    ) -> Any:
        kind = kind or keras.layers.Conv2D
        start = keras.initializers.HeNormal(seeds.stream(seed, f"initial weights/{name}"))
        return kind(
            units, size, strides, padding="same", kernel_initializer=start, dtype=dtype, name=name
        )(inputs)

    def relu(inputs: Any) -> Any:
        return keras.layers.ReLU(dtype=dtype)(inputs)

    def zero_conv(inputs: Any, units: int, name: str) -> Any:
        return keras.layers.Conv2D(
            units, 3, padding="same", kernel_initializer="zeros", dtype=dtype, name=name
        )(relu(inputs))

    def add(one: Any, other: Any) -> Any:
        return keras.layers.Add(dtype=dtype)([one, other])

    def block(hidden: Any, name: str) -> Any:
        units = hidden.shape[-1]
        inner = conv(relu(hidden), units, f"{name}_1")
        return add(hidden, zero_conv(inner, units, f"{name}_2"))

    images = keras.Input((None, None, channels), name="images")
    scaled = keras.layers.Rescaling(1 / deviation, -mean / deviation, dtype=dtype)(images)
    padded = PadToMultiple(2**DEPTH, dtype=dtype)(scaled)
    hidden, kept = conv(padded, filters, "first"), []
    for level in range(DEPTH):
        hidden = block(hidden, f"down_{level}")
        kept.append(hidden)
        hidden = conv(hidden, 2 * hidden.shape[-1], f"halve_{level}", size=2, strides=2)
    hidden = block(hidden, "middle")
    for level in reversed(range(DEPTH)):
        units = kept[level].shape[-1]
        double = keras.layers.Conv2DTranspose
        hidden = conv(hidden, units, f"double_{level}", size=2, strides=2, kind=double)
        hidden = block(add(hidden, kept[level]), f"up_{level}")
    made = CropLike(dtype=dtype)([add(padded, zero_conv(hidden, channels, "last")), images])
    made = keras.layers.Rescaling(deviation, mean, dtype=dtype)(made)
    network = keras.Model(images, made, name="unet")
    code = keras.Input((None, None, channels), name="made")
    same = keras.Model(code, keras.layers.Identity(dtype=dtype)(code), name="identity")
    return network, same
