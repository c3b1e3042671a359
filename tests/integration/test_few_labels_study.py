"""The study on few labels: what each method sees, its cells, and the report."""

import dataclasses

import numpy as np
import pytest

from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.data import image_dataset, sources
from tfdvae.metrics import statistics
from tfdvae.studies.few_labels import cells, methods, report, study
from tfdvae.studies.few_labels.images import prepare
from tfdvae.studies.few_labels.settings import METHODS, FewLabelsStudyConfig

SMALL = FewLabelsStudyConfig(
    dataset="digits",
    n_labels=(60, 100),
    n_train=300,
    test_noise=("0", "0.2"),
    classifier_steps=40,
    epochs=40,
    latent_dim=8,
    seeds=(0, 1),
    precision="float32",
)


@pytest.fixture(scope="module")
def dataset():
    return sources.load("digits")


@pytest.mark.parametrize("development", [False, True])
def test_images_of_a_seed(dataset, development):
    """A label of a few images alone, noise as asked, and nothing measured that was trained on."""
    config = dataclasses.replace(SMALL, development=development)
    images, tested, labels = prepare(config, dataset, 60, seed=3)
    again, *_ = prepare(config, dataset, 100, seed=3)
    clean = image_dataset.to_unit(dataset.train.images)
    index = [np.abs(clean - image).mean(axis=(1, 2, 3)).argmin() for image in images.observed]
    assert images.observed.shape == (300, 28, 28, 1)
    np.testing.assert_array_equal(images.observed, again.observed)
    assert len(set(index)) == 300
    assert (images.observed - clean[index]).std() == pytest.approx(0.2, rel=0.02)
    assert len(images.labelled) == len(set(images.labelled)) == len(images.labels) == 60
    assert len(again.labelled) == 100
    truth = np.asarray(dataset.train.labels)
    np.testing.assert_array_equal(images.labels, truth[index][images.labelled])
    assert set(images.labels) == set(range(10))
    assert len(tested) == len(labels)
    if development:
        pixels = {image.tobytes() for image in image_dataset.to_unit(tested)}
        assert not pixels & {clean[found].tobytes() for found in index}
        assert len(tested) == len(truth) - 300
    else:
        np.testing.assert_array_equal(tested, dataset.test.images)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_learns(method, dataset, tmp_path):
    """Above chance, which is 10%; the same bits again."""
    path = tmp_path / f"{method}-100-seed0.csv"
    cell = cells.list_cells(SMALL)[path.stem]
    cell(SMALL, dataset, path)
    rows = csv_rows.read_rows(path)
    assert [row["test_corruption"] for row in rows] == ["none", "gaussian:0.2"]
    for row in rows:
        assert (row["augmentation"], row["protocol"], row["seed"]) == (method, "labels:100", "0")
        assert (row["split"], row["train_noise"], row["n_train"]) == ("test", "gaussian:0.2", "300")
        assert float(row["value"]) > 0.3
    text = path.read_text()
    cell(SMALL, dataset, path)
    assert path.read_text() == text


def test_pseudo_labels_are_of_the_surest_and_true_where_known(dataset, monkeypatch):
    given = []

    class Model:
        def predict(self, images, verbose):
            logits = np.zeros((len(images), 10), np.float32)
            logits[:, 7] = np.arange(len(images)) / 100  # the later, the surer
            return logits

    monkeypatch.setattr(methods, "train_cnn", lambda *taken: given.append(taken[2:]) or Model())
    images, *_ = prepare(SMALL, dataset, 60, seed=0)
    methods.pseudo_labels(SMALL, images)
    (first, known), (second, labels) = given
    np.testing.assert_array_equal(first, images.observed[images.labelled])
    np.testing.assert_array_equal(known, images.labels)
    count = 60 + round(0.7 * 240)
    others = np.setdiff1d(np.arange(300), images.labelled)
    taken = {image.tobytes() for image in second}
    assert len(second) == len(labels) == count
    assert taken == {
        image.tobytes()
        for image in images.observed[np.concatenate([images.labelled, others[-(count - 60) :]])]
    }
    truth = {
        image.tobytes(): label
        for image, label in zip(images.observed[images.labelled], images.labels, strict=True)
    }
    assert all(
        label == truth.get(image.tobytes(), 7) for image, label in zip(second, labels, strict=True)
    )


