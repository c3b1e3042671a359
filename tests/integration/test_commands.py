"""The commands that use a trained model, through the command line."""

import csv
import os
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfdvae
from tests.helpers.models import make
from tests.helpers.processes import peak_memory
from tfdvae._utils import files, limits
from tfdvae.cli import main
from tfdvae.image_io import codec, manifest
from tfdvae.inference import imputation
from tfdvae.inference.on_disk import drawing, generating

SHAPE = (8, 6, 1)
IMAGES = np.random.default_rng(0).random((40, *SHAPE), dtype=np.float32)
BYTES = np.rint(255 * IMAGES).astype(np.uint8)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    made = {
        "dvae": make("dvae", "mlp", SHAPE),
        "dae": make("dae", "residual_conv", SHAPE),
        "colour": make("dvae", "mlp", (8, 6, 3)),
    }
    made["dvae"].fit(IMAGES, epochs=5, verbose=0)
    for name, model in made.items():
        model.save(folder / f"{name}.keras")
    return folder, made


@pytest.fixture(autouse=True)
def small_pieces():
    """Seven images at a time, so that what is kept from piece to piece matters."""
    with limits.use(file_images=7, batch_images=7, piece_bytes=7 * IMAGES[0].nbytes):
        yield


@pytest.fixture
def run(models, tmp_path, monkeypatch, capsys):
    """Run a command in a folder with the models; return status, standard output and error."""
    monkeypatch.chdir(tmp_path)
    for path in models[0].iterdir():
        (tmp_path / path.name).symlink_to(path)

    def command(line):
        status = main.main(line.split())
        return status, *capsys.readouterr()

    return command


def write_folder(images=BYTES, folder="in", classes=("bag", "shoe"), suffix=".png"):
    for number, image in enumerate(images):
        path = Path(folder, classes[number % len(classes)], f"{number:03}{suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        codec.write(path, image)


def in_order(folder):
    """Images of `write_folder` in the order in which they are read, by folders."""
    return np.concatenate([folder[0::2], folder[1::2]])


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_denoise_a_folder(run, models, tmp_path):
    write_folder()
    status, out, err = run("denoise dvae.keras in out")
    assert status == 0
    assert "40 images in out" in out
    assert "Denoising" in err
    for number in range(40):
        made = codec.read(tmp_path / "out" / ("bag", "shoe")[number % 2] / f"{number:03}.png")
        expected = 255 * models[1]["dvae"].denoise(BYTES[number : number + 1] / np.float32(255))[0]
        np.testing.assert_allclose(made, expected, atol=0.51)
    status, out, _ = run("denoise dvae.keras in out")
    assert (status, "40 already there, skipped" in out) == (0, True)


def test_an_onnx_file_denoises_as_the_model_that_it_was_exported_from(run, tmp_path):
    for package in ("onnx", "onnxruntime", "tf2onnx"):
        pytest.importorskip(package)
    write_folder(BYTES[:9])
    assert run("export dvae.keras --format onnx --output dvae.onnx")[0] == 0
    for model in ("dvae.keras", "dvae.onnx"):
        status, out, _ = run(f"denoise {model} in of-{model}")
        assert (status, "9 images in" in out) == (0, True)
    for place in (tmp_path / "of-dvae.keras").rglob("*.png"):
        made = codec.read(tmp_path / "of-dvae.onnx" / place.relative_to(tmp_path / "of-dvae.keras"))
        assert np.abs(made.astype(int) - codec.read(place)).max() <= 1
    for command in (
        "encode dvae.onnx in codes.npz",
        "sample dvae.onnx new",
        "augment dvae.onnx in new",
    ):
        status, _, err = run(command)
        assert status == 2
        assert "this model came from an ONNX file, which only denoises" in err
    for command in ("export dvae.onnx", "export dvae.onnx --format onnx --overwrite"):
        status, _, err = run(command)
        assert status == 2
        assert "`model` dvae.onnx is exported already" in err
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:5, 1:4] = 255
    codec.write(tmp_path / "mask.png", mask)
    for model in ("dvae.keras", "dvae.onnx"):
        assert run(f"detect {model} in {model}.csv")[0] == 0
        assert run(f"impute {model} in filled-{model} --mask mask.png")[0] == 0
    own, loaded = (rows(tmp_path / f"dvae.{kind}.csv") for kind in ("keras", "onnx"))
    assert [row["image"] for row in own] == [row["image"] for row in loaded]
    np.testing.assert_allclose(
        [float(row["score"]) for row in loaded], [float(row["score"]) for row in own], atol=1e-5
    )
    filled = [
        codec.read(tmp_path / f"filled-dvae.{k}" / "bag" / "002.png") for k in ("keras", "onnx")
    ]
    assert np.abs(filled[0].astype(int) - filled[1]).max() <= 1
    (tmp_path / "dvae.onnx").write_bytes(b"no model")
    status, _, err = run("denoise dvae.onnx in other")
    assert status == 2
    assert "`model` dvae.onnx is no ONNX file, or a damaged one" in err
    assert not {"codes.npz", "new", "other"} & {path.name for path in tmp_path.iterdir()}


