"""Corruptions that add noise to every value."""

from typing import TYPE_CHECKING, Any

from tfdvae.corruptions.base import Corruption, register

if TYPE_CHECKING:
    import tensorflow as tf


@register
class Gaussian(Corruption):
    """x + N(0, level^2), independently for each value.

    Example:
        >>> noisy = Gaussian(0.1)(images, seed=(0, 1))
    """

    kind = "gaussian"
    unit = "standard deviation, as a fraction of the pixel range"
    reference = "augmentation study: x% noise is gaussian:x/100"
    keeps_mean = True

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        return images + tf.random.stateless_normal(
            tf.shape(images), seed, stddev=self.level, dtype=images.dtype
        )


@register
class ClippedGaussian(Corruption):
    """x + N(0, level^2), then clipped to [0, 1], as a camera's range clips it.

    Example:
        >>> noisy = ClippedGaussian(0.1)(images, seed=(0, 1))
    """

    kind = "clipped_gaussian"
    unit = "standard deviation before clipping, as a fraction of the pixel range"
    reference = "the Keras DAE of OpenGenus"

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        return tf.clip_by_value(Gaussian(self.level)(images, seed), 0, 1)


@register
class Speckle(Corruption):
    """x + x * N(0, level^2): noise that grows with brightness.

    Example:
        >>> noisy = Speckle(0.3)(images, seed=(0, 1))
    """

    kind = "speckle"
    unit = "standard deviation, as a fraction of the pixel's value"
    reference = "Hendrycks and Dietterich 2019, ImageNet-C"
    keeps_mean = True

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        return images * (
            1 + self.level * tf.random.stateless_normal(tf.shape(images), seed, dtype=images.dtype)
        )


@register
class Uniform(Corruption):
    """x + U(-level, level), independently for each value.

    Example:
        >>> noisy = Uniform(0.2)(images, seed=(0, 1))
    """

    kind = "uniform"
    unit = "half width of the interval, as a fraction of the pixel range"
    reference = "quantization and dithering noise; standard deviation level / sqrt(3)"
    keeps_mean = True

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        return images + tf.random.stateless_uniform(
            tf.shape(images), seed, -self.level, self.level, dtype=images.dtype
        )


@register
class Poisson(Corruption):
    """Photons counted, level^2 * Poisson(x / level^2): noise whose variance grows with brightness.

    A white pixel has 1 / level^2 photons on average. Values below 0 have none.

    Example:
        >>> noisy = Poisson(0.2)(images, seed=(0, 1))
    """

    kind = "poisson"
    unit = "standard deviation at white, 1 / sqrt(photons)"
    reference = "shot noise of cameras and microscopes"
    keeps_mean = True
    compiles = False  # XLA has no Poisson draws

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        variance = self.level**2
        photons = tf.maximum(tf.cast(images, tf.float32), 0) / variance
        drawn = tf.random.stateless_poisson(tf.shape(images), seed, photons, tf.float32)
        return tf.cast(variance * drawn, images.dtype)
