import logging
import sys

import keras
import pytest

from tfdvae.classifying import exporting, model
from tfdvae.classifying.model import About

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
