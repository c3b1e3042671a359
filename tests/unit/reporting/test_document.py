import html
import re

import markdown
import markdown_it
import pytest

from tfdvae.reporting.document import (
    Box,
    Bullets,
    Document,
    Figure,
    Heading,
    Paragraph,
    Table,
    in_sentence,
    literal,
    to_markdown,
    to_plain,
)

PARTS = [
    Heading("First"),
    Paragraph("One sentence.\n  And   another."),
    Bullets(["**a**", "b"]),
    Heading("Below", 3),
    Table(["name", "value"], [["x", "1"], [literal("a|b_c"), "2"]]),
]
MARKDOWN = """## First

One sentence. And another.

- **a**
- b

### Below

| name | value |
|---|---|
| x | 1 |
| a\\|b\\_c | 2 |
"""


def test_markdown():
    assert to_markdown(PARTS) == MARKDOWN


def test_title_is_plain_text():
    assert Document("a_b", PARTS).markdown() == "# a\\_b\n\n" + MARKDOWN


def test_a_report_is_written_as_markdown_and_html(tmp_path):
    path = Document("a & b", PARTS).write(tmp_path)
    assert path == tmp_path / "report.html"
    assert (tmp_path / "report.md").read_text() == Document("a & b", PARTS).markdown()
    page = path.read_text()
    assert "<title>a &amp; b</title>" in page
    assert "<strong>a</strong>" in page
    assert "a|b_c</td>" in page


def test_a_missing_figure_is_told(tmp_path):
    document = Document("title", [Figure("figures/none.png", "caption")])
    assert document.markdown().endswith("![caption](figures/none.png)\n")
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        document.write(tmp_path)


NAMES = (
    "fashion_mnist",
    "_a_ __b__ *c* **d** ~~e~~",
    "<img src=x onerror=alert(1)> <!-- --> <script>",
    "[x](javascript:alert(1)) ![y](z) [a]: b [TOC]",
    "`code` ``x`",
    "a|b || c",
    "# C# ##",
    "> quote",
    "- item",
    "+ item",
    "1. item",
    "2) item",
    "---",
    "&lt; &amp; &#27; &",
    "price_$10_{$ $$",
    "a\\_b \\\\ \\`",
    "c:\\d\\",
    "100%",
    "http//x",
)
RENDERERS = {
    "Python-Markdown": lambda text: markdown.markdown(text, extensions=["tables"]),
    "CommonMark": markdown_it.MarkdownIt("commonmark").enable("table").render,
}


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("name", NAMES)
def test_names_are_shown_as_they_are(name, renderer):
    places = {
        "h2": Heading(literal(name)),
        "p": Paragraph(in_sentence(name)),
        "td": Table(["a", "b"], [[literal(name), "x"]]),
        "li": Bullets([literal(name)]),
    }
    for tag, part in places.items():
        if tag == "li" and re.match(r"[->+\d]", name):
            continue  # no list of the package begins an item with a name
        page = RENDERERS[renderer](to_markdown([part]))
        assert "<img" not in page
        assert "<a" not in page
        (shown,) = re.findall(f"<{tag}>(.*?)</{tag}>", page)[:1]
        assert html.unescape(shown) == name


@pytest.mark.parametrize("name", NAMES)
def test_the_terminal_shows_them_too(name):
    for escape in (literal, in_sentence):
        assert to_plain(escape(name)) == name


def test_words_in_sentences_stay_legible():
    assert in_sentence("fashion_mnist of a_b_c, _d_") == "fashion_mnist of a_b_c, \\_d\\_"


def test_control_characters_and_line_breaks_in_names():
    assert literal("a\nb\x1b[1m\u202e") == "a b\\\\x1b\\[1m\\\\u202e"


def test_a_box_is_a_quotation_and_a_folded_section_opens_by_a_click(tmp_path):
    parts = [
        Box("Not decided.\nReally *not*."),
        Heading("First"),
        Paragraph("Seen."),
        Heading("Statistics", folded=True),
        Paragraph("Hidden."),
        Heading("Below", 3),
        Table(["name"], [["x"]]),
        Heading("Last"),
        Paragraph("Seen too."),
    ]
    page = Document("A report", parts).write(tmp_path).read_text()
    assert "> Not decided. Really *not*.\n\n## First" in (tmp_path / "report.md").read_text()
    assert re.search(r"<blockquote>\s*<p>Not decided. Really <em>not</em>.</p>", page)
    assert page.index("Not decided") < page.index("Contents") < page.index("Seen.")
    inside = page[page.index("<details>") : page.index("</details>")]
    assert re.match(r"<details>\s*<summary>\s*<h2[^>]*>Statistics</h2>\s*</summary>", inside)
    assert "Hidden." in inside
    assert "Below" in inside
    assert "<td>x</td>" in inside
    assert "Seen." not in inside
    assert "Last" not in inside
