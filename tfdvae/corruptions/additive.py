"""What goes wrong with an image: one small class per kind.

A corruption is written `kind:level`, for instance `gaussian:0.1`, and `none` leaves the image alone; `a:1,b:2` is one of both
for each image. It is a pure function of (images, seed); level 0 is the identity, and nothing is clipped but by `clipped_gaussian`. The level is in units of the scale of the
images given ([0, 1] everywhere but in the CS 307 noise study). TensorFlow is imported only when one is applied, so that
the command line can check its arguments quickly.
"""

from tfdvae.corruptions.base import Corruption, register


@register
class Gaussian(Corruption):
    """x + N(0, level^2), independently for each value."""

    kind = "gaussian"
    unit = "standard deviation, as a fraction of the pixel range"
    source = "augmentation study: x% noise is gaussian:x/100"

    def _apply(self, tf, images, seed):
        return images + self.level * tf.random.stateless_normal(
            tf.shape(images), seed, dtype=images.dtype
        )


@register
class ClippedGaussian(Corruption):
    """x + N(0, level^2), then clipped to [0, 1], as a camera's range clips it."""

    kind = "clipped_gaussian"
    unit = "standard deviation before clipping, as a fraction of the pixel range"
    source = "the Keras DAE of OpenGenus"

    def _apply(self, tf, images, seed):
        return tf.clip_by_value(Gaussian(self.level)(images, seed), 0, 1)


@register
class Speckle(Corruption):
    """x + x * N(0, level^2): noise that grows with brightness."""

    kind = "speckle"
    unit = "standard deviation, as a fraction of the pixel's value"
    source = "Hendrycks and Dietterich 2019, ImageNet-C"

    def _apply(self, tf, images, seed):
        return images * (
            1 + self.level * tf.random.stateless_normal(tf.shape(images), seed, dtype=images.dtype)
        )


@register
class Uniform(Corruption):
    """x + U(-level, level), independently for each value."""

    kind = "uniform"
    unit = "half width of the interval, as a fraction of the pixel range"
    source = "quantisation and dithering noise; standard deviation level / sqrt(3)"

    def _apply(self, tf, images, seed):
        return images + tf.random.stateless_uniform(
            tf.shape(images), seed, -self.level, self.level, dtype=images.dtype
        )
