"""The folder of `tfdvae classify`: what may go on in it, and what is refused."""

import importlib.metadata
import json

import pytest

from tfdvae.classifying import folders
from tfdvae.config.classify import ClassifyConfig

PRODUCTS = (
    *("classifier.keras", "saved_model", "classifier.onnx", "predictions.csv", "report.html"),
    *("report.md", "figures", "checkpoints"),
)


def config(folder, **settings):
    return ClassifyConfig(dataset="digits", output=str(folder), **settings)


def begun(folder, *products, **changed):
    """A folder with the settings of a job, and with some of what a job leaves."""
    folder.mkdir()
    values = {"tfdvae": "0.1.0", **folders.settings(config(folder)), **changed}
    (folder / "settings.json").write_text(json.dumps(values))
    for name in products:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("product", PRODUCTS)
def test_other_settings_are_refused_beside_anything_that_was_made(product, tmp_path):
    folder = begun(tmp_path / "out", product)
    folders.check(config(folder), folder)
    with pytest.raises(ValueError, match=r"holds a classifier with `seed` 0; got 1\. Give a new"):
        folders.check(config(folder, seed=1), folder)


def test_a_start_that_made_nothing_is_free_for_other_settings(tmp_path):
    folder = begun(tmp_path / "out")
    folders.check(config(folder, seed=1), folder)


def test_what_a_newer_version_made_is_refused(tmp_path):
    folder = begun(tmp_path / "out", tfdvae="999.0")
    with pytest.raises(ValueError, match=r"out was made by tfdvae 999.0; this is tfdvae"):
        folders.check(config(folder), folder)


def test_the_version_is_kept(tmp_path):
    class Images:
        fingerprint = "abc"

    folders.begin(config(tmp_path), Images, tmp_path)
    kept = json.loads((tmp_path / "settings.json").read_text())
    assert kept["tfdvae"] == importlib.metadata.version("tfdvae")
    assert kept["folds"] == 5
    assert json.loads((tmp_path / "images.json").read_text()) == {"fingerprint": "abc"}


@pytest.mark.parametrize(
    ("lost", "complete", "said"),
    [
        ((), True, ""),
        (("figures", "report.md", "classifier.onnx"), True, ""),
        (("report.html",), False, "lacks report.html, which the job had left there: it is done"),
        (
            ("classifier.keras", "predictions.csv"),
            False,
            "lacks classifier.keras and predictions.csv",
        ),
        (PRODUCTS, False, ""),
    ],
)
def test_what_is_missing_is_said_before_it_is_made_again(lost, complete, said, tmp_path):
    there = set(PRODUCTS) - {"checkpoints", *lost}
    folder = begun(tmp_path / "out", *there)
    assert folders.is_complete(folder) == complete
    found = folders.describe_lost(folder)
    assert said in found
    assert bool(found) == bool(said)
    (folder / "checkpoints").mkdir()  # it goes on from these
    assert folders.describe_lost(folder) == ""
    assert not folders.is_complete(folder)
