"""SavedModels in a process that has neither Keras nor tfdvae."""

import subprocess
import sys

import numpy as np
import pytest

from tests.helpers.models import PARAMETERS_OF_CASES, SHAPES, make
from tfdvae.inference.exporting import export

PLAIN_TENSORFLOW = """
import sys
sys.modules["tfdvae"] = sys.modules["keras"] = None  # importing either now fails
import numpy as np, tensorflow as tf
for folder in sys.argv[1:]:
    model = tf.saved_model.load(folder + "/saved_model")
    data = np.load(folder + "/in.npz")
    images, codes = data["images"], data["codes"]
    out = {
        "serving": model.signatures["serving_default"](images=tf.constant(images)),
        "encode": {"x": model.encode(images)},
        "decode": {"x": model.decode(codes)},
    }
    out = {name: list(found.values())[0].numpy() for name, found in out.items()}
    out["one"] = model.serve(images[:1]).numpy()
    if hasattr(model, "sample"):
        for name, seed in (("sample", [1, 2]), ("again", [1, 2]), ("other", [1, 3])):
            out[name] = model.sample(4, seed).numpy()
    np.savez(folder + "/out.npz", **out)
"""


CASES = {case.id: case.values for case in PARAMETERS_OF_CASES if " " not in case.id}
FAST = {"mlp-dvae"}  # a code that is drawn; the others take a minute together


@pytest.mark.parametrize("slow", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_plain_tensorflow_gives_what_the_model_gives(slow, tmp_path):
    """Each kind of model, in one process that has neither Keras nor tfdvae."""
    assert CASES.keys() > FAST
    models = {}
    for case, (name, network) in CASES.items():
        if (case in FAST) == slow:
            continue
        model, folder = make(name, network), tmp_path / case
        images = np.random.default_rng(0).random((50, *SHAPES[network][0]), dtype=np.float32)
        model.fit(images, epochs=1, verbose=0)
        export(model, folder / "saved_model")
        np.savez(folder / "in.npz", images=images, codes=model.encode(images))
        models[folder] = model, images
    command = [sys.executable, "-c", PLAIN_TENSORFLOW, *models]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    for folder, (model, images) in models.items():
        with np.load(folder / "out.npz") as out:
            np.testing.assert_allclose(out["serving"], model.denoise(images), atol=1e-6)
            np.testing.assert_allclose(out["encode"], model.encode(images), atol=1e-5)
            np.testing.assert_allclose(out["decode"], model.denoise(images), atol=1e-6)
            np.testing.assert_allclose(out["one"], model.denoise(images[:1]), atol=1e-6)
            assert ("sample" in out) == model.variational
            if model.variational:
                assert out["sample"].shape == (4, *images.shape[1:])
                assert np.array_equal(out["sample"], out["again"])
                assert not np.array_equal(out["sample"], out["other"])
