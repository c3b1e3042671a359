import csv
import io

import pytest

from tfdvae._utils import sheets


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20"]
)
def test_no_cell_is_a_formula_and_the_text_comes_back(start):
    for apostrophes in ("", "'", "''"):
        given = f"{apostrophes}{start}SUM(1)"
        cell = sheets.to_cell(given)
        assert cell == f"'{given}"
        assert sheets.from_cell(cell) == given


@pytest.mark.parametrize(
    "given", ["", "-1.5", "+2e-3", "-inf", "a=b", "'a'", "'", "0", "--", "'-5", "cost -1"]
)
def test_other_cells_come_back_too(given):
    assert sheets.from_cell(sheets.to_cell(given)) == given


@pytest.mark.parametrize("given", ["", "-1.5", "+2e-3", "-inf", "a=b", "'a'", "'", "0", "x -1"])
def test_numbers_and_plain_text_are_cells_as_they_are(given):
    assert sheets.to_cell(given) == given


def test_rows_are_read_back_whatever_is_in_a_name():
    names = ["a,b", 'a"b', "a\nb", "a\rb", "a\r\nb", "\t-1", "=1", "'", "", "a\r"]
    file = io.StringIO(newline="")
    sheets.Writer(file).row(names)
    sheets.Writer(file).row([1, -2.5, None])
    first, second = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert list(map(sheets.from_cell, first)) == names
    assert second == ["1", "-2.5", ""]
    assert file.getvalue().endswith("\n1,-2.5,\n")
