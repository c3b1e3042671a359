import base64
import shutil
from html.parser import HTMLParser

import matplotlib.image
import numpy as np
import pytest

from tests.helpers.processes import ROOT
from tfdvae.reporting import html
from tfdvae.reporting.document import literal

NAME = r"<script>alert(1)</script> a_b*c* `d` [e](javascript:f) ![g](h) i|j & k &lt; l\m\\ ~~n~~"
REPORT = f"""# Study of {literal(NAME)}

Seen in <b onclick="alert(2)">bold</b>, [a script](javascript:alert(3)),
[the same](&#106;avascript:alert(4)),
[elsewhere](//h.example), [a paper](https://a.example/x?y&z), [the rows](rows.csv).

<script src="https://b.example/x.js"></script>

## First results

| data | accuracy | p | range | n |
|---|---|---|---|---|
| {literal(NAME)} | 80.00 ± 1.20 | < 0.001 | 1 to 2: inside | 1,000 |
| `two|cells` | -3.5 (-4 to -3) | 1e-05 | 1 to 2: outside | |

### Details

![Losses of "a" & b, per epoch](figures/my%20losses.png)

## Second <i>results</i>

Small ![dot](dot.png) inside a line.
"""


class Page(HTMLParser):
    """The elements of a page: tag, attributes and all the text within, in document order."""

    EMPTY = ("meta", "img", "br", "hr", "link")

    def __init__(self, text):
        super().__init__()
        self.elements, self._open = [], []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.elements.append([tag, dict(attributes), ""])
        if tag not in self.EMPTY:
            self._open.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        for element in self._open:
            element[2] += data

    def all(self, tag):
        return [(attributes, text) for name, attributes, text in self.elements if name == tag]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "figures").mkdir()
    for number, name in enumerate(("figures/my losses.png", "dot.png")):
        matplotlib.image.imsave(tmp_path / name, np.full((4, 5), number), vmin=0, vmax=1)
    (tmp_path / "report.md").write_text(REPORT, encoding="utf-8")
    return tmp_path


@pytest.fixture
def page(folder):
    return Page(html.write(folder, 'Study of "a" & <b>').read_text(encoding="utf-8"))


def test_writes_one_file_beside_the_markdown(folder):
    assert html.write(folder, "t") == folder / "report.html"
    assert sorted(path.name for path in folder.iterdir()) == [
        "dot.png",
        "figures",
        "report.html",
        "report.md",
    ]


def test_head(page):
    assert page.all("html")[0][0] == {"lang": "en"}
    assert page.all("title") == [({}, 'Study of "a" & <b>')]
    assert ({"name": "viewport", "content": "width=device-width, initial-scale=1"}, "") in page.all(
        "meta"
    )


def test_names_are_shown_as_they_are(page):
    assert page.all("h1")[0][1] == f"Study of {NAME}"
    assert page.all("td")[0][1] == NAME
    assert page.all("td")[5][1] == "two|cells"


def test_html_in_the_markdown_is_shown_as_text(page):
    allowed = {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "h3",
        "p",
        "a",
        "div",
        "span",
        "ul",
        "li",
        "code",
    }
    allowed |= {"table", "thead", "tbody", "tr", "th", "td", "figure", "img", "figcaption"}
    assert {tag for tag, _, _ in page.elements} == allowed
    assert any('<b onclick="alert(2)">bold</b>' in text for _, text in page.all("p"))
    assert ({}, '<script src="https://b.example/x.js"></script>') in page.all("p")


def test_nothing_is_fetched_and_no_attribute_runs(page):
    for _, attributes, _ in page.elements:
        assert attributes.keys() <= {
            "lang",
            "charset",
            "name",
            "content",
            "http-equiv",
            "id",
            "class",
            "href",
            "src",
            "alt",
            "scope",
            "tabindex",
        }
        assert attributes.get("src", "data:").startswith("data:")
    assert "url(" not in page.all("style")[0][1]
    assert "@import" not in page.all("style")[0][1]


def test_links(page):
    links = [attributes.get("href") for attributes, _ in page.all("a")]
    assert links == [
        "#first-results",
        "#second-iresultsi",
        None,
        None,
        None,
        "https://a.example/x?y&z",
        "rows.csv",
    ]


