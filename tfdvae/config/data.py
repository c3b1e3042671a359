"""Settings of the images: which, how many and in what condition."""

import dataclasses
import os
from pathlib import Path
from typing import Annotated

import tyro

from tfdvae import corruptions
from tfdvae._utils import checks, text
from tfdvae.config.group import Group, one_of

DEFAULT_N_TRAIN = 5000
MAX_IMAGE_SIZE = 8192
BACKGROUNDS = ("white", "black")


@dataclasses.dataclass(frozen=True)
class DataConfig(Group):
    """The images to learn from.

    Example:
        >>> DataConfig(dataset="digits", image_size=(32,)).image_size
        (32, 32)
    """

    dataset: Annotated[str, tyro.conf.arg(metavar="NAME|PATH")] = "auto"
    """TFDS image-classification set by its TFDS name, `digits` (embedded), a folder of images, or
    an .npz file of arrays. auto: fashion_mnist where it is cached, in the data folder or can be
    downloaded, otherwise digits."""
    noisy_dir: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder with a noisy image for each one in the folder --dataset, of the same name: a dae or
    dvae learns to turn these into those (with --no-classifier)."""
    image_size: Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="HEIGHT [WIDTH]")] = None
    """Resize the images of a folder to this height and width; one number is both."""
    skip_unreadable: bool = False
    """Skip images of a folder that cannot be read, and say which."""
    white: Annotated[float | str | None, tyro.conf.arg(metavar="{LEVEL,auto}")] = None
    """The value that stands for white in the images of a folder or .npz file, such as 4095 for 12
    bits stored in 16; auto: the largest value in them. Default: the largest value of their type, of
    floats 1. Commands that use the model take it over."""
    background: Annotated[str | None, one_of(*BACKGROUNDS)] = None
    """What transparent parts of the images of a folder are put on. Default: white, with a note.
    Commands that use the model take it over."""
    data_dir: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder with the official archives of the dataset (or with such folders, each named like its
    dataset). Where it is not given, the environment variable TFDVAE_DATA_DIR."""
    n_train: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Number of training images: a random subset with the class proportions of the whole. Default:
    5000, or all if fewer."""
    noisy_train: bool = False
    """Corrupt the training images once before anything sees them (observed noise)."""
    train_noise: Annotated[str, tyro.conf.arg(metavar="KIND:LEVEL")] = "gaussian:0.1"
    """The observed noise of --noisy-train (see `tfdvae corruptions`)."""
    noise: Annotated[float | str | None, tyro.conf.arg(metavar="{SIGMA,auto}")] = None
    """The images have noise already, those to test with too, and none is clean: the standard
    deviation of Gaussian noise as a fraction of the range, or auto, which estimates the noise."""

    def __post_init__(self) -> None:
        checks.texts(self)
        self.check_integers("n_train")
        self.check_switches("noisy_train", "skip_unreadable")
        self.keep("train_noise", str(corruptions.parse(self.train_noise, "train_noise")))
        if self.image_size is not None:
            self.keep("image_size", parse_image_size(self.image_size))
        self.keep("white", parse_white(self.white))
        self.keep("noise", parse_noise(self.noise))
        if self.background is not None:
            checks.choice("background", self.background, BACKGROUNDS)
        if not self.noisy_train and self.changed("train_noise"):
            raise ValueError(
                f"`train_noise` is for `noisy_train`; got {self.train_noise} without it."
            )
        if self.noisy_train and self.noisy_dir is not None:
            raise ValueError(
                "`noisy_train` cannot be given with `noisy_dir`, whose images are noisy already."
            )
        for name in ("noisy_train", "noisy_dir") if self.noise is not None else ():
            if getattr(self, name):
                raise ValueError(
                    f"`noise` is for images that are noisy by themselves, of which no clean ones "
                    f"are; it cannot be given with `{name}`."
                )

    @property
    def condition(self) -> str:
        """What the training images are: `clean` as far as one knows, or `noisy`."""
        noisy = self.noisy_train or self.noisy_dir is not None or self.noise is not None
        return "noisy" if noisy else "clean"

    @property
    def known_noise(self) -> corruptions.Corruption | None:
        """The noise of the training images where it is known: of `noisy_train`, or given."""
        if isinstance(self.noise, float):
            return corruptions.Gaussian(self.noise)
        noise = corruptions.parse(self.train_noise) if self.noisy_train else None
        return noise if noise is not None and noise.level > 0 else None

    @property
    def title(self) -> str:
        """The dataset as titles name it: of a path the last part, on one line."""
        absolute = Path(self.dataset).is_absolute()
        return text.name(Path(self.dataset).name if absolute else self.dataset)

    @property
    def own_images(self) -> dict:
        """What `sources.load` and `sources.check` take for images of the user's own."""
        return {
            "noisy_dir": self.noisy_dir,
            "image_size": self.image_size,
            "skip_unreadable": self.skip_unreadable,
            "white": self.white,
            "background": self.background,
        }


