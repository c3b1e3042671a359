"""`tfdvae train`: flags, recipe and settings file become settings, and the main job begins."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tfdvae.cli import flags, settings_file, starting
from tfdvae.cli.registry import register_command
from tfdvae.config import TrainConfig, recipe_settings
from tfdvae.data import sources
from tfdvae.experiment import folders

_PROG = "tfdvae train"


def parse(arguments: Sequence[str]) -> tuple[TrainConfig, dict[str, str]]:
    """Return the settings, and the origin of each that was given: `given` or `config`.

    Flags win over the file of `--config`, this over the recipe, the recipe over defaults.

    Raises:
        FileNotFoundError: no such file, or no run to resume.
        ValueError, TypeError: values that do not fit, or differ from those of the resumed run.
    """
    given = flags.given(arguments)
    path = flags.last_value("config", arguments)
    from_file = {} if path is None else settings_file.read(path, TrainConfig)
    if path is not None and ("resume" in given or from_file.get("resume") is not None):
        raise ValueError("`config` cannot be given with `resume`: a run keeps its own settings.")
    values: dict[str, object] = {}
    recipe = flags.last_value("recipe", arguments) or from_file.get("recipe")
    if recipe is not None:
        values = recipe_settings(str(recipe), from_file | _deciding(arguments))
    values |= from_file
    values |= {"recipe": recipe}
    config = flags.parse(TrainConfig, arguments, prog=_PROG, defaults=values, config_file=True)
    origins = dict.fromkeys(from_file, "config") | dict.fromkeys(given, "given")
    resumed = config.run.resume
    return (config if resumed is None else _resumed(resumed, arguments)), origins


def _deciding(arguments: Sequence[str]) -> dict[str, object]:
    """Return those of the settings given that decide which defaults a recipe has."""
    names = ("noisy_dir", "objective", "likelihood", "train_noise", "noise")
    found: dict[str, object] = {
        name: value for name in names if (value := flags.last_value(name, arguments)) is not None
    }
    switches = {"--noisy-train": True, "--no-noisy-train": False}
    for argument in arguments:
        if (switch := argument.replace("_", "-")) in switches:
            found["noisy_train"] = switches[switch]
    return found


def _resumed(folder: str, arguments: Sequence[str]) -> TrainConfig:
    """Return the settings of a run; flags beside `--resume` must be those of the run.

    Raises:
        FileNotFoundError: the folder holds no run.
        ValueError: another value than the run's was given.
    """
    run = TrainConfig.of_run(Path(folder).expanduser())
    stored = run.settings() | {"resume": folder}
    asked = flags.parse(TrainConfig, arguments, prog=_PROG, defaults=stored)
    return folders.resumed_settings(asked, asked.settings())


@register_command(
    "train",
    TrainConfig,
    parse=parse,
    resumes="Continue a run with --resume RUN_FOLDER.",
)
def train(config: TrainConfig, origins: Mapping[str, str]) -> None:
    """Train a model, and measure it, in a run folder."""
    if config.run.resume is None:
        folders.check_empty(folders.run_folder(config))
        if config.generator.init_from is not None:
            folders.model_file(config.generator.init_from)
    with starting.tensorflow():
        sources.check(config.data.dataset, config.data.data_dir, **config.data.own_images)
        from tfdvae.experiment import runner
    runner.run_experiment(config, origins)
