"""The scripts of examples/ run by themselves."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.helpers.processes import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def output(name, folder):
    """Run an example in a folder and return what it printed."""
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / name],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_four_examples_are_listed():
    listed = re.findall(r"\]\((\w+\.py)\)", (ROOT / "examples" / "README.md").read_text())
    assert sorted(listed) == [path.name for path in EXAMPLES]
    assert len(EXAMPLES) == 4


@pytest.mark.slow
def test_a_denoiser_from_noisy_images_alone(tmp_path):
    """What a user keeps in a folder of the same name stays, at each start."""
    mine = tmp_path / "denoise_my_images" / "noisy" / "mine.png"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    for _ in range(2):
        printed = output("denoise_my_images.py", tmp_path)
        noisy, denoised = map(float, re.findall(r"(\d+\.\d+) dB", printed))
        assert denoised > noisy + 1
        assert (tmp_path / "denoise_my_images" / "some.png").is_file()
    assert mine.read_bytes() == b"mine"
    assert len(list((tmp_path / "noisy_digits").iterdir())) == 1000


@pytest.mark.slow
def test_a_folder_of_ones_own_is_only_read(tmp_path):
    """The folder is named in the script, as its first comment says; nothing is made up in it."""
    script = (ROOT / "examples" / "denoise_my_images.py").read_text()
    mine = tmp_path / "mine"
    mine.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(mine / f"{number:04}.png")
    before = {path: path.read_bytes() for path in mine.iterdir()}
    script = script.partition("\n# %% How far")[0].replace("noisy_digits", "mine")
    (tmp_path / "script.py").write_text(script.replace("epochs=12", "epochs=1"))
    assert "report.html" in output(tmp_path / "script.py", tmp_path)
    assert {path: path.read_bytes() for path in mine.iterdir()} == before


@pytest.mark.slow
def test_a_verdict_about_a_classifier_of_ones_own(tmp_path):
    printed = output("does_it_help.py", tmp_path)
    assert "limited + DVAE" in printed
    assert (tmp_path / "does_it_help" / "report.html").is_file()


@pytest.mark.slow
def test_a_network_and_a_corruption_of_ones_own(tmp_path):
    printed = output("custom_parts.py", tmp_path)
    damaged, restored = map(float, re.findall(r"ed: (\d\.\d+)", printed))
    assert restored < damaged / 2
    assert "20 synthetic images" in printed


@pytest.mark.slow
def test_a_saved_model_and_onnx(tmp_path):
    printed = output("serve_a_model.py", tmp_path)
    assert all(float(value) < 1e-5 for value in re.findall(r"difference (\S+)", printed))
    assert printed.count("largest difference") == 2
