import numpy as np
import pytest

from tests.helpers.models import make_known_posterior
from tfdvae import csv_rows
from tfdvae._utils import files
from tfdvae.config.sets import CLASSICAL
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.studies.noisy_alone import cells, figures, report, settings, spread
from tfdvae.studies.noisy_alone.settings import NoisyAloneConfig
from tfdvae.training_sets import filters

RANDOM = np.random.default_rng(0)


def test_cells():
    config = NoisyAloneConfig(noises=("gaussian:0.1", "poisson:0.2"), seeds=(0, 4))
    assert list(cells.list_cells(config))[:14] == [
        "gaussian-0.1-recorrupted-seed0",
        "gaussian-0.1-masked-seed0",
        "gaussian-0.1-paired-seed0",
        "gaussian-0.1-dvae-seed0",
        "gaussian-0.1-clean-seed0",
        "gaussian-0.1-recorrupted-seed4",
        "gaussian-0.1-masked-seed4",
        "gaussian-0.1-paired-seed4",
        "gaussian-0.1-dvae-seed4",
        "gaussian-0.1-clean-seed4",
        "gaussian-0.1-non_local_means",
        "gaussian-0.1-tv",
        "gaussian-0.1-wavelet",
        "gaussian-0.1-bm3d",
    ]
    others = list(cells.list_cells(config))[14:]
    assert "poisson-0.2-masked-seed0" in others
    assert "poisson-0.2-recorrupted-seed0" in others
    assert "poisson-0.2-dvae-seed0" not in others
    photographs = NoisyAloneConfig(photographs=".", photographs_test=".")
    assert not [name for name in cells.list_cells(photographs) if "dvae" in name]


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"noises": ("none",)}, ValueError, "`noises` must be single corruptions"),
        ({"noises": ("gaussian:0.1,gaussian:0.2",)}, ValueError, "`noises` must be single"),
        ({"objectives": ("maskd",)}, ValueError, "Did you mean 'masked'"),
        ({"steps": 0}, ValueError, "`steps`"),
        ({"pictures": "."}, ValueError, "`pictures` and `truth` must be given together"),
        ({"pictures": "none", "truth": "."}, FileNotFoundError, "`pictures` none is no folder"),
        ({"photographs": "."}, ValueError, "`photographs` and `photographs_test` must be given"),
        (
            {"photographs": ".", "photographs_test": "none"},
            FileNotFoundError,
            "`photographs_test` none is no folder",
        ),
        (
            {"photographs": ".", "photographs_test": ".", "pictures": ".", "truth": "."},
            ValueError,
            "`pictures` and `photographs` are two studies",
        ),
        ({"objectives": ("clean_blind",)}, ValueError, "clean_blind needs `photographs`"),
        (
            {"objectives": ("recorrupted",), "pictures": ".", "truth": "."},
            ValueError,
            "`objectives` must hold one of masked, paired with `pictures`; got recorrupted",
        ),
        (
            {"objectives": ("recorrupted", "dvae"), "noises": ("speckle:0.2",)},
            ValueError,
            "`objectives` must hold others than recorrupted, .* got noises speckle:0.2",
        ),
        (
            {"objectives": ("dvae",), "photographs": ".", "photographs_test": "."},
            ValueError,
            "`objectives` dvae is for the dataset; got `photographs`",
        ),
    ],
)
def test_refused(settings, error, message):
    with pytest.raises(error, match=message):
        NoisyAloneConfig(**settings)


