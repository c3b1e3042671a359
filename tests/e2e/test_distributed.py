"""Training on two devices and in two processes gives the weights of one."""

import functools
import json
import signal

import keras
import numpy as np
import pytest

from tests.faults import kills
from tests.helpers.distributed import (
    run_on_two_devices,
    stop_while_others_are_waited_for,
    train_in_two_processes,
    train_on_two_devices,
)
from tests.helpers.processes import run_tfdvae

pytestmark = pytest.mark.slow
SETTINGS = (
    *("--n-train", 64, "--batch-size", 16, "--classifier-steps", 4, "--threads", 1),
    *("--precision", "float32", "--test-noise", 0),
)
WITHOUT_NOISE = ("--model", "ae", "--epochs", 2)
WITH_NOISE = ("--model", "dvae", "--epochs", 40)
WITH_SETS = (
    *("--model", "ae", "--epochs", 1, "--noisy-train", "--denoiser-steps", 2),
    *("--sets", "fresh-noise", "restoring", "denoised", "denoised-distilled"),
)


@pytest.fixture(scope="module")
def settings(small_digits):
    return ("--dataset", small_digits, *SETTINGS)


@pytest.fixture(scope="module")
def runs(settings, tmp_path_factory):
    """Make a folder with runs by one process alone, on two devices, and by two processes."""

    @functools.cache
    def made(options):
        folder, given = tmp_path_factory.mktemp("runs"), (*settings, *options)
        alone = run_tfdvae("train", *given, "--output", folder / "one")
        assert alone.returncode == 0, alone.stderr
        devices = train_on_two_devices(*given, "--output", folder / "devices")
        assert devices.returncode == 0, devices.stderr
        for status, errors in train_in_two_processes(*given, "--output", folder / "processes"):
            assert status == 0, errors
        return folder

    return made


@pytest.fixture(scope="module", params=[WITHOUT_NOISE, WITH_NOISE], ids=["ae", "dvae"])
def trained(request, runs):
    """The model and the folder of its runs."""
    return request.param[1], runs(request.param)


def weights(folder, name):
    return keras.models.load_model(folder / f"{name}.keras").get_weights()


def losses(folder):
    return [
        each["loss"] for each in json.loads((folder / "checkpoints/generator.json").read_text())
    ]


@pytest.mark.parametrize("where", ["devices", "processes"])
def test_the_weights_are_those_of_one_process(where, trained):
    """Sums are taken in another order, with rounding errors of float32 alone. The noise of a DVAE
    is another one, and its losses near the end are the same but for that.
    """
    model, folder = trained
    names = ["generator", "classifier-limited"] if model == "ae" else ["classifier-limited"]
    for name in names:
        pairs = zip(weights(folder / "one", name), weights(folder / where, name), strict=True)
        for one, other in pairs:
            np.testing.assert_allclose(other, one, atol=1e-5)
    one, other = losses(folder / "one"), losses(folder / where)
    if model == "ae":
        assert other == pytest.approx(one, rel=1e-5)
    else:
        assert other != one
        assert np.mean(other[-10:]) == pytest.approx(np.mean(one[-10:]), rel=0.01)
    assert not list(folder.rglob(".tmp-*"))


@pytest.mark.parametrize("where", ["devices", "processes"])
def test_sets_of_denoised_images_are_those_of_one_process(where, runs):
    """They are made by one machine, for which the others wait; a teacher speaks for all."""
    folder = runs(WITH_SETS)
    made = [np.load(folder / each / "denoised" / "recorrupted.npy") for each in ("one", where)]
    np.testing.assert_array_equal(*made)
    for name in ("fresh-noise", "restoring", "denoised", "denoised-distilled"):
        name = f"classifier-{name}"
        pairs = zip(weights(folder / "one", name), weights(folder / where, name), strict=True)
        for one, other in pairs:
            np.testing.assert_allclose(other, one, atol=1e-5)


def test_noise_is_that_of_a_replica_and_not_of_its_process(trained):
    """Two devices and two processes draw the same: those of a process differ, as is seen below."""
    _, folder = trained
    devices, processes = losses(folder / "devices"), losses(folder / "processes")
    assert processes[:5] == pytest.approx(devices[:5], rel=1e-5)


# Both replicas get the same images, and the weights stay: their losses differ by the noise alone.
TWO_STEPS = """
import json
import keras
from tests.helpers.models import IMAGES, make
from tfdvae._utils import seeds
from tfdvae.fitting import distribution

strategy = distribution.start("mirrored")
with strategy.scope():
    model = make("dvae", corruption="gaussian:1", compiled=False)
    model.compile(optimizer=keras.optimizers.SGD(0.0))
images, drawn, of_model = tf.constant(IMAGES), [], model.losses_per_image


def noted(*given, **options):
    losses = of_model(*given, **options)
    drawn.append(float(tf.reduce_mean(losses["loss"])))
    return losses


model.losses_per_image = noted
for _ in range(2):
    strategy.run(model.train_step, (images,))
alone = [
    tf.reduce_mean(of_model(images, None, seeds.pair(0, "training", n), None, True)["loss"])
    for n in range(4)
]
print(json.dumps([drawn, [float(loss) for loss in alone]]))
"""


def test_no_two_replicas_draw_the_same_noise_in_any_step():
    done = run_on_two_devices(TWO_STEPS)
    assert done.returncode == 0, done.stderr
    drawn, alone = json.loads(done.stdout.splitlines()[-1])
    steps = [sorted(drawn[:2]), sorted(drawn[2:])]  # replicas note theirs in any order
    assert np.diff(sorted(drawn)).min() > 1e-2
    np.testing.assert_allclose(steps, [sorted(alone[:2]), sorted(alone[2:])], rtol=1e-5)


def test_a_run_that_lost_a_machine_goes_on_to_the_same_bits(runs, settings, tmp_path):
    given, whole = (*settings, *WITH_NOISE), runs(WITH_NOISE) / "processes"
    lost = tmp_path / "lost"
    rounds = lost / "checkpoints" / "generator"
    chief, killed = train_in_two_processes(
        *given, "--output", lost, kill_when=lambda: list(rounds.glob("round-*"))
    )
    assert (chief[0], killed[0]) == (2, -9)
    assert "another machine was lost" in chief[1]
    assert "with --resume" in chief[1]
    assert "Traceback" not in chief[1]
    assert not (lost / "generator.keras").exists()
    for status, errors in train_in_two_processes("--resume", lost):
        assert status == 0, errors
    assert kills.results(lost) == kills.results(whole)


def test_a_machine_that_waits_for_the_others_can_be_stopped(settings, tmp_path):
    given = (*settings, *WITHOUT_NOISE, "--output", tmp_path / "run")
    assert stop_while_others_are_waited_for(*given) == -signal.SIGINT
