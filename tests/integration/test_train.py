"""Whole runs through the command line."""

import csv
import gc
import json
import shutil
import subprocess
import weakref
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tfdvae
from tests.helpers.processes import TINY, peak_memory, run
from tfdvae import registry
from tfdvae._utils import files, limits, processor
from tfdvae.cli import main
from tfdvae.config import TrainConfig
from tfdvae.data import image_dataset, sources
from tfdvae.experiment import evaluation, folders, initial_weights, preflight, provenance
from tfdvae.experiment.run import Run
from tfdvae.models import build, networks


@pytest.fixture
def command(capsys):
    """Run `tfdvae train` in this process and return it as a finished process."""

    def train_command(*arguments):
        capsys.readouterr()
        status = main.main(["train", *map(str, arguments)])
        return subprocess.CompletedProcess(arguments, status, *capsys.readouterr())

    return train_command


@pytest.fixture
def tiny(command):
    """Run a small job, which must succeed."""

    def tiny_command(*arguments):
        process = command(*TINY, *arguments)
        assert process.returncode == 0, process.stderr
        return process

    return tiny_command


def rows(folder, name="metrics.csv"):
    with open(folder / name, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_killed_before_anything_was_done(tmp_path, tiny):
    """What a start leaves that was killed at once is no run, and does not stand in the way of
    one.
    """
    (tmp_path / ".lock").touch()
    (tmp_path / "environment.json").touch()
    (tmp_path / ".tmp-1-config.json").touch()
    tiny("--no-classifier", "--output", tmp_path)
    assert not list(tmp_path.glob(".tmp-*"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run in a process of its own."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    process = run(*TINY, "--model", "dvae", "--noisy-train", "--output", folder)
    assert process.returncode == 0, process.stderr
    return folder, process


def test_names_each_stage_and_ends_with_the_table(finished):
    _, process = finished
    names = [
        "data",
        "generator",
        "augmentation",
        "denoised-recorrupted",
        "classifier-limited",
        "classifier-dvae",
        "classifier-fresh-noise",
        "classifier-denoised",
        "evaluation",
        "figures",
        "export",
        "report",
    ]
    assert [line for line in process.stdout.splitlines() if line.startswith("[")] == [
        f"[{i}/12] {name}" for i, name in enumerate(names, 1)
    ]
    *table, _, words = process.stdout.rstrip().splitlines()[-8:]
    assert table[0] == "| trained on | no noise | 2.5% | 5% | 7.5% | 10% |"
    assert table[2].startswith("| limited | ")
    assert table[3].startswith("| limited + DVAE | ")
    assert table[4].startswith("| fresh-noise | ")
    assert table[5].startswith("| denoised | ")
    assert words == (
        "`fresh-noise`: flips, shifts, fresh noise; `denoised`: mixed with its denoised self, then "
        "flips, shifts, fresh noise. `fresh-noise`, `denoised`: labels smoothed by 0.1, a rate "
        "that falls to 0. The model for what images are mixed with took 2 steps more."
    )
    assert "digits, 60 noisy (gaussian:0.1) training images, DVAE" in process.stdout
    assert process.stdout.count("Objective: recorrupted, since the noise is Gaussian of known") == 2
    for bar in ("dvae: 100%", "classifier-limited: 100%", "classifier-dvae: 100%"):
        assert bar in process.stderr
    assert "oneDNN" not in process.stderr, "no chatter of TensorFlow's"


def test_run_folder(finished):
    folder, process = finished
    expected = {
        ".lock",
        "config.json",
        "environment.json",
        "stages.json",
        "metrics.csv",
        "history.csv",
        "summary.md",
        "generator.keras",
        "augmentation",
        "classifier-limited.keras",
        "classifier-dvae.keras",
        "classifier-fresh-noise.keras",
        "classifier-denoised.keras",
        "denoised",
        "saved_model",
        "checkpoints",
        "logs",
        "figures",
        "report.md",
        "report.html",
    }
    assert {path.name for path in folder.iterdir()} | {".lock"} == expected
    figures = {
        "samples",
        "corrupted",
        "reconstructions",
        "augmentation",
        "training_loss",
        "latent_grids",
        "learning_curves",
        "accuracy",
    }
    assert {path.stem for path in (folder / "figures").iterdir()} == figures
    config = json.loads((folder / "config.json").read_text())
    assert (config["dataset"], config["n_train"], config["threads"], config["corruption"]) == (
        "digits",
        60,
        2,
        "gaussian:0.1",
    )
    assert (config["objective"], config["likelihood"]) == ("recorrupted", "linear:0.223607")
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["packages"]["tensorflow"]
    assert (folder / "summary.md").read_text().strip() in process.stdout


def test_tensorboard_finds_the_codes_of_test_images_with_pictures_and_labels(finished):
    """As its plugin does: a configuration in a folder with events, naming files beside it."""
    from google.protobuf import text_format
    from PIL import Image
    from tensorboard.plugins import projector

    folder = finished[0] / "logs" / "generator" / "images"
    assert list(folder.glob("events.out.tfevents.*"))
    config = text_format.Parse(
        (folder / "projector_config.pbtxt").read_text(), projector.ProjectorConfig()
    )
    (embedding,) = config.embeddings
    codes = np.loadtxt(folder / embedding.tensor_path, delimiter="\t")
    labels = (folder / embedding.metadata_path).read_text().splitlines()
    assert codes.shape == (359, 4)
    assert len(labels) == 359
    assert set(labels) == set(map(str, range(10)))
    assert list(embedding.sprite.single_image_dim) == [28, 28]
    with Image.open(folder / embedding.sprite.image_path) as sprite:
        assert sprite.size == (19 * 28, 19 * 28)


def test_report_is_one_page_with_the_table_and_every_figure(finished):
    folder, process = finished
    report, page = ((folder / name).read_text() for name in ("report.md", "report.html"))
    assert process.stdout.rstrip().splitlines()[-3] in report
    for figure in (folder / "figures").iterdir():
        assert f"(figures/{figure.name})" in report
    assert page.count("data:image/png;base64,") >= len(list((folder / "figures").iterdir())) + 3
    assert 'id="explorer"' in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "| epochs | 1 | given |" in report


def test_rows_of_the_schema(finished):
    folder, _ = finished
    accuracies = [row for row in rows(folder) if row["metric"] == "accuracy"]
    assert len(accuracies) == 20
    sets = ("limited", "dvae", "fresh-noise", "denoised")
    assert {row["augmentation"] for row in accuracies} == set(sets)
    assert [row["test_corruption"] for row in accuracies[:5]] == [
        "none",
        "gaussian:0.025",
        "gaussian:0.05",
        "gaussian:0.075",
        "gaussian:0.1",
    ]
    fixed = {
        "dataset": "digits",
        "n_train": "60",
        "condition": "noisy",
        "model": "dvae",
        "network": "mlp",
        "corruption": "gaussian:0.1",
        "target": "recorrupted",
        "protocol": "equal_steps",
        "split": "test",
        "seed": "0",
    }
    assert fixed.items() <= accuracies[0].items()
    curves = rows(folder, "history.csv")
    assert {(row["augmentation"], row["metric"]) for row in curves} == {
        ("", "loss"),
        ("", "reconstruction_loss"),
        ("", "kl_loss"),
        *((a, m) for a in sets for m in ("loss", "accuracy")),
    }


def test_what_was_made_is_what_the_parts_make(finished):
    """The files of the run against the parts called by hand: data, synthetic images, accuracy."""
    from tfdvae import corruptions
    from tfdvae.data import pipelines, sources, splits
    from tfdvae.experiment import evaluation
    from tfdvae.inference.augmentation import Augmenter

    folder, _ = finished
    source = sources.load("digits")
    index = splits.stratified_subset(source.train.labels, 60, 0)
    observed = pipelines.freeze_noise(
        image_dataset.to_unit(source.train.images[index]),
        index,
        corruptions.parse("gaussian:0.1"),
        0,
        "observed",
    )
    assert np.array_equal(np.load(folder / "checkpoints" / "data" / "images.npy"), observed)
    assert np.array_equal(
        np.load(folder / "checkpoints" / "data" / "labels.npy"), source.train.labels[index]
    )
    made = Augmenter(keras.models.load_model(folder / "generator.keras")).generate(
        observed, source.train.labels[index], 2, 0
    )
    stored = {
        name: np.load(folder / "augmentation" / f"{name}.npy")
        for name in ("images", "labels", "source")
    }
    np.testing.assert_allclose(stored["images"], made.images, atol=1e-6)
    assert np.array_equal(stored["labels"], made.labels)
    assert np.array_equal(stored["source"], made.parent_index)
    classifier = keras.models.load_model(folder / "classifier-dvae.keras")
    noisy = evaluation.test_noise(
        image_dataset.to_unit(source.test.images), corruptions.parse(0.1), 0
    )
    accuracy = np.mean(classifier.predict(noisy, verbose=0).argmax(axis=1) == source.test.labels)
    stored = [
        row
        for row in rows(folder)
        if row["augmentation"] == "dvae"
        and row["test_corruption"] == "gaussian:0.1"
        and row["metric"] == "accuracy"
    ]
    assert float(stored[0]["value"]) == pytest.approx(accuracy, abs=0.003)


def test_tensorboard_logs(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    tags, settings = {}, {}
    for path in (finished[0] / "logs").rglob("events.out.*"):
        events = EventAccumulator(str(path), size_guidance={"tensors": 0})
        events.Reload()
        name = str(path.parent.relative_to(finished[0] / "logs"))
        tags.setdefault(name, set()).update(events.Tags()["tensors"])
        if name == "hparams":
            settings = metadata.parse_session_start_info_plugin_data(
                events.PluginTagToContent(name)["_hparams_/session_start_info"]
            ).hparams
    assert {"epoch_loss", "epoch_kl_loss", "epoch_reconstruction_loss"} <= tags["generator/train"]
    assert tags["generator/images"] == {"observed above reconstructed"}
    assert "epoch_accuracy" in tags["classifier-limited/train"]
    assert "accuracy/test/dvae/gaussian:0.1" in tags["hparams"]
    assert (settings["model"].string_value, settings["corruption"].string_value) == (
        "dvae",
        "gaussian:0.1",
    )
    assert settings["latent_dim"].number_value == 4


@pytest.mark.slow
def test_same_seed_same_bytes_other_seed_other_bytes(finished, tmp_path, tiny):
    """In another process than the first run."""
    tiny("--model", "dvae", "--noisy-train", "--output", tmp_path / "again")
    for name in ("metrics.csv", "history.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (finished[0] / name).read_bytes()
    tiny(
        "--model",
        "dvae",
        "--noisy-train",
        "--seed",
        "1",
        "--no-classifier",
        "--output",
        tmp_path / "other",
    )
    first, other = (
        [row["value"] for row in rows(folder) if row["metric"] == "loss"]
        for folder in (finished[0], tmp_path / "other")
    )
    assert len(first) == len(other) > 0
    assert not set(first) & set(other)


def test_another_run_in_the_same_folder_is_refused_and_a_finished_one_resumed(finished, command):
    folder, process = finished
    before = {
        path: path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.suffix in (".keras", ".csv", ".npy", ".json", ".png", ".pb")
    }
    again = command(*TINY, "--output", folder)
    assert again.returncode == 2
    assert (
        f"holds another run. Give a new folder, or go on with that run: --resume {folder}"
        in again.stderr
    )
    resumed = command("--resume", folder)
    assert resumed.returncode == 0
    assert resumed.stdout.count("done before") == 12
    assert resumed.stdout.rstrip().splitlines()[-8:] == process.stdout.rstrip().splitlines()[-8:]
    assert {path: path.stat().st_mtime_ns for path in before} == before
    for arguments, message in (
        (["--epochs", "7"], "its `epochs` is 1; got 7"),
        (["--epochs", "60"], "its `epochs` is 1; got 60"),
        (["--seed", "9"], "its `seed` is 0; got 9"),
    ):
        other = command("--resume", folder, *arguments)
        assert other.returncode == 2
        assert message in other.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        [
            "--model",
            "dae",
            "--corruption",
            "salt_and_pepper:0.2",
            "--objective",
            "corrupted",
            "--noisy-train",
            "--train-noise",
            "masking:0.3",
        ],
        [
            "--model",
            "dvae",
            "--no-classifier",
            "--latent-dim",
            "1",
            "--corruption-samples",
            "2",
            "--latent-samples",
            "2",
            "--corrupt-before-encoding",
        ],
        ["--model", "vae", "--network", "strided_conv", "--no-classifier"],
        ["--model", "dae", "--network", "pooled_conv", "--no-classifier"],
    ],
    ids=" ".join,
)
def test_other_settings_run(arguments, tmp_path, tiny):
    """More of them are in `test_faults`."""
    process = tiny(*arguments, "--output", tmp_path / "run")
    assert (tmp_path / "run" / "augmentation").exists()
    assert (tmp_path / "run" / "saved_model" / "saved_model.pb").exists()
    assert ("classifier-limited" in process.stdout) == ("--no-classifier" not in arguments)
    assert all(np.isfinite(float(row["value"])) for row in rows(tmp_path / "run"))


@pytest.mark.slow
def test_auto_without_data_says_so_and_names_digits_everywhere(tmp_path, no_network):
    process = run(
        "--n-train",
        "60",
        "--epochs",
        "1",
        "--classifier-steps",
        "2",
        "--output",
        tmp_path / "run",
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        TFDS_DATA_DIR=str(tmp_path / "tfds"),
    )
    assert process.returncode == 0, process.stderr
    assert "NOTE: fashion_mnist is not on this machine" in process.stdout
    assert "Going on with the embedded `digits` dataset instead of fashion_mnist" in process.stdout
    assert json.loads((tmp_path / "run" / "config.json").read_text())["dataset"] == "digits"
    assert {row["dataset"] for row in rows(tmp_path / "run")} == {"digits"}
    assert "test images of digits" in (tmp_path / "run" / "summary.md").read_text()
    summary = (tmp_path / "run" / "summary.md").read_text()
    assert r"Going on with the embedded \`digits\`" in summary
    resumed = run("--resume", tmp_path / "run")
    assert "NOTE: fashion_mnist is not on this machine" in resumed.stdout
    assert (tmp_path / "run" / "summary.md").read_text() == summary


@pytest.mark.slow
def test_fashion_mnist_from_a_data_folder(archives, fashion, tmp_path, tiny):
    tiny(
        "--dataset", "auto", "--data-dir", archives, "--no-classifier", "--output", tmp_path / "run"
    )
    assert {row["dataset"] for row in rows(tmp_path / "run")} == {"fashion_mnist"}


def test_stages_without_their_output_are_done_again(finished, tmp_path, command):
    shutil.copytree(finished[0], tmp_path / "run")
    (tmp_path / "run" / "metrics.csv").unlink()
    resumed = command("--resume", tmp_path / "run")
    assert resumed.stdout.count("done before") == 11
    assert (tmp_path / "run" / "metrics.csv").read_bytes() == (
        finished[0] / "metrics.csv"
    ).read_bytes()


def test_a_stage_that_is_done_again_and_killed_is_not_taken_for_damaged(finished, tmp_path):
    """The checksums of its old files are gone before it writes new ones."""

    class Kill(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            raise KeyboardInterrupt

    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    (folder / "generator.keras").unlink()
    shutil.rmtree(folder / "checkpoints" / "generator")
    with pytest.raises(KeyboardInterrupt):
        tfdvae.train(resume=folder, callbacks=[Kill()])
    stages = json.loads((folder / "stages.json").read_text())
    assert "generator" not in stages
    assert "data" in stages


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_classifier_has_the_precision_with_which_its_run_began(
    precision, finished, tmp_path, command
):
    """The machine may be another one. What is kept is float32, with other bits."""
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["classifier_precision"] == (
        "bfloat16" if processor.has_bfloat16() else "float32"
    )
    first = np.load(folder / "checkpoints" / "data" / "images.npy")[:5]
    before = keras.models.load_model(folder / "classifier-limited.keras")
    environment["classifier_precision"] = precision
    files.write_json(folder / "environment.json", environment)
    (folder / "classifier-limited.keras").unlink()
    shutil.rmtree(folder / "checkpoints" / "classifier-limited")
    assert command("--resume", folder).returncode == 0
    made = keras.models.load_model(folder / "classifier-limited.keras")
    assert {layer.compute_dtype for layer in made.layers} == {"float32"}
    assert made.optimizer.iterations == 2, "it can be trained on"
    same = precision == ("bfloat16" if processor.has_bfloat16() else "float32")
    outputs = [model.predict(first, verbose=0) for model in (before, made)]
    assert np.array_equal(*outputs) == same
    assert ("in bfloat16, seed 0" in (folder / "summary.md").read_text()) == (
        precision == "bfloat16"
    )


def test_threads_are_those_recorded_or_refused(tmp_path):
    """From Python, in a process where TensorFlow has begun with as many threads as there are
    cores.
    """
    tf.constant(1)
    with pytest.raises(
        ValueError, match=r"`threads` must be .* as TensorFlow already works in this process; got 7"
    ):
        tfdvae.train(TrainConfig.of(dataset="digits", threads=7, output=str(tmp_path / "run")))
    assert not (tmp_path / "run").exists()


def test_commit_of_a_source_tree_alone(tmp_path):
    tree = tmp_path / "with space"
    tree.mkdir()
    assert provenance.commit(tree) is None
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", "-C", tree, *command], check=True)
    assert len(provenance.commit(tree)) == 40
    (tree / "below").mkdir()
    assert provenance.commit(tree / "below") is None, (
        "the commit of a repository around an installed package says nothing"
    )


@pytest.mark.parametrize("model", ["ae", "dae", "vae", "dvae"])
def test_models_are_what_the_settings_say(model):
    built = build.build_generator(
        TrainConfig.of(
            model=model, seed=5, learning_rate=0.01, beta_warmup=3 if "v" in model else 0
        ),
        (28, 28, 1),
        7,
    )
    assert built.count_params() == (236_312 if "v" in model else 113_349)
    assert float(built.optimizer.learning_rate) == pytest.approx(0.01)
    assert built.seed == 5
    if "v" in model:
        assert built.beta_warmup_steps == 21


def write_images(folder, images, labels=None):
    """Write images as PNG files, in a folder for each class where labels are given."""
    for number, image in enumerate(images):
        path = folder / ("" if labels is None else f"class {labels[number]}") / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)[..., 0]).save(path)
    return folder


def train(folder, **settings):
    """A short run in this process."""
    short = {"epochs": 2, "batch_size": 20, "classifier_steps": 2, "output": str(folder)}
    if "noisy_dir" not in settings:
        short["test_noise"] = ("0",)
    return tfdvae.train(TrainConfig.of(**(short | settings)))


@pytest.mark.slow
def test_folder_with_classes(digits, tmp_path):
    """The images of a folder give what the same images in memory give; its path, resolved, is in
    the settings.
    """
    images, labels = digits[0][:100], digits[1][:100]
    folder = write_images(tmp_path / "my images", images, labels)
    run_folder = train(
        tmp_path / "run", dataset=str(folder / ".." / folder.name), network="mlp", noisy_train=True
    )
    config = json.loads((run_folder / "config.json").read_text())
    assert (config["dataset"], config["n_train"]) == (str(folder), 80)
    measured = rows(run_folder)
    assert {row["augmentation"] for row in measured if row["metric"] == "accuracy"} == {
        "limited",
        "dvae",
        "fresh-noise",
        "denoised",
    }
    assert (
        "my images, 80 noisy (gaussian:0.1) training images"
        in (run_folder / "summary.md").read_text()
    )
    observed = np.load(run_folder / "checkpoints" / "data" / "images.npy")
    assert observed.std() > images.std()

    write_images(folder, images[:1], labels[:1])
    resumed = TrainConfig.of(resume=str(run_folder))
    with pytest.raises(ValueError, match="is not what it was when the run began"):
        tfdvae.train(resumed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "sampling"),
    [("ae", "posterior"), ("dae", "posterior"), ("vae", "prior"), ("dvae", "posterior")],
)
def test_unlabelled_folder(model, sampling, digits, tmp_path):
    folder = write_images(tmp_path / "images", digits[0][:50])
    (folder / "broken.png").write_bytes(b"")
    settings = {
        "dataset": str(folder),
        "model": model,
        "network": "mlp",
        "no_classifier": True,
        "sampling": sampling,
        "skip_unreadable": True,
    }
    run_folder = train(tmp_path / "run", **settings, image_size=(16,), latent_dim=1, epochs=1)
    assert keras.models.load_model(run_folder / "generator.keras").image_shape == (16, 16, 1)
    assert json.loads((run_folder / "config.json").read_text())["image_size"] == [16, 16]
    assert all(np.isfinite(float(row["value"])) for row in rows(run_folder))
    summary = (run_folder / "summary.md").read_text()
    assert "1 image was skipped." in summary
    assert "broken.png" in summary


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dae", "dvae"])
def test_pairs(model, digits, tmp_path):
    """The rows against PSNR and SSIM computed image by image; nothing is injected and nothing
    synthetic is made.
    """
    clean = digits[0][:100]
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 0.2, clean.shape), 0, 1)
    folders = [
        write_images(tmp_path / name, images)
        for name, images in (("clean", clean), ("noisy", noisy))
    ]
    run_folder = train(
        tmp_path / "run",
        dataset=str(folders[0]),
        noisy_dir=str(folders[1]),
        model=model,
        network="mlp",
        no_classifier=True,
        epochs=40,
    )
    assert not (run_folder / "augmentation").exists()
    assert str(keras.models.load_model(run_folder / "generator.keras").corruption) == "none"
    values = {(row["split"], row["metric"]): float(row["value"]) for row in rows(run_folder)}
    assert {row["test_corruption"] for row in rows(run_folder)} == {"", "observed"}

    source = sources.load(str(folders[0]), noisy_dir=str(folders[1]), labelled=False)
    aims, inputs = (
        image_dataset.to_unit(images) for images in (source.test.images, source.test.noisy)
    )
    assert len(aims) == 20
    denoised = keras.models.load_model(run_folder / "generator.keras").denoise(inputs)
    for name, images in (("psnr_input", inputs), ("psnr", denoised)):
        expected = np.mean(-10 * np.log10(np.square(images - aims).mean(axis=(1, 2, 3))))
        assert values["test", name] == pytest.approx(expected, rel=1e-5)
    for name, images in (("ssim_input", inputs), ("ssim", denoised)):
        assert values["test", name] == pytest.approx(
            np.mean(tf.image.ssim(images, aims, 1.0)), rel=1e-5
        )
    index = np.load(run_folder / "checkpoints" / "data" / "index.npy")
    assert np.array_equal(
        np.load(run_folder / "checkpoints" / "data" / "images.npy"),
        image_dataset.to_unit(source.train.noisy[index]),
    )
    assert np.array_equal(
        np.load(run_folder / "checkpoints" / "data" / "clean.npy"),
        image_dataset.to_unit(source.train.images[index]),
    )
    history = [
        float(row["value"]) for row in rows(run_folder, "history.csv") if row["metric"] == "loss"
    ]
    assert history[-1] < history[0]