def test_denoise_larger_images_in_tiles_or_say_why_not(run, tmp_path):
    codec.write(
        tmp_path / "large.png",
        np.random.default_rng(0).integers(0, 256, (50, 30, 1), dtype=np.uint8),
    )
    assert run("denoise dae.keras large.png out.png")[0] == 0
    assert codec.read(tmp_path / "out.png").shape == (50, 30, 1)
    status, _, err = run("denoise dvae.keras large.png other.png")
    assert status == 2
    assert "large.png cannot be processed: `images` must be 8x6" in err
    assert "Larger images are for networks whose code keeps its place in the image" in err
    assert not (tmp_path / "other.png").exists()


def test_gray_images_with_a_model_of_colour_stay_gray(run, models, tmp_path):
    write_folder(BYTES[:2])
    assert run("denoise colour.keras in out")[0] == 0
    made = codec.read(tmp_path / "out" / "bag" / "000.png")
    assert made.shape == SHAPE
    expected = (
        models[1]["colour"]
        .denoise(np.repeat(BYTES[:1] / np.float32(255), 3, axis=-1))[0]
        .mean(axis=-1, keepdims=True)
    )
    np.testing.assert_allclose(made, 255 * expected, atol=1)


def test_gray_images_stored_in_colour_with_a_gray_model_stay_in_colour(run, models, tmp_path):
    stored = np.repeat(BYTES[:3], 3, axis=-1)
    stored[2, 0, 0, 0] ^= 255  # this one is in colour
    write_folder(stored)
    status, out, err = run("denoise dvae.keras in out")
    assert (status, "2 images in out" in out) == (1, True)
    assert (
        "002.png cannot be processed: `images` must have 1 channel, as the model has; got 3" in err
    )
    made = codec.read(tmp_path / "out" / "bag" / "000.png")
    np.testing.assert_allclose(
        made,
        255 * np.repeat(models[1]["dvae"].denoise(BYTES[:1] / np.float32(255))[0], 3, axis=-1),
        atol=0.51,
    )


def test_an_output_that_is_an_input_or_lies_in_one(run, tmp_path):
    write_folder()
    np.savez("in.npz", x_train=BYTES, y_train=np.arange(40))
    for line in (
        "denoise dvae.keras in in",
        "denoise dvae.keras in in/out",
        "augment dvae.keras in/bag in --overwrite",
        "impute dvae.keras in out --mask out",
        "encode dvae.keras in.npz in.npz --overwrite",
        "detect dvae.keras in other.csv --normal other.csv",
    ):
        status, _, err = run(line)
        assert (status, "must lie apart from" in err) == (2, True), line
    assert len(list((tmp_path / "in").rglob("*.png"))) == 40
    assert run("detect dvae.keras in in/scores.csv")[0] == 0


