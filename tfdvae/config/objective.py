"""What a model may learn, and which noise each objective asks for."""

from tfdvae import corruptions

OBJECTIVES = ("observed", "corrupted", "recorrupted", "masked", "paired")
HIDING = ("masked", "paired")
"""Objectives that hide pixels of the image, and inject no corruption."""
OF_NOISY_IMAGES = ("recorrupted", *HIDING)
"""Objectives that learn from the noise that the images have."""


def check_likelihood(objective: str, kind: str) -> None:
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
        ValueError: `recorrupted` without Gaussian noise, or one of `HIDING` with a corruption.
    """
    if objective == "recorrupted" and not (
        isinstance(corruption, corruptions.Gaussian) and corruption.level > 0
    ):
        raise ValueError(
            "`corruption` must be gaussian:LEVEL, of the noise that the images have, with "
            f"`objective` recorrupted; got {corruption}."
        )
    if objective in HIDING and corruption.level > 0:
        raise ValueError(
            f"`corruption` must be none with `objective` {objective}, which hides pixels instead; "
            f"got {corruption}."
        )
