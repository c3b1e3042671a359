"""Files that are whole or absent, and folders that one process at a time may write."""

import contextlib
import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import filelock
import numpy as np

ROW_FIELDS = [
    "study", "run", "dataset", "n_train", "condition", "model", "network", "corruption", "target", "augmentation",
    "protocol", "test_corruption", "split", "epoch", "step", "seed", "metric", "value",
]  # fmt: skip
_TEMPORARY = ".tmp-"
_PIECE_BYTES = 2**26
_BATCH_BYTES = 2**23  # 512 gray images of 64x64 as float32


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends without error, rename it to `path`.

    The block writes a file or makes a folder there. A file at `path` is replaced in one step; a folder is moved aside first and
    removed last, so that `path` is the old one, the new one or absent, and never a part.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, old = (path.with_name(f"{_TEMPORARY}{os.getpid()}-{use}{path.name}") for use in ("", "old-"))
    try:
        yield temporary
        if path.is_dir():
            os.replace(path, old)
        try:
            os.replace(temporary, path)
        except OSError:
            if old.exists():
                os.replace(old, path)
            raise
        remove(old)
    finally:
        remove(temporary)


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def whole(folder: Path, pattern: str) -> list[Path]:
    """Return the files in a folder that a pattern fits, by name, without those that are being written or were left half-written."""
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith(_TEMPORARY))


def remove_temporary(folder: Path) -> None:
    """Remove what interrupted writes left behind, anywhere below `folder`."""
    for left in sorted(folder.rglob(f"{_TEMPORARY}*")):
        remove(left)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` (UTF-8) to `path` in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: object) -> None:
    """Write `value` as indented JSON to `path` in one step."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path: str | Path) -> object:
    """Return what the JSON file holds.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is not JSON; the file is named.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}.") from None


def write_rows(path: str | Path, rows: Iterable[dict]) -> None:
    """Write long rows as CSV in one step: one column for each of `ROW_FIELDS`, empty where it does not apply.

    Floats are written with 17 significant digits, so that reading them back gives the same bits.

    Raises:
        ValueError: a row has a field outside the schema.
    """
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ROW_FIELDS, restval="", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: f"{value:.17g}" if isinstance(value, float) else value for key, value in row.items()})


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file written by `write_rows`, as text.

    Raises:
        ValueError: the columns are not those of the schema.
    """
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != ROW_FIELDS:
            raise ValueError(f"{path} must have the columns {','.join(ROW_FIELDS)}; got {reader.fieldnames}.")
        return list(reader)


@contextlib.contextmanager
def array_writer(path: str | Path) -> Iterator[Callable[[np.ndarray], None]]:
    """Yield a function that appends rows to the `.npy` file `path`, which so may hold more than memory does.

    The first rows fix type and shape; how many come in all need not be known. With none there is no array in the file.

    Raises:
        ValueError: rows of another type or shape than the first.
    """
    count, kind = 0, None
    with open(path, "wb") as file:

        def write_header() -> None:
            dtype, shape = kind
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count, *shape)}
            np.lib.format.write_array_header_1_0(file, header)

        def append(rows: np.ndarray) -> None:
            nonlocal count, kind
            rows = np.ascontiguousarray(rows)
            if kind is None:
                kind = rows.dtype, rows.shape[1:]
                write_header()
            if (rows.dtype, rows.shape[1:]) != kind:
                raise ValueError(f"rows must be {kind[0]} of shape {kind[1]}; got {rows.dtype} of shape {rows.shape[1:]}.")
            file.write(rows.tobytes() if rows.size == 0 else rows.data)
            count += len(rows)

        yield append
        if kind is not None:
            file.seek(0)
            write_header()  # NumPy leaves room in it for any number of rows


def batch_rows(row_bytes: int, most: int) -> int:
    """Return how many rows to take at a time: `most`, or as many as 8 MiB hold where that is fewer, but one at least."""
    return max(1, min(most, _BATCH_BYTES // row_bytes))


def pieces(count: int, row_bytes: int, multiple: int = 1) -> list[slice]:
    """Return slices that cover `count` rows, each of a multiple of `multiple` rows but for the last.

    A piece has at most 64 MiB, or `multiple` rows where these are more.
    """
    rows = max(1, _PIECE_BYTES // (row_bytes * multiple)) * multiple
    return [slice(start, min(start + rows, count)) for start in range(0, count, rows)]


def absolute(path: str | Path) -> Path:
    """Return a path from the root: of a folder where it is, of a file under its own name, which may be a link to one without the suffix."""
    path = Path(path).expanduser()
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; it is freed when the block or the process ends, however that happens.

    Raises:
        BlockingIOError: another process holds it.
    """
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise BlockingIOError(f"another process is writing to {folder}.") from None
    try:
        yield
    finally:
        lock.release()
