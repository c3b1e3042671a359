"""The noise in images, estimated from the noisy images alone."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tfdvae.metrics import noise_blocks
from tfdvae.metrics.noise_blocks import BLOCK

MOST_VALUES = 4_000_000
"""Values of all channels after which no further picture is looked at."""

_BINS = 24
_FEW_BINS = 6
_ENDS = (0.05, 0.95)  # quantiles of the means of blocks
_FLOOR = 0.25  # quantile of the variances of bins, from which the least is not far
_FAR = 2.25  # ratio of variances that are far
_MEDIAN_ERROR = 2.33  # of a variance by the median of n numbers: that part of it, by sqrt(n)
_LEAST_OF = (0.0, 0.56, 0.85, 1.03, 1.16, 1.27)
"""Standard errors by which the least of 1 to 6 numbers is too small where all are equal."""
_MOST_CLIPPED = 0.5  # of the pixels of any block that counts
_LEAST = 1e-3  # of the mean variance, the least at any place


@dataclass(frozen=True)
class NoiseEstimate:
    """Noise of mean 0 whose variance is `slope` times the signal plus `offset`.

    Attributes:
        slope: of the variance, in units of the pixel range; 0 or nearly so where the noise is the
            same everywhere, as Gaussian noise is; above it grows with the signal, as the noise of
            photons does.
        offset: variance where the signal is 0; may be below 0 with a slope above.
        level: standard deviation, the root mean square over all pixels but those of blocks that are
            constant or mostly clipped.
        floor: standard deviation at the places where it is least, without those few where it is far
            less, as in a border; that of Gaussian noise, which is the same everywhere, whereas
            `level` counts fine texture too.
        spread: standard deviations at the 5% darkest and the 5% brightest places, as a ratio.
        correlation: of the noise of neighboring pixels, from -1 to 1, the larger in size of both
            directions; NaN where no flat places are.
        clipped: fraction of the pixels that have the least or the greatest value of their picture,
            constant blocks left out.
        channel_correlation: of the noise of the channels of a pixel, from -1 to 1, the largest in
            size of all pairs; 0 for gray pictures, NaN where no flat places are.
    """

    slope: float
    offset: float
    level: float
    floor: float
    spread: float
    correlation: float
    clipped: float
    channel_correlation: float = 0.0

    @classmethod
    def gaussian(cls, level: float) -> "NoiseEstimate":
        """Return what there is to know of Gaussian noise of a standard deviation."""
        return cls(0.0, level**2, level, level, spread=1.0, correlation=0.0, clipped=0.0)

    @property
    def is_even(self) -> bool:
        """Whether the noise is taken to be the same everywhere."""
        return self.slope == 0

    def variance(self, images: np.ndarray) -> np.ndarray:
        """Return the variance of the noise at each pixel, at least a thousandth of `level`'s."""
        return np.maximum(self.slope * images + self.offset, _LEAST * self.level**2)

    def of_level(self, level: float) -> "NoiseEstimate":
        """Return the estimate with a standard deviation that is the same everywhere.

        What else was found stays.
        """
        return dataclasses.replace(self, slope=0.0, offset=level**2, level=level, floor=level)

    def line(self) -> str:
        """Return the variance as text, in levels of 255.

        Example:
            >>> estimate(noisy).line()
            '11.5 x brightness - 68.9'
        """
        offset = 255**2 * self.offset
        sign = "-" if offset < 0 else "+"
        return f"{255 * self.slope:.3g} x brightness {sign} {abs(offset):.3g}"