def test_names_that_synthetic_images_have_too(run, tmp_path):
    write_folder(BYTES[:2])
    codec.write(tmp_path / "in" / "bag" / "000-synthetic1.png", BYTES[5])
    status, _, err = run("augment dvae.keras in out --include-originals")
    assert (status, "it holds bag/000-synthetic1.png" in err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_failures_are_named_and_counted_in_the_status(run, tmp_path):
    write_folder()
    for number in range(12):
        (tmp_path / "in" / "bag" / f"broken{number:02}.png").write_bytes(b"no")
    status, out, err = run("denoise dvae.keras in out")
    assert status == 1
    assert "40 images in out" in out
    assert err.count("cannot be read") == 12


RANDOM = np.random.default_rng(0)
STRANGERS = {
    "bytes from 8 to 238": (RANDOM.integers(8, 239, (3, 28, 28), np.uint8), "clothing-dvae", None),
    "floats from 8 to 238": (
        RANDOM.uniform(8, 238, (3, 28, 28)),
        "clothing-dvae",
        "must be images scaled to [0, 1]",
    ),
    "float64": (RANDOM.random((3, 28, 28)), "clothing-dvae", None),
    "float16": (RANDOM.random((3, 28, 28)).astype(np.float16), "clothing-dvae", None),
    "big-endian uint16": (
        RANDOM.integers(0, 2**16, (3, 28, 28, 1)).astype(">u2"),
        "clothing-dvae",
        None,
    ),
    "whole numbers": (
        RANDOM.integers(0, 256, (3, 28, 28)),
        "clothing-dvae",
        "must hold images, uint8, uint16 or floats",
    ),
    "two channels": (
        RANDOM.random((3, 28, 28, 2)),
        "clothing-dvae",
        "must have 1 channel, as the model has; got 2",
    ),
    "NaN": (np.full((3, 28, 28), np.nan), "clothing-dvae", "must be finite"),
    "16x16": (
        RANDOM.random((3, 16, 16)),
        "clothing-denoiser",
        "must be 28x28, as those that the model was trained on; got 16x16",
    ),
    "64x64": (RANDOM.random((3, 64, 64)), "clothing-denoiser", None),
    "64x64 of a model without places": (
        RANDOM.random((3, 64, 64)),
        "clothing-dvae",
        "got 64x64. Larger images are for networks whose code keeps its place in the image",
    ),
    "flattened": (
        RANDOM.random((30, 784)),
        "clothing-denoiser",
        "must not be flattened; got 30 rows of 784 values",
    ),
    "flattened, with a channel": (
        RANDOM.random((30, 784, 1)),
        "clothing-denoiser",
        "images.reshape(-1, 28, 28, 1) shapes them",
    ),
    "one that is as wide": (RANDOM.random((1, 30, 784)), "clothing-denoiser", None),
    "500x300": (RANDOM.integers(0, 256, (500, 300), np.uint8), "clothing-denoiser", None),
}


@pytest.mark.parametrize("case", STRANGERS)
def test_strangers_images_are_denoised_or_the_reason_is_told(case, run, tmp_path):
    """With the models that come with tfdvae; nothing is written where they do not fit."""
    given, model, said = STRANGERS[case]
    np.save("in.npy", given)
    status, _, err = run(f"denoise {model} in.npy out.npy")
    assert "Traceback" not in err
    if said is not None:
        assert (status, said in err, (tmp_path / "out.npy").exists()) == (2, True, False), err
        return
    assert status == 0, err
    made = np.load(tmp_path / "out.npy")
    assert (made.shape, made.dtype) == (given.shape, given.dtype.newbyteorder("="))
    assert made.astype(float).std() < given.astype(float).std(), "noise alone is smoothed"


def test_encode(run, models, tmp_path):
    write_folder()
    assert run("encode dvae.keras in codes.npz")[0] == 0
    found = np.load(tmp_path / "codes.npz")
    assert found["names"][0] == "bag/000.png"
    np.testing.assert_allclose(
        found["codes"], models[1]["dvae"].encode(in_order(BYTES) / np.float32(255)), atol=1e-5
    )
    np.savez("in.npz", x_train=BYTES[..., 0], y_train=np.arange(40))
    assert run("encode dvae.keras in.npz other.npz")[0] == 0
    found = np.load(tmp_path / "other.npz")
    assert found["names"][3] == "x_train/3"
    assert found["codes"].shape == (40, 3)


@pytest.mark.parametrize("output", ["out", "out.npy", "out.npz"])
def test_sample(run, models, tmp_path, output):
    assert run(f"sample dvae.keras {output} --count 300 --seed 7")[0] == 0
    expected = models[1]["dvae"].sample(300, seed=7)
    if output == "out":
        made = (
            np.stack(
                [codec.read(tmp_path / "out" / f"sample-{number:06d}.png") for number in range(300)]
            )
            / 255
        )
    else:
        made = np.load(tmp_path / output)
        made = made if output == "out.npy" else made["images"]
    np.testing.assert_allclose(made, expected, atol=0.0021 if output == "out" else 1e-6)
    status, _, err = run(f"sample dvae.keras {output} --count 2")
    assert (status, "--overwrite replaces" in err) == (2, True)
    assert run(f"sample dvae.keras {output} --count 2 --overwrite")[0] == 0
    if output == "out":
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
            "manifest.csv",
            "sample-000000.png",
            "sample-000001.png",
        ]


def test_sample_of_a_dae(run):
    status, _, err = run("sample dae.keras out")
    assert (status, "only a VAE or DVAE has a prior" in err) == (2, True)


@pytest.mark.parametrize("model", ["dvae", "dae"])
def test_augment_a_folder_is_what_the_augmenter_makes(run, models, tmp_path, model):
    write_folder()
    assert run(f"augment {model}.keras in out --per-image 3 --seed 5")[0] == 0
    expected = tfdvae.Augmenter(models[1][model]).generate(
        in_order(BYTES) / np.float32(255), np.zeros(40, int), 3, seed=5
    )
    listed = rows(tmp_path / "out" / "manifest.csv")
    assert len(listed) == 120
    names = [f"{('bag', 'shoe')[number % 2]}/{number:03}.png" for number in in_order(np.arange(40))]
    for row in listed:
        copy = int(row["image"].removesuffix(".png").rpartition("-synthetic")[2])
        assert row["label"] == row["source"].partition("/")[0]
        assert (row["seed"], row["method"]) == (
            "5",
            "posterior" if model == "dvae" else "reconstruction",
        )
        made = codec.read(tmp_path / "out" / row["image"])
        np.testing.assert_allclose(
            made, 255 * expected.images[40 * (copy - 1) + names.index(row["source"])], atol=0.51
        )
    dataset = keras.utils.image_dataset_from_directory(
        tmp_path / "out", color_mode="grayscale", image_size=(8, 6), verbose=False
    )
    assert dataset.class_names == ["bag", "shoe"]


