"""The wheel, built and installed into a virtual environment of its own, away from the source
tree.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.processes import ROOT, TINY

pytestmark = pytest.mark.slow

PAGES = ("docs/python.md", "docs/serving.md")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder with the executables of the environment."""
    folder = tmp_path_factory.mktemp("wheel")
    left_out = shutil.ignore_patterns("build", "*.egg-info", ".*", "tests", "saved_models")
    shutil.copytree(ROOT, folder / "source", ignore=left_out)
    wheel = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", folder]
    subprocess.run([*wheel, folder / "source"], check=True)
    (built,) = folder.glob("tfdvae-*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    programs = folder / "venv" / "bin"
    subprocess.run([programs / "pip", "install", "-q", f"{built}[onnx]"], check=True)
    yield programs
    shutil.rmtree(folder)


def run(folder, *command, pages=""):
    """Run a program in a folder, where no source tree is found."""
    return subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(pages)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_installed_wheel_runs_the_main_job(installed, tmp_path):
    command = [installed / "tfdvae", "train", *TINY, "--noisy-train", "--output", tmp_path / "run"]
    process = run(tmp_path, *command)
    assert process.returncode == 0, process.stderr
    assert "| limited + DVAE |" in process.stdout


def test_installed_wheel_is_typed(installed, tmp_path):
    code = "import tfdvae; print(tfdvae.__file__)"
    process = run(tmp_path, installed / "python", "-c", code)
    package = Path(process.stdout.strip()).parent
    assert package.is_relative_to(installed.parent)
    assert (package / "py.typed").is_file()


@pytest.mark.parametrize("page", PAGES)
def test_pages_run_with_the_wheel_alone(page, installed, tmp_path):
    """Their code blocks, from a copy of the pages beside which there is no source tree."""
    pages, work = tmp_path / "pages", tmp_path / "work"
    for path in (page, "train.py", "tests/helpers/snippets.py"):
        (pages / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, pages / path)
    work.mkdir()
    command = [installed / "python", "-m", "tests.helpers.snippets", page]
    done = run(work, *command, pages=pages)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "--- block" in done.stdout
