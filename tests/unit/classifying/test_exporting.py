import csv
import dataclasses
import logging
import sys

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from PIL import Image

from tfdvae.classifying import exporting, model, predicting
from tfdvae.classifying.model import About, Classifier

ABOUT = About(("a", "b"), (4, 4, 1), "uint8", 255.0, None, "white", False, 1.0, "limited")


@pytest.mark.parametrize("missing", ["tf2onnx", "onnx"])
def test_without_its_packages_a_note_says_how_to_get_the_onnx_file(
    missing, tmp_path, monkeypatch, caplog
):
    monkeypatch.setitem(sys.modules, missing, None)
    layers = [keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    served = model.served(keras.Sequential(layers), ABOUT)
    with caplog.at_level(logging.WARNING):
        assert not exporting.onnx(served, ABOUT, tmp_path / "classifier.onnx")
    assert 'pip install "tfdvae[onnx]"' in caplog.text
    assert list(tmp_path.iterdir()) == []


def brightness(channels=1):
    """A model whose logits are 0 and 10 times the mean of all values, less 5."""
    layers = [keras.Input((4, 4, channels)), keras.layers.GlobalAveragePooling2D()]
    made = keras.Sequential([*layers, keras.layers.Dense(2)])
    made.set_weights([np.array([[0.0, 10 / channels]] * channels), np.array([0.0, -5.0])])
    return made


def predicted(path, image):
    """What `tfdvae predict` writes of an image in a file."""
    source = path.parent / "in"
    source.mkdir(exist_ok=True)
    Image.fromarray(image).save(source / "in.png")
    predicting.predict(Classifier(path), source, path.parent / "out.csv")
    with open(path.parent / "out.csv", newline="", encoding="utf-8") as file:
        return float(next(csv.DictReader(file))["b"])


@pytest.mark.parametrize(
    ("dtype", "white", "scale", "endpoints"),
    [
        ("uint8", None, 255.0, {"serve_uint8": 1, "serve_uint16": 257}),
        ("uint16", None, 65535.0, {"serve_uint8": 1 / 257, "serve_uint16": 1}),
        ("float32", None, 1.0, {"serve_uint8": 255, "serve_uint16": 65535}),
        ("uint16", 4095.0, 4095.0, {"serve_uint16": 1}),
        ("uint8", 200.0, 200.0, {"serve_uint8": 1}),
        ("float32", 200.0, 200.0, {}),
    ],
)
def test_each_endpoint_says_what_predict_says_of_a_file_of_its_type(
    dtype, white, scale, endpoints, tmp_path
):
    """Pixels of a fifth of white have logits of 0 and -3."""
    about = dataclasses.replace(ABOUT, dtype=dtype, white=white, scale=scale)
    exporting.saved_model(model.served(brightness(), about), about, tmp_path / "saved_model")
    loaded = tf.saved_model.load(str(tmp_path / "saved_model"))
    found = {name for name in ("serve_uint8", "serve_uint16") if hasattr(loaded, name)}
    assert found == set(endpoints)
    fifth = np.full((4, 4), 0.2 * scale)
    expected = 1 / (1 + np.exp(3))
    pixels = fifth[None, ..., None].astype(np.float32)
    np.testing.assert_allclose(loaded.serve(pixels)[0, 1], expected, rtol=1e-4)
    for name, factor in endpoints.items():
        image = np.rint(factor * fifth).astype(name.removeprefix("serve_"))
        made = float(getattr(loaded, name)(image[None, ..., None])[0, 1])
        assert made == pytest.approx(expected, rel=1e-4)
        assert predicted(tmp_path / "saved_model", image) == pytest.approx(made, rel=1e-4)
    with pytest.raises(tf.errors.InvalidArgumentError):
        loaded.serve(np.zeros((1, 4, 4, 4), np.float32))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_onnx_file_has_pixels_as_its_only_input(channels, tmp_path):
    """Pixels of a fifth of white have logits of 0 and -3."""
    about = dataclasses.replace(ABOUT, image_shape=(4, 4, channels))
    path = tmp_path / "classifier.onnx"
    assert exporting.onnx(model.served(brightness(channels), about), about, path)
    session = onnxruntime.InferenceSession(path)
    assert [each.name for each in session.get_inputs()] == ["pixels"]
    pixels = np.full((2, 4, 4, channels), 51, np.float32)
    (found,) = session.run(None, {"pixels": pixels})
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(3)), rtol=1e-4)
