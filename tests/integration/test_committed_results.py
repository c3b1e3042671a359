"""Reports in `results/` say what their rows say: each is written anew from a copy of its rows."""

import html
import importlib.util
import json
import re
import shutil
import sys

import numpy as np
import pytest

from tests.helpers.processes import ROOT
from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.reporting import plots
from tfdvae.studies.registry import STUDIES

RESULTS = ROOT / "results"
FOLDERS = sorted(path.parent.relative_to(RESULTS).as_posix() for path in RESULTS.rglob("rows.csv"))
BENCHMARKS = ("augmented_files", "growth", "learn", "networks", "recipes")
NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?")


def numbers(text):
    return NUMBER.findall(text)


def table_numbers(text):
    """Return the numbers of each table of a report."""
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    return [numbers(table) for table in tables]


def benchmark(name):
    """Import a script of `benchmarks/`."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_figures_of_many_sets(tmp_path, monkeypatch):
    """A color has one set: those with as many seeds are together, each time with the reference."""
    drawn, titles = {}, []
    monkeypatch.setattr(
        plots,
        "scores_against_noise",
        lambda curves, *others: drawn.update({others[3].name: curves}) or titles.append(others[1]),
    )
    shutil.copytree(RESULTS / "denoised_training", tmp_path / "study")
    STUDIES.get("augmentation").write_report(tmp_path / "study")
    reference = "flips, shifts, fresh noise"
    assert all(next(iter(curves)) == reference for curves in drawn.values())
    names = [name for each in drawn.values() for name in list(each)[1:]]
    assert len(set(names)) == len(names) == 14
    first, *others = drawn.values()
    assert {"mixed with its denoised self", "clean images, flips, shifts, fresh noise"} < set(first)
    assert [len(each) for each in (first, *others)] == [5, 6, 6]
    text = (tmp_path / "study" / "report.md").read_text()
    assert text.count("](figures/noisy-gaussian-0.2-equal_steps") == 3
    parts = [title.partition("equal_steps, ")[2] for title in titles]
    assert parts[0] == "part 1 of 3, seeds 20 to 29"
    assert parts[1:] == [f"part {number} of 3, seeds 20 to 22" for number in (2, 3)]
    assert all(text.count(part) == 1 for part in parts)
    rows = csv_rows.read_rows(RESULTS / "denoised_training" / "rows.csv")
    for curves, seeds in zip(drawn.values(), (range(20, 30), *2 * [range(20, 23)]), strict=True):
        values = [
            100 * float(row["value"])
            for row in rows
            if (row["augmentation"], row["test_corruption"]) == ("fresh-noise", "none")
            and row["metric"] == "accuracy"
            and int(row["seed"]) in seeds
        ]
        assert len(values) == len(seeds)
        assert curves[reference][0][0] == pytest.approx(np.mean(values)), "of the same seeds"


def test_a_figure_of_unlike_numbers_of_seeds_says_so(tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(
        plots, "scores_against_noise", lambda curves, noises, title, *_: titles.append(title)
    )
    shutil.copytree(RESULTS / "augmentation", tmp_path / "study")
    STUDIES.get("augmentation").write_report(tmp_path / "study")
    said = {title.partition("training images, ")[2] for title in titles}
    assert said == {"equal_epochs", "equal_steps, curves of 5 to 10 seeds"}
    text = (tmp_path / "study" / "report.md").read_text()
    assert text.count(", curves of 5 to 10 seeds](figures/") == 2


def test_one_training_set_is_compared_with_nothing(tmp_path):
    shutil.copytree(RESULTS / "denoised_sizes" / "steps-9360", tmp_path / "study")
    STUDIES.get("augmentation").write_report(tmp_path / "study")
    text = (tmp_path / "study" / "report.md").read_text()
    assert "Nothing is compared: there is no training set besides" in text
    assert "Points and half of the 95% interval; " in text
    assert "Points ahead of" not in text


def test_batches_that_a_study_of_an_earlier_version_had(tmp_path):
    """It kept a fingerprint of the small residual network, of which large images now are fewer."""
    folder = tmp_path / "study"
    shutil.copytree(RESULTS / "retina_recipe", folder)
    dataset = json.loads((folder / "dataset.json").read_text())
    files.write_json(folder / "dataset.json", dataset | {"image_shape": [80, 80, 3]})
    config = json.loads((folder / "config.json").read_text())
    for source, expected in ((config["classifier_source"], 128), (None, 64)):
        files.write_json(folder / "config.json", config | {"classifier_source": source})
        STUDIES.get("augmentation").write_report(folder)
        text = (folder / "report.md").read_text()
        assert f"| images in a batch of the classifier | {expected} |" in text


def test_what_the_studies_took():
    """The table is of all folders that tell it."""
    script = benchmark("hours")
    text = (RESULTS / "hours.md").read_text()
    assert text == "# What the studies took\n\n" + script.table(RESULTS)
    told = json.loads((RESULTS / "few_labels" / "environment.json").read_text())
    seconds = [value for start in told for value in start["seconds"].values()]
    assert f"| few_labels | {len(seconds)} | {sum(seconds) / 60:.0f} |" in text


def test_all_folders_are_read():
    """`noisy_alone` has a folder for each kind of pictures, once it is there."""
    assert {path.partition("/")[0] for path in FOLDERS} - {"noisy_alone"} == {
        "augmentation",
        "denoised_training",
        "denoised_sizes",
        "few_labels",
        "few_labels_50000",
        "denoised_digits",
        "denoised_at_test",
        "retina",
        "retina_recipe",
        "retina_balance",
        "retina_noise",
        "noise",
        "denoising",
        "uses",
        "recipes",
        "development",
        "precision",
        "augmented_files",
        "growth",
        "networks",
        "learn",
    }


@pytest.mark.parametrize("folder", [name for name in FOLDERS if name not in BENCHMARKS])
def test_report_of_a_study(folder, tmp_path):
    copy = tmp_path / "copy"
    kept = shutil.ignore_patterns("report.*")
    shutil.copytree(RESULTS / folder, copy, ignore=kept)
    study = csv_rows.read_rows(copy / "rows.csv")[0]["study"]
    STUDIES.get(study.replace("_", "-")).write_report(copy)
    made, committed = ((place / "report.md").read_text() for place in (copy, RESULTS / folder))
    assert table_numbers(made) == table_numbers(committed)
    assert numbers(made) == numbers(committed)
    assert made == committed, f"write the reports in results/{folder} anew, from its rows"
    page = (copy / "report.html").read_text()
    cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", page, flags=re.DOTALL)
    shown = html.unescape(re.sub(r"<[^>]+>", "", " | ".join(cells)))
    assert numbers(shown) == [number for table in table_numbers(made) for number in table]


def test_report_of_synthetic_images_from_files():
    module = benchmark("augmented_files")
    made = module.report(csv_rows.read_rows(RESULTS / "augmented_files" / "rows.csv")).markdown()
    assert made == (RESULTS / "augmented_files" / "report.md").read_text()


def test_report_of_networks():
    made = benchmark("networks").report(csv_rows.read_rows(RESULTS / "networks" / "rows.csv"))
    assert made == (RESULTS / "networks" / "report.md").read_text()


def test_report_of_precisions():
    module = benchmark("precision")
    rows = {
        name: csv_rows.read_rows(RESULTS / "precision" / name / "rows.csv")
        for name in module.PRECISIONS
    }
    made = module.report(rows).markdown()
    assert made == (RESULTS / "precision" / "report.md").read_text()


def test_report_of_recipes():
    """The seconds of that report are not in its rows, but in run folders, which are not kept."""
    module = benchmark("recipes")
    made = module.report(csv_rows.read_rows(RESULTS / "recipes" / "rows.csv"))
    committed = (RESULTS / "recipes" / "report.md").read_text()

    def without_seconds(text):
        return [
            line.rpartition("|")[0].rpartition("|")[0] if line.startswith("|") else line
            for line in text.splitlines()
        ]

    assert without_seconds(made) == without_seconds(committed)


def test_report_of_learning():
    made = benchmark("learn").report(csv_rows.read_rows(RESULTS / "learn" / "rows.csv"))
    assert made == (RESULTS / "learn" / "report.md").read_text()


def test_report_of_growth(tmp_path, monkeypatch):
    script = benchmark("growth")
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    shutil.copy(RESULTS / "growth/rows.csv", tmp_path)
    script.report()
    made, committed = (
        (folder / "report.md").read_text() for folder in (tmp_path, RESULTS / "growth")
    )
    assert table_numbers(made) == table_numbers(committed)
