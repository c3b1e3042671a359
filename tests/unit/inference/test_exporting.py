import numpy as np
import pytest

import tfdvae
from tests.helpers.models import make
from tfdvae.inference.exporting import export


def test_replaces_a_saved_model_but_nothing_else(tmp_path):
    model = make("dae")
    for _ in range(2):
        assert export(model, tmp_path / "saved_model") == tmp_path / "saved_model"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(FileExistsError, match="exists and is no SavedModel"):
        export(model, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"saved_model", "mine"}


def test_a_path_may_begin_with_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert export(make("dae"), "~/mine") == tmp_path / "mine"
    assert (tmp_path / "mine" / "saved_model.pb").is_file()


def test_an_onnx_file_has_its_suffix_so_that_it_is_replaced_later(tmp_path):
    pytest.importorskip("tf2onnx")
    model = make("dae")
    for name in ("model", "model.keras"):
        with pytest.raises(ValueError, match=rf"`path` .*{name} must have the suffix .onnx"):
            export(model, tmp_path / name, "onnx")
    assert not list(tmp_path.iterdir())
    for _ in range(2):
        assert export(model, tmp_path / "model.ONNX", "onnx").is_file()
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(FileExistsError, match=r"exists and is no \.onnx file"):
        export(model, tmp_path / "folder.onnx", "onnx")


def test_a_loaded_model_exports_as_its_keras_model_does(tmp_path):
    model = tfdvae.load("clothing-dvae")
    images = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
    again = tfdvae.load(tfdvae.export(model, tmp_path / "saved_model"))
    np.testing.assert_allclose(again.denoise(images), model.denoise(images), atol=1e-6)
    assert again.variational
    with pytest.raises(ValueError, match="a SavedModel has no Keras model"):
        tfdvae.export(again, tmp_path / "twice")
    with pytest.raises(TypeError, match=r"must be a DAE, VAE or DVAE, or what .* got Functional"):
        tfdvae.export(model.keras_model.encoder, tmp_path / "twice")
    assert [path.name for path in tmp_path.iterdir()] == ["saved_model"]
