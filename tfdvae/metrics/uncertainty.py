"""Whether a spread that a model gives for each pixel tells how wrong it is there."""

import numpy as np
import scipy.stats

WITHIN = 1.96
"""Standard deviations on each side of the mean that hold 95% of a normal distribution."""


def spread_error_correlation(spread: np.ndarray, errors: np.ndarray) -> float:
    """Return Spearman's rank correlation of the spread and the absolute error over all pixels.

    It is in [-1, 1], and 1 where larger errors have larger spreads throughout; NaN where the spread
    or the error is the same everywhere.

    Args:
        spread: standard deviations, floats of any shape.
        errors: of the mean, the same shape; their sign does not count.

    Example:
        >>> spread_error_correlation(model.uncertainty(noisy), model.denoise(noisy) - clean)
        0.71
    """
    ranked, wrong = (np.abs(values).ravel() for values in (spread, errors))
    if np.ptp(ranked) == 0 or np.ptp(wrong) == 0:
        return float("nan")
    return float(scipy.stats.spearmanr(ranked, wrong).statistic)


def coverage(spread: np.ndarray, errors: np.ndarray, within: float = WITHIN) -> float:
    """Return the fraction of pixels whose error is at most `within` times their spread.

    Of a spread that is the standard deviation of normal errors it is 0.95; below that intervals are
    too narrow.

    Args:
        spread: standard deviations, floats of any shape.
        errors: of the mean, the same shape; their sign does not count.
        within: half of the interval in standard deviations.

    Example:
        >>> coverage(model.uncertainty(noisy), model.denoise(noisy) - clean)
        0.93
    """
    return float(np.mean(np.abs(errors) <= within * np.asarray(spread)))
