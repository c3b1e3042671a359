import dataclasses
import logging
import sys
import time

import numpy as np
import pytest

import tfdvae
from tests.helpers.disk import full_disk
from tfdvae import csv_rows
from tfdvae._utils import disk, files, threads
from tfdvae._utils.registry import Registry
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.studies import api, executor, registry, runner
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig
from tfdvae.studies.registry import STUDIES, register_study
from tfdvae.studies.settings import StudyConfig


@pytest.fixture(autouse=True)
def _threads(monkeypatch):
    """TensorFlow may work in this process already, with another number of threads."""
    monkeypatch.setattr(threads, "use_threads", lambda count: count)


def compute(cell, path):
    csv_rows.write_rows(path, [{"study": "mine", "run": cell, "value": 0.5}])


def run(folder, cells=("a", "b"), report=lambda folder: None, **settings):
    config = StudyConfig(dataset="digits", threads=1, output=str(folder))
    return runner.run_study("mine", config, cells, settings, compute, report, in_process=True)


def runs(folder):
    return [row["run"] for row in csv_rows.read_rows(folder / "rows.csv")]


def test_cells_are_computed_once_and_the_report_sees_all_rows(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="tfdvae")
    seen = []
    assert run(tmp_path, ("a",)) == tmp_path
    run(tmp_path, ("b",), lambda folder: seen.append(runs(folder)))
    assert seen == [["b", "a"]], "the cells of this start come first"
    run(tmp_path)
    assert "2 cells, 2 done before" in caplog.text
    assert runs(tmp_path) == ["a", "b"]
    assert len(files.read_json(tmp_path / "environment.json")) == 2


def failing(cell, path):
    if cell == "b":
        raise ValueError("no b")
    compute(cell, path)


def test_a_report_that_lacks_rows_hides_no_failed_cell(tmp_path, caplog):
    def report(folder):
        raise KeyError("rows of b")

    config = StudyConfig(dataset="digits", threads=1, output=str(tmp_path))
    with pytest.raises(ValueError, match="no b"):
        runner.run_study("mine", config, "ab", {}, failing, report, in_process=True)
    assert "too few cells are there for a report ('rows of b')" in caplog.text
    assert runs(tmp_path) == ["a"]


def test_a_cell_that_fails_keeps_no_report_from_being_written(tmp_path):
    seen = []
    config = StudyConfig(dataset="digits", threads=1, output=str(tmp_path))
    with pytest.raises(ValueError, match="no b"):
        runner.run_study(
            "mine", config, "ab", {}, failing, lambda folder: seen.append(runs(folder)), True
        )
    assert seen == [["a"]]


def test_a_study_that_finds_the_disk_full_goes_on_once_there_is_room(tmp_path):
    """The first cell has room; the record of this start has none."""
    cells = [f"cell-{number}" for number in range(12)]
    with (
        full_disk(1_000),
        pytest.raises(disk.DiskFull, match=r"the disk is full: .*environment\.json cannot"),
    ):
        run(tmp_path, cells)
    assert files.completed_files(tmp_path / "cells", "*.csv")
    assert not list(tmp_path.rglob(".tmp-*"))
    seen = []
    run(tmp_path, cells, lambda folder: seen.append(runs(folder)))
    assert seen == [cells]


def test_results_of_other_settings_are_refused(tmp_path):
    run(tmp_path, epochs=2)
    with pytest.raises(ValueError, match="`epochs` 2 there, 3 here"):
        run(tmp_path, epochs=3)


def test_a_finished_study_of_another_version_is_reported_anew(tmp_path):
    """With a cell missing it is refused: one study is of one version."""
    run(tmp_path)
    kept = files.read_json(tmp_path / "config.json") | {"tfdvae": "0.0.1"}
    files.write_json(tmp_path / "config.json", kept)
    seen = []
    run(tmp_path, report=seen.append)
    assert seen == [tmp_path]
    assert files.read_json(tmp_path / "config.json") == kept
    with pytest.raises(ValueError, match=f"`tfdvae` '0.0.1' there, '{tfdvae.__version__}' here"):
        run(tmp_path, ("a", "b", "c"))


def test_the_report_is_the_one_that_the_study_was_registered_with(saving_study, tmp_path):
    seen = []
    saving_study(lambda config: "", report=seen.append)
    config = StudyConfig(dataset="digits", threads=1, output=str(tmp_path))
    runner.run_study("mine", config, ["a"], {}, compute, in_process=True)
    assert seen == [tmp_path]


def test_cells_in_this_process_are_computed_one_after_the_other(tmp_path):
    """Whatever the workers: Keras has one state for all threads."""
    running, most = [], []

    def slow(cell, path):
        running.append(cell)
        most.append(len(running))
        time.sleep(0.05)
        compute(cell, path)
        running.remove(cell)

    config = StudyConfig(dataset="digits", threads=1, workers=3, output=str(tmp_path))
    runner.run_study("mine", config, "abc", {}, slow, lambda folder: None, in_process=True)
    assert most == [1, 1, 1]
    assert files.read_json(tmp_path / "environment.json")[0]["workers"] == 1


def test_a_cell_that_is_killed_is_told_with_a_reason(tmp_path, monkeypatch):
    """As systems do where memory runs out."""
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(script))
    with pytest.raises(ChildProcessError, match=r"cell a was killed, .* memory runs out; fewer"):
        executor.Processes(["study", "mine"])("a", tmp_path / "a.csv")


