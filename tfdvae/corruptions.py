"""What goes wrong with an image: one small class per kind.

A corruption is written `kind:level`, for instance `gaussian:0.1`, and `none` leaves the image alone; `a:1,b:2` is one of both
for each image. It is a pure function of (images, seed); level 0 is the identity, and nothing is clipped but by `clipped_gaussian`. The level is in units of the scale of the
images given ([0, 1] everywhere but in the CS 307 noise study). TensorFlow is imported only when one is applied, so that
the command line can check its arguments quickly.
"""

from dataclasses import dataclass
from typing import ClassVar

from tfdvae import checks


@dataclass(frozen=True)
class Corruption:
    """Base of all corruptions.

    Attributes:
        level: strength in [0, 1], kept to six significant digits (so that text and number are one thing).
        kind: the name in `kind:level`.
        unit: what the level measures.
        source: where the definition comes from.
    """

    level: float = 0.0
    kind: ClassVar[str]
    unit: ClassVar[str]
    source: ClassVar[str]

    def __post_init__(self):
        checks.number(f"level of {self.kind}", self.level, 0, 1)
        object.__setattr__(self, "level", float(f"{self.level:g}"))

    def __str__(self) -> str:
        return f"{self.kind}:{self.level:g}"

    def __call__(self, images, seed):
        """Corrupt a batch.

        Args:
            images: floating point (N, H, W, C).
            seed: int32 (2,), see `tfdvae.seeds.pair`.

        Returns:
            Tensor of the same shape and dtype, not clipped.

        Raises:
            TypeError: `images` is not floating point.
            ValueError: `images` does not have rank 4.
        """
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        if not images.dtype.is_floating:
            raise TypeError(f"`images` must be floating point, scaled to [0, 1]; got {images.dtype.name}.")
        if images.shape.rank != 4:
            raise ValueError(f"`images` must have shape (N, H, W, C); got {tuple(images.shape)}.")
        return images if self.level == 0 else self._apply(tf, images, seed)

    def _apply(self, tf, images, seed):
        raise AssertionError("every kind defines it")


def _pixelwise(tf, images):
    """Shape (N, H, W, 1): one draw a pixel, shared by its channels."""
    return tf.concat([tf.shape(images)[:3], [1]], axis=0)


class NoCorruption(Corruption):
    """The image as it is."""

    kind = "none"
    unit = "no level"
    source = "identity"

    def __post_init__(self):
        if self.level != 0:
            raise ValueError(f"`none` takes no level; got {self.level}.")

    def __str__(self) -> str:
        return self.kind


class Gaussian(Corruption):
    """x + N(0, level^2), independently for each value."""

    kind = "gaussian"
    unit = "standard deviation, as a fraction of the pixel range"
    source = "augmentation study: x% noise is gaussian:x/100"

    def _apply(self, tf, images, seed):
        return images + self.level * tf.random.stateless_normal(tf.shape(images), seed, dtype=images.dtype)


class ClippedGaussian(Corruption):
    """x + N(0, level^2), then clipped to [0, 1], as a camera's range clips it."""

    kind = "clipped_gaussian"
    unit = "standard deviation before clipping, as a fraction of the pixel range"
    source = "the Keras DAE of OpenGenus"

    def _apply(self, tf, images, seed):
        return tf.clip_by_value(Gaussian(self.level)(images, seed), 0, 1)


class Masking(Corruption):
    """Each pixel is set to 0 with probability `level`."""

    kind = "masking"
    unit = "expected fraction of pixels set to 0"
    source = "Vincent et al. 2010, Stacked Denoising Autoencoders"

    def _apply(self, tf, images, seed):
        kept = tf.random.stateless_uniform(_pixelwise(tf, images), seed) >= self.level
        return tf.where(kept, images, tf.zeros_like(images))


class SaltAndPepper(Corruption):
    """Each pixel is replaced with probability `level`: by 0 or by 1, with equal chances."""

    kind = "salt_and_pepper"
    unit = "expected fraction of pixels set to 0 or 1"
    source = "Vincent et al. 2010, Stacked Denoising Autoencoders"

    def _apply(self, tf, images, seed):
        draw = tf.random.stateless_uniform(_pixelwise(tf, images), seed)
        images = tf.where(draw < self.level, tf.zeros_like(images), images)
        return tf.where(draw < self.level / 2, tf.ones_like(images), images)


