"""Blocks of pictures in which noise is told from structure."""

from collections.abc import Sequence

import numpy as np

BLOCK = 8
"""Pixels a side, of the blocks whose noise is compared with that of neighboring pixels."""

EXTREME = 0.1
"""Fraction of the pixels of a flat block that may have the least or the greatest value."""

FEWEST = 20
"""Blocks for an estimate."""

REACH = 3
"""Pixels up to which a correlation is taken."""

_NORMAL_MEDIAN = 0.6745  # of the size of a standard normal number
_FLAT = 0.05  # of the blocks, the flattest


def of_picture(picture: np.ndarray) -> np.ndarray:
    """Return the blocks of a picture (H, W, C), (n, C, 8, 8)."""
    rows, columns = (size // BLOCK for size in picture.shape[:2])
    cut = picture[: rows * BLOCK, : columns * BLOCK]
    parts = cut.reshape(rows, BLOCK, columns, BLOCK, -1).transpose(0, 2, 4, 1, 3)
    return parts.reshape(rows * columns, -1, BLOCK, BLOCK)


def extremes(blocks: np.ndarray) -> np.ndarray:
    """Return the fraction of pixels with the least or the greatest value, of each block (n, C)."""
    return ((blocks == blocks.min()) | (blocks == blocks.max())).mean(axis=(-2, -1))


def is_constant(blocks: np.ndarray) -> np.ndarray:
    """Tell which blocks (..., 8, 8) have equal pixels alone."""
    return blocks.min(axis=(-2, -1)) == blocks.max(axis=(-2, -1))


def bins(blocks: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the robust variance of the noise in bins of blocks of like mean.

    The blocks are (n, 8, 8). Of each bin the half is taken that varies least at the scale of 4x4
    pixels. A block's mean says something of its noise too; but where the variance rises in
    proportion to the signal, as with photons, it does so with the mean.
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


def _flattest(blocks: np.ndarray) -> np.ndarray:
    """Return what the flattest blocks hold beside a surface of second degree.

    Args:
        blocks: (n, C, 8, 8).

    Returns:
        As many channels, of fewer blocks.
    """
    rough = (blocks.reshape(*blocks.shape[:2], -1) @ _without_surfaces()).reshape(blocks.shape)
    power = np.square(rough).mean(axis=(1, 2, 3))
    return rough[np.argsort(power, kind="stable")[: max(FEWEST, int(_FLAT * len(blocks)))]]


def correlations(blocks: np.ndarray) -> np.ndarray:
    """Return the correlation of pixels that are 1, 2 and 3 apart, in the flattest of blocks.

    It is 0 for independent noise, and about 0.1 too low for other: a surface is taken out, and with
    it some of the noise.

    Args:
        blocks: (n, 8, 8).

    Returns:
        Floats (2, 3): sideways, and up and down; NaN where there are no flat blocks.
    """
    if len(blocks) < FEWEST:
        return np.full((2, REACH), np.nan)
    flat = _flattest(blocks[:, None])[:, 0]
    if not np.any(flat):
        return np.full((2, REACH), np.nan)
    # Of independent values too, what is left of them has a little correlation.
    expected = _without_surfaces().reshape(BLOCK, BLOCK, BLOCK, BLOCK)
    inside = np.arange(BLOCK)
    own = expected[inside[:, None], inside, inside[:, None], inside].mean()
    found = np.empty((2, REACH))
    for apart in range(1, REACH + 1):
        beside = expected[inside[:, None], inside[apart:], inside[:, None], inside[:-apart]].mean()
        for way, each in enumerate((flat, flat.transpose(0, 2, 1))):
            product = np.mean(each[:, :, apart:] * each[:, :, :-apart])
            found[way, apart - 1] = product / np.mean(np.square(each)) - beside / own
    return found


def channel_correlation(found: Sequence[np.ndarray], extreme: Sequence[np.ndarray]) -> float:
    """Return the correlation of channels in the flattest blocks of pictures in color.

    Args:
        found: blocks (n, C, 8, 8) of each picture.
        extreme: of each picture, what `extremes` returns.
    """
    if not (colored := [len(each[0]) for each in found if len(each[0]) > 1]):
        return 0.0
    blocks = np.concatenate(
        [
            each[~is_constant(each).any(axis=1) & (fraction <= EXTREME).all(axis=1)]
            for each, fraction in zip(found, extreme, strict=True)
            if len(each[0]) == colored[0]
        ]
    )
    if len(blocks) < FEWEST:
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
    x = np.linspace(-1, 1, BLOCK)
    down, right = (axis.ravel() for axis in np.meshgrid(x, x, indexing="ij"))
    terms = np.stack([down**0, down, right, down**2, down * right, right**2], axis=1)
    basis, _ = np.linalg.qr(terms)
    return np.eye(BLOCK**2) - basis @ basis.T


def line(signal: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    """Return slope and offset of the line with the least sum of squared relative errors.

    Args:
        signal: floats (n,).
        variance: of the noise there, floats (n,).
    """
    weights = 1 / np.maximum(variance, 1e-3 * variance.max() + 1e-12)
    columns = np.stack([signal, np.ones_like(signal)], axis=1)
    (slope, offset), *_ = np.linalg.lstsq(columns * weights[:, None], variance * weights)
    return float(slope), float(offset)
