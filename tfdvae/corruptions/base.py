"""What all corruptions share: level, seed, and their text form."""

import abc
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tfdvae._utils import checks
from tfdvae._utils.registry import Registry

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Corruption(abc.ABC):
    """Base of all corruptions: a pure function of (images, seed).

    A kind is a class with `kind`, `unit`, `reference` and `_apply`. Level 0 is the identity. The
    level is in units of the scale of the images given: [0, 1] everywhere but in the noise study.

    Attributes:
        level: strength, from 0 to `highest_level`, kept to six significant digits (so that text and
            number are one thing).
        kind: the name in `kind:level`.
        unit: what the level measures.
        reference: where the definition comes from.
        highest_level: largest level; `math.inf` where the unit has no bound.
        keeps_mean: whether it is noise that is independent from pixel to pixel, and whose images
            are on average the image itself. From such noise a model can learn without clean images.
        compiles: whether XLA, with which Keras trains on GPUs, can compile it.

    Example:
        >>> noisy = tfdvae.corruptions.Gaussian(0.1)(images, seed=(0, 1))
    """

    level: float = 0.0
    kind: ClassVar[str]
    unit: ClassVar[str]
    reference: ClassVar[str]
    highest_level: ClassVar[float] = 1.0
    keeps_mean: ClassVar[bool] = False
    compiles: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checks.number(f"level of {self.kind}", self.level, 0, self.highest_level)
        object.__setattr__(self, "level", float(f"{self.level:g}"))

    def __str__(self) -> str:
        return f"{self.kind}:{self.level:g}"

    def __call__(self, images: Any, seed: Any) -> "tf.Tensor":
        """Corrupt a batch.

        Args:
            images: floating point (N, H, W, C).
            seed: int32 (2,), such as (0, 1).

        Returns:
            Tensor of the same shape and dtype, clipped only where the kind says so.

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

    @abc.abstractmethod
    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        """Return the corrupted images.

        Args:
            tf: the module `tensorflow`, so that no module of corruptions needs to import it.
            images: floating point (N, H, W, C).
            seed: int32 (2,), for `tf.random.stateless_*`.
        """


KINDS: Registry[type[Corruption]] = Registry("corruption")


def register(cls: type[Corruption]) -> type[Corruption]:
    """Class decorator: make a corruption known by its `kind` to `parse`, and so to every command.

    Raises:
        TypeError: not a class of corruptions, or one that lacks `kind`, `unit` or `reference`.
        ValueError: another corruption has the name, or it is not one of lower-case letters,
            digits and underscores; a `highest_level` that is not above 0.

    Example:
        >>> @tfdvae.register_corruption
        ... class Inverted(Corruption):
        ...     kind = "inverted"
        ...     unit = "how far each value goes towards 1 - x"
        ...     reference = "example"
        ...
        ...     def _apply(self, tf, images, seed):
        ...         return images + self.level * (1 - 2 * images)
    """
    if not (isinstance(cls, type) and issubclass(cls, Corruption)):
        raise TypeError(f"a corruption must be a subclass of Corruption; got {cls!r}.")
    for name in ("kind", "unit", "reference"):
        if not isinstance(getattr(cls, name, None), str) or not getattr(cls, name):
            raise TypeError(f"the corruption {cls.__name__} must have a text `{name}`.")
    if not re.fullmatch("[a-z][a-z0-9_]*", cls.kind):
        raise ValueError(
            "`kind` must be lower-case letters, digits and underscores, as in gaussian:0.1; got "
            f"{cls.kind!r}."
        )
    if not isinstance(cls.highest_level, (int, float)) or not cls.highest_level > 0:
        raise ValueError(f"`highest_level` must be a number above 0; got {cls.highest_level!r}.")
    return KINDS.add(cls.kind, cls)


def pixelwise(tf: Any, images: "tf.Tensor") -> "tf.Tensor":
    """Return the shape (N, H, W, 1): one draw a pixel, shared by its channels."""
    return tf.concat([tf.shape(images)[:3], [1]], axis=0)


@register
class NoCorruption(Corruption):
    """The clean or observed image, unchanged.

    Example:
        >>> str(parse("none"))
        'none'
    """

    kind = "none"
    unit = "no level"
    reference = "identity"
    keeps_mean = True

    def __post_init__(self) -> None:
        if self.level != 0:
            raise ValueError(f"`none` takes no level; got {self.level}.")

    def __str__(self) -> str:
        return self.kind

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
        return images


@dataclass(frozen=True)
class OneOf(Corruption):
    """One of several corruptions for each image, drawn with equal chances.

    Attributes:
        parts: two or more corruptions; the level is the largest of theirs.

    Example:
        >>> len(parse("gaussian:0.1,masking:0.5").parts)
        2
    """

    parts: tuple[Corruption, ...] = ()
    kind = "one_of"
    unit = "the largest level of the parts"
    reference = "its parts"
    highest_level = math.inf

    def __post_init__(self) -> None:
        if len(self.parts) < 2 or len(set(self.parts)) < len(self.parts):
            raise ValueError(
                "`parts` must be two or more corruptions, none of them twice; "
                f"got {', '.join(map(str, self.parts))}."
            )
        object.__setattr__(self, "level", max(part.level for part in self.parts))
        for name in ("keeps_mean", "compiles"):
            object.__setattr__(self, name, all(getattr(part, name) for part in self.parts))

    def __str__(self) -> str:
        return ",".join(map(str, self.parts))

    def _apply(self, tf: Any, images: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor":
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
        text: `kind:level`, `none`, a bare number (Gaussian of that level; 0 is `none`), several of
            these with commas between them (one of them for each image), or a corruption.
        argument: name used in messages.

    Raises:
        ValueError: unknown kind (the nearest name is suggested), missing or unreadable level, or
            one that the kind does not have.

    Example:
        >>> str(parse("0.1"))
        'gaussian:0.1'
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
            f"`{argument}` must be kind:level with a number as level, such as {kind}:0.1; "
            f"got {text!r}."
        )
    level = checks.number(argument, float(level_text), 0, found.highest_level)
    return NoCorruption() if level == 0 and not colon else found(level)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def label(test_corruption: str) -> str:
    """Return the name of a test corruption in tables and figures.

    That is `no noise`, `2.5%` for Gaussian noise, and otherwise the corruption as rows have it.
    """
    if test_corruption == "none":
        return "no noise"
    kind, _, level = test_corruption.partition(":")
    if "," in level:
        return test_corruption
    return f"{100 * float(level):g}%" if kind == "gaussian" else test_corruption