def test_pairs_of_two_noisy_images(digits, tmp_path, caplog):
    """Nothing calls the second images clean, and no PSNR is measured against them."""
    random = np.random.default_rng(0)
    clean = 0.4 + 0.2 * digits[0][:60]
    folders = [
        write_images(tmp_path / name, np.clip(clean + random.normal(0, 0.1, clean.shape), 0, 1))
        for name in ("first", "second")
    ]
    settings = {"dataset": str(folders[1]), "noisy_dir": str(folders[0]), "model": "dae"}
    run_folder = train(
        tmp_path / "run", **settings, network="mlp", no_classifier=True, epochs=1, n_train=40
    )
    metrics = {row["metric"]: float(row["value"]) for row in rows(run_folder)}
    assert metrics["psnr_input_estimated"] == pytest.approx(20, abs=0.4)
    assert not {"psnr", "psnr_input", "ssim", "ssim_input"} & set(metrics)
    assert "images of `dataset` are noisy too: a standard deviation of 2" in caplog.text
    report = (run_folder / "report.md").read_text()
    assert "40 pairs of noisy training images" in report
    assert "second noisy images" in report
    assert "noisy and clean" not in report
    assert "against clean" not in report


@pytest.mark.slow
def test_two_noisy_images_of_each_scene_teach_the_clean_one(digits, tmp_path):
    """Noise2Noise: no clean image is seen, and the output is closer to it than either."""
    random = np.random.default_rng(0)
    clean = 0.4 + 0.2 * digits[0][:600]
    first, second = (
        write_images(tmp_path / name, clean + random.normal(0, 0.1, clean.shape))
        for name in ("first", "second")
    )
    settings = {"dataset": str(second), "noisy_dir": str(first), "model": "dae", "network": "unet"}
    run_folder = train(tmp_path / "run", **settings, no_classifier=True, epochs=12, n_train=480)
    noisy = clean + random.normal(0, 0.1, clean.shape)
    made = tfdvae.load(run_folder).denoise(noisy.astype(np.float32))
    assert np.mean((made - clean) ** 2) < 0.5 * np.mean((noisy - clean) ** 2)


