"""Names of files and folders as users have them."""

import shlex
import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfdvae
from tests.helpers.cases import Case, table
from tests.helpers.light import light_main
from tests.helpers.processes import complaint
from tfdvae.config import TrainConfig
from tfdvae.data import sources
from tfdvae.inference import shipped

LONG = "n" * 256
LONGEST = "n" * 255
ARGUMENTS = (  # a command with a place for the text, and the argument that is at fault
    ("train --dataset {}", "dataset"),
    ("train --data-dir {}", "data_dir"),
    ("train --noisy-dir {}", "noisy_dir"),
    ("train --output {}", "output"),
    ("train --resume {}", "resume"),
    ("train --init-from {}", "init_from"),
    ("train --config {}", "config"),
    ("denoise {} in out", "model"),
    ("denoise clothing-denoiser {} out", "input"),
    ("denoise clothing-denoiser in {}", "output"),
    ("impute clothing-dvae in out --mask {}", "mask"),
    ("detect clothing-dvae in out.csv --normal {}", "normal"),
    ("encode clothing-dvae in {}", "output"),
    ("augment clothing-dvae {} out", "input"),
    ("sample clothing-dvae {}", "output"),
    ("export clothing-dvae --output {}", "output"),
    ("inspect {}", "path"),
    ("classify --dataset {} --output out", "dataset"),
    ("classify --dataset digits --output {}", "output"),
    ("classify --dataset digits --output out --groups {}", "groups"),
    ("predict {} in out.csv", "model"),
    ("study noise --dataset {}", "dataset"),
    ("study noise --output {}", "output"),
    ("study noise --config {}", "config"),
    ("study augmentation --groups {}", "groups"),
    ("study uses --data-dir {}", "data_dir"),
)


def _each(text, wanted):
    """Give a text as each argument; it is refused by name, and nothing is written."""

    def check(folder, command):
        for line, argument in ARGUMENTS:
            done = command(*shlex.split(line.format(shlex.quote(text))))
            assert f"`{argument}` must {wanted}" in complaint(done), line
        assert list(folder.iterdir()) == []

    return check


def _before_tensorflow(folder, command):
    for line, argument in ARGUMENTS[:1] + ARGUMENTS[9:10]:
        done = light_main(*shlex.split(line.format("''")), cwd=folder)
        assert f"`{argument}` must not be empty" in complaint(done)


def _environment(folder, command):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDVAE_DATA_DIR", " ")
        done = command("train", "--dataset", "digits", "--output", "run")
    assert done.returncode == 2
    assert "`TFDVAE_DATA_DIR` must not be empty; got '" in done.stderr


def _unset(folder, command):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFDVAE_DATA_DIR", "")
        assert sources.Request("digits").archives is None
        assert len(sources.load("digits").class_names) == 10
        done = command("train", "--dataset", "digits", "--data-dir", "", "--output", "run")
    assert "`data_dir` must not be empty" in complaint(done)


def _longer_than_paths(folder, command):
    """A blind denoiser is trained on many corruptions; a run with them is resumed."""
    many = ",".join(f"gaussian:{level / 1000:g}" for level in range(50, 80))
    assert len(many) > 255
    config = TrainConfig.of(corruption=many, test_noise=("0.1", many))
    assert TrainConfig.from_dict(config.to_dict()) == config
    for text, wanted in (("", "not be empty"), ("gaussian:0.1\0", "hold no null character")):
        for setting in ("corruption", "train_noise", "likelihood", "test_noise"):
            with pytest.raises(ValueError, match=f"`{setting}` must {wanted}"):
                TrainConfig.of(**{setting: (text,) if setting == "test_noise" else text})
    done = command("train", "--dataset", "gone.npz", "--corruption", many)
    assert "gone.npz" in complaint(done)


def _python(folder, command):
    model = tfdvae.load("clothing-dvae")
    for argument, call in (
        ("model", lambda text: tfdvae.load(text)),
        ("dataset", lambda text: tfdvae.train(dataset=text)),
        ("output", lambda text: tfdvae.train(dataset="digits", output=text)),
        ("dataset", lambda text: tfdvae.study("noise", dataset=text)),
        ("path", lambda text: tfdvae.export(model, text)),
        ("dataset", lambda text: sources.load(text)),
    ):
        for text in ("", "  ", "a\0b", LONG):
            with pytest.raises(ValueError, match=f"`{argument}` must"):
                call(text)


@table(
    Case("'' for each path", "refused by name", _each("", "not be empty; got ''.")),
    Case("'' for a path", "refused before TensorFlow is imported", _before_tensorflow),
    Case("a blank for each path", "refused by name", _each(" ", "not be empty; got ' '.")),
    Case("a name of 256 bytes", "refused by name", _each(LONG, "be a path with names of at most")),
    Case("TFDVAE_DATA_DIR blank", "refused by name", _environment),
    Case("TFDVAE_DATA_DIR empty", "as if it were not set", _unset),
    Case("--corruption of 400 bytes", "taken: it is no path", _longer_than_paths),
    Case("Python: '', ' ', a null character, 256 bytes", "refused by name", _python),
)
def test_arguments(case, tmp_path, command):
    case.check(tmp_path, command)


