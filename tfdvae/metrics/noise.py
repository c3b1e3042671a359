"""The noise in images, estimated from the noisy images alone."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

MOST_VALUES = 4_000_000
"""Values of all channels after which no further picture is looked at."""

_BINS = 24
_FEW_BINS = 6
_ENDS = (0.05, 0.95)  # quantiles of the means of blocks
_FLOOR = 0.25  # quantile of the variances of bins
_NORMAL_MEDIAN = 0.6745  # of the size of a standard normal number
_BLOCK = 8  # pixels a side, of the blocks whose noise is compared with that of neighboring pixels
_FLAT = 0.05  # of the blocks, the flattest
_EXTREME = 0.1  # of the pixels of a flat block may have the least or the greatest value
_MOST_CLIPPED = 0.5  # of the pixels of any block that counts
_FEWEST = 20  # blocks
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
        floor: standard deviation at the places where it is least; that of Gaussian noise, which is
            the same everywhere, whereas `level` counts fine texture too.
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

    def variance(self, images: np.ndarray) -> np.ndarray:
        """Return the variance of the noise at each pixel, at least a thousandth of `level`'s."""
        return np.maximum(self.slope * images + self.offset, _LEAST * self.level**2)


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
    found = []
    for picture in pictures:
        if min(picture.shape[:2]) >= _BLOCK:
            found.append(_blocks(np.asarray(picture, np.float32)))
            if sum(each.size for each in found) >= MOST_VALUES:
                break
    if not found:
        raise ValueError(f"`pictures` must hold one of {_BLOCK}x{_BLOCK} pixels at least.")
    extremes = [_extremes(each) for each in found]
    blocks = np.concatenate([each.reshape(-1, _BLOCK, _BLOCK) for each in found])
    extreme = np.concatenate([each.ravel() for each in extremes])
    varied = ~_is_constant(blocks)
    if not varied.any():
        raise ValueError(f"`pictures` must hold blocks of {_BLOCK}x{_BLOCK} that are not constant.")
    blocks, extreme = blocks[varied], extreme[varied]
    clipped = float(extreme.mean())
    if (inside := extreme <= _MOST_CLIPPED).sum() >= _FEWEST:
        blocks, extreme = blocks[inside], extreme[inside]
    signal, variance = _bins(blocks, _BINS)
    slope, offset = _line(signal, variance)
    level = float(np.sqrt(max(slope * blocks.mean() + offset, 0.0)))
    ends = slope * np.quantile(blocks.mean(axis=(1, 2)), _ENDS) + offset
    dark, bright = np.maximum(ends, max(_LEAST * level**2, 1e-12))
    return NoiseEstimate(
        slope=slope,
        offset=offset,
        level=level,
        floor=float(np.sqrt(np.quantile(_bins(blocks, _FEW_BINS)[1], _FLOOR))),
        spread=float(np.sqrt(bright / dark)),
        correlation=_correlation(blocks[extreme <= _EXTREME]),
        clipped=clipped,
        channel_correlation=_channel_correlation(found, extremes),
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


def _blocks(picture: np.ndarray) -> np.ndarray:
    """Return the blocks of a picture (H, W, C), (n, C, 8, 8)."""
    rows, columns = (size // _BLOCK for size in picture.shape[:2])
    cut = picture[: rows * _BLOCK, : columns * _BLOCK]
    parts = cut.reshape(rows, _BLOCK, columns, _BLOCK, -1).transpose(0, 2, 4, 1, 3)
    return parts.reshape(rows * columns, -1, _BLOCK, _BLOCK)


def _extremes(blocks: np.ndarray) -> np.ndarray:
    """Return the fraction of pixels with the least or the greatest value, of each block (n, C)."""
    return ((blocks == blocks.min()) | (blocks == blocks.max())).mean(axis=(-2, -1))


def _is_constant(blocks: np.ndarray) -> np.ndarray:
    return blocks.min(axis=(-2, -1)) == blocks.max(axis=(-2, -1))


def _flattest(blocks: np.ndarray) -> np.ndarray:
    """Return what the flattest blocks hold beside a surface of second degree.

    Args:
        blocks: (n, C, 8, 8).

    Returns:
        As many channels, of fewer blocks.
    """
    rough = (blocks.reshape(*blocks.shape[:2], -1) @ _without_surfaces()).reshape(blocks.shape)
    power = np.square(rough).mean(axis=(1, 2, 3))
    return rough[np.argsort(power, kind="stable")[: max(_FEWEST, int(_FLAT * len(blocks)))]]


def _correlation(blocks: np.ndarray) -> float:
    """Return the correlation of neighboring pixels in the flattest of blocks (n, 8, 8)."""
    if len(blocks) < _FEWEST:
        return float("nan")
    flat = _flattest(blocks[:, None])[:, 0]
    if not np.any(flat):
        return float("nan")
    # Of independent values too, what is left of them has a little correlation.
    expected = _without_surfaces().reshape(_BLOCK, _BLOCK, _BLOCK, _BLOCK)
    inside = np.arange(_BLOCK)
    own = expected[inside[:, None], inside, inside[:, None], inside].mean()
    beside = expected[inside[:, None], inside[1:], inside[:, None], inside[:-1]].mean()
    found = [
        float(np.mean(each[:, :, 1:] * each[:, :, :-1]) / np.mean(np.square(each)) - beside / own)
        for each in (flat, flat.transpose(0, 2, 1))
    ]
    return max(found, key=abs)


def _channel_correlation(found: Sequence[np.ndarray], extremes: Sequence[np.ndarray]) -> float:
    """Return the correlation of channels in the flattest blocks of pictures in color.

    Args:
        found: blocks (n, C, 8, 8) of each picture.
        extremes: as `_extremes` returns them.
    """
    if not (colored := [len(each[0]) for each in found if len(each[0]) > 1]):
        return 0.0
    blocks = np.concatenate(
        [
            each[~_is_constant(each).any(axis=1) & (extreme <= _EXTREME).all(axis=1)]
            for each, extreme in zip(found, extremes, strict=True)
            if len(each[0]) == colored[0]
        ]
    )
    if len(blocks) < _FEWEST:
        return float("nan")
    values = _flattest(blocks).transpose(1, 0, 2, 3).reshape(colored[0], -1)
    covariance = values @ values.T / values.shape[1]
    deviation = np.sqrt(covariance.diagonal())
    if not deviation.all():
        return float("nan")
    pairs = (covariance / np.outer(deviation, deviation))[np.triu_indices(colored[0], 1)]
    return float(max(pairs, key=abs))


def _without_surfaces() -> np.ndarray:
    """Return the projection of blocks, as vectors, that removes surfaces of second degree."""
    x = np.linspace(-1, 1, _BLOCK)
    down, right = (axis.ravel() for axis in np.meshgrid(x, x, indexing="ij"))
    terms = np.stack([down**0, down, right, down**2, down * right, right**2], axis=1)
    basis, _ = np.linalg.qr(terms)
    return np.eye(_BLOCK**2) - basis @ basis.T
