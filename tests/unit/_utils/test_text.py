import os

import pytest

from tfdvae._utils import text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Größe 図 🙂 x", "Größe 図 🙂 x"),
        ("می‌خواهم", "می‌خواهم"),
        ("a\nb\tc", "a\nb\tc"),
        ("a\rb\x1b[2J\x07\x00", r"a\rb\x1b[2J\x07\x00"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("\u202etxt.exe\u2066", r"\u202etxt.exe\u2066"),
        ("line\u2028break", r"line\u2028break"),
    ],
)
def test_control_characters_are_made_visible(given, shown):
    assert text.printable(given) == shown


SHOWN = {
    "plain": ("a b-c_d.png", "a b-c_d.png"),
    "escape": ("a\x1b[31mb", "a\\x1b[31mb"),
    "bell": ("a\x07", "a\\x07"),
    "line breaks": ("a\nb\r\t\x85\u2028", "a\\nb\\r\\t\\x85\\u2028"),
    "delete": ("a\x7f", "a\\x7f"),
    "C1 control, which is CSI in one byte": ("a\x9b31m", "a\\x9b31m"),
    "right to left override": ("a\u202egpj.exe", "a\\u202egpj.exe"),
    "isolates": ("\u2066a\u2069", "\\u2066a\\u2069"),
    "bytes that are no UTF-8": (os.fsdecode(b"a\xff"), "a\\xff"),
    "half of a character": ("a\ud800", "a\\ud800"),
    "letters of all scripts": ("Größe 日本 עברית", "Größe 日本 עברית"),
    "joiners that letters need": ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    "an emoji of three": ("👩\u200d🔬", "👩\u200d🔬"),
    "a backslash": ("a\\x1b", "a\\x1b"),
}


@pytest.mark.parametrize("case", SHOWN)
def test_names_are_shown_within_a_line(case):
    given, shown = SHOWN[case]
    assert text.name(given) == shown
    assert text.name(shown) == shown, "a second time changes nothing"


def test_utf8_leaves_what_utf8_can_hold():
    assert text.utf8("a\x1b\n\u202e") == "a\x1b\n\u202e"
    assert text.utf8("a\udcff\ud800").encode() == b"a\\udcff\\ud800"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.5, "1.5"),
        (10**39, "1" + 39 * "0"),
        (10**400, "1000000000... (401 characters)"),
    ],
)
def test_a_long_number_is_shown_in_a_few_words(value, shown):
    assert text.number(value) == shown


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_that_python_refuses_to_write(sign):
    assert text.number(sign * 10**10_000) == "a number of about 10,000 digits"
