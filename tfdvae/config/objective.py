"""What a model may learn, and which noise each objective asks for."""

import math
from typing import NamedTuple

from tfdvae import corruptions

OBJECTIVES = ("observed", "corrupted", "recorrupted", "masked", "paired")
HIDING = ("masked", "paired")
"""Objectives that hide pixels of the image, and inject no corruption."""
OF_NOISY_IMAGES = ("recorrupted", *HIDING)
"""Objectives that learn from the noise that the images have."""

RECORRUPTED = (corruptions.Gaussian, corruptions.Poisson)
"""Noises that `recorrupted` learns from."""

RECORRUPTION = 0.5
"""How much of fresh noise is added to the input under `recorrupted`, `a` of the paper."""


class Choice(NamedTuple):
    """An objective that was chosen.

    Attributes:
        objective: its name.
        reason: why; empty where the images have no noise that is known of.
        advice: where the model keeps part of the noise, how it would not; otherwise empty.
    """

    objective: str
    reason: str = ""
    advice: str = ""

    def __str__(self) -> str:
        if self.advice:
            return (
                f"The model keeps part of the noise of the images: its objective is "
                f"{self.objective}, since {self.reason}. {self.advice}"
            )
        return f"Objective: {self.objective}, since {self.reason}." if self.reason else ""


def for_noise(noise: corruptions.Corruption) -> tuple[str | None, str]:
    """Return the objective that allows to learn from images with known noise alone, and why.

    Gaussian noise and that of photons allow `recorrupted`; other noise that is independent from
    pixel to pixel, and whose images are on average the image itself, `masked`; other noise none.

    Example:
        >>> for_noise(corruptions.parse("speckle:0.2"))[0]
        'masked'
    """
    if isinstance(noise, RECORRUPTED):
        name = "Gaussian" if isinstance(noise, corruptions.Gaussian) else "that of photons,"
        return "recorrupted", f"the noise is {name} of known strength ({noise})"
    if noise.keeps_mean:
        return "masked", (
            f"the noise ({noise}) is independent from pixel to pixel and images with it are on "
            "average the image itself"
        )
    return None, (
        f"images with {noise} are not the image itself on average, or their pixels depend on one "
        "another"
    )


def choose(noise: corruptions.Corruption, corruption: str | None, likelihood: str | None) -> Choice:
    """Return the objective of a model of images with known noise, where none is asked for.

    It is `for_noise`, where the settings that are given fit it, otherwise `observed`.

    Args:
        noise: of the images.
        corruption: that the model is to inject; None: whatever the objective asks for.
        likelihood: that it is to have; None: the same.

    Example:
        >>> choose(corruptions.parse("0.1"), None, None).objective
        'recorrupted'
    """
    found, reason = for_noise(noise)
    if found is None:
        return Choice("observed", reason, "No objective for noisy images alone fits such noise.")
    return fitted(Choice(found, reason), noise, corruption, likelihood)


def fitted(
    choice: Choice, noise: corruptions.Corruption, corruption: str | None, likelihood: str | None
) -> Choice:
    """Return a choice where the settings that are given fit it, otherwise `observed`.

    Args:
        choice: an objective of `OF_NOISY_IMAGES`.
        noise: of the images.
        corruption: that the model is to inject, or None.
        likelihood: that it is to have, or None.
    """
    if (unfit := _unfit(choice.objective, noise, corruption, likelihood)) is None:
        return choice
    name, why = unfit
    advice = f"Without `--{name}` it is {choice.objective}, which keeps none."
    return Choice("observed", why, advice)


def _unfit(
    objective: str, noise: corruptions.Corruption, corruption: str | None, likelihood: str | None
) -> tuple[str, str] | None:
    """Return which setting does not fit an objective, and why; None where all do."""
    if corruption is not None and objective in HIDING:
        return "corruption", f"{objective} injects nothing, where {corruption} is to be injected"
    if corruption is not None and (injected := corruptions.parse(corruption)) != noise:
        return "corruption", f"{injected} is not the noise of the images, {noise}"
    if likelihood == "bernoulli":
        return "likelihood", f"the likelihood bernoulli clips what {objective} reconstructs"
    return None


def target_likelihood(objective: str, level: float) -> str:
    """Return the likelihood that is the noise of what an objective reconstructs.

    Of `recorrupted` that is the noise of the image and what is taken off, of the others the noise
    of the image alone.

    Args:
        objective: of `OF_NOISY_IMAGES`.
        level: standard deviation of the noise of the images.

    Example:
        >>> target_likelihood("recorrupted", 0.1)
        'linear:0.223607'
    """
    factor = math.sqrt(1 + 1 / RECORRUPTION**2) if objective == "recorrupted" else 1.0
    return f"linear:{float(f'{factor * level:.6g}')!r}"


def check_likelihood(objective: str | None, kind: str) -> None:
    """Refuse a likelihood that clips what an objective is to reconstruct.

    Raises:
        ValueError: `recorrupted` with `bernoulli`.
    """
    if objective == "recorrupted" and kind == "bernoulli":
        raise ValueError(
            "`likelihood` must be linear:SIGMA, gaussian:SIGMA or mse with `objective` "
            "recorrupted, whose targets leave [0, 1]; got bernoulli, which clips them."
        )


def check_noise(objective: str, corruption: corruptions.Corruption) -> None:
    """Refuse a corruption that does not fit an objective.

    Raises:
        ValueError: `recorrupted` without such noise, or one of `HIDING` with a corruption.
    """
    if objective == "recorrupted" and not (
        isinstance(corruption, RECORRUPTED) and corruption.level > 0
    ):
        raise ValueError(
            "`corruption` must be gaussian:LEVEL or poisson:LEVEL, of the noise that the images "
            f"have, with `objective` recorrupted; got {corruption}."
        )
    if objective in HIDING and corruption.level > 0:
        raise ValueError(
            f"`corruption` must be none with `objective` {objective}, which hides pixels instead; "
            f"got {corruption}."
        )
