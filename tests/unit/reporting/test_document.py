import pytest

from tfdvae.reporting.document import (
    Bullets,
    Document,
    Figure,
    Heading,
    Paragraph,
    Table,
    literal,
    to_markdown,
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
