import threading

import keras
import numpy as np
import pytest
import sklearn.model_selection
import sklearn.neighbors

from tfdvae import csv_rows
from tfdvae._utils import threads
from tfdvae.studies import runner
from tfdvae.studies.noise import cells, report, results, study
from tfdvae.studies.noise.report import PUBLISHED
from tfdvae.studies.noise.settings import NOISES, NoiseStudyConfig


def paired_rows(dataset):
    """Three seeds; Gaussian 1 costs 0.1, 0.2 and 0.3 dB against none: mean -0.2, half width
    4.3027 * 0.1 / sqrt(3) = 0.248.
    """
    for seed in range(3):
        for corruption in ("none", "gaussian:1"):
            row = dict.fromkeys(csv_rows.ROW_FIELDS, "") | {
                "dataset": dataset,
                "n_train": "100",
                "network": "strided_conv",
                "corruption": corruption,
                "target": "corrupted",
                "seed": str(seed),
            }
            for split in ("train", "test"):
                yield row | {"split": split, "metric": "floor", "value": "0.5"}
                for epoch in ("1", "20"):
                    yield row | {"split": split, "epoch": epoch, "metric": "loss", "value": "0.6"}
            psnr = 16.5 + seed - (0.1 * (seed + 1) if corruption != "none" else 0)
            yield row | {"test_corruption": "none", "metric": "psnr_reachable", "value": str(psnr)}


def test_report_compares_training_noises_by_seed(tmp_path):
    csv_rows.write_rows(tmp_path / "rows.csv", paired_rows("fashion_mnist"))
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| gaussian:1 | -0.20 (-0.45 to +0.05; p 0.074) |" in text
    assert "| 0.848 |" in text


def test_published_losses_stand_beside_those_of_the_published_images_alone(tmp_path):
    csv_rows.write_rows(tmp_path / "rows.csv", paired_rows("mnist"))
    report.write(tmp_path)
    assert "0.848" not in (tmp_path / "report.md").read_text()


def test_models_without_noise_are_trained_once_whatever_the_targets():
    every = study.list_cells(NoiseStudyConfig(seeds=(0, 1)))
    assert list(every)[:2] == ["corrupted-none-seed0", "corrupted-gaussian-1-seed0"]
    assert len(every) == 2 * (1 + 2 * (len(NOISES) - 1))
    for targets in (("observed",), ("observed", "corrupted")):
        some = study.list_cells(NoiseStudyConfig(seeds=(0, 1), targets=targets))
        assert some.items() <= every.items()
        assert [name for name in some if "none" in name] == [
            "corrupted-none-seed0",
            "corrupted-none-seed1",
        ]


def test_models_without_noise_count_once_for_each_target():
    """Also where an earlier version trained them for either target, in two starts."""
    rows = list(paired_rows("mnist"))
    assert results.Results.of(rows).targets == ["corrupted"]
    rows += [row | {"target": "observed"} for row in rows]
    found = results.Results.of(rows)
    assert found.targets == ["corrupted", "observed"]
    for target in found.targets:
        assert found.losses[target, "none", "test", "20"] == [0.6, 0.6, 0.6]
        assert len(found.measured[target, "psnr_reachable", "none", "none"]) == 3
    noisy = [row for row in rows if row["target"] == "observed" or row["corruption"] == "none"]
    only = results.Results.of(noisy)
    assert only.targets == ["observed"]
    assert len(only.losses["observed", "none", "test", "20"]) == 3


def test_l2_adam_is_adam_on_the_gradient_plus_the_weights():
    """Torch's formula in NumPy: g = g + l2 w; then Adam."""
    weight, gradients, rate, l2 = 2.0, [0.3, -0.5, 0.1], 0.1, 0.25
    variable = keras.Variable(weight)
    optimizer = cells.L2Adam(rate, l2)
    first = second = 0.0
    for step, gradient in enumerate(gradients, start=1):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        g = gradient + l2 * weight
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        weight -= rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-7)
        assert float(variable.numpy()) == pytest.approx(weight, rel=1e-4)
    assert cells.L2Adam.from_config(optimizer.get_config()).l2 == l2


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("none", "corrupted", 0),
        ("gaussian:0.5", "corrupted", 0.25),
        ("gaussian:0.5", "observed", 0),
        ("random_erasing:0.5", "corrupted", 0),
    ],
)
def test_variance_of_the_target(text, target, expected):
    assert results.variance(text, target) == expected


def test_published_losses_minus_floor_and_variance_agree_between_gaussian_levels():
    """The study's ranking is an artefact: the published rows differ by their floors alone."""
    own = [
        PUBLISHED[text]["20"]["test"] - results.variance(text, "corrupted")
        for text in NOISES
        if text.startswith("gaussian")
    ]
    assert np.ptp(own) < 0.003


