"""Settings of the study on few labels."""

import dataclasses
from typing import Annotated

import tyro

from tfdvae import corruptions
from tfdvae._utils import checks
from tfdvae.config import AUTO, PRECISIONS
from tfdvae.config.classifier import parse_test_noise
from tfdvae.config.group import one_of
from tfdvae.studies.registry import register_study
from tfdvae.studies.settings import StudyConfig

METHODS = ("supervised", "pseudo-labels", "pixels", "pca", "dae", "dvae")
REFERENCE = "supervised"


@register_study(
    "few-labels",
    function="tfdvae.studies.few_labels.study:run",
    report="tfdvae.studies.few_labels.report:write",
)
@dataclasses.dataclass(frozen=True)
class FewLabelsStudyConfig(StudyConfig):
    """Tell what noisy images without labels are worth to a classifier that has few labels."""

    n_labels: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT [INT ...]")] = (100, 500)
    """Training images that have a label, in the class proportions of all."""
    n_train: int = 5000
    """Training images, with and without labels; another subset for each seed."""
    train_noise: Annotated[str, tyro.conf.arg(metavar="KIND:LEVEL")] = "gaussian:0.2"
    """Gaussian noise of the training images, which are corrupted once before anything sees them."""
    methods: Annotated[tuple[str, ...], tyro.conf.arg(metavar="METHOD [METHOD ...]")] = METHODS
    """supervised: the published CNN on the images with labels, with flips, shifts and fresh noise;
    pseudo-labels: likewise on all images, those without a label with the one that the first CNN is
    surest of; a support vector machine, trained with the labels, on pixels, on principal components
    of all images (pca), on the code of a DAE or on the mean of the code of a DVAE of all images."""
    test_noise: Annotated[tuple[str, ...], tyro.conf.arg(metavar="LEVEL [LEVEL ...]")] = (
        "0",
        "0.05",
        "0.1",
        "0.15",
        "0.2",
    )
    """Corruptions of the test images, as for `tfdvae train`."""
    classifier_steps: int = 900
    """Steps of each CNN; its learning rate falls to 0 over them."""
    epochs: int = 60
    """Epochs of the DAE and the DVAE."""
    latent_dim: int = 32
    """Principal components, and latent units of the DAE and the DVAE."""
    precision: Annotated[str, one_of(AUTO, *PRECISIONS)] = AUTO
    """Of the CNN; the DAE and the DVAE are trained with float32. auto: that of the study in the
    folder, else bfloat16 where the machine has units for it and float32 elsewhere."""
    seeds: Annotated[tuple[int, ...], tyro.conf.arg(metavar="INT [INT ...]")] = tuple(range(10))
    """Root seeds. All methods of a seed share images, noise, labels and test noise."""
    development: bool = False
    """Measure on training images that are not used otherwise instead of test images: for choosing
    settings, with seeds that are not reported."""

    def __post_init__(self) -> None:
        for method in self.methods:
            checks.choice("methods", method, METHODS)
        object.__setattr__(self, "test_noise", parse_test_noise(self.test_noise))
        noise = corruptions.parse(self.train_noise, "train_noise")
        if not (isinstance(noise, corruptions.Gaussian) and noise.level > 0):
            raise ValueError(f"`train_noise` must be gaussian:LEVEL above 0; got {noise}.")
        object.__setattr__(self, "train_noise", str(noise))
        super().__post_init__()
        for name in ("n_train", "classifier_steps", "epochs", "latent_dim"):
            checks.integer(name, getattr(self, name), 1)
        checks.choice("precision", self.precision, (AUTO, *PRECISIONS))
        for count in self.n_labels:
            checks.integer("n_labels", count, 1)
