"""Settings of the classifiers that are trained with and without synthetic images."""

import dataclasses
from typing import Annotated

import tyro

from tfdvae import corruptions
from tfdvae._utils import checks
from tfdvae.config import sets as training_sets
from tfdvae.config.group import Group, one_of
from tfdvae.config.run import AUTO

PROTOCOLS = ("equal_steps", "equal_epochs")
CNN, RESNET = "cnn", "tfdvae.classifier:resnet"
CLASSIFIERS = "{auto,cnn,MODULE:FUNCTION}"
CNN_PIXELS = 32  # of larger images the CNN has tens of millions of weights


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
    sets: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="SET [SET ...]")] = None
    """What classifiers are trained on: limited, the images alone; the name of the model, with its
    synthetic images; or any other set of `tfdvae study augmentation`. Default: these two and, with
    Gaussian noise of --noisy-train (equal_steps), fresh-noise (flips, shifts, fresh noise) and
    denoised (likewise, each image mixed with what a U-Net, which learns from these noisy images
    alone, makes of it)."""
    denoiser_steps: int | None = None
    """Training steps of models that denoise training images for --sets. Default: those of a
    classifier (--classifier-steps)."""
    classifier: Annotated[str | None, tyro.conf.arg(metavar=CLASSIFIERS)] = AUTO
    """The published CNN, or a function (image_shape, classes) -> compiled Keras model. auto: the
    CNN for images up to 32 pixels wide and high, for larger ones a small residual network with far
    fewer weights (tfdvae.classifier:resnet)."""
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
        self.keep("classifier", parse_classifier(self.classifier))
        checks.texts(self)
        self.check_switches("no_classifier")
        checks.choice("protocol", self.protocol, PROTOCOLS)
        self.check_integers("classifier_steps", "classifier_epochs", "denoiser_steps")
        self._check_sets()
        self.keep("test_noise", parse_test_noise(self.test_noise))

    def _check_sets(self) -> None:
        if self.sets is None:
            return
        if self.no_classifier:
            raise ValueError("`sets` cannot be given with `no_classifier`.")
        if not isinstance(self.sets, (tuple, list)) or not self.sets:
            raise ValueError(f"`sets` must be a list of names, at least one; got {self.sets!r}.")
        for name in self.sets:
            checks.choice("sets", name, training_sets.names())
        if len(set(self.sets)) < len(self.sets):
            raise ValueError(f"`sets` must not repeat a name; got {', '.join(self.sets)}.")
        self.keep("sets", tuple(self.sets))

    @property
    def own(self) -> str | None:
        """The function that makes the classifier, where it is not the published CNN."""
        return own_function(self.classifier)

    @property
    def chosen_denoiser_steps(self) -> int:
        """The setting `denoiser_steps`, or what stands for its default."""
        return self.classifier_steps if self.denoiser_steps is None else self.denoiser_steps


def parse_classifier(asked: str | None) -> str:
    """Return what a setting `classifier` says; files of earlier versions have none for the CNN.

    Raises:
        TypeError: no text.
        ValueError: none of `CLASSIFIERS`.
    """
    if asked is None:
        return CNN
    if not isinstance(asked, str):
        raise TypeError(f"`classifier` must be text; got {asked!r} ({type(asked).__name__}).")
    if asked not in (AUTO, CNN) and not all(asked.partition(":")):
        raise ValueError(
            f"`classifier` must be module:function, as my_networks:build; got {asked!r}, which is "
            "neither auto nor cnn."
        )
    return asked


def own_function(asked: str | None) -> str | None:
    """Return the function that makes a classifier; None where it is the published CNN.

    Example:
        >>> own_function("cnn"), own_function("my_networks:build")
        (None, 'my_networks:build')
    """
    return None if asked in (AUTO, CNN) else asked


def chosen_classifier(asked: str | None, height: int, width: int) -> str:
    """Return a classifier by its name, or what `auto` stands for with images of this size.

    None is the published CNN, as in files of earlier versions.

    Example:
        >>> chosen_classifier("auto", 28, 28), chosen_classifier("auto", 64, 48)
        ('cnn', 'tfdvae.classifier:resnet')
    """
    if asked != AUTO:
        return asked or CNN
    return CNN if max(height, width) <= CNN_PIXELS else RESNET


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
