"""A corruption, a network and a model of another package, in the real command line."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.helpers.processes import ROOT

REGISTERED = '''
import math
import tfdvae
from tfdvae.corruptions import Corruption

register = tfdvae.register_model("mine", denoising=True, generates=True, summary="My model.")
register("mine_model:Mine")

@tfdvae.register_corruption
class Steps(Corruption):
    """Values are rounded to as few steps as the level is high."""
    kind = "mine"
    unit = "a tenth of the size of a step"
    reference = "this test"
    highest_level = math.inf

    def _apply(self, tf, images, seed):
        return tf.round(images * 10 / self.level) * self.level / 10

@tfdvae.register_network("mine")
def build(image_shape, latent_dim=4, *, variational, seed=0, dtype="float32"):
    """One layer each way."""
    import keras
    images, code = keras.Input(image_shape), keras.Input((latent_dim,))
    flat = keras.layers.Flatten()(images)
    heads = [keras.layers.Dense(latent_dim)(flat) for _ in range(1 + variational)]
    logits = keras.layers.Reshape(image_shape)(keras.layers.Dense(math.prod(image_shape))(code))
    return keras.Model(images, heads if variational else heads[0]), keras.Model(code, logits)

@tfdvae.register_network("maps", encodes=False, tiles=True)
def build_maps(image_shape, latent_dim=1, *, variational, seed=0, dtype="float32"):
    """One convolution."""
    import keras
    channels = image_shape[-1]
    images, same = (keras.Input((None, None, channels)) for _ in range(2))
    made = keras.layers.Conv2D(channels, 3, padding="same")(images)
    return keras.Model(images, made), keras.Model(same, keras.layers.Identity()(same))

@tfdvae.register_network("adds", encodes=False, tiles=True)
def build_adds(image_shape, latent_dim=1, *, variational, seed=0, dtype="float32", residual=True):
    """One convolution, and the image where it helps."""
    encoder, decoder = build_maps(image_shape, variational=variational)
    encoder.residual = residual
    return encoder, decoder
'''
MODEL = '''
import keras
import tfdvae

@keras.saving.register_keras_serializable(package="mine")
class Mine(tfdvae.DAE):
    """A DAE that is its own class."""
'''
OTHER_COMMANDS = """
import sys
from tfdvae import registry
from tfdvae.reporting.tables import training_set_label
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig

assert AugmentationStudyConfig(sets=("limited", "mine")).sets == ("limited", "mine")
assert training_set_label("mine") == "limited + MINE"
(spec,) = (spec for spec in registry.NETWORKS if spec.name == "mine")
assert spec.summary == "One layer each way."
assert "tensorflow" not in sys.modules
try:
    AugmentationStudyConfig(sets=("limited", "mien"))
except ValueError as error:
    print(error)

from tfdvae.config import TrainConfig
from tfdvae.models.build import build_generator

for objective, residual in {"observed": True, "masked": False, "paired": False}.items():
    corruption = "gaussian:0.1" if objective == "observed" else "none"
    settings = {"model": "dae", "objective": objective, "corruption": corruption}
    for network in ("maps", "adds"):
        model = build_generator(TrainConfig.of(network=network, **settings), (8, 6, 1))
        assert (model.has_code, model.any_size) == (False, True)
    assert model.encoder.residual == residual

from tfdvae.cli import main

sys.exit(main.main(["denoise", "run", "noisy.npy", "clean.npy"]))
"""


@pytest.mark.slow
def test_members_of_another_package_work_in_every_command(tmp_path):
    (tmp_path / "mine_registered.py").write_text(REGISTERED)
    (tmp_path / "mine_model.py").write_text(MODEL)
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tfdvae]\nmine = mine_registered\n")
    path = os.pathsep.join(filter(None, [str(tmp_path), str(ROOT), os.environ.get("PYTHONPATH")]))

    def run(*command):
        done = subprocess.run(
            [sys.executable, *map(str, command)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    settings = "--model mine --network mine --corruption mine:3 --dataset digits --n-train 60"
    fast = "--epochs 1 --test-noise 0 mine:2.5 --no-classifier --threads 1 --output run"
    run(ROOT / "train.py", *settings.split(), *fast.split())
    summary = (tmp_path / "run" / "summary.md").read_text()
    assert "MINE" in summary
    assert "mine:2.5" in summary
    images = np.random.default_rng(0).random((5, 28, 28, 1), dtype=np.float32)
    np.save(tmp_path / "noisy.npy", images)
    assert "Did you mean 'mine'" in run("-c", OTHER_COMMANDS)
    assert np.load(tmp_path / "clean.npy").shape == images.shape
