"""The built pages in a browser, from a folder and without a network."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.helpers.processes import ROOT
from tests.helpers.requirements import lacking

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if find_spec("mkdocs") is None:
        lacking("mkdocs is not installed")
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    return folder


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_open_from_a_folder_and_fit_the_window(site, browser, width):
    pages = sorted(
        path.relative_to(site).as_posix()
        for path in site.rglob("*.html")
        if "results" not in path.parts and path.name != "404.html"
    )
    assert {"index.html", "commands.html", "api.html", "studies/noise.html"} <= set(pages)
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    for page in pages:
        browser.get((site / page).as_uri())
        overflow = (
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert browser.execute_script(overflow) <= 0, page
        loaded = browser.execute_script(
            "return performance.getEntriesByType('resource').map(entry => entry.name)"
        )
        assert [name for name in loaded if not name.startswith(("file:", "data:"))] == [], page
        broken = "return [...document.images].filter(image => !image.naturalWidth).length"
        assert browser.execute_script(broken) == 0, page


def test_commands_and_figures_are_on_the_pages(site):
    commands = (site / "commands.html").read_text()
    for flag in ("--noisy-train", "--classifier-steps", "--per-image", "--false-positive-rate"):
        assert flag in commands
    assert "dvae" in commands
    index = (site / "index.html").read_text()
    assert "86.45 (85.77 to 87.11)" in index
    assert (site / "results" / "train" / "accuracy.png").is_file()
    assert (site / "results" / "augmentation" / "report.html").is_file()