def _images(folder, *names):
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(0, 255, (28, 28), dtype=np.uint8)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name)


def _names(folder):
    return sorted(path.name for path in folder.rglob("*.png"))


def _one_long_name_to_augment(folder, command):
    long = "n" * 246 + ".png"
    _images(folder / "in", "a/1.png", f"a/{long}", "a/z.png")
    done = command("augment", "clothing-dvae", "in", "out", "--include-originals")
    assert done.returncode == 1
    assert f"the image a/{long} cannot be processed: the name of its output" in done.stderr
    assert "would have 261 bytes; at most 255 are possible." in done.stderr
    assert "6 images in out" in done.stdout
    expected = [f"{stem}{end}.png" for stem in "1z" for end in ("", "-synthetic1", "-synthetic2")]
    assert _names(folder / "out") == sorted(expected)
    _images(folder / "same", "a/1.png", "a/m.png", "a/z.png")  # the others are as they would be
    (folder / "in/a" / long).replace(folder / "same/a/m.png")
    assert command("augment", "clothing-dvae", "same", "beside").returncode == 0
    for name in expected:
        if "synthetic" in name:
            assert (folder / "out/a" / name).read_bytes() == (
                folder / "beside/a" / name
            ).read_bytes()


def _long_names_alone_to_augment(folder, command):
    _images(folder / "in", f"a/{'n' * 251}.png")
    done = command("augment", "clothing-dvae", "in", "out")
    assert "holds no image that can be used: the name of its output" in complaint(done)
    assert not (folder / "out").exists()


def _longest_names(folder, command):
    name = "n" * 251 + ".png"
    _images(folder / "in", f"{LONGEST}/{name}")
    assert command("denoise", "clothing-denoiser", "in", LONGEST).returncode == 0
    assert _names(folder / LONGEST) == [name]
    for verb, output in (("encode", "e" * 251 + ".npz"), ("detect", "d" * 251 + ".csv")):
        assert command(verb, "clothing-dvae", "in", output).returncode == 0
        assert (folder / output).is_file()
    assert command("sample", "clothing-dvae", "s" * 251 + ".npy").returncode == 0
    assert not list(folder.glob(".tmp-*"))


def _deep_output(folder, command):
    deep = "/".join(["d" * 200] * 20)
    _images(folder / "in", "1.png")
    Image.open(folder / "in/1.png").save(folder / "2.png")
    (folder / "in" / deep).mkdir(parents=True)
    Path("2.png").replace(Path("in", deep, "2.png"))
    done = command("denoise", "clothing-denoiser", "in", "out" * 30)
    assert done.returncode == 1
    assert "2.png cannot be processed: the path of its output would have 4," in done.stderr
    assert _names(folder / ("out" * 30)) == ["1.png"]


def _export_of_a_long_name(folder, command):
    with resources.as_file(shipped.file("clothing-dvae")) as file:
        shutil.copyfile(file, folder / ("m" * 249 + ".keras"))
    done = command("export", "m" * 249 + ".keras")
    assert "`output` must be a path with names of at most 255 bytes" in complaint(done)
    assert command("export", "m" * 249 + ".keras", "--output", LONGEST).returncode == 0
    assert (folder / LONGEST / "saved_model.pb").is_file()
    assert not list(folder.glob(".tmp-*"))


def _dataset_of_a_long_name(folder, command):
    names = [f"{letter * 255}/{number}.png" for letter in "ab" for number in range(5)]
    _images(folder / LONGEST, *names)
    dataset = sources.load(f"./{LONGEST}")
    assert dataset.class_names == ("a" * 255, "b" * 255)
    assert sources.load(f"./{LONGEST}").fingerprint == dataset.fingerprint
    np.savez(folder / ("z" * 251 + ".npz"), x_train=np.zeros((9, 4, 4), np.uint8))
    loaded = sources.load(f"./{'z' * 251}.npz", labelled=False)
    assert len(loaded.train.images) + len(loaded.test.images) == 9


@table(
    Case("`augment`, one of 250 bytes", "named, the others done", _one_long_name_to_augment),
    Case("`augment`, all too long", "refused before any work", _long_names_alone_to_augment),
    Case("255 bytes for images, folders and outputs", "done", _longest_names),
    Case("`denoise` to a path of 4,100 bytes", "named, the others done", _deep_output),
    Case("`export` of a model of 249 bytes", "--output is asked for", _export_of_a_long_name),
    Case("a dataset and classes of 255 bytes", "loaded", _dataset_of_a_long_name),
)
def test_long_names(case, tmp_path, command):
    case.check(tmp_path, command)


@pytest.mark.slow
def test_a_run_of_longest_names(tmp_path, command):
    names = [f"{letter * 255}/{number}.png" for letter in "ab" for number in range(5)]
    _images(tmp_path / LONGEST, *names)
    settings = ("--epochs", "1", "--classifier-steps", "2", "--output", "o" * 255)
    done = command("train", "--dataset", f"./{LONGEST}", *settings)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ("o" * 255) / "report.html").is_file()
