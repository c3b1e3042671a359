"""Classifiers of a run on the training sets of the augmentation study, and the user's own."""

import csv
import json
import sys

import keras
import numpy as np
import pytest

import tfdvae
from tests.helpers.processes import TINY, complaint, run
from tfdvae._utils import files
from tfdvae.config.sets import SETS
from tfdvae.corruptions import Gaussian
from tfdvae.data import pipelines
from tfdvae.experiment import classifiers
from tfdvae.training_sets import batches, views

SMALL = {"dataset": "digits", "n_train": 60, "epochs": 1, "classifier_steps": 2, "threads": 2}


def accuracies(folder):
    with open(folder / "metrics.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "accuracy"]
    return {row["augmentation"]: float(row["value"]) for row in rows}


def test_every_set_of_the_study(tmp_path):
    """But BM3D, which is slow and an extra. Each leaves a classifier that Keras alone can load."""
    other = ("denoised-bm3d", "oriented+vae")  # the model is a DVAE
    sets = tuple(name for name in SETS if name not in other)
    folder = tfdvae.train(
        **SMALL, noisy_train=True, sets=sets, test_noise=("0",), output=str(tmp_path / "run")
    )
    assert tuple(accuracies(folder)) == sets
    for name in sets:
        model = keras.models.load_model(folder / f"classifier-{name}.keras")
        assert model.loss.name == "sparse_categorical_crossentropy"
        assert np.isfinite(model.predict(np.zeros((1, 28, 28, 1)), verbose=0)).all()
    made = {path.stem for path in (folder / "denoised").iterdir()}
    assert made == set(views.METHODS) - {"bm3d"}
    report = (folder / "report.md").read_text()
    assert "`recorrupted`: more noise, flips, shifts, fresh noise" in report
    assert "Each model for what images are mixed with took 2 steps more." in report
    assert "`distilled`, `denoised-distilled`: a teacher took as many steps more." in report


def test_what_images_are_mixed_with_is_what_the_parts_make(tmp_path):
    """And batches of `denoised` have the images of `fresh-noise`, mixed with it."""
    folder = tfdvae.train(
        **SMALL,
        noisy_train=True,
        train_noise="gaussian:0.2",
        sets=("denoised", "fresh-noise"),
        denoiser_steps=3,
        test_noise=("0",),
        output=str(tmp_path / "run"),
    )
    observed = np.load(folder / "checkpoints" / "data" / "images.npy")
    kept = np.load(folder / "denoised" / "recorrupted.npy")
    made = views.make("recorrupted", observed, None, Gaussian(0.2), 0, 3, tmp_path / "again")
    assert kept.shape == (60, 1, 28, 28, 1)
    np.testing.assert_allclose(kept, made.images, atol=1e-5)

    def batch(name, *arrays):
        step = batches.transform(SETS[name].batches, 0.2)
        labels = np.arange(60)
        made = pipelines.training_batches(
            (*arrays, labels), 128, 0, "classifier/noisy", transform=step
        )
        return next(iter(made))

    mixed, order = batch("denoised", observed, observed[:, None])
    plain, same = batch("fresh-noise", observed)
    np.testing.assert_array_equal(order, same)
    np.testing.assert_allclose(mixed, plain, atol=1e-5)


def test_a_classifier_of_ones_own(tmp_path):
    """It is trained in the place of the CNN, and a run that goes on needs its function."""
    (tmp_path / "mine.py").write_text(
        "import keras\n\n\n"
        "def build(image_shape, classes):\n"
        "    layers = [keras.Input(image_shape), keras.layers.Flatten()]\n"
        "    model = keras.Sequential([*layers, keras.layers.Dense(classes, name='last')])\n"
        "    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)\n"
        "    model.compile('adam', loss, metrics=['accuracy'])\n"
        "    return model\n"
    )
    arguments = ["--sets", "limited", "classical", "--classifier", "mine:build"]
    process = run(*TINY, *arguments, "--output", "out", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    model = keras.models.load_model(tmp_path / "out" / "classifier-classical.keras")
    assert model.layers[-1].name == "last"
    assert "bfloat16" not in (tmp_path / "out" / "summary.md").read_text()
    (tmp_path / "out" / "classifier-limited.keras").unlink()
    again = run("--resume", "out", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    with open(tmp_path / "mine.py", "a") as file:
        file.write("# changed\n")
    assert "`classifier` mine:build is not what it was" in complaint(
        run("--resume", "out", cwd=tmp_path)
    )
    (tmp_path / "mine.py").unlink()
    (tmp_path / "out" / "classifier-limited.keras").unlink()
    assert "there is no module mine" in complaint(run("--resume", "out", cwd=tmp_path))


def test_larger_images_have_the_small_residual_network(tmp_path, monkeypatch):
    """The CNN would have 3.3 million weights for 40 x 40 pixels; asked for, it is there."""
    generator = np.random.default_rng(0)
    labels = np.tile([0, 1], 12)
    images = generator.integers(0, 256, (24, 40, 40, 1), np.uint8)
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    options = {
        "dataset": str(tmp_path / "mine.npz"),
        "model": "dae",
        "epochs": 1,
        "classifier_steps": 2,
        "noisy_train": True,
        "sets": ("limited", "fresh-noise", "restoring"),
        "test_noise": ("0",),
    }
    folder = tfdvae.train(**options, output=str(tmp_path / "run"))
    assert (
        json.loads((folder / "config.json").read_text())["classifier"] == "tfdvae.classifier:resnet"
    )
    assert "2 steps each of tfdvae.classifier:resnet" in (folder / "report.md").read_text()
    before = accuracies(folder)
    assert "classifier_source" not in json.loads((folder / "environment.json").read_text())
    curve = json.loads((folder / "checkpoints" / "classifier-restoring.json").read_text())
    assert set(curve[0]) == {"epoch", "step", "loss", "accuracy", "restored_loss"}
    for name in ("limited", "fresh-noise", "restoring"):
        path = folder / f"classifier-{name}.keras"
        assert keras.models.load_model(path).count_params() == 307_810
        path.unlink()
    (folder / "metrics.csv").unlink()
    tfdvae.train(resume=str(folder), classifier="auto")
    assert accuracies(folder) == before
    with monkeypatch.context() as patch:  # as with larger images in a run of an earlier version
        patch.setattr(batches, "size", lambda *_: 64)
        kept = json.loads((folder / "environment.json").read_text())
        files.write_json(folder / "environment.json", kept | {"classifier_source": "5c1f"})
        (folder / "metrics.csv").unlink()
        with pytest.raises(ValueError, match="had batches of 128 images"):
            tfdvae.train(resume=str(folder))
    folder = tfdvae.train(**options, classifier="cnn", output=str(tmp_path / "cnn"))
    assert json.loads((folder / "config.json").read_text())["classifier"] == "cnn"
    assert keras.models.load_model(folder / "classifier-limited.keras").name == "cnn"


def test_what_restores_needs_maps_of_features(tmp_path, monkeypatch):
    (tmp_path / "flat.py").write_text(
        "import keras\n\n\n"
        "def build(image_shape, classes):\n"
        "    layers = [keras.Input(image_shape), keras.layers.Flatten()]\n"
        "    model = keras.Sequential([*layers, keras.layers.Dense(classes, 'softmax')])\n"
        "    model.compile('adam', 'sparse_categorical_crossentropy')\n"
        "    return model\n"
    )
    monkeypatch.chdir(tmp_path)
    options = SMALL | {"classifier": "flat:build", "noisy_train": True, "sets": ("restoring",)}
    with pytest.raises(ValueError, match="`sets` restoring needs a `classifier` of images of"):
        tfdvae.train(**options, output="out")
    assert not (tmp_path / "out").exists()


def test_the_loss_of_ones_own_must_take_smoothed_labels(tmp_path, monkeypatch):
    """Where sets with fresh noise are asked for, as --noisy-train does by default."""
    (tmp_path / "squared.py").write_text(
        "import keras\n\n\n"
        "def build(image_shape, classes):\n"
        "    layers = [keras.Input(image_shape), keras.layers.Flatten()]\n"
        "    model = keras.Sequential([*layers, keras.layers.Dense(classes)])\n"
        "    model.compile('adam', lambda labels, made: keras.ops.mean(made**2, axis=-1))\n"
        "    return model\n"
    )
    monkeypatch.chdir(tmp_path)
    options = SMALL | {"classifier": "squared:build", "noisy_train": True, "test_noise": ("0",)}
    with pytest.raises(ValueError, match="must have the loss sparse_categorical_crossentropy for"):
        tfdvae.train(**options, output="out")
    assert not (tmp_path / "out").exists()
    folder = tfdvae.train(**options, sets=("limited",), output="out")
    assert tuple(accuracies(folder)) == ("limited",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sets", "denoised"), "give `noisy_train`, or `noise` its standard deviation"),
        (("--sets", "nothing"), "`sets` must be one of"),
        (("--classifier", "nowhere:build"), "there is no module nowhere"),
        (("--classifier", "os:getcwd"), "`classifier`"),
    ],
)
def test_refused(arguments, message, tmp_path):
    process = run(*TINY, *arguments, "--output", "out", cwd=tmp_path)
    assert message in complaint(process)
    assert not list(tmp_path.iterdir())


def test_bm3d_is_missed_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    with pytest.raises(ValueError, match="pip install bm3d"):
        tfdvae.train(
            **SMALL, noisy_train=True, sets=("denoised-bm3d",), output=str(tmp_path / "run")
        )
    assert not (tmp_path / "run").exists()


def test_two_that_agree_are_half_a_batch(tmp_path, monkeypatch):
    asked = []
    made = pipelines.training_batches

    def training_batches(arrays, batch_size, *others, **options):
        asked.append(batch_size)
        return made(arrays, batch_size, *others, **options)

    monkeypatch.setattr(classifiers.pipelines, "training_batches", training_batches)
    small = SMALL | {"classifier_steps": 1}
    sets = ("fresh-noise", "agreeing")
    tfdvae.train(
        **small, noisy_train=True, sets=sets, test_noise=("0",), output=str(tmp_path / "run")
    )
    assert asked[-1] == 30, "of 60 images, each of them twice, as 60 of the others"
    assert 128 in asked


def test_sets_with_fresh_noise_are_trained_by_the_recipe_and_others_as_published(
    tmp_path, monkeypatch
):
    """With one order of images and one noise, smoothed labels and a rate that falls over the
    steps; of a teacher's the labels alone are smoothed.
    """
    purposes, losses, falls = [], [], []
    batches_of = pipelines.training_batches

    def training_batches(arrays, batch_size, seed, purpose, *others, **options):
        purposes.append(purpose)
        return batches_of(arrays, batch_size, seed, purpose, *others, **options)

    monkeypatch.setattr(classifiers.pipelines, "training_batches", training_batches)
    for name, kept in (("change_loss", losses), ("fall_to_zero", falls)):
        real = getattr(classifiers, name)
        monkeypatch.setattr(
            classifiers,
            name,
            lambda model, *given, kept=kept, real=real: (kept.append(given), real(model, *given)),
        )
    sets = ("limited", "classical", "fresh-noise", "distilled", "agreeing")
    tfdvae.train(
        **SMALL, noisy_train=True, sets=sets, test_noise=("0",), output=str(tmp_path / "run")
    )
    assert list(dict.fromkeys(purpose for purpose in purposes if "classifier" in purpose)) == [
        "classifier/limited",
        "classifier/classical",
        "classifier/noisy",
    ]
    # smoothing, agreement, soft labels: fresh-noise, the teacher, distilled, agreeing
    plain, soft, agreeing = (0.1, 0.0, False), (0.0, 0.0, True), (0.1, 4.0, False)
    assert losses == [plain, plain, soft, agreeing]
    assert falls == [(2,)] * 4


def test_a_denoiser_that_runs_out_of_memory_is_told_by_its_stage(tmp_path, monkeypatch):
    def fail(*_, **options):
        raise MemoryError

    monkeypatch.setattr(classifiers.views, "maker", fail)
    with pytest.raises(MemoryError, match="28x28, in the stage denoised-recorrupted"):
        tfdvae.train(**SMALL, noisy_train=True, sets=("denoised",), output=str(tmp_path / "run"))
