import dataclasses
import html.parser
import json

import numpy as np
import pytest

from tests.conftest import run_tfdvae
from tfdvae import files
from tfdvae.config import TRAINING_SETS, AugmentationStudyConfig
from tfdvae.data import sources
from tfdvae.studies import augmentation, augmentation_report

SMALL = {"dataset": "digits", "n_train": 100, "epochs": 2, "classifier_steps": 3, "seeds": (0, 1), "threads": 1}


@pytest.fixture(scope="module")
def source():
    return sources.load("digits")


def small(**settings):
    return AugmentationStudyConfig(**{**SMALL, **settings})


def test_cells_of_the_published_study():
    """Equal steps: 8 sets x 2 conditions x 5 seeds; equal epochs: 4 x 2 x 5; generative models: 3 x 2 x 5."""
    cells = list(augmentation.listed_cells(AugmentationStudyConfig(conditions=("clean", "noisy"))))
    assert len(cells) == 80 + 40 + 30
    assert cells[0] == "clean-limited-equal_steps-seed0"
    assert cells[16] == "clean-limited-equal_steps-seed1"
    assert cells[80] == "clean-limited-equal_epochs-seed0"
    assert cells[-1] == "noisy-latent-dvae-seed4"
    assert not any("latent" in cell for cell in augmentation.listed_cells(small(development=True, conditions=("clean",))))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sets": ("limited", "vea")}, "`sets` must be one of"),
        ({"sets": ("vae",)}, "`sets` must begin with limited"),
        ({"sets": ("limited", "limited")}, "none of them twice"),
        ({"protocols": ("equal_time",)}, "`protocols` must be one of"),
        ({"conditions": ("dirty",)}, "`conditions` must be one of"),
        ({"metric": "acuracy"}, "Did you mean 'accuracy'"),
        ({"test_noise": ("0.1",)}, "`test_noise` must begin with 0"),
        ({"other_noise": ("gaussian:0.1",)}, "`other_noise` must hold none"),
        ({"classifier_steps": 0}, "`classifier_steps` must be"),
        ({"precision": "int8"}, "`precision` must be one of"),
    ],
)
def test_wrong_settings_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        small(**settings)


def test_cells_of_a_seed_share_images_and_test_noise(source):
    """The noise of the noisy condition is the main job's: keyed by seed and index, standard deviation 0.1."""
    clean, noisy = (augmentation.prepare(small(), source, condition, 0) for condition in ("clean", "noisy"))
    np.testing.assert_array_equal(clean.train_labels, noisy.train_labels)
    assert np.std(noisy.train - clean.train) == pytest.approx(0.1, abs=0.002)
    other = augmentation.prepare(small(), source, "clean", 1)
    assert not np.array_equal(other.train, clean.train)
    np.testing.assert_array_equal(other.held_out, source.test_images)


@pytest.mark.parametrize("n_train", [100, None])
def test_development_never_sees_test_images(source, n_train):
    images = augmentation.prepare(small(development=True, n_train=n_train), source, "clean", 0)
    train = {image.tobytes() for image in sources.to_unit(source.train_images)}
    own = {image.tobytes() for image in images.train}
    held_out = {image.tobytes() for image in images.held_out}
    assert held_out <= train
    assert not own & held_out
    assert len(images.held_out) == len(images.held_out_labels)
    assert set(images.held_out_labels) == set(range(10))