def test_settings_as_arguments():
    config = AugmentationStudyConfig(seeds=(0, 1), n_train=9, workers=2, cell="x", quiet=True)
    arguments = " ".join(executor.to_arguments(config))
    assert "--seeds 0 1" in arguments
    assert "--n-train 9" in arguments
    for left_out in ("--workers", "--executor", "--cell", "--quiet", "--groups", "--quick"):
        assert left_out not in arguments


def test_each_study_has_a_folder_settings_and_a_summary():
    assert {"augmentation", "denoising", "few-labels", "noise", "uses"} <= set(STUDIES.names())
    for spec in STUDIES:
        assert issubclass(spec.settings, StudyConfig)
        assert spec.summary.endswith(".")
        spec.settings()


@pytest.mark.parametrize("settings", [dict, StudyConfig(), None])
def test_settings_of_a_study_must_be_a_class_of_settings(settings):
    with pytest.raises(TypeError, match="must be a StudyConfig"):
        register_study("wrong", function="a:b", report="a:b")(settings)


def test_a_study_is_registered_once(monkeypatch):
    fresh = Registry("study")
    for module in (registry, api):
        monkeypatch.setattr(module, "STUDIES", fresh)

    @dataclasses.dataclass(frozen=True)
    class Mine(StudyConfig):
        """One line."""

    register_study("mine", function=lambda config: "folder", report=lambda folder: None)(Mine)
    assert fresh.get("mine").summary == "One line."
    assert api.study("mine", seeds=[4]) == "folder"
    with pytest.raises(ValueError, match="a study called 'mine' already"):
        register_study("mine", function="a:b", report="a:b")(Mine)


def test_a_misspelt_study_or_setting_is_refused():
    with pytest.raises(ValueError, match="Did you mean 'augmentation'"):
        api.study("augmentatoin")
    with pytest.raises(ValueError, match="Did you mean 'epochs'"):
        api.study("noise", epoch=3)


@pytest.fixture
def saving_study(monkeypatch):
    """A study `mine` that is run by a function, given the settings."""

    def register(function, report=lambda folder: None):
        fresh = Registry("study")
        for module in (registry, api, runner):
            monkeypatch.setattr(module, "STUDIES", fresh)

        @dataclasses.dataclass(frozen=True)
        class Mine(StudyConfig):
            """One line."""

        register_study("mine", function=function, report=report)(Mine)

    return register


def images_in_memory(offset=0.0, **parts):
    random = np.random.default_rng(0)
    images = (random.random((20, 4, 4, 1)) / 2 + offset).astype(np.float32)
    made = ImageDataset.from_arrays(images, np.arange(20) % 2)
    return dataclasses.replace(made, train=dataclasses.replace(made.train, **parts))


def test_images_in_memory_are_kept_in_a_folder_of_their_own(saving_study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []

    def study(config):
        seen.append(config.dataset)
        run(config.output)
        return config.output

    saving_study(study)
    dataset = images_in_memory()
    folder = tmp_path / "results" / "mine-arrays"
    assert api.study("mine", dataset=dataset) == "results/mine-arrays"
    assert seen == [str(folder / "dataset.npz")]
    kept = (folder / "dataset.npz").read_bytes()
    api.study("mine", dataset=dataset)
    assert (folder / "dataset.npz").read_bytes() == kept
    with pytest.raises(ValueError, match="holds a study of other images"):
        api.study("mine", dataset=images_in_memory(offset=0.25))
    assert (folder / "dataset.npz").read_bytes() == kept


@pytest.mark.parametrize(
    ("parts", "settings", "message"),
    [
        ({}, {"seeds": ()}, "`seeds` must be one or more"),
        ({"groups": np.arange(16)}, {}, "groups cannot be saved"),
        ({}, {}, "refused by the study"),
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_a_study_that_is_refused_leaves_nothing(
    parts, settings, message, exists, saving_study, tmp_path
):
    def study(config):
        raise ValueError("refused by the study")

    saving_study(study)
    folder = tmp_path / "out"
    if exists:
        folder.mkdir()
    with pytest.raises(ValueError, match=message):
        api.study("mine", dataset=images_in_memory(**parts), output=str(folder), **settings)
    assert list(tmp_path.rglob("*")) == [folder] * exists


def test_a_folder_with_something_else_gets_no_images(saving_study, tmp_path):
    saving_study(lambda config: config.output)
    for name, error in (("config.json", ValueError), ("file", FileExistsError)):
        files.write_json(tmp_path / name, {"dataset": "digits"})
        output = tmp_path / "file" if name == "file" else tmp_path
        with pytest.raises(error, match="`output`"):
            api.study("mine", dataset=images_in_memory(), output=str(output))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "file"]


def test_ray_that_is_not_installed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    config = StudyConfig(dataset="digits", threads=1, executor="ray", output=str(tmp_path))
    message = r"`executor` ray needs a package that is missing .*pip install \"tfdvae\[ray\]\""
    with pytest.raises(ValueError, match=message):
        runner.run_study("mine", config, ["a"], {}, None, lambda folder: None)
    assert not (tmp_path / "rows.csv").exists()
    path = tmp_path / "cells" / "a.csv"
    csv_rows.write_rows(path, [{"study": "mine", "run": "a", "value": 1.0}])
    runner.run_study("mine", config, ["a"], {}, None, lambda folder: None)
    assert (tmp_path / "rows.csv").exists(), "nothing is missing, so nothing is computed"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"executor": "rey"}, "Did you mean 'ray'"),
        ({"address": "auto"}, "`address` is of a Ray cluster: give `executor` ray too"),
    ],
)
def test_executors_that_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        StudyConfig(**settings)
