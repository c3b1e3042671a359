"""Text of others, such as names of files, as it can be shown on a terminal or written."""

import math
import os
import unicodedata
from pathlib import Path

_KEPT = "\n\t"
_LONGEST = 40  # characters of a number
_MOST_BITS = 10_000  # of a number whose digits are counted
# Marks that change the direction of the text after them; the rest of Unicode's format characters
# are parts of words.
_DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def printable(text: str) -> str:
    r"""Return a text in which control characters are visible: ESC becomes `\x1b`.

    Line breaks and tabs stay. What is escaped would move the cursor, ring the bell, change the
    title or the direction of the text.

    Example:
        >>> printable("a\x1b[2Jb")
        'a\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(character if character in _KEPT else _visible(character) for character in text)


def name(text: str | Path) -> str:
    r"""Return a name or path as it is shown within a line, of a message or a report.

    It is `printable`, its line breaks and tabs are visible too, and bytes that are no UTF-8 become
    `\xNN`.

    Example:
        >>> name("a\nb")
        'a\\nb'
    """
    shown = utf8(text)
    return shown if shown.isprintable() else "".join(map(_visible, shown))


def utf8(text: str | Path) -> str:
    r"""Return a name or path that a file in UTF-8 can hold: bytes that are none become `\xNN`.

    Example:
        >>> utf8("a\udcff")
        'a\\xff'
    """
    try:
        return os.fsencode(text).decode(errors="backslashreplace")
    except UnicodeEncodeError:  # halves of characters, which no path holds
        return str(text).encode(errors="backslashreplace").decode()


def number(value: float) -> str:
    """Return a number as a message shows it: of a very long one the beginning and its length.

    Example:
        >>> number(10**400)
        '1000000000... (401 characters)'
    """
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"a number of about {int(value.bit_length() * math.log10(2)):,} digits"
    shown = str(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:10]}... ({len(shown):,} characters)"


def _visible(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Zl", "Zp") or character in _DIRECTIONS:
        return character.encode("unicode_escape").decode()
    return character
