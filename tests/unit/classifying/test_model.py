"""The classifier as it is given to others, and what it says of images on disk."""

import csv
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

from tfdvae.classifying import finding, predicting
from tfdvae.classifying import model as models
from tfdvae.classifying.model import About, Classifier
from tfdvae.data import pipelines
from tfdvae.training_sets import batches

NAMES = ("dark", "+bright")


def about(**others):
    values = {
        "class_names": NAMES,
        "image_shape": (4, 4, 1),
        "dtype": "uint8",
        "scale": 255.0,
        "white": None,
        "background": "white",
        "resized": True,
        "temperature": 2.0,
        "recipe": "limited",
    }
    return About(**values | others)


def brightness(channels=1):
    """A model whose logits are 0 and 10 times the mean of all values, less 5."""
    model = keras.Sequential(
        [
            keras.Input((4, 4, channels)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    weights = np.stack([np.zeros(channels), np.full(channels, 10 / channels)], axis=1)
    model.set_weights([weights, np.array([0.0, -5.0])])
    return model


def expected(mean):
    """The probability of `+bright` by hand, after division by the temperature of 2."""
    return 1 / (1 + np.exp(-(10 * mean - 5) / 2))


@pytest.fixture(scope="module")
def gray(tmp_path_factory):
    path = tmp_path_factory.mktemp("gray") / "classifier.keras"
    models.save(models.served(brightness(), about()), about(), path)
    return path


def test_pixels_as_files_hold_them_become_calibrated_probabilities(gray):
    model = keras.models.load_model(gray)
    pixels = np.full((3, 4, 4, 1), 51, np.uint8)
    found = model.predict(pixels, verbose=0)
    np.testing.assert_allclose(found[:, 1], expected(0.2), rtol=1e-5)
    colors = np.concatenate([pixels - 51, pixels, pixels + 51], axis=-1)
    np.testing.assert_allclose(model(colors.astype(np.float32))[:, 1], expected(0.2), rtol=1e-5)


def test_gray_pixels_are_taken_by_a_classifier_of_colors():
    of_colors = about(image_shape=(4, 4, 3), scale=4095.0)
    model = models.served(brightness(3), of_colors)
    found = model(np.full((1, 4, 4, 1), 819, np.float32))
    np.testing.assert_allclose(found[:, 1], expected(0.2), rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("given", [2, 4])
def test_other_numbers_of_channels_are_refused(channels, given):
    """Alpha is no fourth color."""
    model = models.served(brightness(channels), about(image_shape=(4, 4, channels)))
    with pytest.raises(Exception, match=r"[Ii]ncompatible shapes"):
        model(np.zeros((1, 4, 4, given), np.float32))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        *(((8, 8, 1), 128), ((64, 64, 3), 128), ((128, 64, 3), 64)),
        *(((256, 256, 1), 8), ((1024, 1024, 3), 4), ((9000, 9000, 1), 4)),
    ],
)
def test_fewer_large_images_are_taken_at_once(shape, expected):
    """As many pixels as 128 images of 64x64 have, and at least four images."""
    assert pipelines.batch_size(128, shape) == expected
    assert pipelines.batch_size(2, shape) == 2
    assert batches.size("tfdvae.classifier:resnet", shape) == expected  # a power of 2
    assert batches.size(None, shape) == batches.size("mine:build", shape) == 128


def test_a_batch_can_be_shared_by_devices():
    """As a power of 2, where as many pixels as 128 images of 64x64 have would be 81 images."""
    assert pipelines.batch_size(128, (80, 80, 1)) == 81
    assert batches.size("tfdvae.classifier:resnet", (80, 80, 1)) == 64


def test_batches_of_an_earlier_version_are_not_mixed_with_smaller_ones():
    """It alone kept a fingerprint of the small residual network, and had 128 images of any size."""
    resnet = "tfdvae.classifier:resnet"
    with pytest.raises(ValueError, match=r"had batches of 128 images .* and has 64 of 80x80 now"):
        batches.check_size(resnet, (80, 80, 1), "5c1f")
    batches.check_size(resnet, (64, 64, 1), "5c1f")
    batches.check_size(resnet, (80, 80, 1), None)
    batches.check_size("mine:build", (80, 80, 1), "5c1f")
    batches.check_size(None, (80, 80, 1), None)


def test_what_is_known_is_in_the_file(gray):
    assert Classifier(gray).about == about()
    assert models.about_of(gray) == about()


def test_the_folder_and_the_file_are_both_names_of_it(gray):
    assert finding.find(str(gray.parent)) == finding.find(str(gray)) == gray


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("nothing", FileNotFoundError, "there is no .*nothing"),
        ("empty", ValueError, "with a classifier.keras, or a SavedModel; it is neither"),
        ("text.keras", ValueError, "it is none, or a damaged one"),
        ("other.keras", ValueError, "it is none, or a damaged one"),
        ("lacking.keras", ValueError, "is damaged: it lacks `image_shape`"),
    ],
)
def test_what_is_no_classifier_is_refused(name, error, message, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.keras").write_text("text")
    for part, inside in (("other", "config.json"), ("lacking", models.ABOUT)):
        with zipfile.ZipFile(tmp_path / f"{part}.keras", "w") as archive:
            archive.writestr(inside, '{"class_names": []}')
    with pytest.raises(error, match=message):
        models.about_of(finding.find(str(tmp_path / name)))


def written(folder, **images):
    folder.mkdir()
    for name, image in images.items():
        Image.fromarray(image).save(folder / f"{name}.png")
    return folder


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_images_on_disk_are_read_as_in_training(gray, tmp_path):
    """One of the size, one that is resized, one of 16 bits, and one with three equal channels."""
    source = written(
        tmp_path / "in",
        a=np.full((4, 4), 51, np.uint8),
        b=np.full((9, 7), 255, np.uint8),
        c=np.full((4, 4), 51 * 257, np.uint16),
        d=np.full((4, 4, 3), 51, np.uint8),
    )
    output = tmp_path / "out.csv"
    tally = predicting.predict(Classifier(gray), source, output)
    head, *rows = rows_of(output)
    assert head == ["file", "label", "probability", "dark", "'+bright"]
    assert [row[0] for row in rows] == ["a.png", "b.png", "c.png", "d.png"]
    assert [row[1] for row in rows] == ["dark", "'+bright", "dark", "dark"]
    means = np.array([0.2, 1.0, 0.2, 0.2])
    np.testing.assert_allclose([float(row[4]) for row in rows], expected(means), rtol=1e-4)
    assert (tally.done, tally.failed) == (4, [])


def test_arrays_are_read_too(gray, tmp_path):
    np.savez(tmp_path / "in.npz", x=np.full((3, 4, 4), 0.2, np.float32))
    predicting.predict(Classifier(gray), tmp_path / "in.npz", tmp_path / "out.csv")
    rows = rows_of(tmp_path / "out.csv")[1:]
    assert [row[0] for row in rows] == ["x/0", "x/1", "x/2"]
    np.testing.assert_allclose([float(row[4]) for row in rows], expected(0.2), rtol=1e-4)


def test_images_that_do_not_fit_are_named(tmp_path, gray):
    colors = np.zeros((4, 4, 3), np.uint8)
    colors[..., 0] = 9
    source = written(tmp_path / "in", color=colors, good=np.zeros((4, 4), np.uint8))
    (source / "bad.png").write_bytes(b"no image")
    tally = predicting.predict(Classifier(gray), source, tmp_path / "out.csv")
    assert [row[0] for row in rows_of(tmp_path / "out.csv")[1:]] == ["good.png"]
    assert len(tally.failed) == 2
    assert any("bad.png cannot be read" in text for text in tally.failed)
    assert any("color.png cannot be processed: it is in color" in text for text in tally.failed)


def test_nothing_is_written_where_no_image_can_be_used(tmp_path):
    exact = about(resized=False)
    models.save(models.served(brightness(), exact), exact, tmp_path / "classifier.keras")
    source = written(tmp_path / "in", large=np.zeros((5, 4), np.uint8))
    with pytest.raises(ValueError, match=r"it has 5x4 pixels; the classifier was trained on .*4x4"):
        predicting.predict(Classifier(tmp_path / "classifier.keras"), source, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
