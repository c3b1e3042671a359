"""Text in figures: it is shown as it is, whatever names of datasets and classes hold."""

import textwrap
import warnings
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

from tfdvae._utils import text

STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # a name with two $ is no formula
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
}
"""Settings of Matplotlib in which every figure is drawn."""

LONGEST_LINE, MOST_LINES = 150, 4
LONGEST_COLUMN = 16  # letters over an image in a row of images
LONGEST_LABEL = 40  # letters beside a row of images, or in a legend


def wrapped(content: str, width: int = LONGEST_LINE) -> str:
    r"""Return text of a figure without control characters, in lines that are not too long.

    Args:
        content: its line breaks are kept.
        width: most letters of a line; a longer one is broken, and ends with `…` where it would
            need more than `MOST_LINES` lines.

    Example:
        >>> wrapped("a very long name", 6)
        'a very\nlong\nname'
    """
    return "\n".join(
        line
        if len(line) <= width
        else textwrap.fill(line, width, max_lines=MOST_LINES, placeholder="…")
        for line in text.printable(text.utf8(content)).replace("\t", " ").split("\n")
    )


def column_name(name: str) -> str:
    """Return the name of a class as it stands over an image, in short lines.

    Example:
        >>> column_name("T-shirt/top")
        'T-shirt/top'
    """
    return wrapped(text.name(name), LONGEST_COLUMN)


def legend_label(name: str) -> str:
    """Return a label that a legend shows: Matplotlib hides it where it is empty or begins with `_`.

    Example:
        >>> legend_label("_mine")
        ' _mine'
    """
    shown = wrapped(name, LONGEST_LABEL)
    return f" {shown}" if not shown or shown.startswith("_") else shown


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG.

    No line is too long, and letters that the font lacks are boxes, without a warning for each.
    """
    for artist in figure.findobj(Text):
        assert isinstance(artist, Text)
        if (shown := wrapped(artist.get_text())) != artist.get_text():
            artist.set_text(shown)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(path, format="png", dpi=120, bbox_inches="tight")
