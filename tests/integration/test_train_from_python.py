"""`tfdvae.train` in this process: arrays, callbacks, early stopping, runs of 0.1.0."""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import tfdvae
from tests.helpers.processes import run
from tfdvae import corruptions, csv_rows
from tfdvae.config import TrainConfig
from tfdvae.data import image_dataset, pipelines
from tfdvae.fitting import steps_at_once
from tfdvae.fitting.steps_at_once import Pace

OLD = Path(__file__).parents[1] / "fixtures" / "0.1.0" / "run"
SHORT = {
    "n_train": 60,
    "noisy_train": True,
    "objective": "observed",  # whose loss on held-out images soon rises
    "epochs": 8,
    "patience": 1,
    "learning_rate": 0.02,
    "network": "mlp",
    "batch_size": 20,
    "no_classifier": True,
    "test_noise": ("0",),
}


@pytest.fixture(scope="module")
def arrays(small_digits):
    """100 digits to train on and 50 to test on."""
    names = ("x_train", "y_train", "x_test", "y_test")
    with np.load(small_digits) as found:
        train, labels, test, test_labels = (found[name] for name in names)
    return tfdvae.ImageDataset.from_arrays(train[:100], labels[:100], test[:50], test_labels[:50])


class Epochs(keras.callbacks.Callback):
    """Notes the epochs; `kill_after` raises after one."""

    def __init__(self, kill_after=None):
        super().__init__()
        self.kill_after, self.seen = kill_after, []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(epoch)
        if epoch == self.kill_after:
            raise KeyboardInterrupt


def rows(folder, name):
    """Rows without the path of the dataset, which lies in the run folder."""
    return [row | {"run": "", "dataset": ""} for row in csv_rows.read_rows(folder / name)]


@pytest.fixture(scope="module")
def whole(arrays, tmp_path_factory):
    epochs = Epochs()
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert tfdvae.train(dataset=arrays, output=folder, callbacks=[epochs], **SHORT) == folder
    return folder, epochs.seen


@pytest.mark.parametrize("callbacks", [[], [Epochs()]])
def test_short_steps_share_graphs_unless_a_callback_is_given(
    callbacks, arrays, tmp_path, monkeypatch
):
    """Callbacks are those of the generative model; the classifiers' rounds have 100 steps."""
    for name, value in (("WORTH", 1), ("LONG", 60), ("MOST", 6000)):
        monkeypatch.setattr(steps_at_once, name, value)
    seen, taken = [], Pace.taken
    monkeypatch.setattr(
        Pace, "taken", lambda self, number: (seen.append(number), taken(self, number))[1]
    )
    few = {"n_train": 100, "epochs": 3, "no_classifier": False, "classifier_steps": 210}
    settings = SHORT | few | {"patience": None, "sets": ("limited", "dvae")}
    tfdvae.train(dataset=arrays, output=tmp_path / "run", callbacks=callbacks, **settings)
    classifiers = [1, 100, 10]
    assert seen == ([1] if callbacks else [1, 5]) + 2 * classifiers


def test_early_stopping(whole):
    folder, seen = whole
    losses = [
        float(row["value"])
        for row in rows(folder, "history.csv")
        if (row["split"], row["metric"]) == ("validation", "loss")
    ]
    best = int(np.argmin(losses))
    assert seen == list(range(len(losses)))
    assert len(losses) == best + 2 < 8
    stages = json.loads((folder / "stages.json").read_text())
    assert f"best epoch {best + 1}," in stages["generator"]["summary"]
    assert "; 40 others held out; 50 test images" in stages["data"]["summary"]
    generator = keras.models.load_model(folder / "generator.keras")
    held_out = np.load(folder / "checkpoints" / "data" / "held_out.npy")
    measured = generator.evaluate(pipelines.batches((held_out,), 500), verbose=0, return_dict=True)
    assert measured["loss"] == pytest.approx(losses[best], rel=1e-6)


def test_held_out_images_are_the_other_training_images_with_their_noise(whole, arrays):
    data = whole[0] / "checkpoints" / "data"
    others = np.setdiff1d(np.arange(100), np.load(data / "index.npy"))
    images = image_dataset.to_unit(arrays.train.images[others])
    noise = corruptions.parse("gaussian:0.1")
    expected = pipelines.freeze_noise(images, others, noise, 0, "observed")
    np.testing.assert_array_equal(np.load(data / "held_out.npy"), expected)


