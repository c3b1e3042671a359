import dataclasses

import pytest

from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.data import sources
from tfdvae.studies.dataset_info import DatasetInfo
from tfdvae.studies.uses import images, report, results, study
from tfdvae.studies.uses.cells import list_cells
from tfdvae.studies.uses.recipes import CANDIDATES, CHOSEN, Recipe
from tfdvae.studies.uses.settings import UsesStudyConfig

SMALL = UsesStudyConfig(dataset="digits", n_train=100, epochs=1, seeds=(0,))


@pytest.fixture(scope="module")
def dataset():
    found = sources.load("digits")
    test = dataclasses.replace(
        found.test, images=found.test.images[:60], labels=found.test.labels[:60]
    )
    return dataclasses.replace(found, test=test)


def test_cells():
    """Of each seed 1 + 1 + 6 cells, and 4 and 2 models for each class; JPEG once for all seeds."""
    cells = list(list_cells(UsesStudyConfig(), 10))
    assert len(cells) == 1 + 3 * (1 + 1 + 6 + 40 + 20)
    assert cells[0] == "jpeg"
    assert cells[1] == "imputation-seed0"
    assert cells[9] == "anomaly-one-mlp-0-seed0"
    candidates = list(list_cells(UsesStudyConfig(development=True), 10))
    assert len(candidates) == sum(map(len, CANDIDATES.values()))
    assert "compression-mlp-32-none-mse-20" in candidates
    assert list(list_cells(UsesStudyConfig(uses=("probe",), seeds=(7,)), 10)) == ["probe-seed7"]


def test_what_was_chosen_is_among_the_candidates():
    for use, recipes in CHOSEN.items():
        for recipe in recipes:
            assert recipe in CANDIDATES[use] or recipe.network in (
                "isolation_forest",
                "one_class_svm",
            )


def test_candidates_never_see_test_images(dataset):
    held_out = images.load(dataset, 100, "validation")
    train = {image.tobytes() for image in images.to_unit(dataset.train.images)}
    assert {image.tobytes() for image in held_out.measured} <= train
    pool = {image.tobytes() for image in held_out.pool}
    assert not pool & {image.tobytes() for image in held_out.measured}


@pytest.mark.parametrize(
    ("settings", "count", "message"),
    [
        ({}, 1, "of 2 classes or more; few has 1"),
        ({"development": True}, 8, "of 9 classes or more in `development`; few has 8"),
        ({"development": True, "uses": ("probe", "anomaly-nine")}, 3, "few has 3"),
    ],
)
def test_too_few_classes_for_anomaly_scores(settings, count, message, dataset):
    names = tuple(map(str, range(count)))
    few = dataclasses.replace(dataset, name="few", class_names=names)
    with pytest.raises(ValueError, match=f"`uses` anomaly-one .*{message}"):
        study.check_classes(UsesStudyConfig(**settings), few)
    study.check_classes(UsesStudyConfig(**settings | {"uses": ("probe",)}), few)
    study.check_classes(UsesStudyConfig(**settings), dataset)


def test_report(dataset, tmp_path):
    """Of a probe, with a candidate: 0.8 and 0.9 are 85 ± 64 % (12.7062 * 0.0707 / sqrt(2))."""
    fixed = {"study": "uses", "dataset": "digits", "split": "test", "n_train": 100}
    fields = CHOSEN["probe"][0].fields | {"protocol": "labels:100", "metric": "accuracy"}
    rows = [
        fixed | fields | {"run": f"probe-seed{seed}", "seed": seed, "value": value}
        for seed, value in enumerate((0.8, 0.9))
    ]
    recipe = Recipe("mlp", 32, "masking:0.3", 20)
    candidate = fixed | fields | {"run": f"probe-{recipe.candidate}", "seed": 100, "value": 0.7}
    csv_rows.write_rows(tmp_path / "rows.csv", rows)
    csv_rows.write_rows(tmp_path / "choice.csv", [candidate | {"split": "validation"}])
    files.write_json(tmp_path / "config.json", {"dataset": "digits", "n_train": 100})
    DatasetInfo.of(dataset).write(tmp_path)
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert (
        "| code of the DAE (mlp, code 32, masking:0.3, bernoulli, 20 epochs) | 85.00 ± 63.53 |"
        in text
    )
    assert "| **DAE (mlp, code 32, masking:0.3, bernoulli, 20 epochs)** | 70.00 |" in text
    assert "Anomaly score" not in text
    assert results.read_choice(tmp_path)[0]["value"] == "0.69999999999999996"
