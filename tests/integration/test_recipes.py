"""Recipes through the command line."""

import json

import pytest

from tests.helpers.processes import run
from tfdvae._utils import files
from tfdvae.config import RECIPES, TrainConfig


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "conv_dae"], "Did you mean 'conv-dae'"),
        (["--recipe=opengnus"], "Did you mean 'opengenus'"),
        (["--recipe", "opengenus", "--model", "dvae"], "cannot weigh it"),
        (["--recipe", "conv-dae", "--schedule", "cosin"], "Did you mean 'cosine'"),
    ],
)
def test_refused(arguments, message):
    process = run(*arguments)
    assert process.returncode == 2
    assert message in process.stderr
    assert "Traceback" not in process.stderr


def test_help_shows_the_values_of_a_recipe():
    shown = run("--recipe", "opengenus", "--help").stdout
    assert "pooled_conv_inference" in shown
    assert "3e-06" in shown


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_run_says_which_value_came_from_where(recipe, tmp_path):
    """`--batch-size 16` and `--likelihood` win; `--epochs 20` is what the recipe has anyway, and
    given all the same.
    """
    process = run(
        "--recipe",
        recipe,
        "--dataset",
        "digits",
        "--n-train",
        40,
        "--batch-size=16",
        "--epochs",
        20,
        "--likelihood",
        "gaussian:0.5",
        "--no-classifier",
        "--test-noise",
        "0",
        "clipped_gaussian:0.1",
        "--output",
        tmp_path / "run",
    )
    assert process.returncode == 0, process.stderr
    stored = files.read_json(tmp_path / "run" / "config.json")
    origin = stored.pop("origin")
    expected = TrainConfig.of(recipe=recipe).settings()
    for name in set(RECIPES[recipe]) - {"batch_size", "epochs", "likelihood"}:
        assert (stored[name], origin[name]) == (expected[name], "recipe")
    assert {name for name, source in origin.items() if source == "given"} == {
        "recipe",
        "dataset",
        "n_train",
        "batch_size",
        "epochs",
        "likelihood",
        "no_classifier",
        "test_noise",
        "output",
    }
    assert (stored["batch_size"], stored["likelihood"], origin["seed"]) == (
        16,
        "gaussian:0.5",
        "default",
    )
    assert "PSNR in dB of 359 test images" in process.stdout
    again = run("--resume", tmp_path / "run", "--recipe", recipe)
    assert again.returncode == 0, again.stderr
    other = run(
        "--resume", tmp_path / "run", "--recipe", next(name for name in RECIPES if name != recipe)
    )
    assert other.returncode == 2
    assert json.dumps(stored) == json.dumps(
        {
            key: value
            for key, value in files.read_json(tmp_path / "run" / "config.json").items()
            if key != "origin"
        }
    )
