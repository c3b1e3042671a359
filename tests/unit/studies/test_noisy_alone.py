import numpy as np
import pytest
from PIL import Image

from tfdvae import csv_rows
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.metrics import image
from tfdvae.studies import filters
from tfdvae.studies.noisy_alone import cells, report
from tfdvae.studies.noisy_alone.settings import CLASSICAL, NoisyAloneConfig

RANDOM = np.random.default_rng(0)


def test_cells():
    config = NoisyAloneConfig(noises=("gaussian:0.1", "poisson:0.2"), seeds=(0, 4))
    assert list(cells.list_cells(config))[:12] == [
        "gaussian-0.1-recorrupted-seed0",
        "gaussian-0.1-masked-seed0",
        "gaussian-0.1-paired-seed0",
        "gaussian-0.1-clean-seed0",
        "gaussian-0.1-recorrupted-seed4",
        "gaussian-0.1-masked-seed4",
        "gaussian-0.1-paired-seed4",
        "gaussian-0.1-clean-seed4",
        "gaussian-0.1-non_local_means",
        "gaussian-0.1-tv",
        "gaussian-0.1-wavelet",
        "gaussian-0.1-bm3d",
    ]
    others = list(cells.list_cells(config))[12:]
    assert "poisson-0.2-masked-seed0" in others
    assert "poisson-0.2-recorrupted-seed0" not in others, "its noise is not Gaussian"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"noises": ("none",)}, ValueError, "`noises` must be single corruptions"),
        ({"noises": ("gaussian:0.1,gaussian:0.2",)}, ValueError, "`noises` must be single"),
        ({"objectives": ("maskd",)}, ValueError, "Did you mean 'masked'"),
        ({"steps": 0}, ValueError, "`steps`"),
        ({"pictures": "."}, ValueError, "`pictures` and `truth` must be given together"),
        ({"pictures": "none", "truth": "."}, FileNotFoundError, "`pictures` none is no folder"),
    ],
)
def test_refused(settings, error, message):
    with pytest.raises(error, match=message):
        NoisyAloneConfig(**settings)


@pytest.fixture(scope="module")
def dataset(digits):
    images, labels = (np.asarray(array)[:120] for array in digits[:2])
    return ImageDataset.from_arrays(images[:100], labels[:100], images[100:], labels[100:])


def rows_of(path):
    return {row["metric"]: row for row in csv_rows.read_rows(path)}


@pytest.mark.parametrize("objective", ["recorrupted", "clean"])
def test_a_model_cell(objective, dataset, tmp_path):
    config = NoisyAloneConfig(n_train=30, steps=2)
    path = tmp_path / "cell.csv"
    cells.model_cell(config, dataset, path, "gaussian:0.2", objective, seed=3)
    rows = rows_of(path)
    assert set(rows) == {"psnr", "psnr_input", "training_seconds", "mse", "mse_estimated"}
    fixed = {
        "study": "noisy_alone",
        "n_train": "30",
        "model": "dae",
        "network": "unet",
        "corruption": "gaussian:0.2",
        "test_corruption": "gaussian:0.2",
        "target": objective,
        "condition": "clean" if objective == "clean" else "noisy",
        "step": "2",
        "seed": "3",
    }
    assert fixed.items() <= rows["psnr"].items()
    assert float(rows["psnr_input"]["value"]) == pytest.approx(13.98, abs=0.2)
    with np.load(path.with_suffix(".npz")) as arrays:
        assert set(arrays) == {f"gaussian:0.2/{name}" for name in ("clean", "noisy", objective)}


def test_a_filter_cell(dataset, tmp_path):
    path = tmp_path / "cell.csv"
    cells.filter_cell(NoisyAloneConfig(n_train=30), dataset, path, "gaussian:0.2", "tv")
    (row,) = csv_rows.read_rows(path)
    assert (row["model"], row["target"]) == ("tv", "")
    assert row["network"].startswith("weight=")
    assert float(row["value"]) > 16


def scene(size=48):
    rows, columns = np.mgrid[:size, :size] / 16
    return 0.5 + 0.35 * np.sin(3 * rows + columns) * np.cos(2 * columns)


