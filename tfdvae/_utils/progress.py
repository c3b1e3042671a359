"""Progress bars on standard error."""

import logging
from collections.abc import Iterable

from tqdm import tqdm

from tfdvae._utils import text


def visible() -> bool:
    """Return whether progress bars are shown: not where the logger `tfdvae` keeps INFO back."""
    return logging.getLogger("tfdvae").level <= logging.INFO


def bar(
    title: str,
    total: int,
    items: Iterable | None = None,
    *,
    unit: str = "image",
    initial: int = 0,
    seconds: float = 0.5,
) -> tqdm:
    """Return a progress bar, which is also a context manager that closes it.

    `logging.getLogger("tfdvae").setLevel(logging.WARNING)` hides all bars.

    Args:
        title: stands before the bar.
        total: units in all.
        items: what the bar iterates over, for a `for` loop; without them call `update`.
        unit: what is counted.
        initial: units that are done already.
        seconds: the least time between two updates of the screen.

    Example:
        >>> with bar("Reading", total=2) as progress:
        ...     progress.update(2)
    """
    return tqdm(
        items,
        desc=text.name(title),
        total=total,
        unit=unit,
        initial=initial,
        mininterval=seconds,
        dynamic_ncols=True,
        disable=not visible(),
    )
