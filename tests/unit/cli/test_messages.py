import logging

import pytest

from tfdvae.cli import messages

logger = logging.getLogger("tfdvae.test")


@pytest.mark.parametrize(
    ("arguments", "message", "shown"),
    [
        ((), "two\nlines \x1b[1m", "two\nlines \\x1b[1m"),
        (("denoise", "a\nb"), "a\nb is gone\nSee help", "a\\nb is gone\nSee help"),
        (("./x/a\nb/c",), "in x/a\nb/c and\n", "in x/a\\nb/c and\n"),
        (("--output=a\nb",), "a\nb", "a\\nb"),
        (("\n", " \n"), "two\nlines", "two\nlines"),
    ],
)
def test_names_of_the_command_line_stay_on_one_line(arguments, message, shown, capsys):
    with messages.shown(arguments):
        logger.error(message)
    assert capsys.readouterr().err == f"{shown}\n"