def estimate(pictures: Iterable[np.ndarray]) -> NoiseEstimate:
    """Estimate the noise of pictures that were taken in the same way.

    The variance is that of the finest diagonal wavelet coefficients (Donoho and Johnstone 1994), in
    blocks of 8x8 pixels of like mean that are rather flat; a line through the variances gives slope
    and offset. Fine texture counts as noise, so that the estimate is too high where there is much
    of it. The correlation of neighboring pixels, and of channels, is that in the flattest blocks.
    Constant blocks, such as those of a padding, and those that are mostly clipped do not count.

    Args:
        pictures: floats (H, W, C) each, of sizes that may differ, at least 8 pixels a side. No more
            are taken once `MOST_VALUES` were.

    Raises:
        ValueError: no picture is large enough, or all blocks are constant.

    Example:
        >>> estimate(noisy).level
        0.1003
    """
    looked = _look(pictures)
    blocks = looked.blocks
    signal, variance = noise_blocks.bins(blocks, _BINS)
    slope, offset = noise_blocks.line(signal, variance)
    level = float(np.sqrt(max(slope * blocks.mean() + offset, 0.0)))
    ends = slope * np.quantile(blocks.mean(axis=(1, 2)), _ENDS) + offset
    dark, bright = np.maximum(ends, max(_LEAST * level**2, 1e-12))
    beside = noise_blocks.correlations(looked.inner)[:, 0]
    return NoiseEstimate(
        slope=slope,
        offset=offset,
        level=level,
        floor=_floor(blocks),
        spread=float(np.sqrt(bright / dark)),
        correlation=float(max(beside, key=abs)),
        clipped=looked.clipped,
        channel_correlation=noise_blocks.channel_correlation(looked.found, looked.extremes),
    )


@dataclass(frozen=True)
class NoiseCurves:
    """What an estimate of noise rests on, for figures.

    Attributes:
        signal: mean of the blocks of each bin, floats (n,).
        variance: of the noise in each bin, floats (n,).
        correlations: of pixels that are 1, 2 and 3 apart, floats (2, 3): sideways, and up and down;
            NaN where no flat places are.
    """

    signal: np.ndarray
    variance: np.ndarray
    correlations: np.ndarray


def curves(pictures: Iterable[np.ndarray]) -> NoiseCurves:
    """Return what `estimate` of the same pictures rests on.

    Args:
        pictures: as `estimate` takes them.

    Raises:
        ValueError: as `estimate`.

    Example:
        >>> curves(noisy).variance.shape
        (24,)
    """
    looked = _look(pictures)
    signal, variance = noise_blocks.bins(looked.blocks, _BINS)
    return NoiseCurves(signal, variance, noise_blocks.correlations(looked.inner))


@dataclass(frozen=True)
class _Looked:
    """The blocks of pictures: those of each, and of all those that count and those not clipped."""

    found: list[np.ndarray]
    extremes: list[np.ndarray]
    blocks: np.ndarray
    inner: np.ndarray
    clipped: float


def _look(pictures: Iterable[np.ndarray]) -> _Looked:
    found = []
    for picture in pictures:
        if min(picture.shape[:2]) >= BLOCK:
            found.append(noise_blocks.of_picture(np.asarray(picture, np.float32)))
            if sum(each.size for each in found) >= MOST_VALUES:
                break
    if not found:
        raise ValueError(f"`pictures` must hold one of {BLOCK}x{BLOCK} pixels at least.")
    extremes = [noise_blocks.extremes(each) for each in found]
    blocks = np.concatenate([each.reshape(-1, BLOCK, BLOCK) for each in found])
    extreme = np.concatenate([each.ravel() for each in extremes])
    varied = ~noise_blocks.is_constant(blocks)
    if not varied.any():
        raise ValueError(
            f"pictures must hold blocks of {BLOCK}x{BLOCK} pixels that are not constant, for their "
            "noise to be estimated; none was found where it was looked for."
        )
    blocks, extreme = blocks[varied], extreme[varied]
    clipped = float(extreme.mean())
    if (inside := extreme <= _MOST_CLIPPED).sum() >= noise_blocks.FEWEST:
        blocks, extreme = blocks[inside], extreme[inside]
    return _Looked(found, extremes, blocks, blocks[extreme <= noise_blocks.EXTREME], clipped)


def _floor(blocks: np.ndarray) -> float:
    """Return the standard deviation of the noise in the bin where it is least.

    What the least of the bins that may be equal is too small by chance is added. Bins far below the
    others are left out. Of some tens of blocks, or fewer, it is 5 to 10% too small on average.
    """
    variance = noise_blocks.bins(blocks, _FEW_BINS)[1]
    low = np.quantile(variance, _FLOOR)
    if len(blocks) < _FEW_BINS:
        return float(np.sqrt(low))
    near = variance[variance >= low / _FAR]
    values = len(blocks) / _FEW_BINS / 2 * BLOCK**2 / 4  # of a bin: the even half of it
    error = _MEDIAN_ERROR / np.sqrt(values)
    equal = int((near <= near.min() * (1 + 3 * error)).sum())
    return float(np.sqrt(near.min() * (1 + _LEAST_OF[equal - 1] * error)))