def test_augment_with_originals_and_a_second_time(run, tmp_path):
    write_folder()
    assert run("augment dvae.keras in out --include-originals")[0] == 0
    listed = rows(tmp_path / "out" / "manifest.csv")
    assert len(listed) == 120
    originals = [row for row in listed if row["method"] == "original"]
    assert len(originals) == 40
    assert (tmp_path / "out" / originals[0]["image"]).read_bytes() == (
        tmp_path / "in" / originals[0]["source"]
    ).read_bytes()
    status, _, err = run("augment dvae.keras in out")
    assert (status, "is not empty; --overwrite replaces" in err) == (2, True)
    (tmp_path / "out" / "thesis.tex").touch()
    assert run("augment dvae.keras in out --overwrite --per-image 1")[0] == 0
    assert len(rows(tmp_path / "out" / "manifest.csv")) == 40
    left = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert left == {
        "manifest.csv",
        "thesis.tex",
        *(Path(row["image"]).name for row in rows(tmp_path / "out" / "manifest.csv")),
    }


@pytest.mark.parametrize("name", ["manifest.csv", "bag/000-synthetic2.png"])
def test_overwrite_leaves_what_is_not_of_this_command(name, run, tmp_path):
    write_folder()
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    path.write_text("image,mine\nbag/000.png,1\n")
    codec.write(tmp_path / "out" / "000.png", BYTES[0])
    status, _, err = run("augment dvae.keras in out --overwrite")
    assert (
        status,
        "which this command did not make" in err or "that this command did not make" in err,
    ) == (2, True)
    left = sorted(
        found.relative_to(tmp_path / "out").as_posix()
        for found in (tmp_path / "out").rglob("*")
        if found.is_file()
    )
    assert left == sorted(["000.png", name])
    assert path.read_text() == "image,mine\nbag/000.png,1\n"


def test_overwrite_leaves_what_is_outside_of_the_folder(run, tmp_path):
    write_folder()
    (tmp_path / "thesis.tex").touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.csv").write_text(
        "image,source,label,seed,method\n../thesis.tex,in/bag/000.png,bag,0,posterior\n"
    )
    assert run("augment dvae.keras in out --overwrite --per-image 1")[0] == 0
    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.parametrize("moves", [0, 1, 39])
def test_stopped_while_the_new_takes_the_place_of_the_old(moves, run, tmp_path, monkeypatch):
    """The next start finds what belongs to either, and leaves the rest."""
    write_folder()
    assert run("augment dvae.keras in out --per-image 2")[0] == 0
    (tmp_path / "out" / "thesis.tex").touch()
    real, moved = shutil.move, []

    def move(*paths):
        if len(moved) == moves:
            raise KeyboardInterrupt
        moved.append(real(*paths))

    with monkeypatch.context() as patch:
        patch.setattr(manifest.shutil, "move", move)
        assert run("augment dvae.keras in out --overwrite --per-image 1")[0] == 130
    assert len(list((tmp_path / "out").rglob("*.png"))) == 80, "none of the earlier ones is gone"
    assert run("augment dvae.keras in out --overwrite --per-image 1")[0] == 0
    made = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert made == {
        "thesis.tex",
        "manifest.csv",
        *(row["image"] for row in rows(tmp_path / "out" / "manifest.csv")),
    }
    assert len(made) == 42


@pytest.mark.parametrize("clash", ["hat", "hat/000-synthetic1.png/mine.txt"])
def test_overwrite_where_the_new_has_no_place(clash, run, tmp_path):
    """A file where a folder is needed, and a folder where an image is."""
    write_folder()
    assert run("augment dvae.keras in out")[0] == 0
    (tmp_path / "out" / clash).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "out" / clash).write_text("mine")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    write_folder(folder="other", classes=("hat",))
    assert run("augment dvae.keras other out --overwrite")[0] == 2
    assert {
        path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()
    } == before


@pytest.mark.parametrize("foreign", [False, True])
def test_what_comes_meanwhile_is_not_replaced(foreign, run, tmp_path, monkeypatch):
    """Another process ends first, or somebody puts an image there."""
    write_folder()
    real = manifest.replace_images

    def late(made, output, earlier):
        if foreign:
            codec.write(output / "bag" / "000-synthetic1.png", BYTES[0])
        else:
            shutil.copytree(made, output, dirs_exist_ok=True)
        before.update(
            {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
        )
        real(made, output, earlier)

    before: dict = {}
    (tmp_path / "out" / "bag").mkdir(parents=True)
    monkeypatch.setattr(manifest, "replace_images", late)
    status, _, err = run("augment dvae.keras in out --overwrite")
    assert (status, "did not make" in err if foreign else "by another process" in err) == (2, True)
    left = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert left == {
        path: read for path, read in before.items() if not any(map(files.is_scratch, path.parents))
    }


def test_overwrite_of_names_that_are_no_utf8(run, tmp_path):
    write_folder()
    (tmp_path / "in" / "bag" / "000.png").rename(
        os.fsdecode(os.fsencode(tmp_path / "in" / "bag") + b"/b\xff.png")
    )
    assert run("augment dvae.keras in out --per-image 2")[0] == 0
    assert run("augment dvae.keras in out --per-image 1 --overwrite")[0] == 0
    assert len(list((tmp_path / "out").rglob("*.png"))) == 40


def test_what_was_made_stays_until_there_is_something_new(run, tmp_path):
    write_folder()
    assert run("augment dvae.keras in out --per-image 1")[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    write_folder(np.zeros((4, 9, 9, 1), np.uint8), "wide")
    assert run("augment dvae.keras wide out --overwrite")[0] == 2
    assert {
        path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()
    } == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("No space left on device")])