def test_report(tmp_path):
    fixed = {"study": "noisy_alone", "dataset": "d", "n_train": 5000, "step": 2400}
    fixed |= {"test_corruption": "gaussian:0.1", "split": "test"}
    few = {"split": "test_first_500", "metric": "psnr"}
    rows = [
        fixed | {"model": "tv", "metric": "psnr", "value": 24.0, "step": ""},
        fixed | few | {"model": "tv", "value": 23.0, "step": ""},
        fixed | few | {"model": "bm3d", "value": 26.0, "step": ""},
    ]
    for seed, (ours, ceiling) in enumerate([(27.0, 27.25), (27.5, 27.75), (28.0, 28.25)]):
        for target, value in (("recorrupted", ours), ("masked", 25.0), ("clean", ceiling)):
            row = fixed | {"model": "dae", "target": target, "seed": seed}
            rows.append(row | {"metric": "psnr", "value": value})
            rows.append(row | few | {"value": value - 0.5})
            rows.append(row | {"metric": "psnr_input", "value": 20.0})
            rows.append(row | {"metric": "training_seconds", "value": 300.0})
            rows.append(row | {"metric": "mse", "value": 0.002})
            rows.append(row | {"metric": "mse_estimated", "value": 0.0021})
    csv_rows.write_rows(tmp_path / "rows.csv", rows)
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| noisy | 20.00 |" in text
    assert "| `recorrupted` | 27.50 ± 1.24 |" in text  # 4.303 x 0.5 / sqrt(3)
    assert "| `tv` | 24.00 |" in text
    assert "| `bm3d` | 26.00 (first 500) |" in text
    assert "| longest training | 5.0 minutes |" in text
    assert "| gaussian:0.1 | `recorrupted` | `bm3d` | +1.00 ± 1.24 | -0.25 ± 0.00 |" in text
    assert "| gaussian:0.1 | `masked` | `bm3d` | -1.50 ± 0.00 | -2.75 ± 1.24 |" in text
    assert "| gaussian:0.1 | `recorrupted` | 26.78 | 26.99 | -0.21 ± 0.00 |" in text
    files.write_json(tmp_path / "config.json", {"threads": 2})
    report.write(tmp_path)
    assert (
        "| longest training (2 threads, float32) | 5.0 min" in (tmp_path / "report.md").read_text()
    )
    files.write_json(tmp_path / "config.json", {"threads": 1, "precision": "bfloat16"})
    report.write(tmp_path)
    assert "training (1 thread, bfloat16) |" in (tmp_path / "report.md").read_text()


def test_the_spread_of_draws_in_the_report(tmp_path):
    fixed = {"study": "noisy_alone", "dataset": "d", "n_train": 5000, "step": 2400}
    fixed |= {"test_corruption": "gaussian:0.1", "split": "test"}
    rows = []
    for seed, (psnr, correlation, within) in enumerate([(25.0, 0.5, 0.9), (26.0, 0.7, 0.94)]):
        ours = fixed | {"model": "dvae", "target": "recorrupted", "seed": seed}
        rows.append(ours | {"metric": "psnr", "value": psnr})
        few = ours | {"split": "test_first_500"}
        rows.append(few | {"metric": "psnr", "value": psnr + 0.5})
        rows.append(few | {"metric": "spread_error_correlation", "value": correlation})
        rows.append(few | {"metric": "coverage_95", "value": within})
        rows.append(few | {"metric": "spread_error_correlation_not_black", "value": 0.3})
        rows.append(few | {"metric": "coverage_95_not_black", "value": 0.8})
        for split in ("test", "test_first_500"):
            other = fixed | {"model": "dae", "target": "recorrupted", "seed": seed}
            rows.append(other | {"split": split, "metric": "psnr", "value": 27.0})
    for split, value in (("test", 24.0), ("test_first_500", 25.0)):
        rows.append(fixed | {"model": "tv", "metric": "psnr", "value": value, "split": split})
    csv_rows.write_rows(tmp_path / "rows.csv", rows)
    files.write_json(tmp_path / "config.json", {"threads": 2, "precision": "bfloat16"})
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "training (2 threads, bfloat16, dvae float32)" in text
    assert "| `recorrupted` | 27.00 ± 0.00 |" in text, "the rows of the DVAE are not among them"
    assert "| `dvae` | 25.50 ± 6.35 |" in text  # 12.706 x 0.707 / sqrt(2)
    assert "| gaussian:0.1 | `dvae` | `tv` | +1.00 ± 6.35 |" in text
    assert "| gaussian:0.1 | all | 0.60 ± 1.27 | 92.0 ± 25.4% |" in text
    assert "| gaussian:0.1 | not black | 0.30 ± 0.00 | 80.0 ± 0.0% |" in text


