"""Text of others, such as names of files, as it can be shown on a terminal."""

import unicodedata

_KEPT = "\n\t"
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
    return "".join(
        _escaped(character) if _is_control(character) else character for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _is_control(character: str) -> bool:
    if character in _KEPT:
        return False
    return unicodedata.category(character) in ("Cc", "Zl", "Zp") or character in _DIRECTIONS
