"""The command line: `tfdvae COMMAND ...`; `python train.py ...` is `tfdvae train ...`."""

import contextlib
import dataclasses
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tyro

import tfdvae
from tfdvae import corruptions
from tfdvae._utils import files
from tfdvae.cli import messages
from tfdvae.config import (
    AugmentConfig,
    DenoiseConfig,
    DetectConfig,
    EncodeConfig,
    ExportConfig,
    ImputeConfig,
    SampleConfig,
    TaskConfig,
    TrainConfig,
)
from tfdvae.data import sources
from tfdvae.inference import shipped
from tfdvae.studies.registry import STUDIES
from tfdvae.studies.settings import StudyConfig

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class CorruptionsConfig:
    """List the corruptions: name, what it does, what its level measures."""


@dataclasses.dataclass(frozen=True)
class ModelsConfig:
    """List the trained models that come with tfdvae."""


@dataclasses.dataclass(frozen=True)
class StudyList:
    """List the studies."""


Study = Annotated[StudyList, tyro.conf.subcommand("list")]
for _spec in STUDIES:
    Study |= Annotated[_spec.settings, tyro.conf.subcommand(_spec.name)]


@dataclasses.dataclass(frozen=True)
class StudyCommand:
    """Repeat a published study, or make one of tfdvae's own, over several seeds."""

    study: Study


Command = (
    Annotated[TrainConfig, tyro.conf.subcommand("train")]
    | Annotated[StudyCommand, tyro.conf.subcommand("study")]
    | Annotated[DenoiseConfig, tyro.conf.subcommand("denoise")]
    | Annotated[EncodeConfig, tyro.conf.subcommand("encode")]
    | Annotated[SampleConfig, tyro.conf.subcommand("sample")]
    | Annotated[AugmentConfig, tyro.conf.subcommand("augment")]
    | Annotated[DetectConfig, tyro.conf.subcommand("detect")]
    | Annotated[ImputeConfig, tyro.conf.subcommand("impute")]
    | Annotated[ExportConfig, tyro.conf.subcommand("export")]
    | Annotated[ModelsConfig, tyro.conf.subcommand("models")]
    | Annotated[CorruptionsConfig, tyro.conf.subcommand("corruptions")]
)


_GOES_ON = {"train": " A run that had begun goes on with --resume RUN_FOLDER."} | dict.fromkeys(
    ("study", "denoise", "impute"), " The same command goes on."
)

