"""What README.md and docs/ say of lengths, commands, requests and numbers."""

import json
import re

import pytest

from tests.helpers import snippets
from tests.helpers.processes import ROOT

README = (ROOT / "README.md").read_text()
SERVING = (ROOT / "docs" / "serving.md").read_text()
CITED = [  # sentence of the README, file of results/, what the file says
    (
        "VAE -1.16 points (-1.57 to -0.76)",
        "augmentation",
        "harms (-1.16 points, 95% interval -1.57 to -0.76; 10 seeds",
    ),
    (
        "DVAE -0.74 (-1.03 to -0.45)",
        "augmentation",
        "harms (-0.74 points, 95% interval -1.03 to -0.45; 10 seeds",
    ),
    (
        "-1.8 points (VAE, -4.0 to +0.3)",
        "retina",
        "(-1.85 points, 95% interval -4.00 to +0.30; 5 seeds",
    ),
    ("-1.7 (DVAE, -3.3 to -0.1)", "retina", "(-1.68 points, 95% interval -3.28 to -0.07; 5 seeds"),
    (
        "+3.0 points (2.3 to 3.8)",
        "augmentation",
        "(+3.05 points, 95% interval +2.28 to +3.82; 10 seeds",
    ),
    (
        "gain 3.4 to 4.0 points",
        "augmentation",
        "| duplicate | helps: +3.66 | helps: +4.05 | helps: +3.36 | helps: +3.72 |",
    ),
    ("by 1.50 ± 0.23 to 10.6 ± 0.2 dB PSNR", "denoising", "+1.50 ± 0.23"),
    ("by 1.50 ± 0.23 to 10.6 ± 0.2 dB PSNR", "denoising", "+10.63 ± 0.21"),
    ("loses on three, by up to 2.6 ± 1.1 dB", "denoising", "-2.55 ± 1.05"),
]


@pytest.mark.parametrize(("sentence", "study", "text"), CITED)
def test_numbers_of_the_readme_stand_in_the_results(sentence, study, text):
    assert sentence in " ".join(README.split())
    assert text in (ROOT / "results" / study / "report.md").read_text()


def test_the_readme_is_short():
    assert len(README.split()) <= 700


def test_the_readme_trains_and_uses_a_model_in_fewer_than_15_lines():
    (block,) = (block for block in snippets.blocks(README) if block.language == "python")
    assert len(block.code.splitlines()) < 15


def test_the_saved_model_is_loaded_in_five_lines():
    (block,) = (block for block in snippets.blocks(SERVING) if "tf.saved_model.load" in block.code)
    assert len(block.code.strip().splitlines()) <= 5 + 1, "with the empty line behind the import"


def test_continuous_integration_calls_the_test_command_of_the_readme():
    found = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(found) == 2
    assert found[1].endswith(".venv/bin/python -m pytest")
    pattern = re.search(r"grep -E '(.*?)' README.md", (ROOT / ".ci" / "run").read_text()).group(1)
    assert [line for line in README.splitlines() if re.search(pattern, line)] == [found[1]]


def test_request_to_tensorflow_serving_fits_the_exported_signature(tmp_path):
    import tensorflow as tf

    from tests.helpers.models import make
    from tfdvae.inference.exporting import export

    export(make("dvae"), tmp_path / "served")
    (block,) = (block for block in snippets.blocks(SERVING) if block.language == "json")
    request = json.loads(block.code.replace("IMAGES", "[]"))
    loaded = tf.saved_model.load(tmp_path / "served")
    signature = loaded.signatures[request["signature_name"]]
    assert set(signature.structured_input_signature[1]) == set(request["inputs"])
    assert len(signature.structured_outputs) == 1, (
        "the answer holds the images right under `outputs`"
    )
    for name in ("serving_default", "encode", "decode", "posterior", "sample"):
        assert f"`{name}`" in SERVING.partition("## TensorFlow Serving")[2]
        assert name in loaded.signatures


def test_the_api_page_has_every_public_name():
    import tfdvae

    listed = re.findall(
        r"^::: tfdvae\.(\w+)$", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE
    )
    assert set(listed) == set(tfdvae.__all__)


def test_the_api_page_lists_members_that_are_there_and_documented():
    import tfdvae

    listed = re.findall(
        r"^::: tfdvae\.(\w+)\n    options:\n      inherited_members: \[(.*)\]$",
        (ROOT / "docs" / "api.md").read_text(),
        re.MULTILINE,
    )
    assert [name for name, _ in listed] == ["DAE", "VAE", "TrainedModel"]
    for name, members in listed:
        for member in members.split(", "):
            method = getattr(getattr(tfdvae, name), member)
            assert method.__doc__, member
            assert method.__module__.startswith("tfdvae."), member
