"""Standard output and error that take any text, and that may be closed by whoever reads them."""

import codecs
import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

_PLAIN = {"•": "*"}  # of the help, in ASCII
_GONE = (errno.EPIPE, errno.EIO)  # the reader has ended, the terminal was closed


@contextlib.contextmanager
def usable() -> Iterator[None]:
    r"""Make standard output and error usable while the block runs.

    - Characters that their encoding lacks become `\uNNNN`, bytes of file names that are no text
      `\xNN`.
    - Where nobody reads them any more, as in `tfdvae models | head -1`, or where they are closed,
      what is written is dropped and the work goes on. So it is where standard error cannot be
      written for any other reason.
    - Where standard output cannot be written for another reason, such as a full disk, that is an
      `OSError` that says so, once.

    Streams that were replaced, as in notebooks, are left as they are.
    """
    _open_all()
    kept = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _wrapped(kept[0], "output"), _wrapped(kept[1], "error")
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        sys.stdout, sys.stderr = kept


def _open_all() -> None:
    """Lead closed standard streams nowhere, so that no other file gets their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


def _wrapped(stream: TextIO, name: str) -> TextIO:
    """Return a text stream to where a standard stream writes; another stream as it is."""
    if type(stream) is not io.TextIOWrapper:
        return stream
    if type(getattr(stream.buffer, "raw", stream.buffer)) is not io.FileIO:
        stream.reconfigure(errors=_HANDLER)  # the console of Windows
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Patient(stream.fileno(), name)),
        encoding=stream.encoding,
        errors=_HANDLER,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Patient(io.FileIO):
    """A file that drops what is written to it after it could not be written."""

    def __init__(self, number: int, title: str):
        super().__init__(number, "wb", closefd=False)
        self._title, self._ended = title, False

    def write(self, data: Any, /) -> int:
        if self._ended:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self._ended = True
            if error.errno in _GONE or self._title == "error":
                return len(data)
            raise OSError(f"standard {self._title} cannot be written: {error.strerror}.") from None


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(_escaped, error.object[error.start : error.end])), error.end


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte of a file name, see PEP 383
        return f"\\x{ord(character) - 0xDC00:02x}"
    return _PLAIN.get(character) or character.encode("ascii", "backslashreplace").decode()


_HANDLER = "tfdvae.plain"
codecs.register_error(_HANDLER, _plain)
