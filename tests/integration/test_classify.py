"""`tfdvae classify` and `tfdvae predict`, from a folder of images to a classifier and a report."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfdvae
from tests.helpers import snippets
from tfdvae._utils import files
from tfdvae.classifying import images
from tfdvae.config.classify import ClassifyConfig

TINY = ("--n-train", "60", "--folds", "2", "--classifier-steps", "8")
NAMES = ("=zero", "one", "two")


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """A folder of digits of 28x28 pixels, a folder a class, with a test folder."""
    import sklearn.datasets

    root = tmp_path_factory.mktemp("scans") / "scans"
    digits, target = sklearn.datasets.load_digits(return_X_y=True)
    for label, name in enumerate(NAMES):
        chosen = digits[target == label].reshape(-1, 8, 8)[:40]
        for number, image in enumerate(chosen):
            folder = root / ("test" if number < 8 else "train") / name
            folder.mkdir(parents=True, exist_ok=True)
            pixels = np.kron(np.rint(image * 255 / 16).astype(np.uint8), np.ones((2, 2), np.uint8))
            Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return root


@pytest.fixture(scope="module")
def done(scans, tmp_path_factory):
    """The folder of a classifier of these scans."""
    from tfdvae.cli import main as cli

    folder = tmp_path_factory.mktemp("done") / "out"
    assert cli.main(["classify", "--dataset", str(scans), "--output", str(folder), *TINY]) == 0
    return folder


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_the_folder_has_the_classifier_and_what_it_says(done):
    found = {path.name for path in done.iterdir()} - {".lock"}
    assert found == {
        *("classifier.keras", "classifier.onnx", "saved_model", "predictions.csv", "figures"),
        *("report.md", "report.html", "settings.json", "images.json"),
    }
    rows = rows_of(done / "predictions.csv")
    assert sum(row["split"] == "out-of-fold" for row in rows) == 60
    assert sum(row["split"] == "test" for row in rows) == 24
    for row in rows:
        assert row["file"].split("/")[0] == ("test" if row["split"] == "test" else "train")
        assert row["true_label"].lstrip("'") == row["file"].split("/")[1]
        shares = [float(row[name]) for name in ("'=zero", "one", "two")]
        assert sum(shares) == pytest.approx(1, abs=1e-4)
        assert float(row["probability"]) == max(shares)


@pytest.mark.slow
def test_all_models_say_the_same_of_pixels_as_files_hold_them(done, scans):
    import keras
    import onnxruntime
    import tensorflow as tf

    paths = sorted((scans / "test").rglob("*.png"))
    pixels = np.stack([np.asarray(Image.open(path)) for path in paths])[..., None]
    made = keras.models.load_model(done / "classifier.keras").predict(pixels, verbose=0)
    loaded = tf.saved_model.load(str(done / "saved_model"))
    np.testing.assert_allclose(loaded.serve_uint8(pixels), made, atol=1e-5)
    np.testing.assert_allclose(loaded.serve(pixels.astype(np.float32)), made, atol=1e-5)
    assert [name.decode() for name in loaded.class_names().numpy()] == list(NAMES)
    session = onnxruntime.InferenceSession(done / "classifier.onnx")
    (found,) = session.run(None, {"pixels": pixels.astype(np.float32)})
    np.testing.assert_allclose(found, made, atol=1e-5)
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties["class_names"]) == list(NAMES)
    colors = np.repeat(pixels, 3, axis=-1)
    np.testing.assert_allclose(loaded.serve_uint8(colors), made, atol=1e-5)
    listed = {row["file"]: row for row in rows_of(done / "predictions.csv")}
    for path, row in zip(paths, made, strict=True):
        kept = listed[path.relative_to(scans).as_posix()]
        assert float(kept["one"]) == pytest.approx(row[1], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["", "classifier.keras", "saved_model"])
def test_predict_says_of_a_folder_what_the_report_says(part, done, scans, command, tmp_path):
    made = command("predict", done / part, scans / "test", "out.csv")
    assert made.returncode == 0, made.stderr
    rows = {row["file"]: row for row in rows_of("out.csv")}
    kept = [row for row in rows_of(done / "predictions.csv") if row["split"] == "test"]
    assert list(rows["one/01.png"]) == ["file", "label", "probability", "'=zero", "one", "two"]
    assert len(rows) == len(kept) == 24
    for row in kept:
        name = row["file"].removeprefix("test/")
        found = rows[f"'{name}" if name.startswith("=") else name]
        assert found["label"] == row["label"]
        assert float(found["two"]) == pytest.approx(float(row["two"]), abs=1e-5)


@pytest.mark.slow
def test_the_report_begins_with_a_verdict_and_names_classes(done):
    text = (done / "report.md").read_text()
    box = next(line for line in text.splitlines() if line.startswith("> "))
    assert " of 100 images are right, with mirroring, shifts and covering a rectangle " in box
    assert "**=zero**: of 100 such images it finds " in text
    assert "noise" not in text.partition("## Settings")[0].lower()
    page = (done / "report.html").read_text()
    assert page.index("<blockquote>") < page.index("<h2")
    assert page.count("<details>") == 2


@pytest.mark.slow
def test_the_same_command_leaves_a_classifier_as_it_is(done, scans, command):
    before = (done / "classifier.keras").stat().st_mtime_ns
    same = command("classify", "--dataset", scans, "--output", done, *TINY)
    assert same.returncode == 0, same.stderr
    assert (done / "classifier.keras").stat().st_mtime_ns == before
    other = command("classify", "--dataset", scans, "--output", done, *TINY, "--seed", "1")
    assert other.returncode == 2
    assert "holds a classifier with `seed` 0; got 1." in other.stderr


@pytest.mark.parametrize(
    ("holds", "message"),
    [
        ({"notes.txt": "mine"}, "is there and is not empty. Give a new folder."),
        ({"settings.json": '{"learn": "in"}'}, "is there and is not empty. Give a new folder."),
        ({"settings.json": "{"}, "settings.json is not valid JSON"),
    ],
)
def test_a_folder_with_something_else_is_refused(holds, message, scans, command, tmp_path):
    (tmp_path / "full").mkdir()
    for name, text in holds.items():
        (tmp_path / "full" / name).write_text(text)
    refused = command("classify", "--dataset", scans, "--output", "full", *TINY)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert {path.name for path in (tmp_path / "full").iterdir()} == set(holds)


def test_a_second_process_is_refused(scans, command, tmp_path):
    (tmp_path / "out").mkdir()
    with files.locked(tmp_path / "out"):
        refused = command("classify", "--dataset", scans, "--output", "out", *TINY)
    assert refused.returncode == 2
    assert "another process is writing to out." in refused.stderr


@pytest.mark.slow
def test_an_existing_table_is_kept(done, scans, command, tmp_path):
    (tmp_path / "out.csv").write_text("mine")
    refused = command("predict", done, scans / "test", "out.csv")
    assert refused.returncode == 2
    assert "--overwrite replaces it" in refused.stderr
    assert (tmp_path / "out.csv").read_text() == "mine"
    assert command("predict", done, scans / "test", "out.csv", "--overwrite").returncode == 0
    assert len(rows_of("out.csv")) == 24


@pytest.mark.slow
def test_images_in_memory_with_noise_and_without_a_test_split(tmp_path, digits):
    """Fresh noise and denoised images are tried too; all images are learned from."""
    import sklearn.metrics

    images, labels = (each[:80] for each in digits)
    noisy = np.clip(0.3 + 0.4 * images, 0, 1)
    noisy += np.random.default_rng(0).normal(0, 0.05, images.shape).astype(np.float32)
    data = tfdvae.ImageDataset.from_arrays(noisy.clip(0, 1)[:, ::2, ::2], labels)
    steps = {"folds": 2, "classifier_steps": 2, "denoiser_steps": 2}
    folder = tfdvae.classify(data, tmp_path / "out", noise=0.05, metric="auc", **steps)
    rows = rows_of(folder / "predictions.csv")
    assert len(rows) == 80
    assert {row["split"] for row in rows} == {"out-of-fold"}
    text = (folder / "report.md").read_text()
    assert all(f" (`{name}`) |" in text for name in ("classical", "fresh-noise", "denoised"))
    assert "Without augmentation the auc is " in text
    shares = np.array([[float(row[str(label)]) for label in range(10)] for row in rows])
    shares /= shares.sum(axis=1, keepdims=True)
    true = [int(row["true_label"]) for row in rows]
    auc = sklearn.metrics.roc_auc_score(true, shares, multi_class="ovr")
    measured = re.search(r"^\| auc \| ([\d.]+) \|", text, re.MULTILINE)[1]
    assert float(measured) == pytest.approx(auc, abs=2e-4)  # shares have six digits
    assert f"`) | {measured} |" in text  # that of the training set that was chosen
    assert "The noise of the images has a standard deviation of 0.05." in text
    other = tfdvae.ImageDataset.from_arrays(noisy.clip(0, 1)[:, 1::2, ::2], labels)
    with pytest.raises(ValueError, match="has changed since the training"):
        tfdvae.classify(other, tmp_path / "out", noise=0.05, metric="auc", **steps)


@pytest.mark.slow
def test_colors_of_several_sizes_with_groups(command, tmp_path):
    """Above 32 pixels the ResNet is trained; predict resizes as training did."""
    random = np.random.default_rng(0)
    with open(tmp_path / "groups.csv", "w") as file:
        file.write("image,group\n")
        for number in range(24):
            name = ("red", "blue")[number % 2]
            pixels = random.integers(0, 60, (40 + number, 44, 3), np.uint8)
            pixels[..., 0 if name == "red" else 2] += 150
            (tmp_path / "in" / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "in" / name / f"{number}.png")
            file.write(f"{name}/{number}.png,{number // 4}\n")
    size = ("--image-size", "40", "--groups", "groups.csv")
    done = command("classify", "--dataset", "in", "--output", "out", *size, *TINY[2:])
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "minutes are left: 4 more trainings, of which those of classical are not timed" in said
    assert "minutes are left: 2 more trainings." in said
    text = Path("out/report.md").read_text()
    assert "24 images of 6 groups of 40x40 pixels, in color." in text
    assert "too few images for an interval" in text
    assert "Images of one group count there as if they were copies of one image." in text
    assert command("predict", "out", "in", "out.csv").returncode == 0
    assert len(rows_of("out.csv")) == 24
    assert "(resnet)" in text


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_the_page_reads_files_as_training_does(mode, tmp_path):
    """A turned image, one with a palette and one with transparent parts, of several sizes."""
    blocks = snippets.blocks((snippets.ROOT / "docs/classify.md").read_text())
    code = next(block.code for block in blocks if "def pixels_of" in block.code)
    exec(code, page := {})
    random = np.random.default_rng(0)
    plain = Image.fromarray(random.integers(0, 256, (30, 21, 3), np.uint8)).convert(mode)
    turned = Image.Exif()
    turned[0x0112] = 6
    (tmp_path / "in" / "a").mkdir(parents=True)
    (tmp_path / "in" / "b").mkdir()
    plain.save(tmp_path / "in/a/0.png", exif=turned)
    plain.convert("P").save(tmp_path / "in/a/1.png")
    if mode == "L":
        alpha = Image.merge("LA", (plain, plain.rotate(180)))
    else:
        alpha = Image.merge("RGBA", (*plain.split(), plain.convert("L")))
    alpha.save(tmp_path / "in/b/0.png")
    plain.resize((12, 9)).save(tmp_path / "in/b/1.png")
    config = ClassifyConfig(dataset=str(tmp_path / "in"), output="out", image_size=(16, 12))
    found = images.load(config).train
    for name, image in zip(found.names, found.images, strict=True):
        made = page["pixels_of"](tmp_path / "in" / name, 16, 12, mode)[0]
        assert made.shape == image.shape
        assert np.abs(made - 255 * image).max() < 1.01, name


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"n_trian": 3}, ValueError, "n_train"),
        ({"image_size": (8,)}, ValueError, "`image_size` is for images in files"),
        ({"dataset": np.zeros((2, 8, 8))}, TypeError, "`dataset` must be a name, a path"),
    ],
)
def test_wrong_calls_are_refused(given, error, message, tmp_path):
    images, labels = np.zeros((8, 8, 8), np.uint8), np.tile([0, 1], 4)
    data = tfdvae.ImageDataset.from_arrays(images, labels)
    with pytest.raises(error, match=message):
        tfdvae.classify(**{"dataset": data, "output": tmp_path / "out"} | given)
    assert not (tmp_path / "out").exists()