@pytest.mark.slow
def test_killed_in_the_middle_and_gone_on_with(whole, arrays, tmp_path):
    """Images lie in the run folder, callbacks see the remaining epochs, and it stops alike."""
    folder, seen = whole
    with pytest.raises(KeyboardInterrupt):
        tfdvae.train(
            dataset=arrays, output=tmp_path / "run", callbacks=[Epochs(kill_after=1)], **SHORT
        )
    epochs = Epochs()
    tfdvae.train(resume=tmp_path / "run", callbacks=[epochs])
    assert epochs.seen == seen[2:]
    for name in ("metrics.csv", "history.csv"):
        assert rows(tmp_path / "run", name) == rows(folder, name)


def test_refused(arrays, whole, tmp_path):
    output = tmp_path / "run"
    with pytest.raises(TypeError, match="`callbacks` must be Keras callbacks; got a list"):
        tfdvae.train(dataset=arrays, output=output, callbacks=[[]])
    with pytest.raises(TypeError, match="`callbacks` must be a list of Keras callbacks"):
        tfdvae.train(dataset=arrays, output=output, callbacks=keras.callbacks.Callback())
    with pytest.raises(TypeError, match=r"ImageDataset.from_arrays makes of arrays; got a ndarray"):
        tfdvae.train(dataset=np.zeros((3, 8, 8)), output=output)
    with pytest.raises(TypeError, match="`config` must be a TrainConfig; got a str"):
        tfdvae.train("settings.yaml", output=output)
    with pytest.raises(ValueError, match=r"`setting` must be .* Did you mean 'epochs'"):
        tfdvae.train(dataset=arrays, output=output, epoch=3)
    with pytest.raises(ValueError, match="`n_train` must not exceed the 100 training images"):
        tfdvae.train(dataset=arrays, output=output, n_train=101)
    with pytest.raises(ValueError, match="`noisy_dir` is for a folder of images"):
        tfdvae.train(
            TrainConfig.of(model="dae", noisy_dir="x", no_classifier=True),
            dataset=arrays,
            output=output,
        )
    assert not output.exists()
    with pytest.raises(ValueError, match="cannot be given with `resume`"):
        tfdvae.train(dataset=arrays, resume=whole[0])
    with pytest.raises(FileExistsError, match="holds another run"):
        tfdvae.train(dataset=arrays, output=whole[0])
    assert (whole[0] / "dataset.npz").exists()


@pytest.mark.slow
def test_a_run_of_0_1_0_is_gone_on_with(tmp_path):
    """Its settings, its name and, but for the last bits of another processor, its numbers."""
    folder = tmp_path / "run"
    shutil.copytree(OLD, folder)
    old = csv_rows.read_rows(OLD / "metrics.csv")
    (folder / "metrics.csv").unlink()
    process = run("--resume", folder)
    assert process.returncode == 0, process.stderr
    assert "NOTE: the run began with another `commit`" in process.stdout
    assert (folder / "config.json").read_bytes() == (OLD / "config.json").read_bytes()
    new = csv_rows.read_rows(folder / "metrics.csv")
    assert [row | {"value": ""} for row in new] == [row | {"value": ""} for row in old]
    for before, after in zip(old, new, strict=True):
        assert float(after["value"]) == pytest.approx(float(before["value"]), rel=0.02, abs=0.02)


@pytest.mark.parametrize(
    ("images", "labels", "settings", "message"),
    [
        (np.zeros((20, 8, 8)), None, {}, "`dataset` must have labels .* no_classifier=True trains"),
        (
            np.zeros((20, 1, 1)),
            np.arange(20) % 2,
            {"model": "vae"},
            r"^`dataset` has images of 1x1; .*\(no_classifier=True does without\)",
        ),
        (
            np.zeros((20, 8, 8)),
            np.arange(20) % 2,
            {"n_train": 100},
            "^`n_train` must not exceed the 16 training images of `dataset`; got 100",
        ),
    ],
)
def test_errors_about_images_in_memory_name_no_file(images, labels, settings, message, tmp_path):
    dataset = tfdvae.ImageDataset.from_arrays(images, labels)
    with pytest.raises(ValueError, match=message):
        tfdvae.train(dataset=dataset, output=str(tmp_path / "run"), **settings)
    assert not (tmp_path / "run").exists()