def test_cells_of_pictures(tmp_path):
    for name in ("a.png", "b.png"):
        for part, picture in (
            ("noisy", RANDOM.poisson(20 * scene()) / 20 * 0.5),  # of another exposure
            ("truth", scene()),
        ):
            (tmp_path / part).mkdir(exist_ok=True)
            shown = np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)
            Image.fromarray(shown).save(tmp_path / part / name)
    config = NoisyAloneConfig(
        pictures=str(tmp_path / "noisy"), truth=str(tmp_path / "truth"), steps=2, seeds=(1,)
    )
    assert set(cells.list_cells(config)) == {
        "pictures-masked-seed1",
        "pictures-paired-seed1",
        *(f"pictures-{name}" for name in CLASSICAL),
    }
    cells.picture_model_cell(config, tmp_path / "model.csv", "masked", 1)
    cells.picture_filter_cell(config, tmp_path / "filter.csv", "tv")
    for name, other in (("model", {"target": "masked"}), ("filter", {"model": "tv"})):
        rows = csv_rows.read_rows(tmp_path / f"{name}.csv")
        scores = [row for row in rows if row["metric"] == "psnr_scale_invariant"]
        assert [row["split"] for row in scores] == ["", "a.png", "b.png"]
        values = [float(row["value"]) for row in scores]
        assert values[0] == pytest.approx(np.mean(values[1:]))
        assert other.items() <= scores[0].items()
    assert values[0] > 20
    rows = csv_rows.read_rows(tmp_path / "model.csv") + csv_rows.read_rows(tmp_path / "filter.csv")
    csv_rows.write_rows(tmp_path / "rows.csv", rows)
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert f"| `tv` | {values[0]:.2f} |" in text
    (tmp_path / "truth/b.png").unlink()
    with pytest.raises(ValueError, match=r"`truth` .* lacks b.png"):
        cells.picture_filter_cell(config, tmp_path / "again.csv", "tv")


def test_report(tmp_path):
    fixed = {"study": "noisy_alone", "dataset": "d", "n_train": 5000, "step": 2400}
    fixed["test_corruption"] = "gaussian:0.1"
    rows = [
        fixed | {"model": model, "metric": "psnr", "value": value, "step": ""}
        for model, value in (("tv", 24.0), ("bm3d", 26.0))
    ]
    for seed, (ours, ceiling) in enumerate([(27.0, 27.25), (27.5, 27.75), (28.0, 28.25)]):
        for target, value in (("recorrupted", ours), ("masked", 25.0), ("clean", ceiling)):
            row = fixed | {"model": "dae", "target": target, "seed": seed}
            rows.append(row | {"metric": "psnr", "value": value})
            rows.append(row | {"metric": "psnr_input", "value": 20.0})
            rows.append(row | {"metric": "training_seconds", "value": 300.0})
            rows.append(row | {"metric": "mse", "value": 0.002})
            rows.append(row | {"metric": "mse_estimated", "value": 0.0021})
    csv_rows.write_rows(tmp_path / "rows.csv", rows)
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| noisy | 20.00 |" in text
    assert "| `recorrupted` | 27.50 ± 1.24 |" in text  # 4.303 x 0.5 / sqrt(3)
    assert "| `bm3d` | 26.00 |" in text
    assert "| longest training | 5.0 minutes |" in text
    gains = "| gaussian:0.1 | `recorrupted` | `bm3d` | +1.50 ± 1.24 | -0.25 ± 0.00 |"
    assert gains in text
    assert "| gaussian:0.1 | `recorrupted` | 26.78 | 26.99 | -0.21 ± 0.00 |" in text


def test_scale_and_offset_do_not_count():
    clean = RANDOM.random((8, 9, 1))
    noisy = clean + 0.1 * RANDOM.standard_normal(clean.shape)
    found = image.scale_invariant_psnr(noisy, clean)
    assert image.scale_invariant_psnr(0.3 * noisy + 5, clean) == pytest.approx(found)
    slope, offset = np.polyfit(noisy.ravel(), clean.ravel(), 1)
    error = np.mean((slope * noisy + offset - clean) ** 2)
    assert found == pytest.approx(-10 * np.log10(error))
    assert image.scale_invariant_psnr(2 * clean, clean) > 200


def test_filters_have_the_parameters_that_are_scaled():
    parameters = {name for _, grid in filters.FILTERS.values() for name in grid}
    assert set(filters.SCALED) <= parameters
    assert set(CLASSICAL.values()) <= set(filters.FILTERS)
