"""A report as headings, paragraphs, lists, tables and figures, written as Markdown and as HTML."""

from __future__ import annotations

import html as html_entities
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfdvae._utils import files
from tfdvae._utils.text import name
from tfdvae.reporting import html

_ENTITIES = {"&": "&amp;", "<": "&lt;", "~": "&#126;", "$": "&#36;"}
_BEGINS_A_BLOCK = re.compile(r"\A(\d*)([-+>#.)])")


def literal(text: str) -> str:
    r"""Return Markdown that shows a text as it is, for example a name that comes from data.

    Args:
        text: of one line or cell of a table; line breaks become spaces.

    Example:
        >>> literal("a_b")
        'a\\_b'
    """
    shown = re.sub(r"([\\`*_\[\]|#])", r"\\\1", name(" ".join(text.split())))
    return re.sub("[&<~$]", lambda found: _ENTITIES[found[0]], shown)


def in_sentence(text: str) -> str:
    r"""Return Markdown like `literal`, in which a word such as `fashion_mnist` stays legible.

    Example:
        >>> in_sentence("a_b of *")
        'a_b of \\*'
    """
    return re.sub(r"(?<=\w)\\_(?=\w)", "_", literal(text))


def to_plain(text: str) -> str:
    r"""Return Markdown for a terminal: what `literal` escaped is as it was.

    Example:
        >>> to_plain("## a\\*b &lt;c>")
        '## a*b <c>'
    """
    return html_entities.unescape(re.sub(r"\\([\\`*_\[\]|#])", r"\1", text))


@dataclass(frozen=True)
class Heading:
    """A heading; its text is Markdown of one line, level 2 is that of a section.

    A section that is folded is opened by a click on the page; in Markdown it is like all others.
    """

    text: str
    level: int = 2
    folded: bool = False

    def markdown(self) -> str:
        """Return the heading as Markdown."""
        return f"{'#' * self.level} {self.text}"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of sentences in Markdown; `in_sentence` makes Markdown of other text."""

    text: str

    def markdown(self) -> str:
        """Return the paragraph as one line of Markdown."""
        return _BEGINS_A_BLOCK.sub(r"\1\\\2", " ".join(self.text.split()))


@dataclass(frozen=True)
class Box:
    """What is to be read first, in a box: sentences in Markdown."""

    text: str

    def markdown(self) -> str:
        """Return the box as a quotation of one line of Markdown."""
        return f"> {Paragraph(self.text).markdown()}"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences in Markdown."""

    items: Sequence[str]

    def markdown(self) -> str:
        """Return the list as Markdown."""
        return "\n".join(f"- {item}" for item in self.items)


@dataclass(frozen=True)
class Table:
    """A table with a head; cells are Markdown, and each row has as many as the head."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return the table as Markdown."""
        lines = ["| " + " | ".join(row) + " |" for row in (self.head, *self.rows)]
        return "\n".join([lines[0], "|---" * len(self.head) + "|", *lines[1:]])


@dataclass(frozen=True)
class Figure:
    """An image with its caption; the path is relative to the folder of the report."""

    path: str
    caption: str

    def markdown(self) -> str:
        """Return the figure as Markdown."""
        return f"![{self.caption}]({self.path})"


Part = Heading | Paragraph | Box | Bullets | Table | Figure


def to_markdown(parts: Iterable[Part]) -> str:
    """Return parts as Markdown, with an empty line between two and a line break at the end."""
    return "\n\n".join(part.markdown() for part in parts) + "\n"


@dataclass(frozen=True)
class Document:
    """A report.

    Attributes:
        title: plain text.
        parts: in order.

    Example:
        >>> document = Document("Two classifiers", [Table(["name", "accuracy"], [["a", "0.91"]])])
        >>> document.write("results/two")
        PosixPath('results/two/report.html')
    """

    title: str
    parts: Sequence[Part]

    def markdown(self) -> str:
        """Return the report as Markdown."""
        return to_markdown([Heading(literal(self.title), 1), *self.parts])

    def write(self, folder: str | Path, explorer: dict[str, Any] | None = None) -> Path:
        """Write `report.md` and `report.html` into a folder and return the path of the latter.

        Args:
            folder: of the report; its figures are there already.
            explorer: interactive part at the end of the page, as of `explorer.build`.

        Raises:
            FileNotFoundError, ValueError: a figure is missing, no image, or outside the folder.
        """
        folder = Path(folder)
        files.write_text(folder / "report.md", self.markdown())
        sections = [part for part in self.parts if isinstance(part, Heading) and part.level == 2]
        folded = [place for place, heading in enumerate(sections) if heading.folded]
        return html.write(folder, self.title, explorer, folded)
