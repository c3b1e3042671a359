"""Names of cells: those of a seed end in `seed` and its number."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def seed_of(path: Path) -> int:
    """Return the seed of a cell from the name of its file; 0 where it has none.

    Example:
        >>> seed_of(Path("cells/corrupted-none-seed12.npz"))
        12
    """
    seed = path.stem.rpartition("seed")[2]
    return int(seed) if seed.isdigit() else 0


def of_first_seed(paths: Iterable[Path]) -> Path | None:
    """Return the file of the lowest seed; None where there is no file."""
    return min(paths, key=seed_of, default=None)


def unfinished(path: Path) -> Path:
    """Return the folder of what a cell keeps until it is done, from the path of its rows."""
    return path.with_suffix(".unfinished")
