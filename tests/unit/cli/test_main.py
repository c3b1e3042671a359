"""The command line as a user meets it, mostly in a subprocess."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.light import light_main
from tests.helpers.processes import ROOT, TINY, complaint
from tfdvae._utils import files
from tfdvae.cli import commands
from tfdvae.cli import main as cli
from tfdvae.cli.commands import HOMES, SUMMARIES
from tfdvae.cli.commands import study as study_command
from tfdvae.cli.commands import train as train_command
from tfdvae.cli.registry import COMMANDS
from tfdvae.config import RECIPES, TrainConfig
from tfdvae.corruptions import KINDS
from tfdvae.registry import NETWORKS
from tfdvae.studies.registry import STUDIES


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["--version"], ["corruptions"]]
)
def test_answers_without_tensorflow(arguments):
    process = light_main(*arguments)
    assert process.returncode == 0
    assert process.stdout
    assert not process.stderr


@pytest.mark.parametrize("arguments", [["--version"], ["train", "--version"]])
def test_version(arguments):
    import tfdvae

    assert light_main(*arguments).stdout == f"tfdvae {tfdvae.__version__}\n"


def test_the_list_of_commands_holds_what_their_modules_register():
    """Each module of `cli/commands`, and the summary that each command has by itself."""
    assert {name: COMMANDS.get(name).summary for name in SUMMARIES} == SUMMARIES
    assert list(SUMMARIES) == [command.name for command in COMMANDS]
    modules = {path.stem for path in Path(commands.__file__).parent.glob("[!_]*.py")}
    assert {home.rpartition(".")[2] for home in HOMES.values()} == modules


def test_corruptions_lists_all_with_their_unit():
    shown = light_main("corruptions").stdout
    for name, kind in ((kind.kind, kind) for kind in KINDS):
        assert name in shown
        assert kind.unit in shown
        assert kind.reference in shown


def test_output_that_nobody_reads_is_no_error():
    command = [sys.executable, "-m", "tfdvae", "recipes"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_help_shows_every_flag_with_its_default():
    shown = re.sub(r"[\s│]+", " ", light_main("train", "--help").stdout)
    for flag, default in (
        ("--model", "dvae"),
        ("--epochs", "60"),
        ("--classifier-steps", "1200"),
        ("--train-noise", "gaussian:0.1"),
    ):
        assert re.search(rf"{flag} .*?\(default: {default}\)", shown)


@pytest.mark.parametrize("name", STUDIES.names())
def test_help_of_a_study_shows_flags_alone(name, capsys):
    with pytest.raises(SystemExit):
        study_command.parse([name, "--help"])
    flags = re.findall(r"(?m)^\W*(--[\w-]+)", capsys.readouterr().out)
    assert "--seeds" in flags
    assert not [flag for flag in flags if flag != flag.lower()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "dvea"], "Did you mean 'dvae'"),
        (["--dataset", "fashion_mnits"], "Did you mean 'fashion_mnist'"),
        (["--dataset", "nowhere:mnist"], "`dataset`"),
        (["--corruption", "gausian:0.1"], "Did you mean 'gaussian'"),
        (["--corruption", "gaussian:abc"], "got 'gaussian:abc'"),
        (["--network", "mpl"], "Did you mean 'mlp'"),
        (["--protocol", "equal"], "`protocol` must be one of"),
        (["--moedl", "dvae"], "--model"),
        (["--n-train", "0"], "`n_train`"),
        (["--n-train", "ten"], "--n-train"),
        (["--noisy-train", "--train-noise", "-0.1"], "got -0.1"),
        (["--corruption", "-0.1"], "got -0.1"),
        (["--train-noise", "0.2"], "is for `noisy_train`"),
        (["--model", "vae", "--objective", "corrupted"], "`objective` is for models dae and dvae"),
        (["--model", "vae", "--network", "unet"], "`network` unet is for ae and dae"),
        (
            ["--model", "dae", "--network", "unet", "--likelihood", "bernoulli"],
            "`likelihood` must be linear:SIGMA with `network` unet",
        ),
        (["--model", "dae", "--objective", "recorrupted"], "`corruption` must be given"),
        (["--model", "dae", "--objective", "masked", "--corruption", "0.1"], "got gaussian:0.1"),
        (["--train-noise", "gaussian:-0.1"], "got -0.1"),
        (["--test-noise", "0", "1.5"], "between 0 and 1; got 1.5"),
        (["--latent-dim", "0"], "`latent_dim`"),
        (["--learning-rate", "nan"], "`learning_rate`"),
        (["--epochs", "1.5"], "--epochs"),
        (["--data-dir", "/nowhere/at/all"], "/nowhere/at/all is not a folder"),
        (
            ["--dataset", "./nowhere"],
            "must be a folder of images or an .npz file; there is nothing of that name",
        ),
        (["--dataset", "nowhere/at/all"], "there is nothing of that name"),
        (["--dataset", "nowhere.npz"], "there is nothing of that name"),
        (["--dataset", "./README.md"], "must be a folder of images or an .npz file; it is neither"),
        (["--dataset", "/dev/null"], "it is neither"),
        (
            ["--dataset", "digits", "--image-size", "32"],
            "`image_size` is for a `dataset` that is a folder",
        ),
        (
            ["--dataset", "digits", "--skip-unreadable"],
            "`skip_unreadable` is for a `dataset` that is a folder",
        ),
        (["--image-size", "0"], "`image_size` must be a finite number between 1 and 8192; got 0"),
        (["--image-size", "1", "2", "3"], "`image_size` must be one or two"),
        (["--image-size", "big"], "--image-size"),
        (
            ["--dataset", "./tests", "--noisy-dir", "tests", "--model", "vae", "--no-classifier"],
            "`noisy_dir` is for models dae and dvae",
        ),
        (["--dataset", "./tests", "--noisy-dir", "tests"], "`no_classifier`"),
        (
            ["--dataset", "./tests", "--noisy-dir", "tests", "--no-classifier", "--noisy-train"],
            "cannot be given with `noisy_dir`",
        ),
        (
            [
                "--dataset",
                "./tests",
                "--noisy-dir",
                "tests",
                "--no-classifier",
                "--corruption",
                "gaussian:0.2",
            ],
            "cannot be given with `noisy_dir`",
        ),
        (
            [
                "--dataset",
                "./tests",
                "--noisy-dir",
                "tests",
                "--no-classifier",
                "--samples-per-image",
                "3",
            ],
            "`samples_per_image` cannot be given with `noisy_dir`",
        ),
        (
            [
                "--dataset",
                "./tests",
                "--noisy-dir",
                "/nowhere/at/all",
                "--model",
                "dae",
                "--no-classifier",
            ],
            "`noisy_dir` /nowhere/at/all is not a folder",
        ),
        (
            ["--dataset", "digits", "--noisy-dir", "tests", "--model", "dae", "--no-classifier"],
            "`noisy_dir` is for a `dataset` that is a folder",
        ),
        (["--resume", "/nowhere/at/all"], "is not a run folder"),
        (["--resume", "tests"], "is not a run folder"),
        (["--model", "ae", "--corruption", "0.1"], "`dae`"),
    ],
)
def test_bad_arguments_are_refused_without_tensorflow(arguments, message):
    assert message in complaint(light_main("train", *arguments))


@pytest.fixture
def train(tmp_path, monkeypatch, capfd):
    """Run `tfdvae train` in this process, with a folder and a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        status = cli.main(["train", *arguments])
        return subprocess.CompletedProcess(arguments, status, *capfd.readouterr())

    return command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--dataset", "digits", "--n-train", "1439"],
            "1,438 training images of digits; got 1,439",
        ),
        (["--data-dir", "EMPTY"], "lacks t10k-images-idx3-ubyte.gz"),
        ([*TINY, "--output", "/proc/none"], "cannot be written"),
        ([*TINY, "--output", "FILE"], "is a file"),
        ([*TINY, "--output", "FULL"], "is not empty"),
        ([*TINY, "--output", "FILE/below"], "cannot be written"),
        (["--dataset", "EMPTY", "--output", "run"], "EMPTY holds no images"),
        (["--dataset", "FULL", "--output", "run"], "FULL holds no images"),
        (["--dataset", "broken.npz", "--output", "run"], "is no .npz file"),
        ([*TINY, "--learning-rate", "1e30", "--epochs", "5"], "KL warm-up, may help."),
    ],
)
def test_bad_surroundings(arguments, message, tmp_path, no_network, train):
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "FULL").mkdir()
    (tmp_path / "FULL" / "thesis.tex").touch()
    (tmp_path / "FILE").touch()
    (tmp_path / "broken.npz").write_text("no archive")
    assert message in complaint(train(*arguments))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("images", [], "without class folders, so no labels"),
        ("images", ["--no-classifier"], "broken.png cannot be read"),
        ("sizes", ["--no-classifier"], "holds images of different sizes"),
        ("pickled.npz", [], "holds pickled Python objects"),
        ("labels.npz", [], "must hold whole numbers"),
        ("nan.npz", [], "image 0 has NaN"),
        ("odd.npz", ["--model", "dae"], "multiples of 2; got 5"),
    ],
)
def test_bad_images(name, arguments, message, tmp_path, train):
    """A line on standard error, status 2, and neither a run folder nor a part of one."""
    for folder, sizes in (("images", (6, 6, 6)), ("sizes", (6, 6, 8))):
        (tmp_path / folder).mkdir()
        for number, size in enumerate(sizes):
            Image.new("L", (size, size)).save(tmp_path / folder / f"{number}.png")
    (tmp_path / "images" / "broken.png").write_bytes(b"x")
    images, labels = np.zeros((20, 5, 5), np.uint8), np.arange(20) % 2
    np.savez(tmp_path / "odd.npz", x_train=images, y_train=labels)
    np.savez(tmp_path / "pickled.npz", x_train=images.astype(object), y_train=labels)
    np.savez(tmp_path / "labels.npz", x_train=images, y_train=labels / 2)
    np.savez(tmp_path / "nan.npz", x_train=np.full((20, 5, 5), np.nan), y_train=labels)
    assert message in complaint(train("--dataset", f"./{name}", *arguments, "--output", "run"))
    assert not (tmp_path / "run").exists()
    assert not list((tmp_path / "cache").rglob(".tmp-*"))


