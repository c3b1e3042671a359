"""Every code block of README.md and docs/ is run, or says why not.

How: tests/helpers/snippets.py.
"""

import os
import subprocess
import sys

import pytest

from tests.helpers import snippets

PAGES = [
    pytest.param(
        page,
        id=page,
        marks=[pytest.mark.slow] if snippets.is_slow((snippets.ROOT / page).read_text()) else [],
    )
    for page in snippets.pages()
    if any(block.executed for block in snippets.blocks((snippets.ROOT / page).read_text()))
]
NOT_RUN = {
    "CONTRIBUTING.md": 2,
    "README.md": 2,
    "docs/extending.md": 1,
    "docs/index.md": 1,
    "docs/machines.md": 3,
    "docs/serving.md": 2,
    "docs/studies/augmentation.md": 3,
    "docs/studies/denoised-images.md": 13,
    "docs/studies/denoising.md": 1,
    "docs/studies/few-labels.md": 2,
    "docs/studies/index.md": 1,
    "docs/studies/noise.md": 1,
    "docs/studies/noisy-alone.md": 3,
    "docs/studies/retina.md": 6,
    "docs/studies/uses.md": 1,
    "docs/train.md": 2,
}


@pytest.mark.parametrize("page", PAGES)
def test_blocks_of_a_page_run(page, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.helpers.snippets", page],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(snippets.ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_blocks_that_are_not_run_are_these():
    found = {}
    for page in snippets.pages():
        skipped = [
            block.skip
            for block in snippets.blocks((snippets.ROOT / page).read_text())
            if block.skip
        ]
        if skipped:
            found[page] = len(skipped)
    assert found == NOT_RUN


def test_every_fence_is_a_block():
    """A fence that the pattern misses would be run by nobody."""
    for page in snippets.pages():
        text = (snippets.ROOT / page).read_text()
        fences = sum(line.strip().startswith("```") for line in text.splitlines())
        assert fences == 2 * len(snippets.blocks(text)), page