_STYLE = (tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit status: 0, 1 where some images failed, 2 after an error of the user's, 130 after Ctrl-C."""
    with messages.shown():
        return _main(sys.argv[1:] if arguments is None else arguments)


def _main(arguments: list[str]) -> int:
    if "--version" in arguments:
        logger.info(f"tfdvae {tfdvae.__version__}")
        return 0
    debug = "--debug" in arguments
    description = f"{tfdvae.__doc__.splitlines()[0]} `tfdvae --version` prints the version."
    try:
        if arguments[:1] == ["train"] and (recipe := _recipe(arguments)) is not None:
            pairs = {"corruption": None} if "noisy_dir" in _given(arguments) else {}
            default = TrainConfig.of(recipe=recipe, **pairs)
            command = tyro.cli(
                TrainConfig, prog="tfdvae train", args=arguments[1:], default=default, config=_STYLE
            )
        elif (looked := _quick_look(arguments)) is not None:
            command = StudyCommand(looked)
        else:
            command = tyro.cli(
                Command, prog="tfdvae", description=description, args=arguments, config=_STYLE
            )
        match command:
            case CorruptionsConfig():
                logger.info(_describe_corruptions())
            case ModelsConfig():
                logger.info(_describe_models())
            case TaskConfig():
                return _use_model(command)
            case StudyCommand(study=StudyList()):
                logger.info("\n".join(f"{spec.name:14}{spec.summary}" for spec in STUDIES))
            case StudyCommand(study=study):
                _study(study)
            case TrainConfig():
                _train(command, arguments[1:])
    except KeyboardInterrupt:
        logger.error(f"\ntfdvae: stopped.{_GOES_ON.get(next(iter(arguments), ''), '')}")
        return 130
    except (ValueError, TypeError, OSError, RuntimeError, FloatingPointError, MemoryError) as error:
        if debug:
            raise
        logger.error(
            f"tfdvae: error: {error}\nSee `tfdvae --help`; --debug shows where it happened."
        )
        return 2
    return 0


def _describe_corruptions() -> str:
    lines = []
    for kind in corruptions.KINDS:
        example = kind.kind if kind is corruptions.NoCorruption else f"{kind.kind}:LEVEL"
        lines += [f"{example:24}{kind.__doc__.splitlines()[0]}", f"{'':24}level: {kind.unit}"]
    return "\n".join(lines)


def _train(config: TrainConfig, arguments: list[str]) -> None:
    if config.run.resume is not None:
        config = _resumed(config.run.resume, arguments)
    with _starting_tensorflow():
        sources.check(config.data.dataset, config.data.data_dir, **config.data.own_images)
        from tfdvae.experiment import runner

    runner.train(config, _given(arguments))


def _given(arguments: list[str]) -> set[str]:
    """Return the names of the settings that the arguments give."""
    return {
        argument[2:].partition("=")[0].replace("-", "_")
        for argument in arguments
        if argument.startswith("--")
    }


def _recipe(arguments: list[str]) -> str | None:
    """Return the last value of `--recipe`, which the other defaults depend on."""
    recipe = None
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        flag, equals, value = argument.partition("=")
        if flag == "--recipe":
            recipe = value if equals else following
    return recipe


def _resumed(folder: str, arguments: list[str]) -> TrainConfig:
    """Read the arguments once more, now with the settings of the run as defaults, so that any other one given is seen."""
    kept = TrainConfig.of_run(Path(folder)).replace(resume=folder)
    asked = tyro.cli(TrainConfig, prog="tfdvae train", args=arguments, default=kept, config=_STYLE)
    given, settings = asked.settings(), kept.settings()
    for name in settings:
        value, stored = _place(name, given[name]), _place(name, settings[name])
        if value != stored and name not in ("data_dir", "debug", "quiet"):
            raise ValueError(
                f"a resumed run keeps its own settings, and its `{name}` is {stored!r}; "
                f"got {value!r}."
            )
    return asked.replace(**{name: settings[name] for name in ("dataset", "noisy_dir", "init_from")})


def _place(name: str, value: object) -> object:
    """Return a setting, a path of images or of a model as a run keeps it."""
    path = value is not None and (
        name in ("noisy_dir", "init_from")
        or (name == "dataset" and sources.local(value) is not None)
    )
    return str(files.absolute(value)) if path else value


def _use_model(config: TaskConfig) -> int:
    with _starting_tensorflow():
        from tfdvae._utils import threads
        from tfdvae.cli import tasks

    import tensorflow as tf

    threads.use_threads(config.threads)
    verbs = {DenoiseConfig: tasks.denoise, EncodeConfig: tasks.encode, SampleConfig: tasks.sample, AugmentConfig: tasks.augment,
             DetectConfig: tasks.detect, ImputeConfig: tasks.impute, ExportConfig: tasks.export}  # fmt: skip
    try:
        return verbs[type(config)](config)
    except tf.errors.OpError as error:
        raise OSError(str(error).strip().partition("\n")[0]) from error


def _describe_models() -> str:
    return "\n\n".join(shipped.cards())


def _quick_look(arguments: list[str]) -> StudyConfig | None:
    """Return the settings of a study with `--quick`, which the other defaults depend on."""
    if arguments[:1] != ["study"] or "--quick" not in arguments or arguments[1] not in STUDIES:
        return None
    settings = STUDIES.get(arguments[1]).settings
    if not settings.QUICK:
        return None
    looked = tyro.cli(
        settings,
        prog=f"tfdvae study {arguments[1]}",
        args=[argument for argument in arguments[2:] if argument != "--quick"],
        default=settings.of_quick(quick=False),
        config=_STYLE,
    )
    return dataclasses.replace(looked, quick=True)


def _study(config: StudyConfig) -> None:
    spec = next(spec for spec in STUDIES if type(config) is spec.settings)
    with _starting_tensorflow():
        sources.check(config.dataset, config.data_dir, **config.own_images)
        import tfdvae.models.base  # noqa: F401
    spec.run(config)


@contextlib.contextmanager
def _starting_tensorflow() -> Iterator[None]:
    """Drop what TensorFlow writes to standard error while the block imports it, also from C++."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
