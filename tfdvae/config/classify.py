"""Settings of `tfdvae classify` and `tfdvae predict`."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any

import tyro

from tfdvae._utils import checks
from tfdvae.config.data import BACKGROUNDS, parse_image_size, parse_noise, parse_white
from tfdvae.config.group import one_of
from tfdvae.config.tasks import TaskConfig
from tfdvae.metrics import classification

METRICS = "{accuracy,balanced_accuracy,auc,kappa,quadratic_kappa,sensitivity@SPECIFICITY}"
"""What `--metric` takes, as help has it."""
QUICK: Mapping[str, Any] = {"n_train": 200, "folds": 3, "classifier_steps": 100}
"""Settings of a first look, where others are not given."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassifyConfig:
    """Train a classifier on labelled images, with the augmentation that is best for it, if any.

    The best is chosen by cross-validation on the training images, even where chance could explain
    that it is ahead; test images are only measured.
    The folder gets the classifier, what it says of each image, and a report. The same command goes
    on where it was stopped.

    Example:
        >>> ClassifyConfig(dataset="my_images", output="my_classifier", image_size=(64,)).image_size
        (64, 64)
    """

    dataset: Annotated[str, tyro.conf.arg(metavar="NAME|PATH")]
    """A folder with a folder of images for each class, an .npz file of images and labels, or what
    else `tfdvae train` takes."""
    output: Annotated[str, tyro.conf.arg(metavar="DIR")]
    """Folder for the result."""
    quick: bool = False
    """A first look: 200 images, 3 folds and 100 steps, where other numbers are not given."""
    n_train: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Number of training images: a random subset with the class proportions of the whole. Default:
    all."""
    noise: Annotated[float | str | None, tyro.conf.arg(metavar="{SIGMA,auto}")] = None
    """The images have Gaussian noise: its standard deviation as a fraction of the range, or auto,
    which estimates it. Fresh noise and denoised images are then tried too."""
    metric: Annotated[str, tyro.conf.arg(metavar=METRICS)] = "accuracy"
    """What decides which training is best."""
    folds: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Parts of the cross-validation. Default: 5."""
    classifier_steps: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Steps of each classifier. Default: 1200."""
    denoiser_steps: int = 2400
    """Steps of the models that denoise training images, with --noise."""
    image_size: Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="HEIGHT [WIDTH]")] = None
    """Resize the images of a folder to this height and width; one number is both."""
    skip_unreadable: bool = False
    """Skip images of a folder that cannot be read, and say which."""
    white: Annotated[float | str | None, tyro.conf.arg(metavar="{LEVEL,auto}")] = None
    """The value that stands for white in the images, as for `tfdvae train`."""
    background: Annotated[str | None, one_of(*BACKGROUNDS)] = None
    """What transparent parts of the images of a folder are put on. Default: white, with a note."""
    groups: Annotated[str | None, tyro.conf.arg(metavar="CSV")] = None
    """CSV file with the columns image (path below the folder) and group, such as a patient. Images
    of a group are never learned from and measured at once."""
    data_dir: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """As for `tfdvae train`."""
    seed: int = 0
    """Root seed of every random choice."""
    threads: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Threads to compute with. Default: the cores of this machine."""
    debug: bool = False
    """Show the whole traceback of an error."""
    quiet: bool = False
    """Show errors and notes alone: no progress and no results."""

    def __post_init__(self) -> None:
        checks.texts(self)
        checks.text("dataset", self.dataset)
        checks.text("output", self.output)
        for name in ("n_train", "classifier_steps", "denoiser_steps"):
            if getattr(self, name) is not None:
                checks.integer(name, getattr(self, name), 1)
        if self.folds is not None:
            checks.integer("folds", self.folds, 2)
        if self.threads is not None:
            checks.integer("threads", self.threads, 1, checks.MAX_THREADS)
        checks.integer("seed", self.seed, 0, 2**63 - 1)
        classification.parse(self.metric)
        if self.image_size is not None:
            object.__setattr__(self, "image_size", parse_image_size(self.image_size))
        object.__setattr__(self, "white", parse_white(self.white))
        object.__setattr__(self, "noise", parse_noise(self.noise))
        if self.background is not None:
            checks.choice("background", self.background, BACKGROUNDS)

    def chosen(self, name: str) -> Any:
        """Return a setting, or what stands for its default: `n_train`, `folds` or the steps."""
        value = getattr(self, name)
        if value is not None:
            return value
        return QUICK[name] if self.quick else {"folds": 5, "classifier_steps": 1200}.get(name)

    @property
    def own_images(self) -> dict[str, Any]:
        """Options for images of the user's own, as `data.sources.load` and `.check` take them."""
        names = ("image_size", "skip_unreadable", "white", "background", "groups")
        return {name: getattr(self, name) for name in names}


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictConfig(TaskConfig):
    """Write what a classifier says of images: a CSV with a label and a probability for each."""

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """The folder of `tfdvae classify`, or its classifier.keras or saved_model."""
    input: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="INPUT")]
    """A folder of images with any folders below it, one image, or an .npy or .npz file of
    arrays."""
    output: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="OUT.csv")]
    """The CSV file."""