class RandomErasing(Corruption):
    """With probability `level`, one rectangle of the image is set to 0.

    Area 0.02 to 0.33 of the image (uniform), height over width 0.3 to 3.3 (log-uniform); a rectangle that does not fit
    is drawn again, up to 10 times, after which the image stays whole.
    """

    kind = "random_erasing"
    unit = "probability that an image loses a rectangle"
    source = "Zhong et al. 2017, Random Erasing, with the settings of the noise study"
    tries: ClassVar[int] = 10

    def _apply(self, tf, images, seed):
        count, height, width = (tf.shape(images)[i] for i in range(3))
        height_f, width_f = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
        seeds = tf.random.split(seed, 5)
        area = tf.random.stateless_uniform((count, self.tries), seeds[0], 0.02, 0.33) * height_f * width_f
        log_range = tf.math.log([0.3, 3.3])
        aspect = tf.exp(tf.random.stateless_uniform((count, self.tries), seeds[1], log_range[0], log_range[1]))
        rows, columns = tf.round(tf.sqrt(area * aspect)), tf.round(tf.sqrt(area / aspect))
        fits = (rows < height_f) & (columns < width_f) & (rows > 0) & (columns > 0)
        first = tf.argmax(fits, axis=1)
        rows, columns = (tf.gather(size, first, batch_dims=1)[:, None] for size in (rows, columns))

        def interval(size, total, seed):
            start = tf.floor(tf.random.stateless_uniform((count, 1), seed) * (tf.cast(total, tf.float32) - size + 1))
            position = tf.range(total, dtype=tf.float32)[None, :]
            return (position >= start) & (position < start + size)

        inside = interval(rows, height, seeds[2])[:, :, None] & interval(columns, width, seeds[3])[:, None, :]
        chosen = tf.random.stateless_uniform((count,), seeds[4]) < self.level
        erased = inside & (chosen & tf.reduce_any(fits, axis=1))[:, None, None]
        return tf.where(erased[..., None], tf.zeros_like(images), images)


class Speckle(Corruption):
    """x + x * N(0, level^2): noise that grows with brightness."""

    kind = "speckle"
    unit = "standard deviation, as a fraction of the pixel's value"
    source = "Hendrycks and Dietterich 2019, ImageNet-C"

    def _apply(self, tf, images, seed):
        return images * (1 + self.level * tf.random.stateless_normal(tf.shape(images), seed, dtype=images.dtype))


class Uniform(Corruption):
    """x + U(-level, level), independently for each value."""

    kind = "uniform"
    unit = "half width of the interval, as a fraction of the pixel range"
    source = "quantisation and dithering noise; standard deviation level / sqrt(3)"

    def _apply(self, tf, images, seed):
        return images + tf.random.stateless_uniform(tf.shape(images), seed, -self.level, self.level, dtype=images.dtype)


KINDS: dict[str, type[Corruption]] = {
    kind.kind: kind for kind in (NoCorruption, Gaussian, ClippedGaussian, Masking, SaltAndPepper, RandomErasing, Speckle, Uniform)
}


@dataclass(frozen=True)
class OneOf(Corruption):
    """Each image suffers one of several corruptions, drawn with equal chances; written with commas: `gaussian:0.1,masking:0.5`.

    Attributes:
        parts: two or more corruptions; the level is the largest of theirs.
    """

    parts: tuple[Corruption, ...] = ()
    kind = "one_of"

    def __post_init__(self):
        if len(self.parts) < 2 or len(set(self.parts)) < len(self.parts):
            raise ValueError(f"`parts` must be two or more corruptions, none of them twice; got {', '.join(map(str, self.parts))}.")
        object.__setattr__(self, "level", max(part.level for part in self.parts))

    def __str__(self) -> str:
        return ",".join(map(str, self.parts))

    def _apply(self, tf, images, seed):
        seeds = tf.random.split(seed, len(self.parts) + 1)
        chosen = tf.random.stateless_uniform((tf.shape(images)[0],), seeds[0], 0, len(self.parts), tf.int32)
        result = images
        for number, part in enumerate(self.parts):
            result = tf.where((chosen == number)[:, None, None, None], part(images, seeds[number + 1]), result)
        return result


def parse(text: "str | float | Corruption", argument: str = "corruption") -> Corruption:
    """Return the corruption that `text` names.

    Args:
        text: `kind:level`, `none`, a bare number (Gaussian of that level; 0 is `none`), several of these with commas between them
            (one of them for each image), or a corruption.
        argument: name used in messages.

    Raises:
        ValueError: unknown kind (the nearest name is suggested), missing or unreadable level, or one outside [0, 1].
    """
    if isinstance(text, Corruption):
        return text
    if "," in str(text):
        return OneOf(parts=tuple(parse(part, argument) for part in str(text).split(",")))
    kind, colon, level_text = str(text).strip().partition(":")
    kind = kind.replace("-", "_") if kind[:1].isalpha() else kind
    if not colon:
        if kind == "none":
            return NoCorruption()
        if _is_number(kind):
            kind, level_text = "gaussian", kind
    checks.choice(argument, kind, KINDS)
    if kind == "none":
        raise ValueError(f"`{argument}`: `none` takes no level; got {text!r}.")
    if not _is_number(level_text):
        raise ValueError(f"`{argument}` must be kind:level with a number as level, such as {kind}:0.1; got {text!r}.")
    level = checks.number(argument, float(level_text), 0, 1)
    return NoCorruption() if level == 0 and not colon else KINDS[kind](level)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