def built(**settings):
    return build.build_generator(TrainConfig.of(network="mlp", **settings), (28, 28, 1))


def test_start_from_copies_the_weights(tmp_path):
    trained, new = built(model="vae", seed=1), built(model="dvae", seed=2)
    trained.save(tmp_path / "generator.keras")
    initial_weights.start_from(new, folders.model_file(str(tmp_path)))
    for network in ("encoder", "decoder"):
        for ours, theirs in zip(
            getattr(new, network).get_weights(),
            getattr(trained, network).get_weights(),
            strict=True,
        ):
            assert np.array_equal(ours, theirs)
    assert int(new.optimizer.iterations) == 0


def test_a_network_for_images_of_any_size_starts_from_one_for_others(tmp_path):
    config = TrainConfig.of(model="dae", network="unet", objective="masked")
    trained = build.build_generator(config, (8, 6, 1))
    trained.encoder.get_layer("last").kernel.assign_add(tf.ones((3, 3, 24, 1)))
    trained.save(tmp_path / "trained.keras")
    new = build.build_generator(config.replace(seed=2), (28, 20, 1))
    initial_weights.start_from(new, tmp_path / "trained.keras")
    for ours, theirs in zip(new.get_weights(), trained.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)
    other = build.build_generator(config, (8, 6, 3))
    with pytest.raises(
        ValueError,
        match=r"it is a DAE for images 8x6x1 without a code, \d+\+2 layers and .* parameters; the "
        "new model is a DAE for images 8x6x3 without a code",
    ):
        initial_weights.start_from(other, tmp_path / "trained.keras")


