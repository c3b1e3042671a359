"""What the libraries that decode images would print: kept back while a file is read."""

import contextlib
import logging
import threading
from collections.abc import Iterator

_reading = threading.local()


class _Keep(logging.Filter):
    """Keeps the records of a thread that reads a file from being printed."""

    def filter(self, record: logging.LogRecord) -> bool:
        kept: list[logging.LogRecord] | None = getattr(_reading, "records", None)
        if kept is None:
            return True
        kept.append(record)
        return False


for _name in ("tifffile", "imagecodecs"):
    logging.getLogger(_name).addFilter(_Keep())


@contextlib.contextmanager
def kept() -> Iterator[list[logging.LogRecord]]:
    """Yield a list that gets what tifffile and imagecodecs log in this thread meanwhile.

    Example:
        >>> with kept() as records:
        ...     tifffile.TiffFile("cut.tif")
        >>> records[0].levelname
        'ERROR'
    """
    before = getattr(_reading, "records", None)
    _reading.records = []
    try:
        yield _reading.records
    finally:
        _reading.records = before