def parse_image_size(sizes: tuple[int, ...] | list[int]) -> tuple[int, int]:
    """Return height and width from one number, which is both, or two.

    Raises:
        TypeError: not whole numbers.
        ValueError: not one or two of them, or one outside [1, 8192].
    """
    if not isinstance(sizes, (tuple, list)) or len(sizes) not in (1, 2):
        raise ValueError(
            f"`image_size` must be one or two whole numbers, height and width; got {sizes!r}."
        )
    height, width = (
        checks.integer("image_size", size, 1, MAX_IMAGE_SIZE) for size in (*sizes, sizes[0])[:2]
    )
    return height, width


def parse_white(value: float | str | None) -> float | str | None:
    """Return the setting `white`: a number above 0, `auto` or None.

    Args:
        value: one of these, a number also as text.

    Raises:
        TypeError: neither a number nor text.
        ValueError: a number that is not above 0, or another text.

    Example:
        >>> parse_white("4095.0"), parse_white("auto")
        (4095, 'auto')
    """
    if value is None or value == "auto":
        return value
    return parse_level(_number(value, "`white` must be a number above 0 or auto"))


def parse_noise(value: float | str | None) -> float | str | None:
    """Return the setting `noise`: a number above 0 and up to 1, `auto` or None.

    Args:
        value: one of these, a number also as text.

    Raises:
        TypeError: neither a number nor text.
        ValueError: a number outside this interval, or another text.

    Example:
        >>> parse_noise("0.1"), parse_noise("auto")
        (0.1, 'auto')
    """
    if value is None or value == "auto":
        return value
    number = _number(value, "`noise` must be a standard deviation between 0 and 1, or auto")
    return float(checks.number("noise", number, 0, 1, above_low=True))


def _number(value: float | str, expected: str) -> float:
    """Return a number that may be given as text.

    Raises:
        ValueError: another text; the message begins with what is expected.
    """
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"{expected}; got {value!r}.") from None


def parse_level(value: float | None) -> float | None:
    """Return a value that stands for white, an int if it is whole, or None.

    Raises:
        TypeError: no number.
        ValueError: not above 0 and finite.

    Example:
        >>> parse_level(4095.0)
        4095
    """
    if value is None:
        return None
    found = float(checks.number("white", value, 0, above_low=True))
    return int(found) if found.is_integer() else found


def data_folder(data_dir: str | None) -> Path | None:
    """Return the folder of `--data-dir`, else the one of TFDVAE_DATA_DIR, else None.

    An empty TFDVAE_DATA_DIR counts as not set.

    Raises:
        ValueError: TFDVAE_DATA_DIR is blank or can be no path.
    """
    if data_dir is None and (data_dir := os.environ.get("TFDVAE_DATA_DIR") or None) is not None:
        checks.text("TFDVAE_DATA_DIR", data_dir)
    return None if data_dir is None else Path(data_dir).expanduser()
