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