def test_development_holds_out_whole_groups(source):
    """Also where a small subset leaves many images outside it."""
    grouped = dataclasses.replace(source, train_groups=np.arange(len(source.train_labels)) // 20)
    groups = {image.tobytes(): group for image, group in zip(sources.to_unit(source.train_images), grouped.train_groups, strict=True)}
    images = augmentation.prepare(small(development=True), grouped, "clean", 0)
    inside, outside = ({groups[image.tobytes()] for image in part} for part in (images.train, images.held_out))
    assert inside
    assert outside
    assert not inside & outside


@pytest.mark.parametrize("name", TRAINING_SETS)
def test_training_sets(source, name):
    """Parts, labels and, for augmentation of batches, what it does to them."""
    config = small()
    images = augmentation.prepare(config, source, "clean", 0)
    parts, labels, transform = augmentation.training_set(config, images, name, 0)
    count = {"duplicate": 300, "dae": 300, "vae": 300, "dvae": 300}.get(name, 100)
    assert sum(map(len, parts)) == sum(map(len, labels)) == count
    np.testing.assert_array_equal(parts[0], images.train)
    if name == "duplicate":
        np.testing.assert_array_equal(np.concatenate(labels), np.tile(images.train_labels, 3))
    assert (transform is not None) == (name in ("gaussian", "classical", "classical+gaussian"))
    if transform is not None:
        first, second = (transform(np.array([0, step], np.int32), images.train, images.train_labels) for step in (1, 2))
        np.testing.assert_array_equal(first[1], images.train_labels)
        assert not np.array_equal(first[0], second[0])
        dark = np.asarray(first[0])[:, :2, :2]  # corners of the digits are black, so that what is there is the noise
        assert np.std(dark) == pytest.approx(0 if name == "classical" else 0.1, abs=0.02)


def test_classifiers_of_a_seed_begin_with_the_same_weights():
    config = small()
    weights = [augmentation.build_classifier(config, (28, 28, 1), 10, seed).get_weights() for seed in (0, 0, 1)]
    assert all(np.array_equal(a, b) for a, b in zip(weights[0], weights[1], strict=True))
    assert not np.array_equal(weights[0][0], weights[2][0])


def test_classifier_cell(source, tmp_path):
    config = small()
    rows = []
    for path in (tmp_path / "a.csv", tmp_path / "b.csv"):
        augmentation.classifier_cell(config, source, path, "noisy", "classical+gaussian", "equal_steps", 0)
        rows.append([row | {"run": ""} for row in files.read_rows(path)])
    assert rows[0] == rows[1]
    accuracy = {row["test_corruption"]: float(row["value"]) for row in rows[0] if row["metric"] == "accuracy"}
    assert list(accuracy) == [*config.test_noise, *config.other_noise]
    each = [float(row["value"]) for row in rows[0] if row["metric"].startswith("accuracy_class") and row["test_corruption"] == "none"]
    assert len(each) == 10
    assert np.dot(each, np.bincount(source.test_labels)) / len(source.test_labels) == pytest.approx(accuracy["none"])
    with np.load(tmp_path / "a.npz") as replicates:
        assert set(replicates.files) == set(config.test_noise)
        assert replicates["none"].mean() == pytest.approx(accuracy["none"], abs=0.01)


def test_equal_epochs_are_three_times_the_steps_for_three_times_the_images(source, tmp_path):
    config = small(classifier_epochs=2, n_train=256)
    for name, steps in (("limited", 4), ("duplicate", 12)):
        augmentation.classifier_cell(config, source, tmp_path / f"{name}.csv", "clean", name, "equal_epochs", 0)
        assert {row["step"] for row in files.read_rows(tmp_path / f"{name}.csv")} == {str(steps)}


def test_development_cell_follows_the_validation_accuracy(source, tmp_path):
    config = small(development=True, n_train=256, classifier_steps=6)
    augmentation.classifier_cell(config, source, tmp_path / "a.csv", "noisy", "limited", "equal_steps", 100)
    rows = files.read_rows(tmp_path / "a.csv")
    assert {row["split"] for row in rows} == {"validation"}
    assert [row["step"] for row in rows if not row["test_corruption"]] == ["2", "4", "6"]


def test_latent_cell(source, tmp_path):
    augmentation.latent_cell(small(), source, tmp_path / "a.csv", "clean", "dvae", 0)
    rows = files.read_rows(tmp_path / "a.csv")
    values = {row["metric"]: float(row["value"]) for row in rows if not row["test_corruption"]}
    bounds = [values[f"log_likelihood_{count}"] for count in (1, 10, 100, 1000)]
    assert bounds == sorted(bounds)
    assert [row["epoch"] for row in rows if row["metric"] == "loss" and row["split"] == "train"] == ["1", "2"]
    assert len([row for row in rows if row["metric"] == "probe_accuracy"]) == 5


def test_a_class_with_too_few_images_is_refused(source):
    few = dataclasses.replace(source, train_images=source.train_images[:60], train_labels=np.repeat(np.arange(10), 6))
    with pytest.raises(ValueError, match="`n_train` must leave two images of each class"):
        augmentation._check(small(n_train=15), few)


def made_rows(conditions=("clean",), protocols=("equal_steps",), seeds=5):
    """Limited at 80% + seed; vae 1.0, 1.2, 0.8, 1.1, 0.9 points ahead; duplicate on average level with limited."""
    ahead = {"limited": [0] * 5, "duplicate": [2, -2, 1, -1, 0], "vae": [1.0, 1.2, 0.8, 1.1, 0.9]}
    for condition in conditions:
        for protocol in protocols:
            for seed in range(seeds):
                for name, gains in ahead.items():
                    for noise in AugmentationStudyConfig().test_noise:
                        yield dict.fromkeys(files.ROW_FIELDS, "") | {
                            "study": "augmentation", "run": f"{condition}-{name}-{protocol}-seed{seed}", "dataset": "fashion_mnist", "n_train": 5000,
                            "condition": condition, "augmentation": name, "protocol": protocol, "test_corruption": noise, "split": "test", "step": 1200,
                            "seed": seed, "metric": "accuracy", "value": (80 + seed + gains[seed]) / 100}  # fmt: skip


def report(folder, rows, config=None):
    files.write_rows(folder / "rows.csv", rows)
    files.write_json(folder / "config.json", {"dataset": "fashion_mnist"})
    augmentation_report.write(config or AugmentationStudyConfig(), tuple(map(str, range(10))), 10_000, folder)
    return (folder / "report.md").read_text()


def test_report_tells_what_helps(tmp_path):
    """The vae's mean is 1.0, its standard deviation 0.158: half width 2.776 * 0.158 / sqrt(5) = 0.196."""
    text = report(tmp_path, made_rows())
    assert "**vae, images as they are: helps.**" in text
    assert "**duplicate, images as they are: cannot tell.**" in text
    assert "| limited + VAE | +1.00 (+0.80 to +1.20) |" in text
    assert "| limited | 5 | 82.00 ± 1.96 |" in text
    assert "| limited + VAE | published | 84.18 |" in text
    assert "| Synthetic images of a VAE raise accuracy | clean | +0.35 |  | holds: +1.00 (+0.80 to +1.20) |" in text
    page = (tmp_path / "report.html").read_text()
    html.parser.HTMLParser().feed(page)
    assert "data:image/png;base64" in page


def test_report_of_a_single_seed_tells_nothing(tmp_path):
    text = report(tmp_path, made_rows(seeds=1))
    assert "helps" not in text.partition("## ")[2].partition("## ")[0].replace("augmentation helps", "")
    assert "cannot tell" in text


def test_images_decide_too(tmp_path):
    """Replicates that are 1 point ahead with a standard deviation of 2 over test images: no seed makes that certain."""
    rows = list(made_rows())
    generator = np.random.default_rng(0)
    (tmp_path / "cells").mkdir()
    noise = {name: generator.normal(0, 0.02, 1000) for name in AugmentationStudyConfig().test_noise}
    for row in rows:
        base = float(row["value"])
        shift = noise if row["augmentation"] == "vae" else dict.fromkeys(noise, np.zeros(1000))
        np.savez(tmp_path / "cells" / f"{row['run']}.npz", **{name: base + values for name, values in shift.items()})
    text = report(tmp_path, rows)
    assert "**vae, images as they are: cannot tell.**" in text
    assert "test images" in text.partition("vae, images as they are: cannot tell.**")[2].partition("\n")[0]


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
    assert "minutes" in process.stdout
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_killed_study_goes_on_to_the_same_rows(tmp_path):
    study = ("study", "augmentation", "--dataset", "digits", "--n-train", "60", "--epochs", "2", "--classifier-steps", "4", "--seeds", "0", "1", "--threads", "1",
             "--conditions", "noisy", "--sets", "limited", "dvae", "--protocols", "equal_steps")  # fmt: skip
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert run_tfdvae(*study, "--output", whole).returncode == 0
    stopped = run_tfdvae(*study, "--output", killed, kill_when=lambda: len(list((killed / "cells").glob("*.csv"))) == 2)
    assert stopped.returncode == -9
    assert run_tfdvae(*study, "--output", killed).returncode == 0
    assert (killed / "rows.csv").read_bytes() == (whole / "rows.csv").read_bytes()
