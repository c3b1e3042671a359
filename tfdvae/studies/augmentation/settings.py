"""Settings of the augmentation study."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any

import tyro

from tfdvae._utils import checks
from tfdvae.config import AUTO, PRECISIONS, PROTOCOLS, ClassifierConfig, TrainConfig
from tfdvae.config import sets as training_sets
from tfdvae.config.classifier import (
    CLASSIFIERS,
    own_function,
    parse_classifier,
    parse_test_noise,
)
from tfdvae.config.classify import METRICS
from tfdvae.config.data import BACKGROUNDS, parse_image_size, parse_white
from tfdvae.config.group import one_of
from tfdvae.metrics import classification
from tfdvae.studies.augmentation import noises
from tfdvae.studies.registry import register_study
from tfdvae.studies.settings import StudyConfig

CONDITIONS = ("clean", "noisy")
OBSERVED_NOISE = "gaussian:0.1"  # of the noisy condition, as published
SCHEDULES = ("constant", "cosine")
NETWORK = "mlp"  # of the generative models
SAMPLES_PER_IMAGE = 2
BOOTSTRAPS = 200
OWN_VALIDATION = "validation_images"  # in `config.json`, how many there are where they are used
ADDED_SETTINGS = (
    "reference",
    "schedule",
    "label_smoothing",
    "denoiser_steps",
    "assumed_noise",
    "balance",
    "test_time_averaging",
    "denoise_at_test",
)
"""Settings that may not change either; folders of earlier versions lack them, so that they are kept
only where they are not at their defaults."""


def condition_label(condition: str, train_noise: str) -> str:
    """Return the name of a condition, with its noise where that is not the published one.

    Example:
        >>> condition_label("noisy", "gaussian:0.2")
        'noisy gaussian:0.2'
    """
    plain = condition != "noisy" or train_noise in ("", OBSERVED_NOISE)
    return condition if plain else f"{condition} {train_noise}"


def averaged_metric(metric: str) -> str:
    """Return the name of a metric of the mean over a test image and its mirror image."""
    return f"{metric}_averaged"


def denoised_metric(metric: str) -> str:
    """Return the name of a metric of test images that were denoised first."""
    return f"{metric}_denoised"


def file_name(text: str) -> str:
    """Return the name of a condition or noise as a part of names of files and cells.

    Example:
        >>> file_name("noisy gaussian:0.2")
        'noisy-gaussian-0.2'
    """
    return text.replace(" ", "-").replace(":", "-")


_QUICK: Mapping[str, Any] = {
    "dataset": "digits",
    "seeds": (0, 1, 2),
    "sets": ("limited", "classical+gaussian", "dvae"),
    "protocols": ("equal_steps",),
    "epochs": 30,
    "classifier_steps": 60,
    "other_noise": ("salt_and_pepper:0.1",),
    "quick": True,
}


@register_study(
    "augmentation",
    function="tfdvae.studies.augmentation.study:run",
    report="tfdvae.studies.augmentation.report:write",
)
@dataclasses.dataclass(frozen=True)
class AugmentationStudyConfig(StudyConfig):
    """Tell whether synthetic images and other augmentations help a classifier, and by how much.

    The study is of the published data or of images of one's own.
    """

    dataset: Annotated[str, tyro.conf.arg(metavar="NAME|PATH")] = "fashion_mnist"
    """As for `tfdvae train`: a name, a folder of images with a folder for each class, or an .npz
    file."""
    image_size: Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="HEIGHT [WIDTH]")] = None
    """As for `tfdvae train`."""
    skip_unreadable: bool = False
    """As for `tfdvae train`."""
    white: Annotated[float | str | None, tyro.conf.arg(metavar="{LEVEL,auto}")] = None
    """As for `tfdvae train`."""
    background: Annotated[str | None, one_of(*BACKGROUNDS)] = None
    """As for `tfdvae train`."""
    groups: Annotated[str | None, tyro.conf.arg(metavar="CSV")] = None
    """File with the columns image and group, such as a patient, for images of one's own: no group
    is then in training and test images alike."""
    n_train: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """As for `tfdvae train`; the subset is another for each seed."""
    conditions: Annotated[
        tuple[str, ...] | None, tyro.conf.arg(metavar="CONDITION [CONDITION ...]")
    ] = None
    """clean: clean training images, or the user's own; noisy: corrupted once with `train_noise`
    before anything sees them. Default: both, but for images of one's own clean."""
    train_noise: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="KIND:LEVEL [KIND:LEVEL ...]")
    ] = (OBSERVED_NOISE,)
    """Noises of the noisy condition; each has its own classifiers."""
    sets: Annotated[tuple[str, ...], tyro.conf.arg(metavar="SET [SET ...]")] = (
        training_sets.default_names()
    )
    """What classifiers are trained on: limited, the images alone; duplicate, three times the same;
    gaussian, fresh noise at each step; classical, flips, shifts and erasing; classical+gaussian;
    dae, vae, dvae, with two synthetic images for each one. With Gaussian train_noise: fresh-noise,
    flips, shifts and fresh noise of random strength; the same after each image was mixed, with
    random strength, with its denoised self (denoised: by a DAE of these images alone;
    dvae-views: one of 8 draws of a DVAE; denoised-non_local_means, denoised-tv, denoised-bm3d: by a
    filter), with the noise of another one (denoised-shuffled), or with more noise (recorrupted);
    fresh-noise, where the classifier also learns to remove that noise (restoring);
    fresh-noise and denoised with two of each image, on which the classifier is to agree (agreeing,
    denoised-agreeing), or taught by a classifier that was trained on them first (distilled,
    denoised-distilled); and with clean images, as limits: denoised-clean-targets, clean-images. For
    images without an upright: oriented, mirrors and quarter turns; oriented+light, also contrast
    and colors; oriented+vae, oriented+dvae, also two synthetic images for each one."""
    reference: Annotated[str, tyro.conf.arg(metavar="SET")] = "limited"
    """The set that all others are compared with: the best one without a model on seeds that are not
    reported. It cannot be changed once the study has begun."""
    protocols: Annotated[
        tuple[str, ...] | None, tyro.conf.arg(metavar="PROTOCOL [PROTOCOL ...]")
    ] = None
    """equal_steps: all classifiers are trained for as many steps; equal_epochs, as published, only
    limited, duplicate, dae, vae and dvae: three times the images are then three times the steps.
    Default: both, but for images of one's own equal_steps."""
    seeds: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT [INT ...]")] = (0, 1, 2, 3, 4)
    """Root seeds. All classifiers of a seed share subset, noise, initial weights and test noise, so
    that their differences are paired."""
    epochs: int = 60
    """Epochs of the generative models."""
    latent_dim: int = 4
    """Latent units of the generative models."""
    classifier: Annotated[str | None, tyro.conf.arg(metavar=CLASSIFIERS)] = AUTO
    """The published CNN, or a function (image_shape, classes) -> compiled Keras model. auto: that
    of the study in the folder, else as for `tfdvae train`, by the size of the images."""
    classifier_steps: int = 2340
    """Steps of each classifier (equal_steps). Default: where the accuracy on validation images
    levels off with the training set that needs most, classical+gaussian (results/development)."""
    classifier_epochs: int = 3
    """Epochs of each classifier (equal_epochs). Default: where the accuracy on validation images of
    limited, clean, is nearest to the published 83.56% (results/development)."""
    schedule: Annotated[str, one_of(*SCHEDULES)] = "constant"
    """Learning rate of all classifiers: constant, or falling to 0 over the steps (cosine)."""
    label_smoothing: float = 0.0
    """Part of each label that is spread over all classes, for all classifiers."""
    balance: bool = False
    """Let all classes count equally for all classifiers: losses of rarer ones weigh more."""
    denoiser_steps: int = 2400
    """Training steps of the models that denoise training images."""
    assumed_noise: Annotated[float | str, tyro.conf.arg(metavar="{FACTOR,auto}")] = 1.0
    """What denoisers take for the standard deviation of the noise, as a multiple of the true one;
    or auto, which estimates it from the noisy training images of each seed."""
    precision: Annotated[str, one_of(AUTO, *PRECISIONS)] = AUTO
    """Of the published CNN; generative models are trained with float32. auto: that of the study in
    the folder, else bfloat16 where the machine has units for it and float32 elsewhere."""
    metric: Annotated[str, tyro.conf.arg(metavar=METRICS)] = "accuracy"
    """The metric of the verdict."""
    test_noise: Annotated[tuple[str, ...], tyro.conf.arg(metavar="LEVEL [LEVEL ...]")] = (
        ClassifierConfig.test_noise
    )
    """Corruptions of the test images that the verdict is about, as for `tfdvae train`; the first is
    0, the clean images."""
    other_noise: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="KIND:LEVEL [KIND:LEVEL ...]")
    ] = (
        "clipped_gaussian:0.1",
        "masking:0.1",
        "salt_and_pepper:0.1",
        "random_erasing:1",
        "speckle:0.3",
        "uniform:0.2",
    )
    """Further corruptions of the test images."""
    test_time_averaging: bool = False
    """Measure each classifier a second time, by the mean of what it says of a test image and of its
    mirror image. It has a table of its own; the verdict stays on single images."""
    denoise_at_test: bool = False
    """With Gaussian train_noise: measure each classifier a second time, on test images that the
    U-Net of the set denoised has denoised, which learned from the noisy training images of the seed
    alone. It has a table of its own; the verdict stays on test images as they are."""
    development: bool = False
    """Measure on validation images instead of test images, after each epoch: for choosing steps and
    settings, with seeds that are not reported. They are the val_images of an .npz file that has
    them, otherwise held out of the training images."""
    quick: bool = False
    """A first look: few images, of the digits unless --dataset names others, those of a folder at
    most 32 pixels wide and high, and few steps, in one process. Any other flag wins over it."""
    dry_run: bool = False
    """List the cells that are missing and the time that they will take, measured on some steps, and
    stop."""

    QUICK = _QUICK
    REPEATABLE = ("image_size",)

    def __post_init__(self) -> None:
        for name, choices in (
            ("conditions", CONDITIONS),
            ("sets", training_sets.names()),
            ("protocols", PROTOCOLS),
        ):
            for value in getattr(self, name) or ():
                checks.choice(name, value, choices)
        checks.choice("reference", self.reference, training_sets.names())
        object.__setattr__(self, "classifier", parse_classifier(self.classifier))
        object.__setattr__(self, "train_noise", noises.parse_train_noise(self.train_noise))
        object.__setattr__(self, "test_noise", parse_test_noise(self.test_noise))
        object.__setattr__(self, "other_noise", parse_test_noise(self.other_noise, "other_noise"))
        if self.image_size is not None:
            object.__setattr__(self, "image_size", parse_image_size(self.image_size))
        object.__setattr__(self, "white", parse_white(self.white))
        if self.background is not None:
            checks.choice("background", self.background, BACKGROUNDS)
        super().__post_init__()
        if self.test_noise[0] != "none":
            raise ValueError(
                "`test_noise` must begin with 0, the clean images; "
                f"got {', '.join(self.test_noise)}."
            )
        if both := set(self.test_noise) & set(self.other_noise):
            raise ValueError(
                "`other_noise` must hold none of `test_noise`; "
                f"both hold {', '.join(sorted(both))}."
            )
        noises.check(self.sets, self.train_noise, self.assumed_noise, self.denoise_at_test)
        for name in (
            "epochs",
            "latent_dim",
            "classifier_steps",
            "classifier_epochs",
            "denoiser_steps",
        ):
            checks.integer(name, getattr(self, name), 1)
        checks.choice("schedule", self.schedule, SCHEDULES)
        for name in ("test_time_averaging", "denoise_at_test") if self.development else ():
            if getattr(self, name):
                raise ValueError(f"`{name}` cannot be given with `development`.")
        checks.number("label_smoothing", self.label_smoothing, 0, 0.9)
        if self.n_train is not None:
            checks.integer("n_train", self.n_train, 1)
        checks.choice("precision", self.precision, (AUTO, *PRECISIONS))
        classification.parse(self.metric)

    @property
    def own_classifier(self) -> str | None:
        """The function that makes the classifier, where it is not the published CNN."""
        return own_function(self.classifier)

    @property
    def own_images(self) -> dict[str, Any]:
        """Options for images of the user's own, as `data.sources.load` and `.check` take them."""
        return {
            "image_size": self.image_size,
            "skip_unreadable": self.skip_unreadable,
            "white": self.white,
            "background": self.background,
            "groups": self.groups,
        }


def generator_settings(model: str, **settings: Any) -> TrainConfig:
    """Return the settings of a generative model of the study, as those of the main job.

    It reconstructs the image as observed, as published, also where that is noisy.
    """
    return TrainConfig.of(model=model, network=NETWORK, objective="observed", **settings)
