import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.processes import ROOT

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
    assert (
        len(
            [
                line
                for line in example.splitlines()
                if line.startswith(("model", "x,", "denoised", "tfdvae."))
            ]
        )
        < 15
    )
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
    names = {
        "tfdvae": tfdvae,
        "keras": keras,
        "pictures": pictures,
        "labels": labels,
        "dataset": dataset,
        "normal": normal,
    }
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
    np.testing.assert_allclose(
        again(digits[0][:20]), names["classifier"](digits[0][:20]), atol=1e-5
    )


def test_request_to_tensorflow_serving_fits_the_exported_signature(tmp_path):
    import tensorflow as tf

    from tests.helpers.models import make
    from tfdvae.inference.exporting import export

    export(make("dvae"), tmp_path / "served")
    request = json.loads(
        re.search(r"<!-- request -->\n```json\n(.*?)```", README, re.DOTALL)
        .group(1)
        .replace("IMAGES", "[]")
    )
    loaded = tf.saved_model.load(tmp_path / "served")
    signature = loaded.signatures[request["signature_name"]]
    assert set(signature.structured_input_signature[1]) == set(request["inputs"])
    assert len(signature.structured_outputs) == 1, (
        "the answer holds the images right under `outputs`"
    )
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
    from tests.helpers.models import make

    make("dvae").save(tmp_path / "m.keras")
    code = f"import keras, tfdvae; print(type(keras.models.load_model({str(tmp_path / 'm.keras')!r})).__name__)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ,
    )
    assert found.stdout.strip() == "DVAE"


def test_import_of_the_package_does_not_import_tensorflow():
    code = "import sys, tfdvae; assert 'tensorflow' not in sys.modules; tfdvae.TrainConfig; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ)


def commands(*starts):
    """Lines of the README's blocks of commands that begin so."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line for text in blocks for line in text.splitlines() if line.startswith(starts)]


def test_every_line_of_a_block_of_commands_is_run_by_a_test():
    """The everyday ones and the export by the wheel's test, those for one's own images and the main job below, the test command by `.ci/run`."""
    everyday = (
        re.search(r"<!-- commands -->\n```sh\n(.*?)```", README, re.DOTALL).group(1).splitlines()
    )
    known = [
        *everyday,
        *commands("python3 -m venv"),
        *commands("tfdvae study", "python train.py", "tfdvae export"),
        *commands("docker"),
    ]
    assert set(commands("")) == set(known)
    assert [
        len(commands(start))
        for start in ("python3 -m venv", "tfdvae study", "python train.py", "tfdvae export")
    ] == [2, 1, 1, 2]
    assert len(commands("docker")) == 1, "there is no Docker where the tests run"


@pytest.mark.slow
def test_commands_for_ones_own_images(digits, tmp_path):
    """With fewer images and steps, and one seed."""
    from tfdvae._utils import csv_rows
    from tfdvae.image_io import codec

    images = np.rint(255 * digits[0][:60]).astype(np.uint8)
    for number, image in enumerate(images):
        noise = np.random.default_rng(number).integers(0, 50, image.shape, np.uint8)
        for name, pixels in (
            (f"MY_FOLDER/{number % 3}", image),
            ("CLEAN", image),
            ("NOISY", np.maximum(image, noise)),
        ):
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
            codec.write(tmp_path / name / f"{number}.png", pixels)
    study, training = commands("tfdvae study", "python train.py")
    small = "--threads 1 --epochs 1 --n-train 40"
    for command, more in (
        (
            study.replace("tfdvae", "-m tfdvae", 1),
            f"{small} --seeds 0 --classifier-steps 2 --test-noise 0 0.1 --output study",
        ),
        (training.replace("python train.py", str(ROOT / "train.py"), 1), f"{small} --output run"),
    ):
        done = subprocess.run(
            [sys.executable, *command.split(), *more.split()],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
    rows = csv_rows.read_rows(tmp_path / "study" / "rows.csv")
    assert {row["augmentation"] for row in rows} >= {"limited", "classical", "vae", "dvae"}
    assert (tmp_path / "study" / "report.html").stat().st_size > 50_000
    measured = {row["metric"] for row in csv_rows.read_rows(tmp_path / "run" / "metrics.csv")}
    assert {"psnr_input", "psnr", "ssim_input", "ssim"} <= measured


@pytest.mark.slow
def test_the_main_job_and_its_tensorboard(tmp_path):
    """With the digits, few images and steps: TensorBoard answers with pictures, hyperparameters and codes of the run."""
    job = commands("python3 -m venv")[0].partition(".venv/bin/python train.py ")[2]
    small = "--dataset digits --n-train 60 --epochs 2 --classifier-steps 2 --threads 2"
    subprocess.run(
        [sys.executable, ROOT / "train.py", *job.split(), *small.split()],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    command = re.search(r"`\.venv/bin/(tensorboard .*?)`", README).group(1).split()
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    with open(tmp_path / "told", "w") as told:
        server = subprocess.Popen([Path(sys.executable).with_name(command[0]), *command[1:], "--port", str(port), "--load_fast", "false"],
                                  cwd=tmp_path, stdout=told, stderr=told)  # fmt: skip
    try:

        def answer(path, wanted):
            """The first answer that holds what is wanted: runs are read while the server answers already."""
            deadline, text = time.monotonic() + 120, ""
            while time.monotonic() < deadline and server.poll() is None:
                try:
                    with urllib.request.urlopen(
                        f"http://localhost:{port}/data/plugin/{path}", timeout=30
                    ) as reply:
                        text = reply.read().decode()
                except (OSError, http.client.HTTPException) as error:
                    text = str(error)
                if wanted in text:
                    return text
                time.sleep(1)
            raise AssertionError(
                f"{path} never held {wanted}: {text}\n{(tmp_path / 'told').read_text()}"
            )

        assert "generator/images" in answer("projector/runs", "generator")
        assert "reconstruct" in answer("images/tags", "reconstruct")
        states = [f"STATUS_{state}" for state in ("UNKNOWN", "SUCCESS", "FAILURE", "RUNNING")]
        asked = {
            "experimentName": "",
            "allowedStatuses": states,
            "colParams": [],
            "startIndex": 0,
            "sliceSize": 10,
        }
        answer(
            f"hparams/session_groups?request={urllib.parse.quote(json.dumps(asked))}", "batch_size"
        )
    finally:
        server.kill()
        server.wait()
