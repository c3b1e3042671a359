"""Goes once through the images of a folder or file and counts what is in there."""

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfdvae.data.image_dataset import to_unit
from tfdvae.image_io import listing, reader
from tfdvae.image_io.listing import printable_path
from tfdvae.learning import pictures
from tfdvae.metrics import noise as metrics_noise
from tfdvae.metrics.noise import NoiseEstimate

NOISE_IMAGES = 200
"""The noise level is estimated on at most about so many images, spread over all."""

_LEAST_SIDE = 8  # pixels that an image needs for an estimate of its noise
_LEAST_KEPT = 128  # pixels a side of the middles that are kept


@dataclass
class Scan:
    """What is in a folder or file.

    Attributes:
        path: of the folder or file.
        kind: `folder`, `image`, `npz` or `npy`.
        images: how many can be read; each frame of a stack is one.
        classes: images by the folder that they are in, below `path`; by array for `.npz` files.
        formats: images by format.
        sizes: images by size, as `HEIGHTxWIDTH`.
        types: images by type, such as `uint8 gray`.
        ranges: least and greatest value by type of number.
        stacks: frames of each file that is a stack.
        constant: names of images of more than one pixel whose pixels are all equal.
        equal: names of images that are equal to one another, in groups.
        unreadable: a message for each image that cannot be read.
        skipped: images in formats that are not read, by suffix.
        noise: standard deviation of the noise as a fraction of the range, estimated for single
            images.
        sample: middles of the same images.
        estimate: the noise that all these show together; None where they show none.
        tally: what was noticed as the images were read.
    """

    path: Path
    kind: str
    images: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    stacks: dict[str, int] = field(default_factory=dict)
    constant: list[str] = field(default_factory=list)
    equal: list[list[str]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    skipped: dict[str, list[str]] = field(default_factory=dict)
    noise: list[float] = field(default_factory=list)
    sample: list[np.ndarray] = field(default_factory=list)
    estimate: NoiseEstimate | None = None
    tally: reader.Tally = field(default_factory=reader.Tally)


def scan(path: Path, scratch: Path) -> Scan:
    """Return what is in a folder of images, an image, or an `.npz` or `.npy` file.

    Args:
        path: of the folder or file.
        scratch: folder in which an `.npz` file is unpacked meanwhile.

    Raises:
        FileNotFoundError: there is nothing of that name.
        ValueError: a file that holds no images.

    Example:
        >>> scan(Path("scans"), Path("scratch")).sizes
        Counter({'480x640': 120})
    """
    if not path.exists():
        raise FileNotFoundError(f"`path` {path} does not exist.")
    suffix = path.suffix.lower()
    kind = suffix[1:] if suffix in reader.ARRAYS else "image"
    found = Scan(path, "folder" if path.is_dir() else kind)
    if path.is_dir():
        for other in listing.images_of_other_formats(path):
            name = printable_path(other.relative_to(path))
            found.skipped.setdefault(other.suffix.lower(), []).append(name)
        if not listing.images_below(path, "path"):
            return found
    count = _count(path)
    by_digest: dict[int, list[str]] = {}
    for piece in reader.pieces(path, "Reading", found.tally, scratch, "path"):
        count = max(count, piece.count)
        step = math.ceil(count / NOISE_IMAGES)
        if piece.stack is not None:
            found.stacks[printable_path(piece.stack)] = piece.count
        names = map(printable_path, piece.names)
        for name, image, digest in zip(names, piece.images, piece.digests, strict=True):
            if found.images % step == 0:
                found.noise += _noise(image)
                _keep(found.sample, image, count / step)
            _count_image(found, name, image)
            if digest is not None:
                by_digest.setdefault(digest, []).append(name)
            elif image.shape[:2] != (1, 1):
                found.constant.append(name)
    found.equal = [same for same in by_digest.values() if len(same) > 1]
    found.unreadable = sorted(found.tally.failed)
    found.estimate = _estimate(found.sample)
    return found


def _count(path: Path) -> int:
    """Return the number of image files."""
    return len(reader.list_files(path, "path")) if path.is_dir() else 1


def _count_image(found: Scan, name: str, image: np.ndarray) -> None:
    found.images += 1
    folder = name.rpartition("/")[0]
    found.classes[folder] += 1
    if found.kind in ("folder", "image"):
        found.formats[_format(name)] += 1
    height, width, channels = image.shape
    found.sizes[f"{height}x{width}"] += 1
    colors = {1: "gray", 3: "color"}.get(channels, f"{channels} channels")
    found.types[f"{image.dtype} {colors}"] += 1
    least, greatest = float(image.min()), float(image.max())
    before = found.ranges.get(str(image.dtype), (math.inf, -math.inf))
    found.ranges[str(image.dtype)] = min(before[0], least), max(before[1], greatest)


def _keep(sample: list[np.ndarray], image: np.ndarray, count: float) -> None:
    """Keep the middle of an image, so large that `count` of them are enough for an estimate."""
    channels = image.shape[-1]
    small = min(image.shape[:2]) < pictures.LEAST_SIDE
    enough = sum(each.size for each in sample) >= metrics_noise.MOST_VALUES
    if small or enough or not np.isfinite(image).all():
        return
    if channels == 3 and (image == image[..., :1]).all():
        image, channels = image[..., :1], 1
    side = max(_LEAST_KEPT, math.isqrt(int(metrics_noise.MOST_VALUES / (count * channels))))
    sample.append(pictures.middle(image, side).copy())


def _estimate(sample: list[np.ndarray]) -> NoiseEstimate | None:
    try:
        return metrics_noise.estimate(map(pictures.unit, sample))
    except ValueError:  # there are none, or constant ones alone
        return None


def _format(name: str) -> str:
    """Return the format of a file by its suffix; a frame of a stack has its number behind it."""
    suffix = Path(re.sub(r"\[\d+\]$", "", name)).suffix.lower()
    return listing.FORMATS.get(suffix, suffix)


def _noise(image: np.ndarray) -> list[float]:
    """Return the standard deviation of Gaussian noise in an image, where it can be estimated.

    By the median of the finest wavelet coefficients, as scikit-image does (Donoho and Johnstone
    1994): fine texture counts as noise.
    """
    if min(image.shape[:2]) < _LEAST_SIDE or not np.isfinite(image).all():
        return []
    from skimage.restoration import estimate_sigma

    unit = to_unit(image)
    sigmas = [
        estimate_sigma(unit[..., channel])
        for channel in range(unit.shape[-1])
        if np.ptp(unit[..., channel]) > 0
    ]
    found = np.mean(sigmas) if sigmas else np.nan
    return [float(found)] if np.isfinite(found) else []
