import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

import tfdvae
from tests.helpers.models import PARAMETERS_OF_CASES, SHAPES, make
from tfdvae.config import EXPORT_FORMATS
from tfdvae.data import image_dataset
from tfdvae.inference import shipped
from tfdvae.inference.exporting import export

PLAIN_TENSORFLOW = """
import sys
sys.modules["tfdvae"] = sys.modules["keras"] = None  # importing either now fails
import numpy as np, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
data = np.load(sys.argv[2])
images, codes = data["images"], data["codes"]
out = {"serving": model.signatures["serving_default"](images=tf.constant(images)), "encode": {"x": model.encode(images)}, "decode": {"x": model.decode(codes)}}
out = {name: list(found.values())[0].numpy() for name, found in out.items()}
out["one"] = model.serve(images[:1]).numpy()
if hasattr(model, "sample"):
    out["sample"], out["again"], out["other"] = (model.sample(4, seed).numpy() for seed in ([1, 2], [1, 2], [1, 3]))
np.savez(sys.argv[3], **out)
"""


@pytest.mark.parametrize(
    ("name", "network"), [case for case in PARAMETERS_OF_CASES if " " not in case.id]
)
def test_plain_tensorflow_gives_what_the_model_gives(name, network, tmp_path):
    model, shape = make(name, network), SHAPES[network][0]
    images = np.random.default_rng(0).random((50, *shape), dtype=np.float32)
    model.fit(images, epochs=1, verbose=0)
    export(model, tmp_path / "saved_model")
    np.savez(tmp_path / "in.npz", images=images, codes=model.encode(images))
    command = [
        sys.executable,
        "-c",
        PLAIN_TENSORFLOW,
        tmp_path / "saved_model",
        tmp_path / "in.npz",
        tmp_path / "out.npz",
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    with np.load(tmp_path / "out.npz") as out:
        np.testing.assert_allclose(out["serving"], model.denoise(images), atol=1e-6)
        np.testing.assert_allclose(out["encode"], model.encode(images), atol=1e-5)
        np.testing.assert_allclose(out["decode"], model.denoise(images), atol=1e-6)
        np.testing.assert_allclose(out["one"], model.denoise(images[:1]), atol=1e-6)
        assert ("sample" in out) == model.variational
        if model.variational:
            assert out["sample"].shape == (4, *shape)
            assert np.array_equal(out["sample"], out["again"])
            assert not np.array_equal(out["sample"], out["other"])


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


def test_a_loaded_model_is_told_to_give_its_layer(tmp_path):
    with pytest.raises(
        TypeError, match=r"of what `tfdvae\.load` returns the `layer`; got TrainedModel"
    ):
        export(tfdvae.load("clothing-dvae"), tmp_path / "saved_model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", shipped.names())
@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_exported_shipped_models_give_the_same_on_real_images(name, format, fashion, tmp_path):
    """1,000 test images, within 1e-5 of the pixel range; codes within 1e-4 of their own, which reach 10 and more."""
    model = tfdvae.load(name).layer
    images = image_dataset.to_unit(fashion.test.images[:1000])
    path = export(model, tmp_path / ("model.onnx" if format == "onnx" else "model"), format)
    if format == "onnx":
        denoised, codes = onnxruntime.InferenceSession(str(path)).run(
            ["denoised", "codes"], {"images": images}
        )
    else:
        loaded = tf.saved_model.load(path)
        denoised, codes = loaded.serve(images).numpy(), loaded.encode(images).numpy()
    np.testing.assert_allclose(denoised, model.denoise(images), atol=1e-5)
    np.testing.assert_allclose(codes, model.encode(images), atol=1e-4, rtol=1e-4)
