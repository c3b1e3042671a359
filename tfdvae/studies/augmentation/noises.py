"""Noises of training images as settings of the augmentation study: true ones and assumed ones."""

from collections.abc import Iterable

from tfdvae import corruptions
from tfdvae._utils import checks
from tfdvae.config import AUTO
from tfdvae.config import sets as training_sets


def parse_train_noise(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return noises of training images in their plain form.

    Raises:
        ValueError: no list, no such noise, no noise at all, or one of several kinds.

    Example:
        >>> parse_train_noise(("0.20",))
        ('gaussian:0.2',)
    """
    if not isinstance(texts, tuple):
        raise ValueError(f"`train_noise` must be a list of noises; got {texts!r}.")
    parsed = tuple(corruptions.parse(text, "train_noise") for text in texts)
    for noise in parsed:
        if noise.level == 0 or isinstance(noise, corruptions.OneOf):
            raise ValueError(
                f"`train_noise` must be single corruptions with a level above 0; got {noise}."
            )
    return tuple(map(str, parsed))


def check(
    sets: Iterable[str],
    train_noise: Iterable[str],
    assumed: float | str,
    denoise_at_test: bool = False,
) -> None:
    """Refuse noises of training images, true or assumed, that do not fit the training sets.

    Args:
        sets: names of the training sets.
        train_noise: in their plain form.
        assumed: a factor, or `auto`.
        denoise_at_test: whether test images are denoised.

    Raises:
        TypeError: a factor that is no number.
        ValueError: a noise or factor that does not fit, or another text.

    Example:
        >>> check(("fresh-noise", "denoised"), ("gaussian:0.2",), 1.3)
    """
    if isinstance(assumed, str) and assumed != AUTO:
        raise ValueError(f"`assumed_noise` must be a factor above 0, or auto; got {assumed!r}.")
    factor = 1.0 if isinstance(assumed, str) else assumed
    checks.number("assumed_noise", factor, 0, above_low=True)
    needing = needing_noise(sets, denoise_at_test)
    for noise in map(corruptions.parse, train_noise if needing else ()):
        if not isinstance(noise, corruptions.Gaussian):
            raise ValueError(f"`train_noise` must be gaussian:LEVEL with {needing}; got {noise}.")
        if noise.level * factor > noise.highest_level:
            raise ValueError(
                f"`assumed_noise` must leave the noise at most {noise.highest_level:g}; got "
                f"{factor:g} with `train_noise` {noise}."
            )


def needing_noise(sets: Iterable[str], denoise_at_test: bool) -> str:
    """Return which settings are for Gaussian noise of known strength; empty where none is.

    Example:
        >>> needing_noise(("limited", "denoised", "fresh-noise"), False)
        '`sets` denoised, fresh-noise'
    """
    needing = [name for name in sets if training_sets.needs_noise(name)]
    if needing:
        return f"`sets` {', '.join(needing)}"
    return "`denoise_at_test`" if denoise_at_test else ""
