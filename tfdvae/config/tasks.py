"""Settings of the commands that use a trained model."""

import dataclasses
import re
from typing import Annotated

import tyro

from tfdvae._utils import checks
from tfdvae.config import executors
from tfdvae.config.data import BACKGROUNDS, parse_level
from tfdvae.config.group import one_of

SAMPLES = 16
"""Draws of the posterior of an image, where none are asked for."""

MOST_SAMPLES = 1_000_000
"""Draws of an image at most: so many take hours, and their mean no longer changes."""

EXPORT_FORMATS = ("saved_model", "onnx")

Model = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
Input = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="INPUT")]
Output = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="OUTPUT")]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskConfig:
    """Settings of every command that uses a trained model."""

    overwrite: bool = False
    """Replace existing files."""
    threads: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Threads to compute with. Default: the cores of this machine."""
    debug: bool = False
    """Show the whole traceback of an error."""
    quiet: bool = False
    """Show errors and notes alone: no progress and no results."""

    def __post_init__(self) -> None:
        checks.texts(self)
        if self.threads is not None:
            checks.integer("threads", self.threads, 1, checks.MAX_THREADS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImagesConfig(TaskConfig):
    """Settings of a command from images to images or values."""

    model: Model
    """A run folder, a .keras file, a SavedModel, an ONNX file of `tfdvae export` (not to encode or
    augment), or the name of a model that comes with tfdvae (`tfdvae models`)."""
    input: Input
    """A folder of images with any folders below it, one image, or an .npy or .npz file of
    arrays."""
    output: Output
    """Where the result goes."""
    white: Annotated[float | None, tyro.conf.arg(metavar="LEVEL")] = None
    """The value that stands for white in the images, such as 4095 for 12 bits stored in 16.
    Default: that of the images that the model was trained on, otherwise the largest value of their
    type, of floats 1."""
    background: Annotated[str | None, one_of(*BACKGROUNDS)] = None
    """What transparent parts of images are put on. Default: as for the images that the model was
    trained on, otherwise white, with a note."""

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_level(self.white)
        if self.background is not None:
            checks.choice("background", self.background, BACKGROUNDS)


def parse_part(text: str) -> tuple[int, int]:
    """Return which part of how many is meant.

    Raises:
        ValueError: not two whole numbers I/N with I from 1 to N.

    Example:
        >>> parse_part("2/4")
        (2, 4)
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise ValueError(f"`part` must be I/N with I from 1 to N, such as 2/4; got {text!r}.")
    return number, count


@dataclasses.dataclass(frozen=True, kw_only=True)
class DenoiseConfig(ImagesConfig):
    """Denoise images; the output has the layout, file types and names of the input.

    The output is a folder, an image or a file of arrays, as the input is. Without a model,
    `tfdvae denoise --learn INPUT OUTPUT` learns from noisy images alone (`--learn INPUT --help`).
    """

    samples: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """The mean of so many draws of the posterior (vae, dvae). Default: as the model was made for,
    mostly without draws; with --uncertainty 16."""
    uncertainty: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder for the standard deviation of the draws at each pixel, as a fraction of white: a TIFF
    file of floats for each image or stack, arrays for a file of arrays (vae, dvae)."""
    part: Annotated[str | None, tyro.conf.arg(metavar="I/N")] = None
    """Only every Nth file of the folder, from the Ith on: with 1/4 to 4/4, four machines that see
    the same folders share the work."""
    executor: Annotated[str, executors.Executor] = "processes"
    """processes: this machine. ray: the machines of a Ray cluster, which must see the folders at
    the same place (`pip install "tfdvae[ray]"`); --threads, by default 1, is what each part of the
    work takes."""
    address: Annotated[str | None, executors.Address] = None
    """Of the Ray cluster; auto: the one that this machine belongs to. Default: a cluster of this
    machine alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.samples is not None:
            least = 1 if self.uncertainty is None else 2
            checks.integer("samples", self.samples, least, MOST_SAMPLES)
        executors.check(self.executor, self.address)
        shared = self.executor == "ray"
        if self.part is not None:
            parse_part(self.part)
            if shared:
                raise ValueError("`part` is what `executor` ray chooses; give one of them.")
        if shared and self.overwrite:
            raise ValueError(
                "`overwrite` cannot be had with `executor` ray, which goes on where machines were "
                "lost: give another folder."
            )
        if self.uncertainty is not None and (shared or self.part is not None):
            raise ValueError(
                "`uncertainty` is of a whole folder on this machine; it cannot be had with `part` "
                "or `executor` ray."
            )

    @property
    def chosen_samples(self) -> int | None:
        """Draws of the posterior: `samples`, or what stands for its default."""
        return SAMPLES if self.samples is None and self.uncertainty is not None else self.samples


