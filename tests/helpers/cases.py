"""Rows of the tables in `tests/integration/inputs`: what a user gives, and what they expect."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess]


@dataclass(frozen=True)
class Case:
    """One row of a table.

    Attributes:
        given: the files or arguments of a user.
        expected: what the user expects, in words.
        check: makes the files in a folder, the working folder of the command, runs the command and
            asserts what is expected.
    """

    given: str
    expected: str
    check: Callable[[Path, Command], None]


def table(*cases: Case) -> pytest.MarkDecorator:
    """Run a test once for each row, as its argument `case`; `pytest -v` then prints the table."""
    return pytest.mark.parametrize(
        "case", cases, ids=[f"{case.given} -> {case.expected}" for case in cases]
    )
