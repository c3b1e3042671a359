"""Nothing assumes a CPU. Each test is made on the CPU and on a GPU, where TensorFlow finds one;
`pytest tests/integration/test_devices.py --device GPU:1` takes another device alone.
"""

import functools
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tests.helpers.models import weights_hash
from tfdvae import corruptions
from tfdvae.config import PRECISIONS, TrainConfig
from tfdvae.data import pipelines
from tfdvae.fitting import training
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.learning import model as learning
from tfdvae.models.build import build_generator

SHAPE = (8, 8, 1)
CLEAN = np.repeat(np.linspace(0.2, 0.8, 64, dtype=np.float32)[:, None], 64, axis=1)
CLEAN = CLEAN.reshape(64, *SHAPE)
NOISY = CLEAN + 0.1 * np.random.default_rng(0).standard_normal(CLEAN.shape).astype(np.float32)
DEVICES = ("CPU:0", "GPU:0")


def pytest_generate_tests(metafunc):
    if "device" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--device")
        metafunc.parametrize("device", [chosen] if chosen else DEVICES, indirect=True)


@pytest.fixture
def device(request):
    """Let TensorFlow use a device; the test is skipped where this machine has no GPU."""
    kind, _, number = request.param.partition(":")
    found = tf.config.list_logical_devices(kind)
    if len(found) <= int(number or 0):
        if request.config.getoption("--device"):
            pytest.fail(f"TensorFlow finds {len(found)} devices of kind {kind} here")
        pytest.skip(f"TensorFlow finds no {kind} here")
    with tf.device(request.param):
        yield request.param


def generator(network, precision="float32", **settings):
    config = TrainConfig.of(network=network, corruption="gaussian:0.1", seed=3, **settings)
    return build_generator(config, SHAPE, 10)


def unet(precision):
    moments = learning.moments_of(list(NOISY))
    return learning.build(
        "recorrupted", "gaussian:0.1", SHAPE, moments, 0, 60, dtype=PRECISIONS[precision]
    )


def trained(model, folder, images=NOISY, steps=60):
    batches = functools.partial(pipelines.training_batches, (images,), 16, 0, "devices")
    return training.fit(model, batches, steps, 10, folder, "test")


def error(images):
    return float(np.mean((images - CLEAN) ** 2))


@pytest.mark.parametrize(
    ("network", "settings"), [("mlp", {"model": "dvae"}), ("residual_conv", {"model": "dae"})]
)
def test_training_and_inference_are_done_on_the_device(network, settings, device, tmp_path):
    model = generator(network, **settings)
    history = trained(model, tmp_path / "kept", np.clip(NOISY, 0, 1))
    assert history[-1]["loss"] < history[0]["loss"]
    state = [*model.variables, *model.optimizer.variables]
    floating = [each.value for each in state if "float" in each.dtype]
    assert all(each.device.endswith(device) for each in floating)
    assert model(tf.constant(NOISY)).device.endswith(device)


def test_a_training_goes_on_on_another_device(device, tmp_path):
    images = np.clip(NOISY, 0, 1)
    with tf.device("CPU:0"):
        begun = generator("residual_conv", model="dae")
        first = trained(begun, tmp_path, images, 30)
    model = generator("residual_conv", model="dae")
    assert trained(model, tmp_path, images, 30) == first
    assert weights_hash(model) == weights_hash(begun)
    history = trained(model, tmp_path, images, 60)
    assert history[:3] == first
    assert history[-1]["loss"] < first[-1]["loss"]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_u_net_learns_with_each_precision(precision, device, tmp_path):
    """And is then near to that of float32."""
    model = unet(precision)
    trained(model, tmp_path / "kept", steps=60)
    assert {each.dtype for each in model.trainable_variables} == {"float32"}
    made = TrainedModel(model).denoise(NOISY)
    assert made.dtype == np.float32
    assert error(made) < 0.6 * error(NOISY)
    if precision != "float32":
        whole = unet("float32")
        trained(whole, tmp_path / "whole", steps=60)
        assert np.abs(TrainedModel(whole).denoise(NOISY) - made).mean() < 0.03


def test_both_kinds_of_device_make_the_same_of_an_image(device):
    """Matrices may be multiplied with fewer bits on a GPU."""
    model = generator("residual_conv", model="dae")
    with tf.device("CPU:0"):
        wanted = TrainedModel(model).denoise(NOISY)
    np.testing.assert_allclose(TrainedModel(model).denoise(NOISY), wanted, atol=2e-3)


@pytest.mark.parametrize("text", ["gaussian:0.1", "speckle:0.3", "uniform:0.2", "masking:0.5"])
def test_noise_is_the_same_on_each_device(text, device):
    corruption, images = corruptions.parse(text), np.clip(NOISY, 0, 1)
    with tf.device("CPU:0"):
        wanted = corruption(images, seed=(1, 2)).numpy()
    made = corruption(images, seed=(1, 2))
    assert made.device.endswith(device)
    np.testing.assert_allclose(made.numpy(), wanted, atol=1e-5)


REPEATED = """
import sys, tempfile
from pathlib import Path
import tensorflow as tf
tf.config.experimental.enable_op_determinism()
from tests.helpers.models import weights_hash
from tests.integration import test_devices
with tf.device(sys.argv[1]), tempfile.TemporaryDirectory() as folder:
    for number in range(2):
        model = test_devices.generator("residual_conv", model="dae")
        test_devices.trained(model, Path(folder) / str(number), test_devices.CLEAN, 20)
        print(weights_hash(model))
"""


def test_trainings_repeat_bit_for_bit_where_tensorflow_is_told_so(device):
    """On a GPU sums are taken in any order otherwise; a process is told once for all."""
    done = subprocess.run(
        [sys.executable, "-c", REPEATED, device], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    first, second = done.stdout.split()
    assert first == second
