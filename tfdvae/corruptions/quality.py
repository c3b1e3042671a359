"""Corruptions as poor photographs have them: blur, wrong light and colors, compression."""

import math
from typing import TYPE_CHECKING, Any

from tfdvae.corruptions.base import Corruption, register

if TYPE_CHECKING:
    import tensorflow as tf

_IMAGENET_C = "Hendrycks and Dietterich 2019, ImageNet-C"


@register
class Blur(Corruption):
    """Gaussian blur. Beyond the edge there is nothing: weights inside the image add up to 1.

    Example:
        >>> blurred = Blur(1.5)(images, seed=(0, 1))
    """

    kind = "blur"
    unit = "standard deviation, in pixels"
    reference = f"{_IMAGENET_C}, gaussian_blur"
    highest_level = 100.0

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        import keras

        def blurred(values: "tf.Tensor") -> "tf.Tensor":
            size = 2 * math.ceil(3 * self.level) + 1
            return keras.ops.image.gaussian_blur(values, (size, size), (self.level, self.level))

        values = tf.cast(images, tf.float32)
        return tf.cast(blurred(values) / blurred(tf.ones_like(values)), images.dtype)


@register
class Brightness(Corruption):
    """x + level or x - level, for each image with equal chances, then clipped to [0, 1].

    Example:
        >>> too_bright_or_dark = Brightness(0.2)(images, seed=(0, 1))
    """

    kind = "brightness"
    unit = "shift, as a fraction of the pixel range"
    reference = f"{_IMAGENET_C}, brightness, there brighter only"

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        brighter = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), seed) < 0.5
        shift = tf.where(brighter, self.level, -self.level)
        return tf.clip_by_value(images + tf.cast(shift, images.dtype), 0, 1)


@register
class Contrast(Corruption):
    """Values go towards the mean of their channel in the image: mean + (1 - level) (x - mean).

    Example:
        >>> dull = Contrast(0.5)(images, seed=(0, 1))
    """

    kind = "contrast"
    unit = "part of the contrast that is lost"
    reference = f"{_IMAGENET_C}, contrast"

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        values = tf.cast(images, tf.float32)
        return tf.cast(tf.image.adjust_contrast(values, 1 - self.level), images.dtype)


@register
class ColorCast(Corruption):
    """Light of another color: each channel is multiplied by 1 + U(-level, level).

    The factors are an image's own. Gray images become brighter or darker, as they do in a gray
    camera.

    Example:
        >>> tinted = ColorCast(0.2)(images, seed=(0, 1))
    """

    kind = "color_cast"
    unit = "half width of the interval of factors"
    reference = "von Kries's diagonal model of illumination, with uniform factors"

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        shape = (tf.shape(images)[0], 1, 1, tf.shape(images)[-1])
        factors = tf.random.stateless_uniform(shape, seed, 1 - self.level, 1 + self.level)
        return images * tf.cast(factors, images.dtype)


@register
class Jpeg(Corruption):
    """Saved as JPEG, of quality 100 (1 - level), and read again; values are clipped to [0, 1].

    Images with neither one channel nor three are saved channel by channel.

    Example:
        >>> compressed = Jpeg(0.9)(images, seed=(0, 1))
    """

    kind = "jpeg"
    unit = "loss of quality, 1 - quality / 100"
    reference = f"{_IMAGENET_C}, jpeg_compression: 0.75 to 0.93"
    compiles = False  # XLA has no JPEG

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        quality = round(100 * (1 - self.level))

        def saved(image: "tf.Tensor") -> "tf.Tensor":
            if image.shape[-1] in (1, 3):
                return tf.image.adjust_jpeg_quality(image, quality)
            planes = [saved(image[..., i : i + 1]) for i in range(image.shape[-1])]
            return tf.concat(planes, axis=-1)

        made = tf.map_fn(saved, tf.cast(images, tf.float32))
        return tf.cast(made, images.dtype)
