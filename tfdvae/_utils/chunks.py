"""Arrays on disk that are written and read piece by piece, as they may be larger than memory."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tfdvae._utils import limits


@contextlib.contextmanager
def array_writer(path: str | Path) -> Iterator[Callable[[np.ndarray], None]]:
    """Yield a function that appends rows to the `.npy` file `path`.

    The first rows fix type and shape; how many there will be need not be known. Without any the
    file holds no array.

    Raises:
        ValueError: rows of another type or shape than the first.
    """
    count = 0
    kind: tuple[np.dtype, tuple[int, ...]] | None = None
    with open(path, "wb") as file:

        def write_header(dtype: np.dtype, shape: tuple[int, ...]) -> None:
            header = {
                "descr": np.lib.format.dtype_to_descr(dtype),
                "fortran_order": False,
                "shape": (count, *shape),
            }
            np.lib.format.write_array_header_1_0(file, header)

        def append(rows: np.ndarray) -> None:
            nonlocal count, kind
            rows = np.ascontiguousarray(rows)
            if kind is None:
                kind = rows.dtype, rows.shape[1:]
                write_header(*kind)
            if (rows.dtype, rows.shape[1:]) != kind:
                raise ValueError(
                    f"rows must be {kind[0]} of shape {kind[1]}; got {rows.dtype} of shape "
                    f"{rows.shape[1:]}."
                )
            file.write(rows.tobytes() if rows.size == 0 else rows.data)
            count += len(rows)

        yield append
        if kind is not None:
            file.seek(0)
            write_header(*kind)  # NumPy leaves room in it for any number of rows


def batch_rows(row_bytes: int, most: int) -> int:
    """Return how many rows to take at a time: at most `most`, at most 8 MiB, at least one."""
    return max(1, min(most, limits.current().batch_bytes // row_bytes))


def pieces(count: int, row_bytes: int, multiple: int = 1) -> list[slice]:
    """Return slices that cover `count` rows; all but the last have a multiple of `multiple` rows.

    A piece has at most 64 MiB, or `multiple` rows where these are more.
    """
    return list(each_piece(count, row_bytes, multiple))


def each_piece(count: int, row_bytes: int, multiple: int = 1) -> Iterator[slice]:
    """Yield what `pieces` returns, for any number of rows."""
    rows = max(1, limits.current().piece_bytes // (row_bytes * multiple)) * multiple
    start = 0
    while start < count:
        yield slice(start, min(start + rows, count))
        start += rows
