"""Cells of the study of noisy images alone, small."""

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


@pytest.fixture(scope="module")
def dataset(digits):
    images, labels = (np.asarray(array)[:120] for array in digits[:2])
    return ImageDataset.from_arrays(images[:100], labels[:100], images[100:], labels[100:])


def rows_of(path):
    return {row["metric"]: row for row in csv_rows.read_rows(path)}


@pytest.mark.parametrize(
    "objective", ["recorrupted", pytest.param("clean", marks=pytest.mark.slow)]
)
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


def test_bm3d_removes_noise():
    rows, columns = np.mgrid[:32, :32] / 32
    clean = (0.5 + 0.4 * np.sin(5 * rows) * np.cos(4 * columns))[None, ..., None].astype(np.float32)
    noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape).astype(np.float32)
    make, _ = filters.FILTERS["BM3D"]
    output = filters.filtered(noisy, make(sigma=0.1))
    assert image.psnr(output, clean)[0] > image.psnr(noisy, clean)[0] + 6