@pytest.mark.parametrize(
    "line", ["augment dvae.keras in out --overwrite", "sample dvae.keras out --overwrite"]
)
@pytest.mark.parametrize("again", [False, True])
def test_stopped_in_the_middle_leaves_what_was_there(
    again, line, error, run, tmp_path, monkeypatch
):
    write_folder()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    if again:
        assert run(line)[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert (len(before) > 1) == again
    written = []

    def write(path, pixels, *given):
        if len(written) == 12:
            raise error
        written.append(path)
        codec.write(path, pixels, *given)

    for module in (drawing, generating):
        monkeypatch.setattr(module, "codec", SimpleNamespace(**vars(codec) | {"write": write}))
    status, _, err = run(line)
    assert (status, "tfdvae: " in err) == (130 if error is KeyboardInterrupt else 2, True)
    assert len(written) == 12
    assert {
        path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()
    } == before
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.parametrize("model", ["dvae", "dae"])
def test_augment_arrays(model, run, models, tmp_path):
    labels = np.arange(40) % 3
    np.savez(
        "in.npz",
        train_images=BYTES[..., 0],
        train_labels=labels[:, None],
        test_images=BYTES[:3, ..., 0],
        test_labels=labels[:3],
    )
    status, out, _ = run(f"augment {model}.keras in.npz out.npz --include-originals")
    assert (
        status,
        "120 images in out.npz; copied unchanged: test_images, test_labels" in out,
    ) == (0, True)
    found = np.load(tmp_path / "out.npz")
    assert found["train_images"].shape == (120, 8, 6)
    assert found["train_images"].dtype == np.uint8
    assert np.array_equal(found["train_labels"][:, 0], labels[found["source"]])
    assert np.array_equal(found["train_images"][:40], BYTES[..., 0])
    assert (
        found["method"].tolist()
        == ["original"] * 40 + [{"dvae": "posterior", "dae": "reconstruction"}[model]] * 80
    )
    expected = tfdvae.Augmenter(models[1][model]).generate(
        BYTES / np.float32(255), labels, 2, seed=0
    )
    np.testing.assert_allclose(found["train_images"][40:], 255 * expected.images[..., 0], atol=0.51)
    np.savez("unlabelled.npz", x_train=BYTES)
    status, _, err = run(f"augment {model}.keras unlabelled.npz other.npz")
    assert (status, "must hold images and labels, x_train and y_train or" in err) == (2, True)


@pytest.mark.parametrize("channels", [1, 3])
def test_augment_arrays_with_other_channels_than_the_model(channels, run, models, tmp_path):
    """As files: gray ones with a model of color, and gray ones stored in color with a gray one."""
    np.savez("in.npz", x_train=np.repeat(BYTES, channels, axis=-1), y_train=np.arange(40))
    model = "colour" if channels == 1 else "dvae"
    status, out, err = run(f"augment {model}.keras in.npz out.npz --per-image 1")
    assert (status, "40 images in out.npz" in out, "Augmenting" in err) == (0, True, True)
    made = np.load(tmp_path / "out.npz")["x_train"]
    assert made.shape == (40, 8, 6, channels)
    inputs = np.repeat(BYTES, models[1][model].image_shape[-1], axis=-1) / np.float32(255)
    expected = 255 * tfdvae.Augmenter(models[1][model]).generate(
        inputs, np.arange(40), 1, seed=0
    ).images.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(made, np.repeat(expected, channels, axis=-1), atol=1)


def test_arrays_whose_names_are_taken(run, tmp_path):
    np.savez("in.npz", x_train=BYTES, y_train=np.arange(40), source=np.arange(3))
    status, _, err = run("augment dvae.keras in.npz out.npz")
    assert (status, "must hold no array source" in err) == (2, True)


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_arrays_that_hold_no_images_are_copied_and_named(write, run, models, tmp_path):
    """Also one with the name of an argument of NumPy's."""
    write("in.npz", images=BYTES, y=np.arange(40), x_test=BYTES.astype(np.int64))
    with zipfile.ZipFile("in.npz", "a") as archive, archive.open("file.npy", "w") as member:
        np.lib.format.write_array(member, np.arange(3))
    status, out, _ = run("denoise dvae.keras in.npz out.npz")
    assert (status, "40 images in out.npz; copied unchanged: file, x_test, y" in out) == (0, True)
    made = np.load(tmp_path / "out.npz")
    np.testing.assert_allclose(
        made["images"], 255 * models[1]["dvae"].denoise(BYTES / np.float32(255)), atol=0.51
    )
    assert made["file"].tolist() == [0, 1, 2]
    assert np.array_equal(made["x_test"], BYTES.astype(np.int64))


def test_what_a_killed_process_unpacked_is_removed(run, tmp_path):
    np.savez("in.npz", images=BYTES)
    old, young, held = (tmp_path / f".tmp-tfdvae-{name}" for name in ("old", "young", "held"))
    for folder in (old, young, held):
        folder.mkdir()
        (folder / "0.npy").touch()
    with files.locked(held):
        for folder in (old, held):
            os.utime(folder, (0, 0))
        assert run("denoise dvae.keras in.npz out.npz")[0] == 0
    assert (old.exists(), young.exists(), held.exists()) == (False, True, True)


def test_augment_takes_training_images_alone(run, tmp_path):
    write_folder(folder="in/train")
    write_folder(folder="in/test")
    status, _, err = run("augment dvae.keras in out")
    assert (status, "give the folder of the training images" in err) == (2, True)
    assert run("augment dvae.keras in/train out")[0] == 0
    np.savez_compressed(
        "in.npz", x_train=BYTES, y_train=np.arange(40), x_test=BYTES[:3], y_test=np.arange(3)
    )
    assert run("augment dvae.keras in.npz out.npz")[0] == 0
    found = np.load(tmp_path / "out.npz")
    assert np.array_equal(found["x_test"], BYTES[:3])
    assert found["x_train"].shape == (80, 8, 6, 1)


def test_augment_images_beside_folders(run, tmp_path):
    write_folder()
    codec.write(tmp_path / "in" / "loose.png", BYTES[0])
    status, _, err = run("augment dvae.keras in out")
    assert (status, "holds images beside folders" in err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_images_in_formats_that_are_not_read_are_named(run, tmp_path):
    write_folder(BYTES[:3])
    for name in ("a.ico", "deep/b.HEIC", ".hidden/c.ico"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).touch()
    (tmp_path / "in" / "notes.txt").touch()
    status, out, _ = run("denoise dvae.keras in out")
    assert status == 0
    assert "3 images in out\nNOTE: images left out, since they are none of .png" in out
    assert out.endswith(": 2, the first in/a.ico\n")


def test_detect(run, models, tmp_path):
    write_folder()
    write_folder(255 - BYTES, "normal", ("x",))
    status, out, _ = run(
        "detect dvae.keras in scores.csv --normal normal --false-positive-rate 0.1"
    )
    assert status == 0
    listed = rows(tmp_path / "scores.csv")
    scores = np.array([float(row["score"]) for row in listed])
    assert (np.diff(scores) <= 0).all()
    expected = tfdvae.load(models[1]["dvae"]).anomaly_scores(in_order(BYTES) / np.float32(255))
    np.testing.assert_allclose(scores, np.sort(expected)[::-1], rtol=1e-4)
    normal = np.sort(tfdvae.load(models[1]["dvae"]).anomaly_scores((255 - BYTES) / np.float32(255)))
    threshold = normal[35]  # four of forty exceed it
    assert [int(row["anomalous"]) for row in listed] == (scores > threshold * (1 + 1e-6)).astype(
        int
    ).tolist()
    assert float(out.split()[1].rstrip(",")) == pytest.approx(threshold, rel=1e-3)
    assert ", which at most 10% of the 40 normal images exceed; " in out
    assert run("detect dvae.keras in plain.csv")[0] == 0
    assert list(rows(tmp_path / "plain.csv")[0]) == ["image", "score"]


@pytest.mark.parametrize(
    ("count", "rate"), [(10, 0.7), (250, 0.18), (40, 0.0), (40, 1.0), (30, 0.1)]
)
def test_so_many_normal_images_exceed_the_threshold(count, rate, run):
    images = np.random.default_rng(count).random((count, *SHAPE), dtype=np.float32)
    np.save("normal.npy", images)
    status, out, _ = run(
        f"detect dvae.keras normal.npy scores.csv --normal normal.npy --false-positive-rate {rate}"
    )
    allowed = min(round(rate * count), count - 1)
    assert (status, f"; {allowed} of {count} images do." in out) == (0, True), out


def test_impute_files_with_masks(run, models, tmp_path):
    write_folder(BYTES[:4])
    missing = np.zeros((4, 8, 6), bool)
    missing[:, 2:5, 1:4] = True
    missing[0, 0] = True
    write_folder((255 * missing[..., None]).astype(np.uint8), "masks")
    with limits.use(file_images=1):
        assert run("impute dvae.keras in out --mask masks")[0] == 0
    expected = imputation.impute(models[1]["dvae"], BYTES[:4] / np.float32(255), missing)
    for number in range(4):
        made = codec.read(tmp_path / "out" / ("bag", "shoe")[number % 2] / f"{number:03}.png")
        np.testing.assert_allclose(made, 255 * expected[number], atol=0.51)
        assert np.array_equal(made[~missing[number]], BYTES[number][~missing[number]])
    assert run("impute dvae.keras in one --mask masks/bag/000.png")[0] == 0
    (tmp_path / "masks" / "bag" / "002.png").unlink()
    status, _, err = run("impute dvae.keras in some --mask masks")
    assert (status, err.count("cannot be processed")) == (1, 1)
    assert "002.png cannot be processed: `mask` masks has no image of that name" in err
    assert len(list((tmp_path / "some").rglob("*.png"))) == 3
    status, _, err = run("impute dvae.keras in none")
    assert (status, "`mask` is needed for image files" in err) == (2, True)


def test_masks_that_are_not_exact_or_not_clear(run, tmp_path):
    write_folder(BYTES[:1])
    codec.write(tmp_path / "mask.jpg", BYTES[1])
    write_folder(BYTES[1:2], "masks")
    write_folder(BYTES[1:2], "masks", suffix=".tif")
    codec.write(tmp_path / "black.png", np.zeros_like(BYTES[1]))
    for mask, said in (
        ("mask.jpg", "JPEG changes pixels beside the marked ones"),
        ("masks", "must hold one mask for an image"),
        ("black.png", "`mask` black.png marks no pixel"),
    ):
        status, _, err = run(f"impute dvae.keras in out --mask {mask}")
        assert (status, said in err) == (2, True), err


@pytest.mark.parametrize("mask", ["", "--mask mask.npy", "--mask one.npy"])
def test_impute_arrays(run, models, tmp_path, mask):
    missing = np.zeros((40, 8, 6), bool)
    missing[:, 2:5, 1:4] = True
    if "one" not in mask:
        missing[np.arange(40), np.arange(40) % 8] = True  # another row in each image
    np.save("mask.npy", missing)
    np.save("one.npy", missing[0])
    np.save("in.npy", np.where(missing, np.nan, IMAGES[..., 0]).astype(np.float64))
    assert run(f"impute dvae.keras in.npy out.npy {mask}")[0] == 0
    made = np.load(tmp_path / "out.npy")
    assert made.dtype == np.float64
    np.testing.assert_allclose(
        made[..., None], imputation.impute(models[1]["dvae"], IMAGES, missing), atol=1e-5
    )


def test_export(run, models, tmp_path):
    import onnxruntime

    assert run("export dvae.keras --output saved")[0] == 0
    loaded = tf.saved_model.load("saved")
    np.testing.assert_allclose(
        loaded.serve(IMAGES).numpy(), models[1]["dvae"].denoise(IMAGES), atol=1e-6
    )
    assert run("export dvae.keras --format onnx")[0] == 0
    session = onnxruntime.InferenceSession(str(tmp_path / "dvae.onnx"))
    (denoised,) = session.run(["denoised"], {"images": IMAGES})
    np.testing.assert_allclose(denoised, models[1]["dvae"].denoise(IMAGES), atol=1e-6)
    status, _, err = run("export dvae.keras --format onnx")
    assert (status, "exists; --overwrite replaces it" in err) == (2, True)
    assert run("export dvae.keras --format onnx --overwrite")[0] == 0
    np.save("in.npy", IMAGES)
    assert run("denoise saved in.npy out.npy")[0] == 0
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npy"), models[1]["dvae"].denoise(IMAGES), atol=1e-6
    )
    status, _, err = run("export saved --format onnx --output other.onnx")
    assert (
        status,
        "`model` saved is exported already; give the run folder or the .keras file" in err,
    ) == (2, True)


BAD = {
    "denoise nothing in out": "there is no nothing",
    "denoise dvae.keras nothing out": "`input` nothing does not exist",
    "encode dvae.keras in.npy codes.csv": r"must have the suffix .npz",
    "encode dvae.keras in.npy folder": r"must have the suffix .npz",
    "denoise dvae.keras labels.npy out.npy": "must hold images",
    "denoise dvae.keras wide.npy out.npy": "`images` must be 8x6",
    "denoise dvae.keras odd.npy out.npy": "scaled to [0, 1]",
    "impute dvae.keras in.npy out.npy --mask short.npy": (
        "`mask` short.npy must have shape (40, H, W) or (H, W); got (5, 8, 6)"
    ),
    "impute dvae.keras in.npy out.npy --mask wide.npy": (
        "`mask` wide.npy must have shape (40, H, W)"
    ),
    "impute dvae.keras nan.npy out.npy --mask one.npy": (
        "nan, row 3: `images` must be finite; it holds NaN"
    ),
    "denoise dvae.keras ~nobody-of-this-name/a out": "home directory",
    "detect dvae.keras in.npy scores.csv --false-positive-rate 0.1": (
        "is for a threshold from `normal` images"
    ),
    "detect dvae.keras in.npy scores.csv --normal in.npy --false-positive-rate 2": (
        "between 0 and 1; got 2"
    ),
    "sample dvae.keras out.png": "must be a folder, or a file .npy or .npz",
    "sample dvae.keras out --count 0": "`count`",
    "sample dvae.keras out --around nothing.png": "`around` nothing.png is no file",
    "sample dvae.keras out --around folder": "`around` folder is no file",
    "denoise dae.keras in.npy out.npy --samples 2": "only a VAE or DVAE has a posterior",
    "denoise dae.keras in.npy out.npy --uncertainty maps": "only a VAE or DVAE has a posterior",
    "denoise dvae.keras in.npy out.npy --samples 0": "`samples`",
    "denoise dvae.keras in.npy out.npy --samples 1 --uncertainty maps": "at least 2; got 1",
    "denoise dvae.keras in.npy out.npy --uncertainty one.npy": (
        "`uncertainty` one.npy is a file; a folder is needed"
    ),
    "denoise dvae.keras in.npy out.npy --uncertainty .": (
        "`uncertainty` must lie apart from `input`; got . and in.npy"
    ),
    "augment dvae.keras in.npy out.npy --per-image 0": "`per_image`",
    "impute dvae.keras in.npy out.npy --mask all.npy": "in, row 0: `mask` must leave a known pixel",
    "denoise dvae.keras flat.npy out.npy": (
        "flat: `images` must not be flattened; got 40 rows of 48 values"
    ),
    "detect dvae.keras in.npy scores.csv --normal flat.npy": (
        "must not be flattened; got 40 rows of 48 values"
    ),
    "augment dvae.keras flat.npz out.npz": "must not be flattened; got 40 rows of 48 values",
    "denoise dvae.keras colour.npy out.npy": (
        "colour: `images` must have 1 channel, as the model has; got 3"
    ),
    "augment dvae.keras late.npz out.npz": "x_train, row 38: `images` must be finite; it holds NaN",
    "export dvae.keras --format onnx --output model": "`output` model must have the suffix .onnx",
    "impute dvae.keras in.npy out.npy --mask none.npy": "`mask` none.npy marks no pixel",
    "impute dvae.keras in.npy out.npy --mask folder": "`mask` must be arrays where `input` is",
    "export dvae.keras --format tflite": "format",
    "denoise dvae.keras in.npy out.npy --threads 0": "`threads`",
}


@pytest.mark.parametrize("line", BAD)
def test_bad_input_ends_with_two_and_a_message_and_leaves_nothing(line, run, tmp_path):
    np.save("in.npy", IMAGES)
    np.save("labels.npy", np.arange(5))
    np.save("wide.npy", np.zeros((3, 9, 9), np.uint8))
    np.save("short.npy", np.zeros((5, 8, 6), bool))
    np.save("one.npy", np.eye(8, 6, dtype=bool))
    np.save("nan.npy", np.where(np.arange(40)[:, None, None, None] == 3, np.nan, IMAGES))
    np.save("none.npy", np.zeros((8, 6), bool))
    np.save("all.npy", np.ones((8, 6), bool))
    np.save("colour.npy", np.random.default_rng(0).random((8, 6, 3)))
    np.savez(
        "late.npz",
        x_train=np.where(np.arange(40)[:, None, None, None] == 38, np.nan, IMAGES),
        y_train=np.arange(40),
    )
    np.save("odd.npy", np.linspace(8, 238, 48).reshape(1, 8, 6))
    np.save("flat.npy", np.zeros((40, 48)))
    np.savez("flat.npz", x_train=np.zeros((40, 48)), y_train=np.zeros(40))
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    try:
        status, _, err = run(line)
        assert BAD[line] in err
        assert "Traceback" not in err
    except SystemExit as error:  # of the parser
        status = error.code
    assert status == 2
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "denoise clothing-dvae {given}.npy {made}.npy",
        "encode clothing-dvae {given}.npy {made}.npz",
        "augment clothing-dvae {given}.npz {made}.npz --include-originals",
        "sample clothing-dvae {made}.npy --count {count}",
    ],
    ids=lambda command: command.split()[0],
)
def test_memory_does_not_grow_with_the_rows_of_arrays(command, tmp_path):
    """One copy of all as floats would be 72 MiB more."""
    peaks = []
    for count in (8_000, 32_000):
        images = np.random.default_rng(0).random((count, 28, 28), dtype=np.float32)
        np.save(tmp_path / "given.npy", images)
        np.savez(tmp_path / "given.npz", images=images, labels=np.arange(count) % 3)
        line = command.format(
            given=tmp_path / "given", made=tmp_path / f"made-{count}", count=count
        )
        peaks.append(peak_memory(*line.split(), "--threads", "2"))
    assert peaks[1] - peaks[0] < 36, peaks


def test_quiet_shows_errors_and_notes_alone(run, tmp_path):
    write_folder(BYTES[:3])
    assert run("denoise dvae.keras in out --quiet") == (0, "", "")
    assert len(list((tmp_path / "out").rglob("*.png"))) == 3
    (tmp_path / "in" / "a.heic").touch()
    (tmp_path / "in" / "bag" / "broken.png").write_bytes(b"no")
    status, out, err = run("denoise dvae.keras in other --quiet")
    assert (status, out.count("\n"), err.count("\n")) == (1, 1, 1)
    assert out.startswith("NOTE: images left out")
    assert "broken.png cannot be read" in err
    status, out, err = run("sample dvae.keras out --quiet")
    assert (status, out, "--overwrite replaces" in err) == (2, "", True)
    assert "Denoising" in run("denoise dvae.keras in third")[2], "the next command is not quiet"
