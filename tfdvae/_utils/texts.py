"""Text that comes from others, such as the names of their files, as it can be shown or written."""

import os
import re
import unicodedata
from pathlib import Path

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # categories of Unicode: no picture of their own
_JOINERS = "\u200c\u200d"  # Persian, Hindi and others are not written right without them


def utf8(text: str | Path) -> str:
    r"""Return a path or text that UTF-8 can hold: bytes that are none become `\xNN`.

    Example:
        >>> utf8("a\udcff")
        'a\\xff'
    """
    try:
        return os.fsencode(text).decode(errors="backslashreplace")
    except UnicodeEncodeError:  # halves of characters, which no path holds
        return str(text).encode(errors="backslashreplace").decode()


def printable(text: str | Path) -> str:
    r"""Return a path or text of one line that does to a terminal what it seems to do.

    Control characters, line breaks, and characters that are not seen but change how others are
    seen, become `\xNN` or `\uNNNN`; so do bytes that are no UTF-8. All other characters stay.

    Example:
        >>> printable("red\x1b[31m\n")
        'red\\x1b[31m\\x0a'
    """
    return "".join(
        _escaped(character)
        if unicodedata.category(character) in _HIDDEN and character not in _JOINERS
        else character
        for character in utf8(text)
    )


def printable_lines(text: str) -> str:
    """Return text like `printable`, but with its line breaks and tabs."""
    return "".join(
        part if part in ("\n", "\t") else printable(part) for part in re.split(r"([\n\t])", text)
    )


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
