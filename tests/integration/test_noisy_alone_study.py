"""Cells of the study of noisy images alone, small."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from tests.helpers.models import weights_hash
from tfdvae import corruptions, csv_rows
from tfdvae.cli.main import main
from tfdvae.config import PRECISIONS
from tfdvae.config.sets import CLASSICAL
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.data.patches import training_patches
from tfdvae.learning import model as learning
from tfdvae.metrics import image
from tfdvae.studies import cell_names
from tfdvae.studies.noisy_alone import cells, photographs, pictures, report
from tfdvae.studies.noisy_alone.settings import BLIND, NoisyAloneConfig
from tfdvae.training_sets import denoisers, filters

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def dataset(digits):
    images, labels = (np.asarray(array)[:120] for array in digits[:2])
    return ImageDataset.from_arrays(images[:100], labels[:100], images[100:], labels[100:])


def rows_of(path):
    return {row["metric"]: row for row in csv_rows.read_rows(path) if row["split"] == "test"}


@pytest.mark.parametrize(
    "objective", ["recorrupted", pytest.param("clean", marks=pytest.mark.slow)]
)
def test_a_model_cell(objective, dataset, tmp_path):
    config = NoisyAloneConfig(n_train=30, steps=2, precision="float32")
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
    few = [row["value"] for row in csv_rows.read_rows(path) if row["split"] == "test_first_500"]
    assert few == [rows["psnr"]["value"]], "there are 20 test images"
    with np.load(path.with_suffix(".npz")) as arrays:
        shown = "ceiling" if objective == "clean" else objective
        assert set(arrays) == {f"gaussian:0.2/{name}" for name in ("clean", "noisy", shown)}


def test_a_cell_of_a_dvae(dataset, tmp_path):
    """After two steps it hardly denoises, and draws differ by what the code begins with."""
    config = NoisyAloneConfig(n_train=30, steps=2, precision="float32")
    path = tmp_path / "cell.csv"
    cells.model_cell(config, dataset, path, "gaussian:0.2", "dvae", seed=3)
    rows = rows_of(path)
    assert set(rows) == {"psnr", "psnr_input", "training_seconds", "mse", "mse_estimated"}
    fixed = {"model": "dvae", "network": "spatial_unet", "target": "recorrupted", "seed": "3"}
    assert (fixed | {"corruption": "gaussian:0.2", "condition": "noisy"}).items() <= rows[
        "psnr"
    ].items()
    few = {
        row["metric"]: float(row["value"])
        for row in csv_rows.read_rows(path)
        if row["split"] == "test_first_500"
    }
    of_draws = {"spread_error_correlation", "coverage_95"}
    assert set(few) == {"psnr", *of_draws, *(f"{name}_not_black" for name in of_draws)}
    assert -1 <= few["spread_error_correlation"] <= 1
    assert 0.1 < few["coverage_95"] < 0.7, "intervals that are far too narrow"
    with np.load(path.with_suffix(".npz")) as arrays:
        assert set(arrays) == {f"gaussian:0.2/{name}" for name in ("clean", "noisy", "dvae")}


def test_a_filter_cell(dataset, tmp_path):
    path = tmp_path / "cell.csv"
    cells.filter_cell(NoisyAloneConfig(n_train=30), dataset, path, "gaussian:0.2", "tv")
    row = rows_of(path)["psnr"]
    assert (row["model"], row["target"]) == ("tv", "")
    assert row["network"].startswith("weight=")
    assert float(row["value"]) > 16


def scene(size=48):
    rows, columns = np.mgrid[:size, :size] / 16
    return 0.5 + 0.35 * np.sin(3 * rows + columns) * np.cos(2 * columns)


def _scale_invariant_psnr(folder, *names):
    """The mean over pictures, by a regression of the true picture on the noisy one."""
    found = []
    for name in names:
        noisy, true = (
            np.asarray(Image.open(folder / part / name), np.float64) for part in ("noisy", "truth")
        )
        slope, offset = np.polyfit(noisy.ravel(), true.ravel(), 1)
        error = np.mean((slope * noisy + offset - true) ** 2)
        found.append(10 * np.log10(255**2 / error))
    return np.mean(found)


def test_cells_of_pictures(tmp_path):
    for name, size in (("a.png", 48), ("b.png", 40)):
        for part, picture in (
            ("noisy", RANDOM.poisson(20 * scene(size)) / 20 * 0.5),  # of another exposure
            ("truth", scene(size)),
        ):
            (tmp_path / part).mkdir(exist_ok=True)
            shown = np.rint(255 * np.clip(picture, 0, 1)).astype(np.uint8)
            Image.fromarray(shown).save(tmp_path / part / name)
    config = NoisyAloneConfig(
        precision="float32",
        pictures=str(tmp_path / "noisy"),
        truth=str(tmp_path / "truth"),
        steps=2,
        seeds=(1,),
    )
    assert set(cells.list_cells(config)) == {
        "pictures-masked-seed1",
        "pictures-paired-seed1",
        *(f"pictures-{name}" for name in CLASSICAL),
    }
    (tmp_path / "cells").mkdir()
    pictures.model_cell(config, tmp_path / "cells/model.csv", "masked", 1)
    pictures.filter_cell(config, tmp_path / "cells/filter.csv", "tv")
    for name, other in (("model", {"target": "masked"}), ("filter", {"model": "tv"})):
        rows = csv_rows.read_rows(tmp_path / f"cells/{name}.csv")
        scores = [row for row in rows if row["metric"] == "psnr_scale_invariant"]
        assert [row["split"] for row in scores] == ["", "a.png", "b.png"]
        values = [float(row["value"]) for row in scores]
        assert values[0] == pytest.approx(np.mean(values[1:]))
        assert other.items() <= scores[0].items()
        given = [
            float(row["value"])
            for row in rows
            if row["metric"] == "psnr_scale_invariant_input" and not row["split"]
        ]
        assert given == [pytest.approx(_scale_invariant_psnr(tmp_path, "a.png", "b.png"))]
    assert values[0] > 20
    rows = [
        row
        for name in ("model", "filter")
        for row in csv_rows.read_rows(tmp_path / f"cells/{name}.csv")
    ]
    csv_rows.write_rows(tmp_path / "rows.csv", rows)
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert f"| noisy | {given[0]:.2f} |  |" in text
    each = [_scale_invariant_psnr(tmp_path, name) for name in ("a.png", "b.png")]
    assert f"| noisy | {each[0]:.2f} | {each[1]:.2f} |" in text
    assert f"| `tv` | {values[0]:.2f} |" in text
    assert "(figures/pictures.png)" in text
    with np.load(tmp_path / "cells/model.npz") as kept:
        assert set(kept) == {
            f"{name}/{method}"
            for name in ("a.png", "b.png")
            for method in ("noisy", "truth", "masked")
        }
        assert np.array_equal(np.rint(255 * kept["b.png/truth"][..., 0]), np.rint(255 * scene(40)))
    shown = np.stack([np.rint(255 * scene(40)).astype(np.uint8)] * 3, axis=-1)
    shown[..., 1] //= 2
    Image.fromarray(shown).save(tmp_path / "truth/b.png")
    with pytest.raises(ValueError, match=r"has b.png in \(40, 40, 3\) instead of \(40, 40, 1\)"):
        pictures.filter_cell(config, tmp_path / "again.csv", "tv")
    (tmp_path / "truth/b.png").unlink()
    with pytest.raises(ValueError, match=r"`truth` .* lacks b.png"):
        pictures.filter_cell(config, tmp_path / "again.csv", "tv")


@pytest.mark.slow  # as all that need BM3D, whose licence forbids commercial use: not in `.[test]`
def test_bm3d_removes_noise():
    rows, columns = np.mgrid[:32, :32] / 32
    clean = (0.5 + 0.4 * np.sin(5 * rows) * np.cos(4 * columns))[None, ..., None].astype(np.float32)
    noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape).astype(np.float32)
    make, _ = filters.FILTERS["BM3D"]
    output = filters.filtered(noisy, make(sigma=0.1))
    assert image.psnr(output, clean)[0] > image.psnr(noisy, clean)[0] + 6


class Ends:
    """A picture that cannot be read any more after a number of reads."""

    def __init__(self, values, reads):
        self.values, self.left, self.shape = values, reads, values.shape

    def __array__(self, dtype=None, copy=None):
        return self.values

    def __getitem__(self, place):
        self.left -= 1
        if self.left < 0:
            raise OSError("the disk is gone")
        return self.values[place]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "precision", "steps"),
    [("dae", "float32", 8), ("dae", "bfloat16", 8), ("dvae", "float32", 4)],
)
def test_a_training_that_was_killed_ends_as_one_fit_does(kind, precision, steps, tmp_path):
    picture = RANDOM.random((70, 72, 1)).astype(np.float32)
    noise = corruptions.parse("gaussian:0.1")
    settings = (64, 64, 1), learning.moments_of([picture]), 3, steps
    expected = (
        learning.build_dvae(noise.level, *settings)
        if kind == "dvae"
        else learning.build("recorrupted", str(noise), *settings, dtype=PRECISIONS[precision])
    )
    batches = training_patches([picture], 64, 16, 3, "noisy alone")
    expected.fit(batches, steps_per_epoch=steps, epochs=1, verbose=0)

    def train(pictures):
        return denoisers.trained(
            pictures, "recorrupted", noise, 3, steps, tmp_path / "kept", kind, precision
        )

    with pytest.raises(Exception, match="the disk is gone"):
        train([Ends(picture, reads=steps * 16)])  # some are read before the first step
    (kept,) = (tmp_path / "kept").glob("round-*")
    assert 0 < int(kept.name.rpartition("-")[2]) < steps
    model, seconds = train([picture])
    assert weights_hash(model.keras_model) == weights_hash(expected)
    again, _ = train([Ends(picture, reads=0)])
    assert weights_hash(again.keras_model) == weights_hash(expected), "nothing is left to train"
    assert seconds > 0
    assert {layer.compute_dtype for layer in model.keras_model.encoder.layers} == {"float32"}


def write_photographs(folder, count, size=64):
    folder.mkdir()
    for number in range(count):
        rows, columns = np.mgrid[: size + 8 * number, :size] / 16
        picture = 0.5 + 0.35 * np.sin(rows + number) * np.cos(2 * columns)
        Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(folder / f"{number}.png")


NOISES = ("gaussian:0.0588235", "gaussian:0.196078")


@pytest.fixture
def photographs_config(tmp_path):
    write_photographs(tmp_path / "train", 3)
    write_photographs(tmp_path / "set2", 2)
    return NoisyAloneConfig(
        precision="float32",
        photographs=str(tmp_path / "train"),
        photographs_test=str(tmp_path / "set2"),
        noises=NOISES,
        objectives=("masked", "clean", BLIND),
        seeds=(1,),
        steps=1,
    )


def test_cells_of_photographs(photographs_config):
    assert set(cells.list_cells(photographs_config)) == {
        f"photographs-{BLIND}-seed1",
        *(
            f"photographs-{noise.replace(':', '-')}-{name}"
            for noise in NOISES
            for name in ("masked-seed1", "clean-seed1", *CLASSICAL)
        ),
    }


def rows_by_noise(path, metric):
    rows = [row for row in csv_rows.read_rows(path) if row["metric"] == metric]
    return {
        noise: {
            row["split"]: float(row["value"]) for row in rows if row["test_corruption"] == noise
        }
        for noise in dict.fromkeys(row["test_corruption"] for row in rows)
    }


@pytest.mark.slow
def test_photographs(photographs_config, tmp_path):
    """A model of one noise, one of all noises, and filters: all are measured on the same noisy
    pictures. One learns from noise that stays, the other from the clean pictures.
    """
    config, noise = photographs_config, NOISES[1]
    paths = {name: tmp_path / f"{name}.csv" for name in ("masked", BLIND, "tv", "bm3d")}
    photographs.model_cell(config, paths["masked"], (noise,), "masked", 1)
    photographs.model_cell(config, paths[BLIND], NOISES, BLIND, 1)
    for name in ("tv", "bm3d"):
        photographs.filter_cell(config, paths[name], noise, name)

    (found,) = rows_by_noise(paths["masked"], "psnr").values()
    assert list(found) == ["set2", "set2/0.png", "set2/1.png"]
    assert found["set2"] == pytest.approx((found["set2/0.png"] + found["set2/1.png"]) / 2)
    inputs = [rows_by_noise(path, "psnr_input")[noise] for path in paths.values()]
    assert inputs[0] == inputs[1] == inputs[2] == inputs[3]
    assert inputs[0]["set2"] == pytest.approx(-20 * np.log10(50 / 255), abs=0.3)
    blind = rows_by_noise(paths[BLIND], "psnr_input")
    assert list(blind) == list(NOISES)
    assert blind[NOISES[0]]["set2"] == pytest.approx(-20 * np.log10(15 / 255), abs=0.3)
    for name in ("tv", "bm3d"):
        assert rows_by_noise(paths[name], "psnr")[noise]["set2"] > inputs[0]["set2"] + 6

    learned = {
        name: np.fromfile(cell_names.unfinished(paths[name]) / "pictures", np.float32)[: 72 * 64]
        for name in ("masked", BLIND)
    }
    truth = np.array(Image.open(tmp_path / "train/1.png")).ravel() / np.float32(255)
    np.testing.assert_array_equal(learned[BLIND], truth)
    assert np.std(learned["masked"] - truth) == pytest.approx(50 / 255, rel=0.05)

    first = {name: csv_rows.read_rows(path)[0] for name, path in paths.items()}
    assert first["bm3d"]["network"] == "sigma=0.196", "it is given the level"
    assert first["tv"]["network"].startswith("weight=")
    assert {row["n_train"] for row in first.values()} == {"2"}, "one of three is held out"
    assert (first["masked"]["condition"], first["masked"]["corruption"]) == ("noisy", "none")
    assert first[BLIND]["condition"] == "clean"
    levels = [float(part.split(":")[1]) for part in first[BLIND]["corruption"].split(",")]
    assert levels == pytest.approx([5.5 * number / 255 for number in range(11)], abs=1e-6)

    rows = [row for path in paths.values() for row in csv_rows.read_rows(path)]
    csv_rows.write_rows(tmp_path / "rows.csv", rows)
    report.write(tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "2 training pictures of train, each with one noise that stays, 1 training steps" in text
    assert "the 2 pictures of set2 as test" in text
    assert f"| `{BLIND}` |" in text
    shown = [f"{found[f'set2/{name}']:.2f}" for name in ("0.png", "1.png")]
    assert f"## Each picture, {noise} (50 of 255)" in text
    assert f"| `masked` | {shown[0]} | {shown[1]} |" in text
    assert "Stein" not in text


@pytest.mark.slow
def test_a_cell_of_photographs_as_a_command(photographs_config, tmp_path):
    arguments = [
        *("study", "noisy-alone", "--objectives", BLIND, "--steps", "1", "--seeds", "0"),
        *("--photographs", photographs_config.photographs),
        *("--photographs-test", photographs_config.photographs_test),
        *("--noises", "gaussian:0.1", "--output", str(tmp_path / "out")),
    ]
    name = f"photographs-{BLIND}-seed0"
    assert main([*arguments, "--precision", "bfloat16", "--cell", name]) == 0
    left = sorted(path.name for path in (tmp_path / "out/cells").iterdir())
    assert left == [f"{name}.csv", f"{name}.npz"], "what is kept until a cell is done is removed"
    settings = json.loads((tmp_path / "out/config.json").read_text())
    assert re.fullmatch(r"train [0-9a-f]{16}", settings["photographs"])
    assert re.fullmatch(r"set2 [0-9a-f]{16}", settings["photographs_test"])
    assert settings["noises"] == ["gaussian:0.1"]
    assert settings["precision"] == "bfloat16"
    assert main([*arguments, "--cell", name]) == 0, "auto is what the folder has"
    assert main([*arguments, "--precision", "float32", "--cell", name]) == 2


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: [file.unlink() for file in folder.iterdir()], "`photographs` .* holds no"),
        (
            lambda folder: [(folder / f"{number}.png").unlink() for number in (1, 2)],
            "`photographs` .* must hold two pictures or more; got one",
        ),
        (
            lambda folder: Image.new("RGB", (64, 64), "red").save(folder / "2.png"),
            "`photographs` must have one number of channels; got 1 and 3",
        ),
    ],
)
def test_photographs_that_are_refused(prepare, message, photographs_config, tmp_path):
    prepare(tmp_path / "train")
    with pytest.raises(ValueError, match=message):
        photographs.model_cell(photographs_config, tmp_path / "m.csv", NOISES[:1], "masked", 1)
