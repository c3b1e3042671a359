"""What goes wrong with an image: one small class per kind.

A corruption is written `kind:level`, for instance `gaussian:0.1`, and `none` leaves the image alone; `a:1,b:2` is one of both
for each image. It is a pure function of (images, seed); level 0 is the identity, and nothing is clipped but by `clipped_gaussian`. The level is in units of the scale of the
images given ([0, 1] everywhere but in the CS 307 noise study). TensorFlow is imported only when one is applied, so that
the command line can check its arguments quickly.
"""

from dataclasses import dataclass
from typing import ClassVar

from tfdvae._utils import checks
from tfdvae._utils.registry import Registry


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
            seed: int32 (2,), see `tfdvae._utils.seeds.pair`.

        Returns:
            Tensor of the same shape and dtype, not clipped.

        Raises:
            TypeError: `images` is not floating point.
            ValueError: `images` does not have rank 4.
        """
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        if not images.dtype.is_floating:
            raise TypeError(
                f"`images` must be floating point, scaled to [0, 1]; got {images.dtype.name}."
            )
        if images.shape.rank != 4:
            raise ValueError(f"`images` must have shape (N, H, W, C); got {tuple(images.shape)}.")
        return images if self.level == 0 else self._apply(tf, images, seed)

    def _apply(self, tf, images, seed):
        raise AssertionError("every kind defines it")


KINDS: Registry[type[Corruption]] = Registry("corruption")


def register(cls: type[Corruption]) -> type[Corruption]:
    """Class decorator: make a corruption known by its `kind` to `parse`, and so to every command.

    Example:
        >>> @register
        ... class Inverted(Corruption):
        ...     kind = "inverted"
        ...     unit = "how far each value goes towards 1 - x"
        ...     reference = "example"
        ...
        ...     def _apply(self, tf, images, seed):
        ...         return images + self.level * (1 - 2 * images)

    Raises:
        ValueError: another corruption has the name.
    """
    return KINDS.add(cls.kind, cls)


def pixelwise(tf, images):
    """Shape (N, H, W, 1): one draw a pixel, shared by its channels."""
    return tf.concat([tf.shape(images)[:3], [1]], axis=0)


@register
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
            raise ValueError(
                f"`parts` must be two or more corruptions, none of them twice; got {', '.join(map(str, self.parts))}."
            )
        object.__setattr__(self, "level", max(part.level for part in self.parts))

    def __str__(self) -> str:
        return ",".join(map(str, self.parts))

    def _apply(self, tf, images, seed):
        seeds = tf.random.split(seed, len(self.parts) + 1)
        chosen = tf.random.stateless_uniform(
            (tf.shape(images)[0],), seeds[0], 0, len(self.parts), tf.int32
        )
        result = images
        for number, part in enumerate(self.parts):
            result = tf.where(
                (chosen == number)[:, None, None, None], part(images, seeds[number + 1]), result
            )
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
    found = KINDS.get(kind, argument)
    if kind == "none":
        raise ValueError(f"`{argument}`: `none` takes no level; got {text!r}.")
    if not _is_number(level_text):
        raise ValueError(
            f"`{argument}` must be kind:level with a number as level, such as {kind}:0.1; got {text!r}."
        )
    level = checks.number(argument, float(level_text), 0, 1)
    return NoCorruption() if level == 0 and not colon else found(level)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
