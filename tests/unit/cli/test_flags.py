"""Settings from flags, from a file, and from both."""

import dataclasses
import json
import typing

import pytest

from tfdvae._utils import checks
from tfdvae.cli import flags, settings_file
from tfdvae.cli.commands import study as study_command
from tfdvae.cli.commands import train as train_command
from tfdvae.cli.registry import COMMANDS
from tfdvae.config import RECIPES, TrainConfig
from tfdvae.studies.registry import STUDIES

# What `metavar` calls texts that are no paths, beside choices in braces.
NO_PATHS = (
    *("HOST:PORT", "I/N"),
    *("NAME", "KIND:LEVEL", "LEVEL", "CONDITION", "SET", "PROTOCOL", "TARGET", "USE", "METHOD"),
    "MODULE:FUNCTION",
)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file of settings in the working folder, and return its name."""
    monkeypatch.chdir(tmp_path)

    def make(text, name="settings.yaml"):
        (tmp_path / name).write_text(text if isinstance(text, str) else json.dumps(text))
        return name

    return make


def parse(*arguments):
    config, origins = train_command.parse(list(map(str, arguments)))
    return config.settings(), config.origin(origins)


def test_flags_win_over_the_file_the_file_over_the_recipe_the_recipe_over_defaults(write):
    file = write("recipe: conv-dae\nepochs: 7\nbatch_size: 16\nmodel: dae\n")
    settings, origin = parse("--config", file, "--batch-size", 8, "--seed=3")
    recipe = RECIPES["conv-dae"]
    expected = {
        "batch_size": (8, "given"),
        "seed": (3, "given"),
        "epochs": (7, "config"),
        "recipe": ("conv-dae", "config"),
        "model": ("dae", "config"),
        "latent_dim": (recipe["latent_dim"], "recipe"),
        "learning_rate": (recipe["learning_rate"], "recipe"),
        "beta": (1.0, "default"),
    }
    assert {name: (settings[name], origin[name]) for name in expected} == expected


def test_a_recipe_flag_wins_over_the_recipe_of_the_file(write):
    settings, origin = parse("--config", write("recipe: opengenus"), "--recipe", "conv-dae")
    assert (settings["recipe"], origin["recipe"]) == ("conv-dae", "given")
    assert settings["latent_dim"] == RECIPES["conv-dae"]["latent_dim"]


def test_a_recipe_adds_no_corruption_to_pairs(write):
    pairs = ("--no-classifier", "--recipe", "conv-dae")
    file = write("noisy_dir: noisy")
    for arguments in (("--noisy-dir", "noisy"), ("--noisy-dir=noisy",), ("--config", file)):
        config, _ = train_command.parse([*pairs, *arguments])
        assert config == TrainConfig.of(recipe="conv-dae", noisy_dir="noisy", no_classifier=True)


@pytest.mark.parametrize("name", ["settings.yaml", "settings.json"])
def test_config_json_of_a_run_is_a_file_of_settings(name, write):
    config = TrainConfig.of(model="dae", test_noise=("0", "0.2"), learning_rate=3e-6, n_train=50)
    stored = config.to_dict() | {"origin": config.origin()}
    settings, origin = parse("--config", write(stored, name))
    assert settings == config.settings()
    assert set(origin.values()) == {"config"}


def test_names_may_be_written_as_the_flags_are(write):
    assert settings_file.read(write("n-train: 50"), TrainConfig) == {"n_train": 50}
    with pytest.raises(ValueError, match="each setting once; got n_train twice"):
        settings_file.read(write("n-train: 50\nn_train: 60"), TrainConfig)


def test_values_are_of_the_types_of_the_flags(write):
    text = """
