import os

import pytest

from tfdvae._utils import texts

SHOWN = {
    "plain": ("a b-c_d.png", "a b-c_d.png"),
    "escape": ("a\x1b[31mb", "a\\x1b[31mb"),
    "bell": ("a\x07", "a\\x07"),
    "line breaks": ("a\nb\r\x85\u2028", "a\\x0ab\\x0d\\x85\\u2028"),
    "delete": ("a\x7f", "a\\x7f"),
    "C1 control, which is CSI in one byte": ("a\x9b31m", "a\\x9b31m"),
    "right to left override": ("a\u202egpj.exe", "a\\u202egpj.exe"),
    "isolates": ("\u2066a\u2069", "\\u2066a\\u2069"),
    "beyond the first plane": ("\U000e0041", "\\U000e0041"),
    "bytes that are no UTF-8": (os.fsdecode(b"a\xff"), "a\\xff"),
    "half of a character": ("a\ud800", "a\\ud800"),
    "letters of all scripts": ("Größe 日本 עברית", "Größe 日本 עברית"),
    "joiners that letters need": ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    "an emoji of three": ("👩\u200d🔬", "👩\u200d🔬"),
    "a backslash": ("a\\x1b", "a\\x1b"),
}


@pytest.mark.parametrize("case", SHOWN)
def test_printable(case):
    given, shown = SHOWN[case]
    assert texts.printable(given) == shown
    assert texts.printable(shown) == shown, "a second time changes nothing"


def test_lines_and_tabs_stay_where_they_are_meant():
    assert texts.printable_lines("a\x1b\n\tb\r\n") == "a\\x1b\n\tb\\x0d\n"


def test_utf8_leaves_what_utf8_can_hold():
    assert texts.utf8("a\x1b\n\u202e") == "a\x1b\n\u202e"
    assert texts.utf8("a\udcff\ud800").encode() == b"a\\udcff\\ud800"