def test_models_to_start_from_that_are_refused(tmp_path):
    """Before anything is written, with what the file holds and what the settings ask for."""
    built(model="vae", latent_dim=2).save(tmp_path / "vae.keras")
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "other.keras")
    (tmp_path / "broken.keras").write_bytes(b"x")
    for name, settings, message in (
        (
            "vae.keras",
            {"latent_dim": 3},
            "a VAE for images 28x28x1 with a code of 2, .*; the new model is a DVAE for images "
            "28x28x1 with a code of 3",
        ),
        ("vae.keras", {"latent_dim": 2, "network": "strided_conv"}, "does not fit"),
        (
            "vae.keras",
            {"latent_dim": 2, "model": "dae", "network": "mlp"},
            "the new model is a DAE",
        ),
        ("", {}, "must be a run folder with a generator.keras, or a .keras file"),
        ("none.keras", {}, "must be a run folder"),
        ("broken.keras", {}, "no model that can be loaded"),
        ("other.keras", {}, "must be a DAE, VAE or DVAE; got Sequential"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            train(
                tmp_path / "run",
                dataset="digits",
                no_classifier=True,
                init_from=str(tmp_path / name),
                **settings,
            )
        assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_init_from(tmp_path):
    """A learning rate of next to nothing leaves the weights that it started from, also where the
    file has gone before a resume.
    """
    settings = {"dataset": "digits", "n_train": 60, "no_classifier": True, "network": "mlp"}
    first = train(tmp_path / "first", **settings, model="vae")
    weights = keras.models.load_model(first / "generator.keras").get_weights()
    second = train(
        tmp_path / "second", **settings, init_from=str(first), learning_rate=1e-12, epochs=1
    )
    assert json.loads((second / "config.json").read_text())["init_from"] == str(first)
    assert json.loads((second / "environment.json").read_text())["init_from"] == files.sha256(
        first / "generator.keras"
    )
    shutil.rmtree(first)
    (second / "generator.keras").unlink()
    shutil.rmtree(second / "checkpoints" / "generator")
    tfdvae.train(TrainConfig.of(resume=str(second)))
    for before, after in zip(
        weights, keras.models.load_model(second / "generator.keras").get_weights(), strict=True
    ):
        np.testing.assert_allclose(after, before, atol=1e-8)


def test_a_size_that_the_network_cannot_take(digits, tmp_path):
    folder = write_images(tmp_path / "images", digits[0][:20])
    with pytest.raises(
        ValueError,
        match=r"residual_conv must have images whose height and width are multiples of 2; got 27",
    ):
        train(
            tmp_path / "run", dataset=str(folder), model="dae", no_classifier=True, image_size=(27,)
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"init_from": "nowhere.keras"}, "`init_from` nowhere.keras must be a run folder"),
        ({"model": "dae", "image_size": (27,)}, "multiples of 2; got 27"),
        (
            {"image_size": (8192,)},
            r"network mlp has 17,\d+,\d+,\d+ parameters for images of 8192x8192, "
            "and training takes .* GiB at least",
        ),
        (
            {
                "image_size": (4096,),
                "model": "dae",
                "network": "residual_conv",
                "no_classifier": False,
                "classifier": "cnn",
            },
            "network of the classifier has",
        ),
        (
            {
                "image_size": (4096,),
                "model": "dae",
                "network": "residual_conv",
                "no_classifier": False,
                "n_train": 16,
            },
            "network of the classifier has 307,810 parameters for images of 4096x4096, and training"
            " takes 11 GiB at least; this machine has 8. Smaller images, or another `classifier`",
        ),
        (
            {
                "image_size": (4096,),
                "model": "dae",
                "network": "residual_conv",
                "no_classifier": False,
            },
            "network of the classifier .* takes 11 GiB",
        ),
        ({"n_train": 100}, "`n_train` must not exceed the 16 training images"),
    ],
)
def test_what_is_seen_before_images_are_read(settings, message, digits, tmp_path, monkeypatch):
    folder = write_images(tmp_path / "images", digits[0][:20], np.arange(20) % 2)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with (
        limits.use(memory_bytes=2**33),
        pytest.raises((ValueError, FileNotFoundError), match=message),
    ):
        train(tmp_path / "run", **{"dataset": str(folder), "no_classifier": True} | settings)
    assert not (tmp_path / "run").exists()
    assert not list((tmp_path / "cache").rglob("*.npy")), "decoded images would be there"


