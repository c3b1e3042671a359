"""Cells of the study of uses."""

import dataclasses

import numpy as np
import pytest
import skimage.restoration

from tfdvae import csv_rows
from tfdvae.data import image_dataset, sources
from tfdvae.studies.uses import compression, images, measures
from tfdvae.studies.uses.cells import list_cells
from tfdvae.studies.uses.recipes import Recipe
from tfdvae.studies.uses.settings import UsesStudyConfig

SMALL = UsesStudyConfig(dataset="digits", n_train=100, epochs=1, seeds=(0,))


@pytest.fixture(scope="module")
def dataset():
    """Two test images of each class."""
    found = sources.load("digits")
    labels = np.asarray(found.test.labels)
    few = np.sort(np.concatenate([np.flatnonzero(labels == label)[:2] for label in range(10)]))
    test = dataclasses.replace(found.test, images=found.test.images[few], labels=labels[few])
    return dataclasses.replace(found, test=test)


def computed(dataset, cell, folder, config=SMALL):
    """Compute a cell and return its rows."""
    path = folder / "cells" / f"{cell}.csv"
    list_cells(config, 10)[cell](dataset, path)
    return csv_rows.read_rows(path)


@pytest.mark.parametrize(
    "cell",
    ["anomaly-one-mlp-3-seed0", "anomaly-nine-pca-3-seed0", "anomaly-one-isolation_forest-3-seed0"],
)
def test_anomalies(cell, dataset, tmp_path):
    (row,) = computed(dataset, cell, tmp_path)
    assert 0 <= float(row["value"]) <= 1
    assert (row["metric"], row["seed"], row["split"]) == ("auroc", "0", "test")
    assert row["protocol"] == ("normal:3" if "one" in cell else "anomalous:3")
    assert row["n_train"] == ("50" if "one" in cell else "100")


@pytest.mark.slow
def test_imputation(dataset, tmp_path):
    """Known pixels are exact: with fewer missing, the PSNR is higher whatever the method."""
    rows = computed(dataset, "imputation-seed0", tmp_path)
    psnr = {
        (row["model"], row["test_corruption"]): float(row["value"])
        for row in rows
        if row["metric"] == "psnr"
    }
    for method in ("dae", "mean_fill", "biharmonic"):
        assert psnr[method, "masking:0.1"] > psnr[method, "masking:0.7"]
    with np.load(tmp_path / "cells" / "imputation-seed0.npz") as arrays:
        assert arrays["original"].shape == (10, 28, 28, 1)
        missing = np.isnan(arrays["0.3/input"])
        assert missing.mean() == pytest.approx(0.3, abs=0.05)
        filled = arrays["0.3/dae"]
        np.testing.assert_array_equal(filled[~missing], arrays["original"][~missing])


def test_imputation_of_color_images(dataset):
    """Each channel is filled in from itself."""
    labels = np.asarray(dataset.test.labels)
    first = [np.flatnonzero(labels == label)[0] for label in range(10)]
    parts = {
        part: image_dataset.Split(pixels // np.array([1, 2, 255], np.uint8), labels)
        for part, pixels, labels in (
            ("train", dataset.train.images[:20], dataset.train.labels[:20]),
            ("test", dataset.test.images[first], labels[first]),
        )
    }
    given = images.load(dataclasses.replace(dataset, **parts), 0, "test")
    _, arrays = measures.measure_imputation(given, Recipe("mlp", 4, "masking:0.5", 1), 20)
    given, filled = arrays["0.3/input"][0], arrays["0.3/biharmonic"][0]
    missing = np.isnan(given[..., 0])
    for channel in range(3):
        plane = np.where(missing, 0, given[..., channel])
        expected = np.clip(skimage.restoration.inpaint_biharmonic(plane, missing), 0, 1)
        np.testing.assert_allclose(filled[..., channel], expected, atol=1e-6)


@pytest.mark.slow
def test_probe_and_compression(dataset, tmp_path):
    rows = computed(dataset, "probe-seed0", tmp_path)
    assert {(row["model"], row["protocol"]) for row in rows} == {
        (model, "labels:100") for model in ("dae", "pca", "pixels")
    }
    rows = computed(dataset, "compression-pca-8-seed0", tmp_path)
    psnr = {row["protocol"]: float(row["value"]) for row in rows if row["metric"] == "psnr"}
    assert psnr["bits:1"] < psnr["bits:4"] < psnr["bits:8"] < psnr["bits:none"] + 0.01
    size = {row["protocol"]: float(row["value"]) for row in rows if row["metric"] != "psnr"}
    assert size["bits:8"] > size["bits:1"] >= 1
    assert size[""] == 8 * 28 * 28 + 28 * 28, "components and their mean"


def test_jpeg(dataset, tmp_path):
    rows = computed(dataset, "jpeg", tmp_path)
    assert {row["seed"] for row in rows} == {""}
    values = {(row["protocol"], row["metric"]): float(row["value"]) for row in rows}
    assert values["quality:5", "psnr"] < values["quality:90", "psnr"]
    for quality in compression.QUALITIES:
        whole, scan = (
            values[f"quality:{quality}", f"{name}_per_image"] for name in ("bytes", "scan_bytes")
        )
        assert 300 < whole - scan < 700
