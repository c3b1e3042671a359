"""Settings of the classifiers that are trained with and without synthetic images."""

import dataclasses
from typing import Annotated

import tyro

from tfdvae import corruptions
from tfdvae._utils import checks
from tfdvae.config.group import Group, one_of

PROTOCOLS = ("equal_steps", "equal_epochs")


@dataclasses.dataclass(frozen=True)
class ClassifierConfig(Group):
    """The classifiers, trained with and without synthetic images, and their tests.

    Example:
        >>> ClassifierConfig(test_noise=("0", "masking:0.5")).test_noise
        ('none', 'masking:0.5')
    """

    no_classifier: bool = False
    """Stop after the generative model and its synthetic images: train and test no classifier."""
    protocol: Annotated[str, one_of(*PROTOCOLS)] = "equal_steps"
    """Train each classifier for as many steps as the others, or for as many epochs (as published;
    more images are then also more steps)."""
    classifier_steps: int = 1200
    """Steps of each classifier (equal_steps)."""
    classifier_epochs: int = 7
    """Epochs of each classifier (equal_epochs)."""
    test_noise: Annotated[tuple[str, ...], tyro.conf.arg(metavar="LEVEL [LEVEL ...]")] = (
        "0",
        "0.025",
        "0.05",
        "0.075",
        "0.1",
    )
    """Corruptions of the test images: a number is the standard deviation of Gaussian noise,
    KIND:LEVEL is any other."""

    def __post_init__(self) -> None:
        checks.texts(self)
        self.check_switches("no_classifier")
        checks.choice("protocol", self.protocol, PROTOCOLS)
        self.check_integers("classifier_steps", "classifier_epochs")
        self.keep("test_noise", parse_test_noise(self.test_noise))


def parse_test_noise(
    levels: tuple[str, ...] | list[str], argument: str = "test_noise"
) -> tuple[str, ...]:
    """Return names of corruptions in their plain form; one of level 0 is `none`.

    Raises:
        ValueError: no list, an empty one, a corruption that does not exist, or one twice.
    """
    if not isinstance(levels, (tuple, list)) or not levels:
        raise ValueError(f"`{argument}` must be a list of levels, at least one; got {levels!r}.")
    parsed = [corruptions.parse(item, argument) for item in levels]
    names = ["none" if corruption.level == 0 else str(corruption) for corruption in parsed]
    if len(set(names)) < len(names):
        raise ValueError(f"`{argument}` must not repeat a level; got {', '.join(names)}.")
    return tuple(names)
