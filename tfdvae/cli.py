"""The command line: `tfdvae COMMAND ...`; `python train.py ...` is `tfdvae train ...`."""

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tyro

import tfdvae
from tfdvae import corruptions
from tfdvae.config import NoiseStudyConfig, TrainConfig
from tfdvae.data import sources


@dataclasses.dataclass(frozen=True)
class CorruptionsConfig:
    """List the corruptions: name, what it does, what its level measures."""


@dataclasses.dataclass(frozen=True)
class StudyList:
    """List the studies."""


STUDIES = {"noise": NoiseStudyConfig}
Study = Annotated[StudyList, tyro.conf.subcommand("list")] | Annotated[NoiseStudyConfig, tyro.conf.subcommand("noise")]


@dataclasses.dataclass(frozen=True)
class StudyConfig:
    """Repeat a published study over several seeds."""

    study: Study


Command = (
    Annotated[TrainConfig, tyro.conf.subcommand("train")]
    | Annotated[StudyConfig, tyro.conf.subcommand("study")]
    | Annotated[CorruptionsConfig, tyro.conf.subcommand("corruptions")]
)


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit status: 0, 2 after an error of the user's, 130 after Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if "--version" in arguments:
        print(f"tfdvae {tfdvae.__version__}")
        return 0
    debug = "--debug" in arguments
    try:
        command = tyro.cli(Command, prog="tfdvae", description=f"{tfdvae.__doc__.splitlines()[0]} `tfdvae --version` prints the version.", args=arguments,
                           config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes))  # fmt: skip
        match command:
            case CorruptionsConfig():
                print(_describe_corruptions())
            case StudyConfig(study=StudyList()):
                print("\n".join(f"{name:12}{study.__doc__}" for name, study in STUDIES.items()))
            case StudyConfig(study=NoiseStudyConfig() as study):
                _study_noise(study)
            case TrainConfig():
                _train(command, arguments[1:])
    except KeyboardInterrupt:
        print("\ntfdvae: stopped. A run that had begun goes on with --resume RUN_FOLDER.", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, FloatingPointError) as error:
        if debug:
            raise
        print(f"tfdvae: error: {error}\nSee `tfdvae --help`; --debug shows where it happened.", file=sys.stderr)
        return 2
    return 0


def _describe_corruptions() -> str:
    lines = []
    for kind in corruptions.KINDS.values():
        example = kind.kind if kind is corruptions.NoCorruption else f"{kind.kind}:LEVEL"
        lines += [f"{example:24}{kind.__doc__.splitlines()[0]}", f"{'':24}level: {kind.unit}"]
    return "\n".join(lines)


def _train(config: TrainConfig, arguments: list[str]) -> None:
    if config.resume is not None:
        config = _resumed(config.resume, arguments)
    with _starting_tensorflow(config.dataset, config.data_dir, **config.own_images):
        from tfdvae import experiment

    experiment.train(config)


def _resumed(folder: str, arguments: list[str]) -> TrainConfig:
    """Read the arguments once more, now with the settings of the run as defaults, so that any other one given is seen."""
    kept = dataclasses.replace(TrainConfig.of_run(Path(folder)), resume=folder)
    asked = tyro.cli(TrainConfig, prog="tfdvae train", args=arguments, default=kept)
    for field in dataclasses.fields(TrainConfig):
        value, stored = getattr(asked, field.name), getattr(kept, field.name)
        if value != stored and field.name not in ("data_dir", "debug"):
            raise ValueError(f"a resumed run keeps its own settings, and its `{field.name}` is {stored!r}; got {value!r}.")
    return asked


def _study_noise(config: NoiseStudyConfig) -> None:
    with _starting_tensorflow(config.dataset, config.data_dir):
        from tfdvae.studies import noise

    noise.study(config)


@contextlib.contextmanager
def _starting_tensorflow(dataset: str, data_dir: str | None, **own_images) -> Iterator[None]:
    """Check the data's name and place, then drop what TensorFlow writes to standard error while the block imports it, also from C++."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            sources.check(dataset, data_dir, **own_images)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