learning_rate: 1e-3
beta: 2
test_noise: [0, 0.05, masking:0.2]
image_size: 32
noisy_train: true
train_noise: 0.2
n_train: null
"""
    settings = settings_file.read(write(text), TrainConfig)
    assert settings == {
        "learning_rate": 0.001,
        "beta": 2.0,
        "test_noise": ("0", "0.05", "masking:0.2"),
        "image_size": (32,),
        "noisy_train": True,
        "train_noise": "0.2",
        "n_train": None,
    }
    assert isinstance(settings["beta"], float)


def test_settings_of_a_file_are_checked_together_with_flags(write, capsys):
    """This file alone would be refused."""
    file = write("train_noise: gaussian:0.2")
    assert parse("--config", file, "--noisy-train")[0]["train_noise"] == "gaussian:0.2"
    with pytest.raises(SystemExit):
        parse("--config", file)
    assert "is for `noisy_train`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("epoch: 3", ValueError, "Did you mean 'epochs'"),
        ("epochs: ten", TypeError, "`epochs` in settings.yaml must be a whole number; got 'ten'"),
        ("epochs: 1.5", TypeError, "must be a whole number; got 1.5"),
        ("epochs: true", TypeError, "must be a whole number; got True"),
        ("epochs: null", TypeError, "must be a whole number; got None"),
        ("beta: much", TypeError, "`beta` in settings.yaml must be a number"),
        ("noisy_train: 1", TypeError, "must be true or false; got 1"),
        ("model: [dvae]", TypeError, "`model` in settings.yaml must be text"),
        ("test_noise: {a: 1}", TypeError, "must be text"),
        ("- epochs", ValueError, "must hold names and values"),
        ("", ValueError, "must hold names and values"),
        ("epochs: [", ValueError, "neither YAML nor JSON"),
        ("resume: run", ValueError, "`config` cannot be given with `resume`"),
        ("!!python/object/apply:os.getcwd []", ValueError, "neither YAML nor JSON"),
    ],
)
def test_files_that_are_refused(text, error, message, write):
    with pytest.raises(error, match=message):
        parse("--config", write(text))


def test_a_file_that_is_missing_and_one_with_a_run_that_goes_on(write):
    with pytest.raises(FileNotFoundError, match=r"`config` nowhere.yaml is not a file"):
        parse("--config", "nowhere.yaml")
    with pytest.raises(ValueError, match="`config` cannot be given with `resume`"):
        parse("--config", write("epochs: 3"), "--resume", "run")


def test_a_study_takes_a_file_of_settings(write):
    file = write("seeds: [4, 5]\nepochs: 2\nsets: [limited, dvae]\n")
    name, config = study_command.parse(
        ["augmentation", "--config", file, "--epochs", "3", "--quick"]
    )
    assert name == "augmentation"
    assert (config.seeds, config.epochs, config.sets) == ((4, 5), 3, ("limited", "dvae"))
    assert config.dataset == "digits", "what --quick stands for"
    with pytest.raises(ValueError, match="Did you mean 'seeds'"):
        study_command.parse(["noise", "--config", write("seed: 1")])


def test_a_switch_that_the_file_turns_on_may_be_repeated_and_turned_off(write):
    file = write("noisy_train: true")
    for flag, value in ((), True), (("--noisy-train",), True), (("--no-noisy-train",), False):
        assert parse("--config", file, *flag)[0]["noisy_train"] is value


def test_every_setting_can_stand_in_a_file():
    assert set(flags.types(TrainConfig)) == set(TrainConfig().settings())


@dataclasses.dataclass(frozen=True)
class Inner:
    """Some."""

    depth: int = 1
    """How deep."""


@dataclasses.dataclass(frozen=True)
class Outer:
    """All."""

    name: str | None = None
    """What it is called."""
    inner: Inner = Inner()


def test_groups_are_flat():
    assert flags.types(Outer) == {"name": str | None, "depth": int}
    assert flags.flat(Outer("a", Inner(3))) == {"name": "a", "depth": 3}
    parsed = flags.parse(Outer, ["--depth", "2"], prog="x", defaults={"name": "b", "depth": 9})
    assert parsed == Outer("b", Inner(2))


def _texts(settings):
    """Yield name and `metavar` of each setting that is text, also of those in groups."""
    marked = typing.get_type_hints(settings, include_extras=True)
    for name, kind in typing.get_type_hints(settings).items():
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            yield from _texts(kind)
        elif typing.get_origin(kind) is not typing.ClassVar and "str" in str(kind):
            marks = getattr(marked[name], "__metadata__", ())
            yield name, next((mark.metavar for mark in marks if hasattr(mark, "metavar")), "")


def test_every_setting_that_is_a_path_is_checked_as_one():
    """A new text is a path unless its `metavar` says otherwise."""
    kinds = [each.settings for registry in (COMMANDS, STUDIES) for each in registry]
    texts = {text for kind in kinds for text in _texts(kind)}
    assert len(texts) > 30
    found = {name for name, what in texts if what[:1] != "{" and what.split(" ")[0] not in NO_PATHS}
    assert found == set(checks.PATHS) - {"config"}  # which is read before there are settings