def _rows(values):
    """Return rows of accuracies by method, test corruption and seed."""
    return [
        {
            "study": "few_labels",
            "run": f"{method}-100-seed{seed}",
            "dataset": "digits",
            "n_train": 300,
            "condition": "noisy",
            "augmentation": method,
            "protocol": "labels:100",
            "test_corruption": test,
            "split": "test",
            "seed": seed,
            "metric": "accuracy",
            "value": value,
            "train_noise": "gaussian:0.2",
        }
        for method, measured in values.items()
        for test, each in measured.items()
        for seed, value in enumerate(each)
    ]


def test_report_by_hand(tmp_path):
    """Means over test noises, and leads that are paired by seed."""
    values = {
        "supervised": {"none": [0.5, 0.7], "gaussian:0.2": [0.3, 0.5]},
        "dae": {"none": [0.6, 0.82], "gaussian:0.2": [0.4, 0.58]},
    }
    csv_rows.write_rows(tmp_path / "rows.csv", _rows(values))
    kept = {name: getattr(SMALL, name) for name in study.KEPT_SETTINGS}
    files.write_json(tmp_path / "config.json", {"tfdvae": "0.1.0", **kept})
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    lead = statistics.paired_difference([50, 70], [40, 60])
    assert "| SVM on codes of a DAE | 71.00 ± " in text
    assert "| 60.00 ± " in text
    assert f"| SVM on codes of a DAE | +10.00 | +10.00 to +10.00 | {lead.p:.2g} |" in text
    assert (tmp_path / "figures" / "labels-100.png").exists()


def test_cells_are_of_each_seed_number_and_method():
    found = list(cells.list_cells(SMALL))
    assert len(found) == 2 * 2 * 6
    assert found[0] == "supervised-60-seed0"
    assert set(methods.METHODS) == set(METHODS)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_labels": (0,)}, "`n_labels` must be .*at least 1; got 0"),
        ({"n_labels": ()}, "`n_labels` must be one or more"),
        ({"methods": ("svm",)}, "`methods` must be one of supervised, pseudo-labels"),
        ({"train_noise": "poisson:0.1"}, "`train_noise` must be gaussian:LEVEL above 0"),
        ({"train_noise": "0"}, "`train_noise` must be gaussian:LEVEL above 0; got none"),
        ({"test_noise": ("bogus:1",)}, "`test_noise` must be one of"),
        ({"classifier_steps": 0}, "`classifier_steps` must be"),
        ({"precision": "int8"}, "`precision` must be one of"),
    ],
)
def test_wrong_settings_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(SMALL, **settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_train": 2000}, "`n_train` must be at most 1,4.. with the 1,4.. training images"),
        ({"n_train": 1000, "development": True}, "`n_train` must be at most 7.. with the 1,4.."),
        ({"n_labels": (100, 301)}, "`n_labels` must be at most `n_train`, 300; got 301"),
        ({"n_labels": (30,)}, "`n_labels` must leave 5 labels of each class .*; 30 leave 2 of"),
    ],
)
def test_settings_that_do_not_fit_the_images_are_refused(settings, said, dataset):
    with pytest.raises(ValueError, match=said):
        study.check(dataclasses.replace(SMALL, **settings), dataset)


def test_classes_without_training_images_and_cnns_need_no_labels_of_each(dataset):
    """A class that only a name is known of; few labels are enough where there is no SVM."""
    named = dataclasses.replace(dataset, class_names=(*dataset.class_names, "none"))
    study.check(SMALL, named)
    study.check(dataclasses.replace(SMALL, n_labels=(30,), methods=("supervised",)), dataset)
    one = dataclasses.replace(dataset.train, labels=np.zeros_like(np.asarray(dataset.train.labels)))
    with pytest.raises(ValueError, match="class"):
        study.check(SMALL, dataclasses.replace(dataset, train=one))