def test_truncated_archive_is_named(archives, tmp_path, train):
    for path in archives.glob("*.gz"):
        (tmp_path / path.name).write_bytes(path.read_bytes()[:20000])
    for name in ("auto", "fashion_mnist"):
        assert "t10k-images-idx3-ubyte.gz is corrupted or truncated" in complaint(
            train("--dataset", name, "--data-dir", str(tmp_path))
        )


def test_a_run_is_resumed_with_the_command_that_began_it(tmp_path, monkeypatch):
    """A path below the working folder is the one that the run keeps; another one is refused."""
    (tmp_path / "mine").mkdir()
    files.write_json(
        tmp_path / "run" / "config.json",
        TrainConfig.of(dataset=str(tmp_path / "mine"), n_train=10).to_dict(),
    )
    monkeypatch.chdir(tmp_path)
    resumed = train_command.parse(["--resume", "run", "--dataset", "./mine", "--n-train", "10"])[0]
    assert resumed.data.dataset == str(tmp_path / "mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert train_command.parse(["--resume=~/run"])[0].data == resumed.data
    with pytest.raises(ValueError, match="its `dataset` is"):
        train_command.parse(["--resume", "run", "--dataset", "./other"])


@pytest.fixture
def surroundings(tmp_path):
    """A folder with an image, outputs that exist, and a settings file with a misspelt name."""
    (tmp_path / "in").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "in" / "a.png")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    for name in ("codes.npz", "scores.csv", "image.png", "model.onnx"):
        (tmp_path / name).touch()
    (tmp_path / "settings.yaml").write_text("epoch: 3\n")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("trian", "Did you mean 'train'"),
        ("denois clothing-denoiser in out", "Did you mean 'denoise'"),
        ("study nosie", "Did you mean 'noise'"),
        ("study noise --epoch 3", "--epochs"),
        ("study noise --dataset fashon_mnist", "Did you mean 'fashion_mnist'"),
        ("study augmentation --sets dvea", "Did you mean 'dvae'"),
        ("study noise --config nowhere.yaml", "`config` nowhere.yaml is not a file"),
        ("study noise --config settings.yaml", "Did you mean 'epochs'"),
        ("train --dataset fashon_mnist", "Did you mean 'fashion_mnist'"),
        ("train --network residual_cnov", "Did you mean 'residual_conv'"),
        ("train --model dvvae", "Did you mean 'dvae'"),
        ("train --corruption guassian:0.1", "Did you mean 'gaussian'"),
        ("train --recipe conv_dae", "Did you mean 'conv-dae'"),
        ("train --config nowhere.yaml", "`config` nowhere.yaml is not a file"),
        ("train --config settings.yaml", "Did you mean 'epochs'"),
        ("train --resume nowhere", "`resume` nowhere is not a run folder"),
        ("train --output full", "`output` full is not empty"),
        ("train --init-from nowhere", "`init_from` nowhere must be a run folder"),
        ("denoise clothing-denoisr in out", "Did you mean 'clothing-denoiser'"),
        ("sample clothing-dave out", "Did you mean 'clothing-dvae'"),
        ("export clothing-dave", "Did you mean 'clothing-dvae'"),
        ("denoise in in out", "`model` in must be a run folder"),
        ("denoise clothing-denoiser nowhere out", "`input` nowhere does not exist"),
        ("denoise clothing-denoiser in image.png", "`output` image.png is a file"),
        ("denoise clothing-denoiser in/a.png image.png", "--overwrite replaces it"),
        ("encode clothing-dvae in codes.npz", "--overwrite replaces it"),
        ("detect clothing-dvae in scores.csv", "--overwrite replaces it"),
        ("detect clothing-dvae in new.csv --normal nowhere", "`normal` nowhere does not exist"),
        ("impute clothing-dvae in out --mask nowhere", "`mask` nowhere does not exist"),
        ("augment clothing-dvae in full", "--overwrite replaces"),
        ("sample clothing-dvae full", "--overwrite replaces"),
        ("sample clothing-dvae codes.npz", "--overwrite replaces it"),
        ("export clothing-dvae --format onnx --output model.onnx", "--overwrite replaces it"),
        ("denoise clothing-denoiser in out --overwrit", "--overwrite"),
        ("classify --dataset fashon_mnist --output new", "Did you mean 'fashion_mnist'"),
        ("classify --dataset in --output new --metric acuracy", "Did you mean 'accuracy'"),
        ("predict nowhere in new.csv", "`model` must be the folder of `tfdvae classify`"),
        ("predict in in new.csv", "with a classifier.keras, or a SavedModel; it is neither"),
    ],
)
def test_a_misspelt_name_is_told_without_tensorflow(line, message, surroundings):
    assert message in complaint(light_main(*line.split(), cwd=surroundings))


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("networks", NETWORKS.names()),
        ("recipes", tuple(RECIPES)),
        ("models", ("clothing-denoiser", "clothing-dvae")),
        ("study list", STUDIES.names()),
    ],
)
def test_listings_name_all_without_tensorflow(line, names):
    process = light_main(*line.split())
    assert (process.returncode, process.stderr) == (0, "")
    assert all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", process.stdout) for name in names)


def test_networks_are_listed_with_what_they_can_do():
    shown = light_main("networks").stdout
    assert re.search(r"residual_conv .*\n.*larger images in tiles; default of ae, dae", shown)
    assert re.search(r"mlp .*\n.*latent units; default of vae, dvae", shown)
    assert re.search(r"unet .*\n.*denoises images of any size; no code: for ae and dae\n", shown)


def test_recipes_are_listed_with_their_settings():
    shown = re.sub(r"\s+", " ", light_main("recipes").stdout)
    for values in RECIPES.values():
        for name, value in values.items():
            assert f"--{name.replace('_', '-')} {value}" in shown
