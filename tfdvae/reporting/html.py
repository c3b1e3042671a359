"""One HTML page from a report in Markdown.

Figures are inside the page; it fetches nothing, and has no script but that of the explorer.
"""

import base64
import hashlib
import mimetypes
import re
import urllib.parse
from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree

import jinja2
import markdown
from markdown.extensions.toc import TocExtension
from markdown.treeprocessors import Treeprocessor

from tfdvae._utils import files

_SAFE_LINK = re.compile(r"https?://|#|[\w-][\w./-]*$")

_WORDS_IN_NUMBERS = {"to", "e", "inf", "nan"}


def write(
    folder: Path, title: str, explorer: dict | None = None, folded: Collection[int] = ()
) -> Path:
    """Write `report.html` beside the `report.md` of `folder`, and return its path.

    HTML in the Markdown is shown as text. A paragraph of a single image becomes a figure, with the
    alternative text as its caption.

    Args:
        folder: of the report; the images that it shows lie in there too.
        title: of the page, as plain text.
        explorer: what `explorer.build` returns, for an interactive part at the end.
        folded: which of the sections, from 0, are opened by a click.

    Raises:
        FileNotFoundError: there is no `report.md`, or an image that it shows is missing.
        ValueError: an image lies outside the folder, or a file shown as one is none.
    """
    folder = Path(folder)
    converter = markdown.Markdown(
        extensions=["tables", TocExtension(toc_depth="2-2", title="Contents")], output_format="html"
    )
    converter.preprocessors.deregister("html_block")
    converter.inlinePatterns.deregister("html")
    # after all others, of which the last resolves escapes
    converter.treeprocessors.register(_Page(folder, folded), "page", -1)
    text = (folder / "report.md").read_text(encoding="utf-8")
    # after the title, and the box where one follows it
    start = re.sub(r"\A(# .*(\n\n> .*)?)?", r"\g<0>\n\n[TOC]\n\n", text)
    body = converter.convert(start)
    loader = jinja2.PackageLoader("tfdvae", "reporting")
    environment = jinja2.Environment(loader=loader, autoescape=True)
    path = folder / "report.html"
    script = loader.get_source(environment, "explorer.js")[0] if explorer else ""
    mark = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = environment.get_template("report.html.jinja").render(
        title=title, body=body, explorer=explorer, script=script, mark=mark
    )
    files.write_text(path, page)
    return path


class _Page(Treeprocessor):
    """Embeds images, lets wide tables scroll and aligns numbers.

    Links that lead neither to a web page nor to a file are removed.
    """

    def __init__(self, folder: Path, folded: Collection[int]) -> None:
        super().__init__()
        self._folder, self._folded = folder.resolve(), folded

    def run(self, root: ElementTree.Element) -> None:
        sections = [child for child in root if child.tag == "h2"]
        for place in self._folded:
            _fold(root, sections[place])
        for parent in list(root.iter()):
            for place, child in enumerate(parent):
                if child.tag == "table":
                    _align(child)
                    parent[place] = ElementTree.Element("div", {"class": "table", "tabindex": "0"})
                    parent[place].append(child)
                elif child.tag == "img":
                    child.set("src", self._embedded(child.get("src", "")))
                elif child.tag == "a" and not _SAFE_LINK.match(child.get("href", "")):
                    child.attrib.pop("href", None)
            if (
                parent.tag == "p"
                and [child.tag for child in parent] == ["img"]
                and not f"{parent.text or ''}{parent[0].tail or ''}".strip()
            ):
                parent.tag = "figure"
                ElementTree.SubElement(parent, "figcaption").text = parent[0].get("alt")

    def _embedded(self, source: str) -> str:
        path = (self._folder / urllib.parse.unquote(source)).resolve()
        if not path.is_relative_to(self._folder):
            raise ValueError(
                f"the images of report.md must lie in {self._folder}; "
                f"got {source!r}, which is outside."
            )
        if not path.is_file():
            raise FileNotFoundError(
                f"report.md shows {source!r}, and there is no such file in {self._folder}."
            )
        kind = mimetypes.guess_type(path.name)[0]
        if kind is None or not kind.startswith("image/"):
            raise ValueError(
                f"the images of report.md must be PNG, JPEG, SVG or the like; got {source!r}."
            )
        return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _fold(root: ElementTree.Element, heading: ElementTree.Element) -> None:
    """Put a section, from its heading to the next one, into an element that a click opens."""
    start = list(root).index(heading)
    inside = list(root)[start + 1 :]
    end = next((place for place, child in enumerate(inside) if child.tag == "h2"), len(inside))
    details = ElementTree.Element("details")
    ElementTree.SubElement(details, "summary").append(heading)
    for child in (heading, *inside[:end]):
        root.remove(child)
    details.extend(inside[:end])
    root.insert(start, details)


def _align(table: ElementTree.Element) -> None:
    """Mark the cells of those columns that hold numbers alone."""
    for head, *cells in zip(*table.iter("tr"), strict=True):
        head.set("scope", "col")
        text = " ".join("".join(cell.itertext()) for cell in cells)
        if re.search(r"\d", text) and set(re.findall(r"[^\W\d_]+", text)) <= _WORDS_IN_NUMBERS:
            for cell in (head, *cells):
                cell.set("class", "number")
