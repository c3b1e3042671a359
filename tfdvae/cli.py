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
from tfdvae.config import TrainConfig
from tfdvae.data import sources


@dataclasses.dataclass(frozen=True)
class CorruptionsConfig:
    """List the corruptions: name, what it does, what its level measures."""


Command = (
    Annotated[TrainConfig, tyro.conf.subcommand("train", prefix_name=False)]
    | Annotated[CorruptionsConfig, tyro.conf.subcommand("corruptions", prefix_name=False)]
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
                           config=(tyro.conf.FlagCreatePairsOff,))  # fmt: skip
        if isinstance(command, CorruptionsConfig):
            print(_describe_corruptions())
        else:
            _train(command)
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


def _train(config: TrainConfig) -> None:
    if config.resume is not None:
        config = dataclasses.replace(TrainConfig.of_run(Path(config.resume), config), resume=config.resume)
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _silent_stderr():
        sources.check(config.dataset, config.data_dir)
        from tfdvae import experiment

    experiment.train(config)


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Drop what TensorFlow writes to standard error while it is imported, also from C++."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