@dataclasses.dataclass(frozen=True, kw_only=True)
class EncodeConfig(ImagesConfig):
    """Write the code of each image to an .npz file: `codes` and `names`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AugmentConfig(ImagesConfig):
    """Write labelled synthetic images in the layout of the input, and a manifest.csv of origins."""

    input: Input
    """A folder with a folder for each class, a folder of images, or an .npz file of images and
    their labels."""
    per_image: int = 2
    """Synthetic images for each image."""
    include_originals: bool = False
    """Copy the images of the input beside the synthetic ones."""
    seed: int = 0
    """Root seed of every random choice."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.integer("per_image", self.per_image, 1)
        checks.integer("seed", self.seed, 0, 2**63 - 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DetectConfig(ImagesConfig):
    """Write a CSV of images with their anomaly scores, the most anomalous first."""

    normal: Annotated[str | None, tyro.conf.arg(metavar="INPUT")] = None
    """Normal images, which the model was not trained on: the score that few of them exceed becomes
    the threshold."""
    false_positive_rate: float = 0.05
    """The fraction of normal images that may exceed the threshold."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.number("false_positive_rate", self.false_positive_rate, 0, 1)
        if self.normal is None and self.false_positive_rate != DetectConfig.false_positive_rate:
            raise ValueError(
                "`false_positive_rate` is for a threshold from `normal` images; got "
                f"{self.false_positive_rate} without them."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImputeConfig(ImagesConfig):
    """Fill in missing pixels: those that a mask marks, or NaN in arrays."""

    mask: Annotated[str | None, tyro.conf.arg(metavar="INPUT")] = None
    """A mask for each image, of the same name below a folder or in a file of arrays, or one image
    for all: pixels that are not 0 are missing. Default: pixels that are NaN are missing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleConfig(TaskConfig):
    """Draw images from a VAE or DVAE: a folder of PNG files, or an .npy or .npz file.

    They are new ones, or clean ones that a noisy image may show.
    """

    model: Model
    """A run folder, a .keras file, a SavedModel, or the name of a model that comes with tfdvae
    (`tfdvae models`)."""
    output: Output
    """Where the result goes."""
    around: Annotated[str | None, tyro.conf.arg(metavar="IMAGE")] = None
    """A noisy image: what is drawn are clean images that it may show, with its bits. Default: new
    images."""
    count: int = 16
    """How many."""
    seed: int = 0
    """Root seed; the same seed gives the same images."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.integer("count", self.count, 1)
        checks.integer("seed", self.seed, 0, 2**63 - 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportConfig(TaskConfig):
    """Write a model for use without tfdvae: a SavedModel or an ONNX file."""

    model: Model
    """A run folder, a .keras file, or the name of a model that comes with tfdvae (`tfdvae
    models`)."""
    output: Annotated[str | None, tyro.conf.arg(metavar="PATH")] = None
    """Where it goes. Default: a name made from the model's, in this folder."""
    format: Annotated[str, one_of(*EXPORT_FORMATS)] = "saved_model"
    """saved_model, for TensorFlow and TensorFlow Serving; onnx, which needs the packages of
    tfdvae[onnx]."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.choice("format", self.format, EXPORT_FORMATS)
