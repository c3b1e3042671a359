"""Cells of the noise study, whole studies and their command."""

import dataclasses
import shutil

import numpy as np
import pytest

from tests.helpers.processes import run_tfdvae
from tfdvae import csv_rows
from tfdvae.data import image_dataset, sources
from tfdvae.studies.noise import cells, figures, results
from tfdvae.studies.noise.settings import NOISES


@pytest.fixture(scope="module")
def few():
    source = sources.load("digits")
    train = image_dataset.Split(source.train.images[:600], source.train.labels[:600])
    return dataclasses.replace(source, train=train)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("none", "corrupted"),
        pytest.param("gaussian:0.5", "observed", marks=pytest.mark.slow),
    ],
)
def test_cell(text, target, few, tmp_path):
    cells.run_cell(few, text, target, seed=3, epochs=2, path=tmp_path / "cell.csv")
    rows = csv_rows.read_rows(tmp_path / "cell.csv")
    losses = {
        (row["split"], row["epoch"]): float(row["value"]) for row in rows if row["metric"] == "loss"
    }
    assert set(losses) == {(split, epoch) for split in ("train", "test") for epoch in ("1", "2")}
    assert losses["train", "2"] < losses["train", "1"]
    floors = {row["split"]: float(row["value"]) for row in rows if row["metric"] == "floor"}
    assert losses["train", "2"] > floors["train"] + results.variance(text, target)
    measured = {(row["metric"], row["test_corruption"]) for row in rows if row["test_corruption"]}
    assert measured == {
        (metric, test) for metric in ("psnr", "psnr_reachable", "probe_accuracy") for test in NOISES
    } | {
        ("knn_accuracy", "none"),
        ("silhouette", "none"),
    }
    fixed = {
        "study": "noise",
        "network": "strided_conv",
        "corruption": text,
        "target": target,
        "seed": "3",
        "model": "ae" if text == "none" else "dae",
    }
    assert all(fixed.items() <= row.items() for row in rows)
    with np.load(tmp_path / "cell.npz") as arrays:
        assert set(arrays) == {"noisy", "codes", "labels", "epoch_1", "epoch_2"}
        assert arrays["epoch_2"].shape == (10, 28, 28, 1)


@pytest.mark.slow
def test_the_same_cell_twice_gives_the_same_bytes(few, tmp_path):
    for name in ("a", "b"):
        cells.run_cell(few, "random_erasing:0.5", "corrupted", 0, 1, tmp_path / name / "cell.csv")
    assert (tmp_path / "a" / "cell.csv").read_bytes() == (tmp_path / "b" / "cell.csv").read_bytes()


@pytest.mark.slow
def test_floors_of_the_study(fashion):
    """As computed in the study's review: 0.569 / 0.567, and 0.534 / 0.532 with random erasing;
    tolerance of their rounding.
    """
    train, test = cells.scaled(fashion.train.images), cells.scaled(fashion.test.images)
    assert (train.min(), train.max()) == (-1, 1)
    assert cells.floor(train, "none", "corrupted", 0) == pytest.approx(0.569, abs=0.0006)
    assert cells.floor(test, "gaussian:0.5", "corrupted", 0) == pytest.approx(0.567, abs=0.0006)
    assert cells.floor(test, "random_erasing:0.5", "corrupted", 0) == pytest.approx(
        0.532, abs=0.002
    )
    assert cells.floor(test, "random_erasing:0.5", "observed", 0) == cells.floor(
        test, "none", "observed", 0
    )


def test_images_of_another_size_are_refused_before_anything_is_written(command, tmp_path):
    images = np.zeros((20, 10, 10), np.uint8)
    images += np.arange(20, dtype=np.uint8)[:, None, None]
    np.savez("own.npz", x_train=images, y_train=np.arange(20) % 2)
    refused = command("study", "noise", "--dataset", "own.npz", "--output", "out")
    assert refused.returncode == 2
    assert "multiples of 8 plus 4; got 10. Nearest: 12." in refused.stderr
    assert not (tmp_path / "out").exists()


def test_command_line(command):
    assert "noise" in command("study", "list").stdout
    wrong = command("study", "noise", "--dataset", "digits", "--cell", "corrupted-nonne-seed0")
    assert wrong.returncode == 2
    assert "Did you mean 'corrupted-none-seed0'" in wrong.stderr


@pytest.mark.slow
def test_a_study_goes_on_where_it_was_stopped(small_digits, tmp_path):
    """All are computed two at a time; then a cell is missing, and made again to the same bytes."""
    study = (
        "study",
        "noise",
        "--dataset",
        small_digits,
        "--epochs",
        "1",
        "--threads",
        "1",
        "--seeds",
        "0",
        "--targets",
        "corrupted",
    )
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert run_tfdvae(*study, "--workers", "2", "--output", whole).returncode == 0
    (broken / "cells").mkdir(parents=True)
    shutil.copy(whole / "config.json", broken)
    for cell in sorted((whole / "cells").glob("*.csv"))[:5]:
        for file in cell.parent.glob(f"{cell.stem}.*"):
            shutil.copy(file, broken / "cells")
    finished = run_tfdvae(*study, "--output", broken)
    assert finished.returncode == 0, finished.stderr
    assert "6 cells, 5 done before" in finished.stdout
    assert (broken / "rows.csv").read_bytes() == (whole / "rows.csv").read_bytes()
    assert len(list((broken / "figures").glob("*.png"))) == 3
    report = (broken / "report.md").read_bytes()
    shutil.rmtree(broken / "cells")
    assert "6 cells, 6 done before" in run_tfdvae(*study, "--output", broken).stdout, (
        "rows.csv is enough, as in a clone"
    )
    assert (broken / "report.md").read_bytes() == report


@pytest.mark.slow
def test_a_cell_that_fails_is_named(tmp_path):
    """The folder of the cells is a file: the study says which cell failed and why, with status
    2.
    """
    (tmp_path / "cells").touch()
    process = run_tfdvae(
        "study",
        "noise",
        "--dataset",
        "digits",
        "--epochs",
        "1",
        "--threads",
        "1",
        "--seeds",
        "0",
        "--targets",
        "corrupted",
        "--output",
        tmp_path,
    )
    assert process.returncode == 2
    assert "cell corrupted-none-seed0 failed" in process.stderr
    assert "Traceback" not in process.stderr


def test_codes_that_were_kept_are_drawn_anew_where_they_are_damaged(noise, tmp_path):
    (tmp_path / "cells").mkdir()
    for kind in NOISES:
        target = "any" if kind == "none" else "clean"
        np.savez(
            tmp_path / "cells" / f"{target}-{kind.replace(':', '-')}-seed0.npz",
            **{name: noise(4, 6, 6, 1) for name in ("noisy", "epoch_1")},
            codes=noise(12, 3),
            labels=np.arange(12) % 2,
        )
    found = results.Results(["clean"])
    figures.draw(found, "clean", tmp_path)
    kept = sorted((tmp_path / "cells").glob("*.tsne.npy"))
    assert len(kept) == len(NOISES)
    whole = [path.read_bytes() for path in kept]
    for path, content in zip(kept, whole, strict=True):
        path.write_bytes(content[:-9])
    kept[0].write_bytes(b"")
    figures.draw(found, "clean", tmp_path)
    assert [path.read_bytes() for path in kept] == whole
