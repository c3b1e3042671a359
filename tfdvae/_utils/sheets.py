"""CSV files that people open in a spreadsheet: no text in them is taken for a formula."""

import csv
import re
from collections.abc import Iterable
from typing import TextIO

# with what a spreadsheet takes for the beginning of a formula, also of full width
_FORMULA = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"


class Writer:
    """Writes rows of a CSV file, each with a line feed at its end.

    Args:
        file: opened as text with `newline=""`.

    Example:
        >>> with open("names.csv", "w", newline="", encoding="utf-8") as file:
        ...     Writer(file).row(["=1+1", -1.5])
    """

    def __init__(self, file: TextIO):
        self._file = file
        self._csv = csv.writer(self)

    def row(self, values: Iterable[object]) -> None:
        """Write a row; texts become cells as by `to_cell`, None an empty one."""
        self._csv.writerow(
            [to_cell(value) if isinstance(value, str) else value for value in values]
        )

    def write(self, line: str) -> None:
        """Write a line that ends with CR LF, for `csv` quotes a lone CR only where lines do."""
        self._file.write(line.removesuffix("\r\n") + "\n")


def to_cell(text: str) -> str:
    """Return the text of a cell of a CSV file, which no spreadsheet takes for a formula.

    Text that begins like a formula gets an apostrophe, as OWASP advises against CSV injection;
    numbers stay as they are. `from_cell` gives the text back.

    Example:
        >>> to_cell("=1+1"), to_cell("-1.5")
        ("'=1+1", '-1.5')
    """
    return f"'{text}" if re.match(f"'*[{_FORMULA}]", text) and not _is_number(text) else text


def from_cell(cell: str) -> str:
    """Return the text that `to_cell` made a cell of.

    Example:
        >>> from_cell("'=1+1")
        '=1+1'
    """
    return cell[1:] if re.match(f"'+[{_FORMULA}]", cell) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()
