"""What a source of datasets is, and the registry of all sources."""

import abc
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from tfdvae._utils import checks
from tfdvae._utils.registry import Registry
from tfdvae.config import data_folder
from tfdvae.data.image_dataset import ImageDataset


class Unavailable(ConnectionError):
    """A dataset is not on this machine and cannot be downloaded; the message says what to do."""


@dataclass(frozen=True)
class Request:
    """What is asked of a source.

    Attributes:
        dataset: text that names the dataset, as `--dataset` takes it.
        data_dir: folder with the dataset's official archives, or with a folder of its name that
            holds them. None: the environment variable TFDVAE_DATA_DIR, if it is set.
        noisy_dir: folder with a noisy image for each one of the dataset.
        image_size: height and width to which images are resized; None: they must have one size.
        skip_unreadable: skip images that cannot be read, with a notice; otherwise the first one
            is an error.
        white: the value that stands for white in the images; `auto`: the largest value in them;
            None: the largest value of their type, of floats 1.
        background: `white` or `black`, what transparent parts of images are put on; None: white,
            with a notice.
        groups: CSV file with the columns `image` and `group`, one line an image: images of one
            group, such as a patient, are never both in train and in test.
        labelled: labels are needed. Otherwise missing or unusable ones are no error.
        n_train: training images that are needed, if known: a source that has fewer may say so
            before it reads any.
        cross_validated: the command cuts the images into parts by itself. Where the dataset has no
            test images, it is then no matter whether groups leave each class in a fifth of it.
        validation: the dataset's own validation images are wanted, where it has any and images
            come in no groups.
    """

    dataset: str = "auto"
    data_dir: str | None = None
    noisy_dir: str | None = None
    image_size: tuple[int, ...] | None = None
    skip_unreadable: bool = False
    white: float | str | None = None
    background: str | None = None
    groups: str | None = None
    labelled: bool = True
    n_train: int | None = None
    cross_validated: bool = False
    validation: bool = False

    def __post_init__(self) -> None:
        checks.texts(self)

    @property
    def archives(self) -> Path | None:
        """The folder that `data_dir` or TFDVAE_DATA_DIR names."""
        return data_folder(self.data_dir)


OPTIONS = ("noisy_dir", "image_size", "skip_unreadable", "white", "background", "groups")
"""The attributes of `Request` that only some sources take."""


class Source(abc.ABC):
    """Where datasets come from: one class for each kind of text that `--dataset` takes.

    Attributes:
        name: of the source, unique.
        description: what the text names, as messages put it, such as "a folder of images".
        options: names of the `OPTIONS` that the source takes; others are refused.
        datasets: names to suggest where somebody misspelt one.
        rank: sources of a lower rank are asked first whether they accept a text. Paths have 1, and
            TFDS, which accepts any text, has 2.

    Example:
        >>> @tfdvae.register_source
        ... class Ramps(Source):
        ...     name = "ramps"
        ...     description = "ramps:SIZE"
        ...
        ...     def accepts(self, text: str) -> bool:
        ...         return text.startswith("ramps:")
        ...
        ...     def load(self, request: Request) -> ImageDataset:
        ...         size = int(request.dataset.removeprefix("ramps:"))
        ...         return ImageDataset.from_arrays(*make_ramps(size), name=request.dataset)
    """

    name: ClassVar[str]
    description: ClassVar[str]
    options: ClassVar[frozenset[str]] = frozenset()
    datasets: ClassVar[tuple[str, ...]] = ()
    rank: ClassVar[int] = 0

    @abc.abstractmethod
    def accepts(self, text: str) -> bool:
        """Return whether the text names a dataset of this source."""

    def check(self, request: Request) -> None:  # noqa: B027 (most have nothing to check)
        """Refuse a request that cannot be met, in well under a second and without TensorFlow.

        Raises:
            ValueError, FileNotFoundError: what does not fit.
        """

    @abc.abstractmethod
    def load(self, request: Request) -> ImageDataset:
        """Return the dataset; `check` was called before.

        Raises:
            ValueError, TypeError, FileNotFoundError: the data cannot be used.
            Unavailable: they cannot be had at the moment.
        """


SOURCES: Registry[Source] = Registry("source")
AnySource = TypeVar("AnySource", bound=type[Source])


def register_source(source: AnySource) -> AnySource:
    """Register a source by decorating its class; `--dataset` of every command then takes it.

    A package registers its sources in a module that is an entry point of the group `tfdvae`.

    Raises:
        ValueError: another source has this name.
    """
    SOURCES.add(source.name, source())
    return source


def find(text: str) -> Source:
    """Return the source that accepts a text: the one of the lowest rank, since TFDS accepts all."""
    return next(s for s in sorted(SOURCES, key=lambda s: s.rank) if s.accepts(text))
