from collections import OrderedDict

import numpy as np
import pytest

import tfdvae
from tests.helpers.models import make, make_unet
from tfdvae.inference.exporting import export
from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE


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


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    """A model without a code, for images of any size, and files of it."""
    folder = tmp_path_factory.mktemp("unet")
    model = make_unet((12, 10, 1))
    model.white = 200.0
    model.save(folder / "m.keras")
    export(model, folder / "saved_model")
    return model, folder


@pytest.mark.parametrize("place", ["m.keras", "saved_model"])
def test_a_model_for_images_of_any_size_stays_one(unet, place):
    model, folder = unet
    loaded = tfdvae.load(folder / place)
    assert (loaded.has_code, loaded.any_size, loaded.image_shape) == (False, True, (12, 10, 1))
    assert loaded.white == 200
    for size in ((12, 10), (1, 1), (30, 7)):
        images = np.random.default_rng(0).random((3, *size, 1), dtype=np.float32)
        np.testing.assert_allclose(
            loaded.denoise(images * 200), 200 * model.denoise(images), atol=1e-3
        )
    for verb in (loaded.encode, loaded.decode, loaded.core.encode, loaded.core.decode):
        with pytest.raises(ValueError, match="this model has no code"):
            verb(images * 200)
    with pytest.raises(ValueError, match="this model has no code"):
        loaded.compress(images * 200, 4)
    assert set(loaded.core.graphs) >= {"call"}


def test_a_saved_model_without_a_code_has_no_endpoint_for_one(unet):
    import tensorflow as tf

    signatures = tf.saved_model.load(str(unet[1] / "saved_model"))
    assert not hasattr(signatures, "encode")
    assert not hasattr(signatures, "decode")
    images = np.random.default_rng(0).random((2, 9, 14, 1), dtype=np.float32)
    np.testing.assert_allclose(signatures.serve(images), unet[0].denoise(images), atol=1e-5)


@pytest.fixture(params=["as it is", "reshapes last"])
def optimizers(request, monkeypatch):
    """Orders in which tf2onnx may get to its optimizers, until none of them changes anything.

    In the second it lost the axes of images with one channel, as it rarely did in the first.
    """
    optimizer = pytest.importorskip("tf2onnx.optimizer")
    if request.param == "reshapes last":
        order = OrderedDict(vars(optimizer)["_optimizers"])
        order.move_to_end("reshape_optimizer")
        monkeypatch.setitem(vars(optimizer), "_optimizers", order)


@pytest.mark.usefixtures("optimizers")
def test_an_onnx_file_of_a_model_without_a_code_denoises_images_of_any_size(unet, tmp_path):
    session = pytest.importorskip("onnxruntime").InferenceSession(
        export(unet[0], tmp_path / "m.onnx", "onnx"), providers=["CPUExecutionProvider"]
    )
    assert [output.name for output in session.get_outputs()] == ["denoised"]
    for size in ((12, 10), (9, 14), (1, 1)):
        images = np.random.default_rng(0).random((2, *size, 1), dtype=np.float32)
        made = session.run(None, {"images": images})[0]
        np.testing.assert_allclose(made, unet[0].denoise(images), atol=1e-5)


@pytest.mark.usefixtures("optimizers")
def test_an_onnx_file_has_codes_of_one_channel_in_shape(tmp_path):
    pair = networks.build("residual_conv", (8, 6, 1), 1, variational=False)
    model = DAE(*pair, corruption="gaussian:0.1")
    images = np.random.default_rng(0).random((3, 8, 6, 1), dtype=np.float32)
    session = pytest.importorskip("onnxruntime").InferenceSession(
        export(model, tmp_path / "m.onnx", "onnx"), providers=["CPUExecutionProvider"]
    )
    denoised, codes = session.run(["denoised", "codes"], {"images": images})
    np.testing.assert_allclose(denoised, model.denoise(images), atol=1e-5)
    np.testing.assert_allclose(codes, model.encode(images), atol=1e-5)