def test_contents_list_the_second_headings(page):
    assert [text for _, text in page.all("li")] == ["First results", "Second <i>results</i>"]
    assert [attributes["id"] for attributes, _ in page.all("h2")] == [
        "first-results",
        "second-iresultsi",
    ]


def test_images_are_inside(page, folder):
    for (attributes, _), name in zip(
        page.all("img"), ("figures/my losses.png", "dot.png"), strict=True
    ):
        start, _, data = attributes["src"].partition(",")
        assert start == "data:image/png;base64"
        assert base64.b64decode(data, validate=True) == (folder / name).read_bytes()
    assert [attributes["alt"] for attributes, _ in page.all("img")] == [
        'Losses of "a" & b, per epoch',
        "dot",
    ]
    assert page.all("figcaption") == [({}, 'Losses of "a" & b, per epoch')]


def test_tables_scroll_on_their_own_and_numbers_are_aligned(page):
    assert [attributes["class"] for attributes, _ in page.all("div")] == ["toc", "table"]
    for start in (0, 5):
        assert [attributes.get("class") for attributes, _ in page.all("td")[start : start + 5]] == [
            None,
            "number",
            "number",
            None,
            "number",
        ]
    assert [attributes.get("class") for attributes, _ in page.all("th")] == [
        None,
        "number",
        "number",
        None,
        "number",
    ]


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        ("figures/none.png", FileNotFoundError, "'figures/none.png'.*no such file"),
        ("https://c.example/x.png", FileNotFoundError, "'https://c.example/x.png'.*no such file"),
        ("../outside.png", ValueError, r"'\.\./outside.png', which is outside"),
        ("%2e%2e/outside.png", ValueError, "'%2e%2e/outside.png', which is outside"),
        ("/etc/hostname", ValueError, "'/etc/hostname', which is outside"),
        ("link.png", ValueError, "'link.png', which is outside"),
        ("report.md", ValueError, "must be PNG, JPEG, SVG or the like; got 'report.md'"),
    ],
)
def test_images_of_elsewhere_are_errors(folder, image, error, message):
    (folder.parent / "outside.png").write_bytes(b"secret")
    (folder / "link.png").symlink_to(folder.parent / "outside.png")
    (folder / "report.md").write_text(f"# t\n\n![a]({image})\n")
    with pytest.raises(error, match=message):
        html.write(folder, "t")
    assert not (folder / "report.html").exists()


def test_wants_a_report(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"report\.md"):
        html.write(tmp_path, "t")


@pytest.mark.parametrize("text", ["", "no heading", "# only a title"])
def test_reports_without_sections(tmp_path, text):
    (tmp_path / "report.md").write_text(text)
    page = Page(html.write(tmp_path, "t").read_text(encoding="utf-8"))
    assert page.all("li") == []
    assert page.all("body")[0][1].replace("Contents", "").split() == text.strip("# ").split()


@pytest.mark.slow
@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("study", ["noise", "denoising", "augmentation", "retina"])
def test_in_a_browser(browser, tmp_path, study, width):
    folder = tmp_path / study
    shutil.copytree(ROOT / "results" / study, folder, ignore=shutil.ignore_patterns("cells"))
    path = html.write(folder, "A study")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == 375},
    )
    browser.get(path.as_uri())
    assert browser.title == "A study"
    assert browser.get_log("browser") == []
    widths = browser.execute_script(
        "return Array.from(document.images, image => image.naturalWidth)"
    )
    assert len(widths) == (ROOT / "results" / study / "report.md").read_text().count("![")
    assert min(widths) > 0
    assert browser.execute_script("return innerWidth") == width
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    clipped = (
        "return Array.from(document.querySelectorAll('.table'), box => box.scrollWidth > "
        "box.clientWidth)"
    )
    assert any(browser.execute_script(clipped)) == (width == 375)
    printed = base64.b64decode(browser.print_page())
    assert printed.startswith(b"%PDF")
    assert len(printed) > 100_000
    paper = 688  # A4 less its margins: 182 mm at 96 pixels an inch
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": paper, "height": 1000, "deviceScaleFactor": 1, "mobile": False},
    )
    assert browser.execute_script("return document.documentElement.scrollWidth") <= paper
    assert not any(browser.execute_script(clipped))
