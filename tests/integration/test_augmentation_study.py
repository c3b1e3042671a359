"""Cells of the augmentation study, whole studies and their command."""

import dataclasses
import json
import re
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import scipy.special
from PIL import Image

from tests.helpers.processes import ROOT, run_tfdvae
from tfdvae import corruptions, csv_rows
from tfdvae._utils import files
from tfdvae.classifier import build
from tfdvae.config import PROTOCOLS
from tfdvae.config.sets import SETS, names, needs_noise
from tfdvae.data import image_dataset, sources
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import evaluation
from tfdvae.metrics import classification
from tfdvae.studies.augmentation import cells, costs, kept_tests, kept_views, training
from tfdvae.studies.augmentation.images import prepare
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig

SMALL = {
    "precision": "bfloat16",
    "dataset": "digits",
    "protocols": PROTOCOLS,
    "n_train": 100,
    "epochs": 2,
    "classifier_steps": 3,
    "seeds": (0, 1),
    "threads": 1,
    "test_noise": ("0", "0.1"),
    "other_noise": ("masking:0.1",),
}


@pytest.fixture(scope="module")
def source():
    return sources.load("digits")


def small(**settings):
    return AugmentationStudyConfig(**{**SMALL, **settings})


def with_groups(source, part, size):
    """The dataset with groups of `size` neighbours each in one of its splits."""
    split = getattr(source, part)
    split = dataclasses.replace(split, groups=np.arange(len(split.labels)) // size)
    return dataclasses.replace(source, **{part: split})


@pytest.mark.parametrize("name", [name for name in names() if not needs_noise(name)])
def test_training_sets(source, name):
    """Parts, labels and, for augmentation of batches, what it does to them."""
    config = small()
    images = prepare(config, source, "clean", 0)
    (parts, labels), transform = training.training_set(config, images, name, 0)
    made = ("dae", "vae", "dvae", "oriented+vae", "oriented+dvae")
    count = 300 if name in ("duplicate", *made) else 100
    assert sum(map(len, parts)) == sum(map(len, labels)) == count
    np.testing.assert_array_equal(parts[0], images.train)
    if name == "duplicate":
        np.testing.assert_array_equal(np.concatenate(labels), np.tile(images.train_labels, 3))
    assert (transform is not None) == name.startswith(("gaussian", "classical", "oriented"))
    if transform is not None:
        first, second = (
            transform(np.array([0, step], np.int32), images.train, images.train_labels)
            for step in (1, 2)
        )
        np.testing.assert_array_equal(first[1], images.train_labels)
        assert not np.array_equal(first[0], second[0])
        dark = np.asarray(first[0])[
            :, :2, :2
        ]  # corners of the digits are black, so that what is there is the noise
        if name == "oriented+light":
            return
        if name.startswith("oriented"):  # the same values in other places
            sorted_ = (np.sort(each, axis=None) for each in (first[0], images.train))
            np.testing.assert_array_equal(*sorted_)
            return
        assert np.std(dark) == pytest.approx(0 if name == "classical" else 0.1, abs=0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of a study, so that training sets share what is denoised."""
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def cropped(source):
    """Digits of 12x12 pixels."""
    images, labels = source.train.images[:200, 8:20, 8:20], source.train.labels[:200]
    return ImageDataset.from_arrays(images[:150], labels[:150], images[150:], labels[150:])


NOISE = "gaussian:0.2"
DENOISED = {  # training set -> views of each image
    "denoised": 1,
    "denoised-agreeing": 1,
    "denoised-distilled": 1,
    "denoised-shuffled": 1,
    "denoised-non_local_means": 1,
    "denoised-tv": 1,
    "denoised-bm3d": 1,
    "dvae-views": 8,
    "denoised-clean-targets": 1,
}
SLOW_SETS = ("denoised-bm3d", "denoised-clean-targets", "dvae-views")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW_SETS))
        for name in names()
        if needs_noise(name)
    ],
)
def test_training_sets_of_noisy_images(name, cropped, folder):
    """As many images as limited, with their labels; the same bits for the same seed, and others for
    another one. Where two are to agree, each image is there twice.
    """
    config = small(n_train=40, denoiser_steps=1, output=str(folder), train_noise=(NOISE,))
    images = prepare(config, cropped, "noisy", 0, NOISE)
    arrays, transform = training.training_set(config, images, name, 0)
    starts, *seen, labels = (np.concatenate(parts) for parts in arrays)
    np.testing.assert_array_equal(labels, images.train_labels)
    count = DENOISED.get(name)
    assert [each.shape for each in seen] == ([(40, count, 12, 12, 1)] if count else [])
    expected = images.clean if name == "clean-images" else images.train
    assert np.array_equal(starts, expected) == (name != "denoised-shuffled")
    assert not np.array_equal(images.clean, images.train)
    made = [transform(np.array([seed, 0], np.int32), starts, *seen, labels) for seed in (1, 1, 2)]
    times = 2 if SETS[name].agreeing else 1
    for shown, own in made:
        if SETS[name].restoring:  # what each was before its fresh noise comes too
            own, before = own
            assert before.shape == shown.shape
            assert 0.05 < np.std(shown - before) < 0.2
        assert (shown.shape, shown.dtype) == ((times * 40, *starts.shape[1:]), "float32")
        np.testing.assert_array_equal(own, np.tile(labels, times))
        assert times == 1 or not np.array_equal(shown[:40], shown[40:])
    np.testing.assert_array_equal(made[0][0], made[1][0])
    assert not np.array_equal(made[0][0], made[2][0])


def test_rows_of_a_classifier_on_denoised_images(cropped, folder, tmp_path):
    """They tell the noise and the denoiser; the denoised images are those of the table above."""
    config = small(
        n_train=40,
        denoiser_steps=1,
        output=str(folder),
        train_noise=(NOISE,),
        schedule="cosine",
        label_smoothing=0.1,
        assumed_noise=1.3,
    )
    path = tmp_path / "a.csv"
    cells.classifier_cell(config, cropped, path, "noisy", "denoised-tv", "equal_steps", 0, NOISE)
    rows = csv_rows.read_rows(path)
    fixed = {
        "condition": "noisy",
        "train_noise": NOISE,
        "augmentation": "denoised-tv",
        "model": "tv",
        "corruption": "gaussian:0.26",
        "n_train": "40",
        "step": "3",
    }
    assert all(fixed.items() <= row.items() for row in rows)
    assert rows[0]["network"].startswith("weight=")


def test_rows_have_the_noise_that_was_estimated(source, tmp_path):
    config = small(
        n_train=600,
        output=str(tmp_path),
        train_noise=(NOISE,),
        assumed_noise="auto",
        other_noise=("masking:0.1",),
    )
    path = tmp_path / "a.csv"
    cells.classifier_cell(config, source, path, "noisy", "denoised-tv", "equal_steps", 0, NOISE)
    (told,) = {row["corruption"] for row in csv_rows.read_rows(path)}
    kind, _, level = told.partition(":")
    assert kind == "gaussian"
    assert float(level) == pytest.approx(0.2, rel=0.05)
    assert told != NOISE


@pytest.mark.parametrize("development", [False, True])
def test_the_rate_has_fallen_to_zero_in_the_end(development, source):
    config = small(schedule="cosine", n_train=256, classifier_steps=5, development=development)
    images = prepare(config, source, "clean", 0)
    model, steps, _ = training.train_classifier(config, images, "limited", "equal_steps", 0)
    assert steps == (4 if development else 5), "256 images are 2 batches"
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)
    assert int(model.optimizer.iterations) == steps


def test_the_resnet_starts_from_weights_of_the_seed_and_learns():
    """Bright and dark images of three channels."""
    labels = np.arange(32) % 2
    images = np.float32(0.8 * labels[:, None, None, None] + np.full((1, 8, 8, 3), 0.1))
    models = [build("tfdvae.classifier:resnet", (8, 8, 3), 2, seed) for seed in (0, 0)]
    weights = zip(*(model.get_weights() for model in models), strict=True)
    assert all(np.array_equal(first, again) for first, again in weights)
    losses = models[0].fit(images, labels, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 4


SLOW_METHODS = (pytest.param(name, marks=pytest.mark.slow) for name in ("recorrupted", "dvae"))


@pytest.mark.parametrize("method", ["tv", *SLOW_METHODS])
def test_the_time_of_denoising_is_measured(method, cropped, tmp_path):
    """A hundred thousand steps take longer than a minute, and nothing is kept."""
    config = small(
        n_train=40, denoiser_steps=100_000, output=str(tmp_path / "none"), train_noise=(NOISE,)
    )
    seconds = costs.view_seconds(config, cropped, method)
    assert (seconds > 60) == (method != "tv")
    assert not (tmp_path / "none").exists()


def test_classifier_cell(source, tmp_path):
    config = small()
    rows = []
    for path in (tmp_path / "a.csv", tmp_path / "b.csv"):
        cells.classifier_cell(config, source, path, "noisy", "classical+gaussian", "equal_steps", 0)
        rows.append([row | {"run": ""} for row in csv_rows.read_rows(path)])
    assert rows[0] == rows[1]
    accuracy = {
        row["test_corruption"]: float(row["value"])
        for row in rows[0]
        if row["metric"] == "accuracy"
    }
    assert list(accuracy) == [*config.test_noise, *config.other_noise]
    each = [
        float(row["value"])
        for row in rows[0]
        if row["metric"].startswith("accuracy_class") and row["test_corruption"] == "none"
    ]
    assert len(each) == 10
    assert np.dot(each, np.bincount(source.test.labels)) / len(source.test.labels) == pytest.approx(
        accuracy["none"]
    )
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["replicates"].shape == (3, 200)
        assert arrays["replicates"].mean(axis=1) == pytest.approx(list(accuracy.values()), abs=0.01)


@pytest.mark.parametrize("name", ["limited", "classical+gaussian", "dvae", "denoised", "agreeing"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_classes_count_equally_for_a_classifier(name, protocol, cropped, tmp_path, monkeypatch):
    """One with a few of 40 images counts as much as the others; steps stay as they are."""
    rare = cropped.train.labels != 3
    rare[np.flatnonzero(~rare)[:8]] = True
    train = dataclasses.replace(
        cropped.train, images=cropped.train.images[rare], labels=cropped.train.labels[rare]
    )
    weights = []
    fit = keras.Model.fit

    def watched(model, *data, **options):
        if "class_weight" in options:
            weights.append(options["class_weight"])
        return fit(model, *data, **options)

    monkeypatch.setattr(keras.Model, "fit", watched)
    settings = {"n_train": 40, "classifier_epochs": 1, "output": str(tmp_path)}
    config = small(**settings, train_noise=(NOISE,), epochs=1, denoiser_steps=1)
    images = prepare(config, dataclasses.replace(cropped, train=train), "noisy", 0, NOISE)
    made = [
        training.train_classifier(
            dataclasses.replace(config, balance=balance), images, name, protocol, 0
        )
        for balance in (False, True)
    ]
    counts = np.bincount(images.train_labels)
    assert counts[3] < counts.max()
    (given,) = weights
    assert [given[each] * counts[each] for each in range(10)] == pytest.approx([4.0] * 10)
    assert made[0][1] == made[1][1], "steps"
    before, after = (model.get_weights() for model, _, _ in made)
    assert not all(map(np.array_equal, before, after))


def test_what_is_said_of_an_image_and_its_mirror_image_is_averaged(source, tmp_path, monkeypatch):
    config = small(test_time_averaging=True)
    models = []
    train = cells.train_classifier
    monkeypatch.setattr(
        cells, "train_classifier", lambda *given: models.append(train(*given)) or models[-1]
    )
    cells.classifier_cell(config, source, tmp_path / "a.csv", "noisy", "limited", "equal_steps", 0)
    rows = csv_rows.read_rows(tmp_path / "a.csv")
    found = {
        row["test_corruption"]: float(row["value"])
        for row in rows
        if row["metric"] == "accuracy_averaged"
    }
    assert list(found) == list(config.test_noise)
    single = [
        float(row["value"])
        for row in rows
        if row["metric"] == "accuracy" and row["test_corruption"] in found
    ]
    assert single != list(found.values())
    for text, value in found.items():
        noisy = evaluation.test_noise(source.test.images, corruptions.parse(text), 0)
        both = (
            scipy.special.softmax(models[0][0].predict(each, verbose=0), axis=1)
            for each in (noisy, noisy[:, :, ::-1])
        )
        labels = np.mean(list(both), axis=0).argmax(axis=1)
        assert value == pytest.approx(np.mean(labels == source.test.labels), abs=1e-6), text
    cells.classifier_cell(small(), source, tmp_path / "b.csv", "noisy", "limited", "equal_steps", 0)
    others = [row for row in rows if row["metric"] != "accuracy_averaged"]
    assert [row["value"] for row in csv_rows.read_rows(tmp_path / "b.csv")] == [
        row["value"] for row in others
    ]


def test_denoised_test_images_are_measured_besides(cropped, folder, tmp_path, monkeypatch):
    """Each test noise of the verdict has a row, of what is said of them; nothing else changes, and
    classifiers on clean images have none.
    """
    settings = {"n_train": 40, "denoiser_steps": 1, "output": str(folder), "train_noise": (NOISE,)}
    config = small(**settings, denoise_at_test=True)
    models = []
    train = cells.train_classifier
    monkeypatch.setattr(
        cells, "train_classifier", lambda *given: models.append(train(*given)) or models[-1]
    )
    for name, each in (("a", config), ("b", small(**settings))):
        path = tmp_path / f"{name}.csv"
        cells.classifier_cell(each, cropped, path, "noisy", "limited", "equal_steps", 0, NOISE)
    rows, others = (csv_rows.read_rows(tmp_path / f"{name}.csv") for name in "ab")
    found = {
        row["test_corruption"]: float(row["value"])
        for row in rows
        if row["metric"] == "accuracy_denoised"
    }
    assert list(found) == list(config.test_noise)
    kept = [row["value"] for row in rows if row["metric"] != "accuracy_denoised"]
    assert kept == [row["value"] for row in others]
    images = prepare(config, cropped, "noisy", 0, NOISE)
    for text, value in found.items():
        denoised = kept_tests.load(config, images, text, 0) / np.float32(255)
        said = models[0][0].predict(denoised, verbose=0).argmax(axis=1)
        assert value == pytest.approx(np.mean(said == cropped.test.labels), abs=1e-6), text
    cells.classifier_cell(
        config, cropped, tmp_path / "c.csv", "clean", "limited", "equal_steps", 0, "none"
    )
    metrics = {row["metric"] for row in csv_rows.read_rows(tmp_path / "c.csv")}
    assert "accuracy" in metrics
    assert "accuracy_denoised" not in metrics


def test_the_time_of_denoising_test_images_is_measured(cropped, tmp_path):
    config = small(n_train=40, output=str(tmp_path / "none"), train_noise=(NOISE,))
    few = costs.denoising_seconds(config, cropped)
    test = dataclasses.replace(
        cropped.test,
        images=np.tile(cropped.test.images, (200, 1, 1, 1)),
        labels=np.tile(cropped.test.labels, 200),
    )
    many = costs.denoising_seconds(config, dataclasses.replace(cropped, test=test))
    assert 0 < few < many / 10
    assert not (tmp_path / "none").exists()


def test_groups_of_test_images_are_resampled_whole(source, tmp_path, monkeypatch):
    """The replicates of a cell are those that the groups make, for each of its three test
    corruptions.
    """
    grouped = with_groups(source, "test", 40)
    given = []
    resample = classification.bootstrap
    monkeypatch.setattr(
        classification,
        "bootstrap",
        lambda *arguments: given.append(arguments) or resample(*arguments),
    )
    cells.classifier_cell(
        small(), grouped, tmp_path / "a.csv", "clean", "limited", "equal_steps", 0
    )
    with np.load(tmp_path / "a.npz") as arrays:
        for (score, probabilities, labels, *_), replicates in zip(
            given, arrays["replicates"], strict=True
        ):
            np.testing.assert_allclose(
                resample(score, probabilities, labels, 200, 0, grouped.test.groups),
                replicates,
                rtol=1e-6,
            )


@pytest.mark.slow
def test_equal_epochs_are_three_times_the_steps_for_three_times_the_images(source, tmp_path):
    config = small(classifier_epochs=2, n_train=256)
    for name, steps in (("limited", 4), ("duplicate", 12)):  # 256 images are 2 batches
        cells.classifier_cell(
            config, source, tmp_path / f"{name}.csv", "clean", name, "equal_epochs", 0
        )
        assert {row["step"] for row in csv_rows.read_rows(tmp_path / f"{name}.csv")} == {str(steps)}


@pytest.mark.slow
def test_development_cell_follows_the_validation_accuracy(source, tmp_path):
    """Test images are replaced by what raises whatever is done with it."""

    class Poison:
        def __getattribute__(self, name):
            raise AssertionError("development looked at test images")

    test = image_dataset.Split(source.test.images, source.test.labels)
    for name in ("images", "labels"):  # which are looked at where a `Split` is made
        object.__setattr__(test, name, Poison())
    source = dataclasses.replace(source, test=test)
    config = small(development=True, n_train=256, classifier_steps=6)
    cells.classifier_cell(
        config, source, tmp_path / "a.csv", "noisy", "limited", "equal_steps", 100
    )
    rows = csv_rows.read_rows(tmp_path / "a.csv")
    assert {row["split"] for row in rows} == {"validation"}
    assert [row["step"] for row in rows if not row["test_corruption"]] == ["2", "4", "6"]
    assert {row["n_train"] for row in rows} == {"256"}


@pytest.mark.slow
def test_latent_cell(source, tmp_path):
    cells.latent_cell(small(), source, tmp_path / "a.csv", "clean", "dvae", 0)
    rows = csv_rows.read_rows(tmp_path / "a.csv")
    values = {row["metric"]: float(row["value"]) for row in rows if not row["test_corruption"]}
    assert values["log_likelihood_1"] < values["log_likelihood_1000"] < 0
    assert [
        row["epoch"] for row in rows if row["metric"] == "loss" and row["split"] == "train"
    ] == ["1", "2"]
    assert len([row for row in rows if row["metric"] == "probe_accuracy"]) == 2


QUICK = (
    "study",
    "augmentation",
    "--quick",
    "--n-train",
    "60",
    "--epochs",
    "2",
    "--classifier-steps",
    "4",
    "--seeds",
    "0",
    "1",
    "--threads",
    "1",
)


@pytest.mark.slow
def test_quick_look_through_the_command_line(tmp_path):
    process = run_tfdvae(*QUICK, "--output", tmp_path)
    assert process.returncode == 0, process.stderr
    assert "8 cells, 0 done before" in process.stdout
    assert "## Verdict" in (tmp_path / "report.md").read_text()
    starts = json.loads((tmp_path / "environment.json").read_text())
    assert len(starts[0]["seconds"]) == 8
    again = run_tfdvae(*QUICK, "--output", tmp_path)
    assert "8 cells, 8 done before" in again.stdout
    other = run_tfdvae(*QUICK, "--classifier-steps", "5", "--output", tmp_path)
    assert other.returncode == 2
    assert "holds a study with" in other.stderr


@pytest.mark.slow
def test_dry_run_lists_cells_and_an_estimate(tmp_path):
    process = run_tfdvae(*QUICK, "--dry-run", "--output", tmp_path / "none")
    assert process.returncode == 0, process.stderr
    assert "noisy-limited-equal_steps-seed0\n" in process.stdout
    assert "8 of 8 cells are missing." in process.stdout
    table = process.stdout.partition("8 of 8 cells are missing.\n")[2]
    assert re.search(r"^  limited +2  ", table, flags=re.MULTILINE)
    assert re.search(r"^  codes of dvae +2  ", table, flags=re.MULTILINE)
    assert re.search(r"^About \d+ (s|minutes) with (float32|bfloat16), by the time", table, re.M)
    assert not (tmp_path / "none").exists()
    (tmp_path / "other").mkdir()
    files.write_json(tmp_path / "other" / "config.json", {"tfdvae": "0.0.0"})
    process = run_tfdvae(*QUICK, "--dry-run", "--output", tmp_path / "other")
    assert (
        process.returncode,
        "holds a study with other settings: `tfdvae` '0.0.0' there" in process.stderr,
    ) == (2, True)


def command_lines():
    """Of all processes, as Linux tells them."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_text(errors="replace")
        except OSError:  # it has ended
            continue


@pytest.mark.slow
def test_killed_study_goes_on_to_the_same_rows(small_digits, tmp_path):
    """Workers whose study alone was killed end at once, so that none of them writes beside those
    of the next start.
    """
    study = (
        "study",
        "augmentation",
        "--dataset",
        small_digits,
        "--n-train",
        "60",
        "--epochs",
        "2",
        "--classifier-steps",
        "4",
        "--seeds",
        "0",
        "1",
        "--threads",
        "1",
        "--conditions",
        "noisy",
        "--sets",
        "limited",
        "classical",
        "--protocols",
        "equal_steps",
        "--test-noise",
        "0",
        "0.1",
    )
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run_tfdvae(*study, "--output", whole).returncode == 0

    seen = []

    def at_the_third_cell():
        """Three seconds after its worker came, which takes longer."""
        done = [path.stem for path in (killed / "cells").glob("*.csv")]
        workers = [line for line in command_lines() if str(killed) in line and "--cell" in line]
        if len(done) == 2 and any(
            line.rstrip("\0").rpartition("\0")[2] not in done for line in workers
        ):
            seen.append(time.monotonic())
        return bool(seen) and time.monotonic() > seen[0] + 3

    stopped = run_tfdvae(*study, "--output", killed, stop_when=at_the_third_cell, group=False)
    assert stopped.returncode == -9
    deadline = time.monotonic() + 120
    while any(str(killed) in line for line in command_lines()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert len(list((killed / "cells").glob("*.csv"))) == 2, "no worker outlives its study"
    assert run_tfdvae(*study, "--output", killed).returncode == 0
    assert (killed / "rows.csv").read_bytes() == (whole / "rows.csv").read_bytes()
    with np.load(killed / "bootstrap.npz") as made, np.load(whole / "bootstrap.npz") as expected:
        assert made.files == expected.files
        assert all(np.array_equal(made[name], expected[name]) for name in made.files)


CLASSIFIER = """
import keras

def build(image_shape, classes):
    last = keras.layers.Dense(classes, "softmax")
    model = keras.Sequential([keras.Input(image_shape), keras.layers.Flatten(), last])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
"""


@pytest.mark.slow
def test_own_images_groups_and_classifier(tmp_path, monkeypatch):
    """A folder of PNG files with patients, with two workers; then a change of the classifier,
    which is refused.
    """
    images = np.random.default_rng(0).integers(0, 255, (60, 12, 12), np.uint8)
    lines = ["image,group"]
    for number, image in enumerate(images):
        place = tmp_path / "mine" / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image // 2 + 100 * (number % 2)).save(place)
        lines.append(f"{place.relative_to(tmp_path / 'mine').as_posix()},patient {number // 4}")
    (tmp_path / "groups.csv").write_text("\n".join(lines))
    (tmp_path / "own_classifier.py").write_text(CLASSIFIER)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{tmp_path}")
    study = (
        "study",
        "augmentation",
        "--dataset",
        tmp_path / "mine",
        "--groups",
        tmp_path / "groups.csv",
        "--classifier",
        "own_classifier:build",
        "--sets",
        "limited",
        "vae",
        "--protocols",
        "equal_steps",
        "--seeds",
        "0",
        "1",
        "--epochs",
        "2",
        "--classifier-steps",
        "30",
        "--threads",
        "1",
        "--workers",
        "2",
        "--metric",
        "auc",
        "--output",
        tmp_path / "out",
    )
    process = run_tfdvae(*study)
    assert process.returncode == 0, process.stderr
    rows = csv_rows.read_rows(tmp_path / "out" / "rows.csv")
    assert {row["dataset"] for row in rows} == {"mine"}
    assert {row["condition"] for row in rows} == {"clean"}
    limited = [
        row for row in rows if row["augmentation"] == "limited" and row["test_corruption"] == "none"
    ]
    assert min(float(row["value"]) for row in limited if row["metric"] == "auc") > 0.9
    report = (tmp_path / "out" / "report.md").read_text()
    assert "of 3 groups" in report
    assert f"tfdvae classify --dataset {tmp_path / 'mine'} " in report
    assert " --metric auc --output my_classifier" in report
    assert report.rstrip().endswith("cross-validation on them finds best.")
    (tmp_path / "own_classifier.py").write_text(CLASSIFIER.replace("adam", "sgd"))
    changed = run_tfdvae(*study)
    assert changed.returncode == 2
    assert "`classifier_source`" in changed.stderr


@pytest.mark.parametrize("name", ["agreeing", "fresh-noise"])
def test_sets_that_agree_take_as_many_forward_passes(name, cropped, folder, monkeypatch):
    """Half as many images in a batch, each twice, and as many steps."""
    seen = []
    fit = keras.Model.fit

    def watched(model, batches, **options):
        (images, labels), *_ = batches.take(1).as_numpy_iterator()
        seen.append((images.shape, len(set(labels)) > 1, options["steps_per_epoch"]))
        return fit(model, batches, **options)

    monkeypatch.setattr(keras.Model, "fit", watched)
    config = small(n_train=40, classifier_steps=3, output=str(folder), train_noise=(NOISE,))
    images = prepare(config, cropped, "noisy", 0, NOISE)
    _, steps, _ = training.train_classifier(config, images, name, "equal_steps", 0)
    assert seen == [((40, 12, 12, 1), True, 3)]
    assert steps == 3


def test_what_restores_needs_maps_of_features(tmp_path):
    """It is refused before anything is trained."""
    (tmp_path / "flat.py").write_text(
        "import keras\n\n\n"
        "def build(image_shape, classes):\n"
        "    layers = [keras.Input(image_shape), keras.layers.Flatten()]\n"
        "    model = keras.Sequential([*layers, keras.layers.Dense(classes, 'softmax')])\n"
        "    model.compile('adam', 'sparse_categorical_crossentropy')\n"
        "    return model\n"
    )
    study = ["study", "augmentation", "--dataset", "digits", "--classifier", "flat:build"]
    sets = ["--conditions", "noisy", "--sets", "limited", "restoring"]
    process = run_tfdvae(*study, *sets, "--output", "out", cwd=tmp_path)
    assert process.returncode == 2
    assert "`sets` restoring needs a `classifier` of images of one size with maps" in process.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("balance", [False, True])
@pytest.mark.parametrize("development", [False, True])
def test_a_classifier_that_restores_sees_the_images_of_fresh_noise(
    development, balance, cropped, folder, monkeypatch
):
    """It has the same weights in the beginning, and others in the end. Its curve is as long."""
    settings = {"n_train": 40, "output": str(folder), "precision": "float32"}
    config = small(**settings, train_noise=(NOISE,), development=development, balance=balance)
    images = prepare(config, cropped, "noisy", 0, NOISE)
    seen = fits_of(monkeypatch)
    found = [
        training.train_classifier(config, images, name, "equal_steps", 0)
        for name in ("fresh-noise", "restoring")
    ]
    (_, plain, options), (both, restoring, _) = seen
    np.testing.assert_array_equal(plain[0], restoring[0])
    np.testing.assert_array_equal(plain[1], restoring[1][0])
    assert [output.shape for output in both.outputs] == [(None, 10), (None, 12, 12, 1)]
    if balance:
        each = [options["class_weight"][label] for label in plain[1]]
        np.testing.assert_allclose(restoring[2], each, rtol=1e-6)
    assert (len(plain), len(restoring)) == (2, 3 if balance else 2)
    (first, steps, curve), (second, of_second, of_restoring) = found
    assert (steps, len(curve)) == (of_second, len(of_restoring)) == (3, 3 if development else 0)
    assert [output.shape for output in second.outputs] == [(None, 10)]
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    assert not all(np.array_equal(*pair) for pair in pairs)


def fits_of(monkeypatch):
    """Return a list that gets the model and the first batch of each training of a classifier.

    A denoiser may be trained first, which is given more than batches.
    """
    seen = []
    fit = keras.Model.fit

    def watched(model, batches, *others, **options):
        if others:
            return fit(model, batches, *others, **options)
        (batch,) = batches.take(1).as_numpy_iterator()
        seen.append((model, batch, options))
        return fit(model, batches, **options)

    monkeypatch.setattr(keras.Model, "fit", watched)
    return seen


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("distilled", {}),
        pytest.param(
            "distilled", {"classifier": "tfdvae.classifier:resnet"}, marks=pytest.mark.slow
        ),
        ("distilled", {"development": True}),
        ("denoised-distilled", {"label_smoothing": 0.3}),
    ],
)
def test_a_classifier_is_taught_by_one_that_was_trained_before(
    name, changed, cropped, folder, monkeypatch
):
    """Both see the same images; the labels of the second one are the means of theirs and of what
    the first one says of training images as observed, or of denoised ones.
    """
    settings = {"n_train": 40, "denoiser_steps": 1, "output": str(folder), "precision": "float32"}
    config = small(**settings, train_noise=(NOISE,), schedule="cosine", **changed)
    images = prepare(config, cropped, "noisy", 0, NOISE)
    seen = fits_of(monkeypatch)
    _, steps, curve = training.train_classifier(config, images, name, "equal_steps", 0)
    assert (steps, len(curve)) == (3, 3 if config.development else 0)
    (teacher, first, _), (student, second, _) = seen[-2:]
    np.testing.assert_array_equal(first[0], second[0])
    assert int(teacher.optimizer.iterations) == int(student.optimizer.iterations) == 3
    shown = images.train
    if name == "denoised-distilled":
        shown = kept_views.load(config, images, "recorrupted", 0).images[:, 0]
    outputs = teacher.predict(shown, verbose=0)
    said = scipy.special.softmax(outputs.astype(float), axis=1)
    part = config.label_smoothing
    labels = (1 - part) * np.eye(10)[images.train_labels] + part / 10
    expected = (labels + said) / 2
    assert second[1].shape == (40, 10)
    order = [np.argmin(np.abs(expected - row).sum(axis=1)) for row in second[1]]
    assert sorted(order) == list(range(40)), "each image is once in a batch of all"
    np.testing.assert_allclose(second[1], expected[order], atol=1e-5)
    np.testing.assert_array_equal(images.train_labels[order], first[1])


def test_a_teacher_has_other_initial_weights(cropped, folder, monkeypatch):
    """Those of the classifier that is taught are those of the seed, as in all other sets."""
    config = small(n_train=40, output=str(folder), train_noise=(NOISE,), classifier_steps=1)
    images = prepare(config, cropped, "noisy", 0, NOISE)
    started = []
    fit = keras.Model.fit

    def watched(model, *data, **options):
        started.append(model.get_weights())
        return fit(model, *data, **options)

    monkeypatch.setattr(keras.Model, "fit", watched)
    for name in ("fresh-noise", "distilled"):
        training.train_classifier(config, images, name, "equal_steps", 0)
    alone, teacher, taught = started
    assert all(map(np.array_equal, alone, taught))
    assert not all(map(np.array_equal, alone, teacher))


def test_classes_count_equally_where_a_classifier_teaches(cropped, folder, monkeypatch):
    """Losses are weighed by the label of each image, whatever the teacher says of it."""
    config = small(n_train=40, output=str(folder), train_noise=(NOISE,), balance=True)
    images = prepare(config, cropped, "noisy", 0, NOISE)
    seen = fits_of(monkeypatch)
    training.train_classifier(config, images, "distilled", "equal_steps", 0)
    (_, (_, labels), options), (_, (_, _, weights), taught) = seen
    assert set(options["class_weight"]) == set(range(10))
    assert "class_weight" not in taught
    counts = np.bincount(images.train_labels, minlength=10)
    assert weights == pytest.approx(40 / np.sum(counts > 0) / counts[labels])
