"""Corruptions that remove or replace pixels."""

from typing import TYPE_CHECKING, Any, ClassVar

from tfdvae.corruptions.base import Corruption, pixelwise, register

if TYPE_CHECKING:
    import tensorflow as tf


@register
class Masking(Corruption):
    """Each pixel is set to 0 with probability `level`.

    Example:
        >>> holed = Masking(0.5)(images, seed=(0, 1))
    """

    kind = "masking"
    unit = "expected fraction of pixels set to 0"
    reference = "Vincent et al. 2010, Stacked Denoising Autoencoders"

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        kept = tf.random.stateless_uniform(pixelwise(tf, images), seed) >= self.level
        return tf.where(kept, images, tf.zeros_like(images))


@register
class SaltAndPepper(Corruption):
    """Each pixel is replaced with probability `level`: by 0 or by 1, with equal chances.

    Example:
        >>> noisy = SaltAndPepper(0.2)(images, seed=(0, 1))
    """

    kind = "salt_and_pepper"
    unit = "expected fraction of pixels set to 0 or 1"
    reference = "Vincent et al. 2010, Stacked Denoising Autoencoders"

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        draw = tf.random.stateless_uniform(pixelwise(tf, images), seed)
        images = tf.where(draw < self.level, tf.zeros_like(images), images)
        return tf.where(draw < self.level / 2, tf.ones_like(images), images)


@register
class RandomErasing(Corruption):
    """With probability `level`, one rectangle of the image is set to 0.

    Area 0.02 to 0.33 of the image (uniform), height over width 0.3 to 3.3 (log-uniform); a
    rectangle that does not fit is drawn again, up to 10 times, after which the image stays whole.

    Example:
        >>> erased = RandomErasing(1)(images, seed=(0, 1))
    """

    kind = "random_erasing"
    unit = "probability that an image loses a rectangle"
    reference = "Zhong et al. 2017, Random Erasing, with the settings of the noise study"
    tries: ClassVar[int] = 10

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        count, height, width = (tf.shape(images)[i] for i in range(3))
        height_f, width_f = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
        seeds = tf.random.split(seed, 5)
        area = (
            tf.random.stateless_uniform((count, self.tries), seeds[0], 0.02, 0.33)
            * height_f
            * width_f
        )
        log_range = tf.math.log([0.3, 3.3])
        aspect = tf.exp(
            tf.random.stateless_uniform((count, self.tries), seeds[1], log_range[0], log_range[1])
        )
        rows, columns = tf.round(tf.sqrt(area * aspect)), tf.round(tf.sqrt(area / aspect))
        fits = (rows < height_f) & (columns < width_f) & (rows > 0) & (columns > 0)
        first = tf.argmax(fits, axis=1)
        rows, columns = (tf.gather(size, first, batch_dims=1)[:, None] for size in (rows, columns))

        def interval(size: "tf.Tensor", total: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
            start = tf.floor(
                tf.random.stateless_uniform((count, 1), seed)
                * (tf.cast(total, tf.float32) - size + 1)
            )
            position = tf.range(total, dtype=tf.float32)[None, :]
            return (position >= start) & (position < start + size)

        inside = (
            interval(rows, height, seeds[2])[:, :, None]
            & interval(columns, width, seeds[3])[:, None, :]
        )
        chosen = tf.random.stateless_uniform((count,), seeds[4]) < self.level
        erased = inside & (chosen & tf.reduce_any(fits, axis=1))[:, None, None]
        return tf.where(erased[..., None], tf.zeros_like(images), images)
