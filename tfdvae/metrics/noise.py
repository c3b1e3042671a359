"""The noise in images, estimated from the noisy images alone."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

_BINS = 24
_FEW_BINS = 6
_ENDS = (0.05, 0.95)  # quantiles of the means of blocks
_FLOOR = 0.25  # quantile of the variances of bins
_NORMAL_MEDIAN = 0.6745  # of the size of a standard normal number
_BLOCK = 8  # pixels a side, of the blocks whose noise is compared with that of neighboring pixels
_FLAT = 0.05  # of the blocks, the flattest
_MOST_PIXELS = 4_000_000  # that are looked at
_EXTREME = 0.1  # of the pixels of a block may have the least or the greatest value


@dataclass(frozen=True)
class NoiseEstimate:
    """Noise of mean 0 whose variance is `slope` times the signal plus `offset`.

    Attributes:
        slope: of the variance, in units of the pixel range; 0 or nearly so where the noise is the
            same everywhere, as Gaussian noise is; above it grows with the signal, as the noise of
            photons does.
        offset: variance where the signal is 0; may be below 0 with a slope above.
        level: standard deviation, the root mean square over all pixels.
        floor: standard deviation at the places where it is least; that of Gaussian noise, which is
            the same everywhere, whereas `level` counts fine texture too.
        spread: standard deviations at the 5% darkest and the 5% brightest places, as a ratio.
        correlation: of the noise of neighboring pixels, from -1 to 1, the larger in size of both
            directions; NaN where no flat places are.
        clipped: fraction of the pixels that have the least or the greatest value of all.
    """

    slope: float
    offset: float
    level: float
    floor: float
    spread: float
    correlation: float
    clipped: float

    def variance(self, images: np.ndarray) -> np.ndarray:
        """Return the variance of the noise at each pixel, at least a millionth of the range."""
        return np.maximum(self.slope * images + self.offset, 1e-6)


def estimate(pictures: Iterable[np.ndarray]) -> NoiseEstimate:
    """Estimate the noise of pictures that were taken in the same way.

    The variance is that of the finest diagonal wavelet coefficients (Donoho and Johnstone 1994), in
    blocks of 8x8 pixels of like mean that are rather flat; a line through the variances gives slope
    and offset. Fine texture counts as noise, so that the estimate is too high where there is much
    of it. The correlation of neighboring pixels is that in the flattest blocks.

    Args:
        pictures: floats (H, W, C) each, of sizes that may differ, at least 8 pixels a side.

    Raises:
        ValueError: no picture is large enough.

    Example:
        >>> estimate(noisy).level
        0.1003
    """
    found, extreme, count = [], 0, 0
    for picture in pictures:
        planes = np.moveaxis(np.asarray(picture, np.float32), -1, 0)
        if min(planes.shape[1:]) < _BLOCK or count > _MOST_PIXELS:
            continue
        count += planes.size
        extreme += int(((planes == planes.min()) | (planes == planes.max())).sum())
        found += [_blocks(plane) for plane in planes]
    if not count:
        raise ValueError(f"`pictures` must hold one of {_BLOCK}x{_BLOCK} pixels at least.")
    blocks = np.concatenate(found)
    signal, variance = _bins(blocks, _BINS)
    slope, offset = _line(signal, variance)
    ends = np.maximum(slope * np.quantile(blocks.mean(axis=(1, 2)), _ENDS) + offset, 1e-12)
    level = np.sqrt(max(slope * blocks.mean() + offset, 0.0))
    spread = np.sqrt(ends[1] / ends[0])
    return NoiseEstimate(
        slope=slope,
        offset=offset,
        level=float(level),
        floor=float(np.sqrt(np.quantile(_bins(blocks, _FEW_BINS)[1], _FLOOR))),
        spread=float(spread),
        correlation=_correlation(blocks),
        clipped=extreme / count,
    )


def _bins(blocks: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the robust variance of the noise in bins of blocks of like mean.

    Of each bin the half is taken that varies least at the scale of 4x4 pixels. A block's mean says
    something of its noise too; but where the variance rises in proportion to the signal, as with
    photons, it does so with the mean.
    """
    means = blocks.mean(axis=(1, 2))
    quarters = blocks.reshape(-1, 2, 4, 2, 4).mean(axis=(2, 4)).reshape(len(blocks), 4)
    unevenness = quarters.var(axis=1)
    details = (
        blocks[:, ::2, ::2] - blocks[:, ::2, 1::2] - blocks[:, 1::2, ::2] + blocks[:, 1::2, 1::2]
    ) / 2
    signal, variance = [], []
    for rows in np.array_split(np.argsort(means, kind="stable"), min(count, len(blocks))):
        even = rows[np.argsort(unevenness[rows], kind="stable")[: max(1, len(rows) // 2)]]
        signal.append(means[even].mean())
        variance.append((np.median(np.abs(details[even])) / _NORMAL_MEDIAN) ** 2)
    return np.array(signal), np.array(variance)


def refine(pairs: Iterable[tuple[np.ndarray, np.ndarray]], first: NoiseEstimate) -> NoiseEstimate:
    """Estimate the noise again, with denoised pictures: texture no longer counts as noise.

    The variance is that of the finest diagonal wavelet coefficients of what was removed, in bins of
    the denoised values. Of these coefficients a denoiser keeps next to nothing.

    Args:
        pairs: noisy and denoised picture, floats (H, W, C) each.
        first: what `estimate` found, for what is not estimated again.

    Example:
        >>> refine([(noisy, model.denoise(noisy))], estimate([noisy])).level
        0.1001
    """
    signals, details = [], []
    for noisy, denoised in pairs:
        removed, made = (
            np.moveaxis(part, -1, 0)[:, : part.shape[0] // 2 * 2, : part.shape[1] // 2 * 2]
            for part in (noisy - denoised, denoised)
        )
        signals.append(_quads(made, (1, 1, 1, 1)).ravel() / 4)
        details.append(_quads(removed, (1, -1, -1, 1)).ravel() / 2)
    signal, squares = np.concatenate(signals), np.square(np.concatenate(details))
    bins = np.array_split(np.argsort(signal, kind="stable"), min(_BINS, len(signal)))
    slope, offset = _line(
        np.array([signal[rows].mean() for rows in bins]),
        np.array([squares[rows].mean() for rows in bins]),
    )
    level = float(np.sqrt(squares.mean()))
    return dataclasses.replace(first, slope=slope, offset=offset, level=level)


def _quads(planes: np.ndarray, weights: tuple[int, int, int, int]) -> np.ndarray:
    """Return the weighted sum of the pixels of each block of 2x2, of planes (C, H, W)."""
    corners = (
        planes[:, ::2, ::2],
        planes[:, ::2, 1::2],
        planes[:, 1::2, ::2],
        planes[:, 1::2, 1::2],
    )
    return sum(
        (weight * corner for weight, corner in zip(weights, corners, strict=True)),
        np.zeros_like(corners[0]),
    )


def _line(signal: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    """Return slope and offset of the line with the least sum of squared relative errors."""
    weights = 1 / np.maximum(variance, 1e-3 * variance.max() + 1e-12)
    columns = np.stack([signal, np.ones_like(signal)], axis=1)
    (slope, offset), *_ = np.linalg.lstsq(columns * weights[:, None], variance * weights)
    return float(slope), float(offset)


def _blocks(plane: np.ndarray) -> np.ndarray:
    """Return the blocks of a plane, float32 (n, 8, 8)."""
    rows, columns = (size // _BLOCK for size in plane.shape)
    cut = plane[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    return cut.transpose(0, 2, 1, 3).reshape(-1, _BLOCK, _BLOCK)


def _correlation(blocks: np.ndarray) -> float:
    """Return the correlation of neighboring pixels in the flattest blocks.

    Flat are the blocks that vary least around a surface of second degree. Those with many clipped
    pixels do not count.
    """
    low, high = blocks.min(), blocks.max()
    clipped = ((blocks == low) | (blocks == high)).mean(axis=(1, 2)) > _EXTREME
    blocks = blocks[~clipped]
    if len(blocks) < 20:
        return float("nan")
    without = _without_surfaces()
    rough = (blocks.reshape(len(blocks), -1) @ without).reshape(blocks.shape)
    power = np.square(rough).mean(axis=(1, 2))
    flat = rough[np.argsort(power, kind="stable")[: max(20, int(_FLAT * len(blocks)))]]
    if not np.any(flat):
        return float("nan")
    # Of independent values too, what is left of them has a little correlation.
    expected = without.reshape(_BLOCK, _BLOCK, _BLOCK, _BLOCK)
    inside = np.arange(_BLOCK)
    own = expected[inside[:, None], inside, inside[:, None], inside].mean()
    beside = expected[inside[:, None], inside[1:], inside[:, None], inside[:-1]].mean()
    found = [
        float(np.mean(each[:, :, 1:] * each[:, :, :-1]) / np.mean(np.square(each)) - beside / own)
        for each in (flat, flat.transpose(0, 2, 1))
    ]
    return max(found, key=abs)


def _without_surfaces() -> np.ndarray:
    """Return the projection of blocks, as vectors, that removes surfaces of second degree."""
    x = np.linspace(-1, 1, _BLOCK)
    down, right = (axis.ravel() for axis in np.meshgrid(x, x, indexing="ij"))
    terms = np.stack([down**0, down, right, down**2, down * right, right**2], axis=1)
    basis, _ = np.linalg.qr(terms)
    return np.eye(_BLOCK**2) - basis @ basis.T