def rows_of_a_study(seeds=(0, 1, 2)):
    for seed in seeds:
        for text in NOISES:
            fixed = {
                "dataset": "fashion_mnist",
                "n_train": "5",
                "network": "strided_conv",
                "target": "corrupted",
                "corruption": text,
                "seed": str(seed),
                "epoch": "",
                "test_corruption": "",
            }
            for split in ("train", "test"):
                yield fixed | {"split": split, "metric": "floor", "value": "0.5"}
                for epoch in ("1", "20"):
                    yield fixed | {
                        "split": split,
                        "epoch": epoch,
                        "metric": "loss",
                        "value": str(0.6 + 0.01 * seed),
                    }
            for test in NOISES:
                for metric in ("psnr", "psnr_reachable", "probe_accuracy") + (
                    ("knn_accuracy", "silhouette") if test == "none" else ()
                ):
                    yield fixed | {"test_corruption": test, "metric": metric, "value": "0.75"}


def test_report(tmp_path):
    """Mean 0.61 of three seeds 0.60, 0.61, 0.62: standard deviation 0.01, half width 4.3027 *
    0.01 / sqrt(3) = 0.0248; twice that for one run.
    """
    generator = np.random.default_rng(0)
    (tmp_path / "cells").mkdir()
    for text in NOISES:
        arrays = {
            "noisy": generator.random((10, 8, 8, 1)),
            "epoch_1": generator.random((10, 8, 8, 1)),
            "epoch_20": generator.random((10, 8, 8, 1)),
        }
        np.savez(
            tmp_path / "cells" / f"corrupted-{text.replace(':', '-')}-seed0.npz",
            codes=generator.random((60, 4)),
            labels=np.arange(60) % 10,
            **arrays,
        )
    csv_rows.write_rows(tmp_path / "rows.csv", rows_of_a_study())
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert (
        "| none | test | 20 | 0.6100 ± 0.0248 | 0.5000 | 0.1100 ± 0.0248 | 0.599 | 0.0990 | "
        "+0.0110 | 0.560 to 0.660: inside |" in text
    )
    assert "| gaussian:0.5 | train | 20 | 0.6100 ± 0.0248 | 0.7500 |" in text
    assert "| none | 75.00 ± 0.00 |" in text
    for name in ("loss", "reconstructions", "codes"):
        assert (tmp_path / "figures" / f"{name}-corrupted.png").exists()
        assert f"figures/{name}-corrupted.png" in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": ()}, "`seeds`"),
        ({"seeds": (1, 1)}, "none of them twice"),
        ({"targets": ("clean",)}, "`targets`"),
        ({"epochs": 0}, "`epochs`"),
        ({"seeds": (-1,)}, "`seeds`"),
    ],
)
def test_settings_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        NoiseStudyConfig(**settings)


def test_cells_of_one_process_have_the_threads_of_the_study(tmp_path, monkeypatch):
    """OpenMP has them in the thread that sets them alone, and cells are computed in others than
    the study's.
    """
    given = []
    monkeypatch.setattr(
        threads,
        "use_threads",
        lambda threads: given.append((threads, threading.get_ident())),
    )

    def compute(cell, path):
        assert given[-1] == (1, threading.get_ident())
        csv_rows.write_rows(path, [{"study": "noise", "run": cell}])

    config = NoiseStudyConfig(dataset="digits", threads=1, output=str(tmp_path))
    runner.run_study(
        "noise", config, ["one", "two"], {}, compute, lambda folder: None, in_process=True
    )
    assert [row["run"] for row in csv_rows.read_rows(tmp_path / "rows.csv")] == ["one", "two"]


@pytest.mark.parametrize("counts", [(5, 8), (1, 12), (1,) * 8 + (5,)])
def test_test_images_that_are_just_enough(counts):
    """As scikit-learn finds it."""
    labels = np.repeat(np.arange(len(counts)), counts)
    study.check_test_labels(labels)
    codes = np.random.default_rng(0).random((len(labels), 3))
    neighbors = sklearn.neighbors.KNeighborsClassifier(cells.NEIGHBORS)
    scores = sklearn.model_selection.cross_val_score(neighbors, codes, labels, cv=cells.PARTS)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(("counts", "found"), [((4, 4, 4, 4), "4 and 16"), ((5, 7), "7 and 12")])
def test_too_few_test_images_are_refused_before_any_cell(counts, found):
    labels = np.repeat(np.arange(len(counts)), counts)
    message = (
        "`dataset` must have 5 test images of a class and 13 in all at least, for the 10 nearest "
        f"neighbors of each; got {found}."
    )
    with pytest.raises(ValueError, match=message):
        study.check_test_labels(labels)
    with pytest.raises(ValueError, match="test images of two classes at least; got one"):
        study.check_test_labels(np.zeros(20, int))