def test_filters_have_the_parameters_that_are_scaled():
    parameters = {name for _, grid in filters.FILTERS.values() for name in grid}
    assert set(filters.SCALED) <= parameters
    assert set(CLASSICAL.values()) <= set(filters.FILTERS)


def test_the_figure_has_a_row_for_the_clean_image_and_each_method(tmp_path, monkeypatch):
    images = {
        "a-clean-seed0": {"clean": 0.2, "noisy": 0.3, "ceiling": 0.4},
        "a-masked-seed0": {"clean": 0.2, "noisy": 0.3, "masked": 0.5},
        "a-masked-seed1": {"clean": 0.2, "noisy": 0.3, "masked": 0.6},
    }
    for name, values in images.items():
        cell = {f"a/{key}": np.full((2, 8, 8, 1), value) for key, value in values.items()}
        files.write_npz(tmp_path / "cells" / f"{name}.npz", cell)
    drawn = {}
    monkeypatch.setattr(
        figures.image_plots, "image_rows", lambda rows, title, path: drawn.update(rows)
    )
    assert figures.of_images(tmp_path, ["a"]) == [], "nothing is drawn here"
    values = {name: row.max() for name, row in drawn.items()}
    assert values == {"clean": 0.2, "noisy\na": 0.3, "masked": 0.5, "ceiling": 0.4}


def test_spread_and_error_of_a_known_posterior():
    """Draws are the noisy image and noise of 0.05, so that errors are the noise that it has."""
    clean = np.zeros((40, 16, 12, 1), np.float32)
    clean[:20] = 0.5
    noise = 0.05 * np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    model = TrainedModel(make_known_posterior((16, 12, 1)))
    found = spread.measure(model, clean + noise, clean)
    # Of 64 draws of one deviation, the same for all: its estimates say nothing of the error.
    assert abs(found["spread_error_correlation_not_black"]) < 0.1
    # Errors of the noise and of a mean of 64 draws, whose deviation is estimated: nearly 95%.
    assert found["coverage_95_not_black"] == pytest.approx(0.945, abs=0.02)
    # Below black both are clipped: with no error half of the time.
    assert found["coverage_95"] > found["coverage_95_not_black"]


@pytest.mark.parametrize(
    ("kept", "noises", "objectives", "words"),
    [
        ({}, (), ("recorrupted", "bm3d"), "--objectives recorrupted --precision float32"),
        (
            {"n_train": 5000, "steps": 2400, "precision": "bfloat16"},
            ("gaussian:0.1", "gaussian:0.2", "gaussian:0.3", "poisson:0.2"),
            ("clean", "recorrupted", "masked", "paired", "dvae", "tv"),
            "--precision bfloat16",
        ),
        (
            {"photographs": "a 1", "photographs_test": "b 2", "steps": 30_000},
            ("gaussian:0.1",),
            ("clean_blind", "masked"),
            "--photographs DIR --photographs-test DIR --steps 30000 --noises gaussian:0.1 "
            "--objectives masked clean_blind --precision float32",
        ),
        (
            {"pictures": "a 1", "truth": "b 2", "steps": 2400},
            (),
            ("masked", "paired", "tv"),
            "--pictures DIR --truth DIR --precision float32",
        ),
    ],
)
def test_the_command_of_a_report_makes_its_rows(kept, noises, objectives, words):
    made = settings.command_of(kept, noises, objectives)
    assert made == f"tfdvae study noisy-alone {words}"
