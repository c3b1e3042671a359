import json
import os
import re
import subprocess
import sys

import numpy as np

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


def block(marker):
    return re.search(rf"<!-- {marker} -->\n```python\n(.*?)```", README, re.DOTALL).group(1)


def test_examples_run_one_after_the_other(digits, tmp_path, monkeypatch):
    """On real digits, with fewer epochs; the SavedModel of the first example is what the second one loads."""
    monkeypatch.chdir(tmp_path)
    images, labels = digits[0][:200], digits[1][:200]
    noisy = images + np.random.default_rng(0).normal(0, 0.1, images.shape).astype(np.float32)
    example = block("example")
    assert "epochs=60" in example
    assert len([line for line in example.splitlines() if line.startswith(("model", "x,", "denoised", "tfdvae."))]) < 15
    names = {"images": images, "labels": labels, "noisy": noisy}
    exec(example.replace("epochs=60", "epochs=2"), names)
    assert names["x"].shape == (400, 28, 28, 1)
    assert names["denoised"].shape == images.shape
    assert names["codes"].shape == (200, 8)
    names["missing"] = np.random.default_rng(0).random((200, 28, 28)) < 0.5
    exec(block("uses"), names)
    assert names["scores"].shape == (200,)
    assert np.array_equal(names["filled"][~names["missing"]], images[~names["missing"]])
    import tfdvae

    assert np.array_equal(tfdvae.load_model("m.keras").denoise(noisy), names["denoised"])
    served = {"noisy": noisy}
    exec(block("saved model"), served)
    np.testing.assert_allclose(served["denoised"], names["denoised"], atol=1e-5)
    assert served["drawn"].shape == (16, 28, 28, 1)


def test_a_shipped_model_in_python(digits, tmp_path, monkeypatch):
    import keras
    import tensorflow as tf

    import tfdvae

    pictures, labels = np.rint(255 * digits[0][:20, ..., 0]).astype(np.uint8), digits[1][:20]
    monkeypatch.chdir(tmp_path)
    dataset = tf.data.Dataset.from_tensor_slices((digits[0][:20], labels)).batch(10)
    normal = digits[0][20:60]
    names = {"tfdvae": tfdvae, "keras": keras, "pictures": pictures, "labels": labels, "dataset": dataset, "normal": normal}
    exec(block("load"), names)
    assert names["cleaned"].shape == pictures.shape
    assert names["cleaned"].dtype == np.uint8
    assert len(names["x"]) == 40
    assert names["anomalous"].shape == (20,)
    assert len(list(names["synthetic_dataset"])) == 4
    assert (tmp_path / "denoiser.onnx").stat().st_size > 100_000
    for name in ("cleaned_dataset", "synthetic_dataset", "augmented"):
        images, _ = next(iter(names[name]))
        assert images.shape == (10, 28, 28, 1)
    names["classifier"].save(tmp_path / "mine.keras")
    again = keras.models.load_model(tmp_path / "mine.keras")
    np.testing.assert_allclose(again(digits[0][:20]), names["classifier"](digits[0][:20]), atol=1e-5)


def test_request_to_tensorflow_serving_fits_the_exported_signature(tmp_path):
    import tensorflow as tf

    from tests.models.test_contract import make
    from tfdvae.exporting import export

    export(make("dvae"), tmp_path / "served")
    request = json.loads(re.search(r"<!-- request -->\n```json\n(.*?)```", README, re.DOTALL).group(1).replace("IMAGES", "[]"))
    loaded = tf.saved_model.load(tmp_path / "served")
    signature = loaded.signatures[request["signature_name"]]
    assert set(signature.structured_input_signature[1]) == set(request["inputs"])
    assert len(signature.structured_outputs) == 1, "the answer holds the images right under `outputs`"
    for name in ("serving_default", "encode", "decode", "posterior", "sample"):
        assert f"`{name}`" in README.partition("### TensorFlow Serving")[2].partition("## ")[0]
        assert name in loaded.signatures


def test_the_saved_model_is_loaded_in_five_lines():
    assert len(block("saved model").strip().splitlines()) <= 5


def test_continuous_integration_calls_the_test_command_of_the_readme():
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert commands[1].endswith(".venv/bin/python -m pytest")
    pattern = re.search(r"grep -E '(.*?)' README.md", (ROOT / ".ci" / "run").read_text()).group(1)
    assert [line for line in README.splitlines() if re.search(pattern, line)] == [commands[1]]


def test_keras_loads_a_model_once_tfdvae_is_imported(tmp_path):
    from tests.models.test_contract import make

    make("dvae").save(tmp_path / "m.keras")
    code = f"import keras, tfdvae; print(type(keras.models.load_model({str(tmp_path / 'm.keras')!r})).__name__)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ)
    assert found.stdout.strip() == "DVAE"


def test_import_of_the_package_does_not_import_tensorflow():
    code = "import sys, tfdvae; assert 'tensorflow' not in sys.modules; tfdvae.TrainConfig; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ)
