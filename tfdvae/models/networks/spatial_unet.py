"""Two U-Nets with a code as large as the image between them: for denoising by draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfdvae._utils import checks
from tfdvae.models.networks.common import image_sizes, make_encoder
from tfdvae.models.networks.unet import DEPTH, conv3x3, levels
from tfdvae.registry import register_network

if TYPE_CHECKING:
    import keras

_LOG_VARIANCE = -4.0  # at the start: a code that begins as noise would take long to say anything


@register_network(
    "spatial_unet",
    tiles=True,
    summary="Two U-Nets with a code as large as the image: images of any size, draws that denoise.",
)
def spatial_unet(
    image_shape: tuple[int, int, int],
    latent_dim: int = 4,
    *,
    variational: bool,
    seed: int = 0,
    dtype: str = "float32",
    filters: int = 16,
    mean: float = 0.0,
    deviation: float = 1.0,
) -> tuple[keras.Model, keras.Model]:
    """Return two U-Nets, from images to codes and from codes to images, of any size.

    The code has shape (H, W, latent_dim). It begins as the image itself, and the decoder as the
    identity: both learn what to add. As a DVAE, the decoder must turn any draw of the code into a
    clean image, so that draws differ where the image leaves it open. Each U-Net is that of `unet`,
    by default with 16 filters. For one channel and one latent channel: 236,373 parameters as a VAE
    or DVAE.

    Images may have any height and width; within the networks their edges are repeated until both
    are multiples of 4. What is made is logits, or images with the likelihood `linear:SIGMA`.

    Args:
        image_shape: (H, W, C), of which C counts.
        latent_dim: channels of the code.
        variational: for a VAE or DVAE.
        seed: root seed of the initial weights.
        dtype: Keras dtype policy, such as `mixed_bfloat16`.
        filters: channels at the full size.
        mean: of the values of the images, which the encoder scales to 0.
        deviation: their standard deviation, which it scales to 1.
    """
    import keras

    from tfdvae.models.layers import CropLike, PadToMultiple

    _, _, channels = image_sizes(image_shape)
    checks.integer("latent_dim", latent_dim, 1)
    checks.number("deviation", deviation, 0, above_low=True)

    def sum_of(given: Any, padded: Any, made: Any, units: int, name: str) -> Any:
        """Add what was made to the given channels, of which as many as there are are kept."""
        same = keras.layers.Dense(
            units, use_bias=False, kernel_initializer="identity", dtype="float32", name=name
        )(padded)
        whole = keras.layers.Add(dtype="float32")([same, made])
        return CropLike(dtype="float32")([whole, given])

    images = keras.Input((None, None, channels), name="images")
    scaled = keras.layers.Rescaling(1 / deviation, -mean / deviation, dtype="float32")(images)
    padded = PadToMultiple(2**DEPTH, dtype="float32")(scaled)
    hidden = levels(padded, filters, seed, dtype, "encoder_")
    made = conv3x3(hidden, latent_dim, "mean", seed, dtype, None)
    outputs = [sum_of(images, padded, made, latent_dim, "image_to_code")]
    if variational:
        spread = conv3x3(hidden, latent_dim, "log_variance", seed, dtype, None, _LOG_VARIANCE)
        outputs.append(CropLike(dtype="float32")([spread, images]))

    code = keras.Input((None, None, latent_dim), name="code")
    padded = PadToMultiple(2**DEPTH, dtype="float32")(code)
    hidden = levels(padded, filters, seed, dtype, "decoder_")
    made = conv3x3(hidden, channels, "logits", seed, dtype, None)
    image = sum_of(code, padded, made, channels, "code_to_image")
    image = keras.layers.Rescaling(deviation, mean, dtype="float32")(image)
    return make_encoder(images, outputs), keras.Model(code, image, name="decoder")