@pytest.mark.parametrize(
    ("network", "variational"),
    [
        (network.name, variational)
        for network in registry.NETWORKS
        for variational in ((False, True) if network.encodes else (False,))
    ],
)
def test_parameters_are_counted_without_being_made(network, variational):
    make = partial(networks.build, network, (28, 28, 1), 4, variational=variational)
    assert preflight.count_parameters(make) == sum(part.count_params() for part in make())


def test_a_model_that_returns_its_input_is_told_of(tmp_path, capsys):
    command = ["train", *TINY, "--no-classifier", "--model", "ae", "--output"]
    assert main.main([*command, str(tmp_path / "unet"), "--network", "unet"]) == 0
    said = "NOTE: this model is to return what it is given, and unet has no code"
    assert said in capsys.readouterr().out
    assert main.main([*command, str(tmp_path / "mlp"), "--network", "mlp"]) == 0
    assert "return what it is given" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "error", [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")]
)
def test_memory_that_runs_out(error, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise error

    monkeypatch.setattr(build, "build_generator", fail)
    assert main.main(["train", *TINY[:-2], "--output", str(tmp_path / "run")]) == 2
    message = capsys.readouterr().err
    assert (
        "memory ran out with images of 28x28, network mlp and `batch_size` 128; smaller ones need "
        "less." in message
    )


def test_trained_classifiers_are_freed_before_all_are_loaded(tmp_path, monkeypatch):
    """Python collects them now and then: here not at all, unless the run does so itself."""
    trained, alive, measured = [], [], []
    make, measure = Run.new_classifier, evaluation.rows_with_noise

    def watched(self, *arguments):
        model = make(self, *arguments)
        trained.append(weakref.ref(model))
        return model

    def measuring(*arguments):
        measured.append(arguments)
        alive.extend(model for model in trained if model() is not None)
        return measure(*arguments)

    monkeypatch.setattr(Run, "new_classifier", watched)
    monkeypatch.setattr(evaluation, "rows_with_noise", measuring)
    gc.disable()
    try:
        train(
            tmp_path / "run", dataset="digits", n_train=60, network="mlp", sets=("limited", "dvae")
        )
    finally:
        gc.enable()
    assert len(trained) >= 2
    assert measured
    assert not alive


@pytest.mark.slow
@pytest.mark.parametrize(("pairs", "few", "size"), [(False, 8000, 32), (True, 2000, 64)])
def test_memory_does_not_grow_with_the_images(pairs, few, size, tmp_path):
    """32 and 128 MiB of images as floats, and where there are no pairs twice that in synthetic
    images: one copy of all would be 96 MiB more.
    """
    peaks = {}
    for count in (few, 4 * few):
        images = np.random.default_rng(0).integers(0, 256, (count, size, size), np.uint8)
        if pairs:
            for name in ("clean", "noisy"):
                write_images(tmp_path / f"{name} {count}", images[..., None] / 255)
            arguments = [
                "--dataset",
                tmp_path / f"clean {count}",
                "--noisy-dir",
                tmp_path / f"noisy {count}",
                "--no-classifier",
                "--n-train",
                count * 4 // 5,
            ]
        else:
            np.savez(
                tmp_path / f"{count}.npz",
                x_train=images,
                y_train=np.arange(count) % 2,
                x_test=images[: count // 16],
                y_test=np.arange(count // 16) % 2,
            )
            arguments = [
                "--dataset",
                tmp_path / f"{count}.npz",
                "--noisy-train",
                "--n-train",
                count,
                "--classifier-steps",
                "2",
                *("--sets", "limited", "dvae", "denoised-tv"),  # a model takes minutes for them
                "--test-noise",
                "0.1",
            ]
        peaks[count] = peak_memory(
            "train",
            *arguments,
            "--epochs",
            "1",
            "--threads",
            "2",
            "--output",
            tmp_path / f"run {count}",
        )
    assert peaks[4 * few] - peaks[few] < 48, peaks
