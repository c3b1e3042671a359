"""Settings from the flags of the command line."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar, Union

import tyro

from tfdvae.cli import messages

Settings = TypeVar("Settings")

STYLE = (tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes, tyro.conf.OmitSubcommandPrefixes)

_CONFIG = tyro.conf.arg(
    metavar="FILE",
    help="YAML or JSON file with any of these settings, by the names of the flags; "
    "config.json of a run is one. Flags win over it.",
)


def parse(
    settings: type[Settings],
    arguments: Sequence[str],
    *,
    prog: str,
    defaults: Mapping[str, object] | None = None,
    config_file: bool = False,
) -> Settings:
    """Return the settings that flags give, or print the help and exit.

    Args:
        settings: dataclass; its fields may be dataclasses in turn, whose flags have no prefix.
        arguments: what follows the name of the command.
        prog: the command, as help shows it.
        defaults: values in place of the defaults of the dataclass. They are checked with the flags,
            not before.
        config_file: whether the help lists the flag `--config FILE`, whose value the caller has
            read by itself.

    Raises:
        ValueError, TypeError: settings that do not fit one another.
        SystemExit: help was asked for (status 0), or a flag is unknown or not of its type (2).
    """
    kind: Any = with_config_flag(settings) if config_file else settings
    if {"-h", "--help"} & set(arguments):
        from tfdvae.config.group import join_help_lines  # all settings, and NumPy

        join_help_lines(settings)
    default = None if defaults is None else _unchecked(kind, defaults)
    # A switch that is on by default can be repeated, and can be turned off with --no-.
    on = defaults is not None and any(value is True for value in defaults.values())
    style = STYLE[1:] if on else STYLE
    parsed = tyro.cli(kind, prog=prog, args=list(arguments), default=default, config=style)
    if config_file:
        names = [field.name for field in dataclasses.fields(settings)]  # type: ignore[arg-type]
        parsed = settings(**{name: getattr(parsed, name) for name in names})
    if flat(parsed).get("quiet"):
        messages.be_quiet()
    return parsed


def with_config_flag(settings: type) -> type:
    """Return a subclass of settings with the flag `--config FILE`."""
    return dataclasses.make_dataclass(
        settings.__name__,
        [("config", Annotated[str | None, _CONFIG], None)],
        bases=(settings,),
        frozen=True,
        namespace={"__doc__": settings.__doc__},
    )


def show_help(summaries: Mapping[str, str], arguments: Sequence[str], prog: str, text: str) -> None:
    """List commands where `--help` is among the arguments, and say that one is needed otherwise.

    Raises:
        SystemExit: always; with status 0 for `--help` and 2 otherwise.
    """
    listed = [
        Annotated[
            dataclasses.make_dataclass(name, [], namespace={"__doc__": summary}),
            tyro.conf.subcommand(name),
        ]
        for name, summary in summaries.items()
    ]
    union: Any = Union[tuple(listed)]  # noqa: UP007
    tyro.cli(union, prog=prog, description=text, args=list(arguments), config=STYLE)


def types(settings: type) -> dict[str, Any]:
    """Return the type of each setting, also of those in groups, by its flat name."""
    found: dict[str, Any] = {}
    for name, kind in typing.get_type_hints(settings).items():
        if name not in {field.name for field in dataclasses.fields(settings)}:
            continue
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            found |= types(kind)
        else:
            found[name] = kind
    return found


def flat(settings: object) -> dict[str, Any]:
    """Return the values of all settings, also of those in groups, by their flat names."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, field.name)
        found |= flat(value) if dataclasses.is_dataclass(value) else {field.name: value}
    return found


def given(arguments: Sequence[str]) -> set[str]:
    """Return the names of the settings whose flags are among the arguments.

    Example:
        >>> given(["--batch-size", "32", "--seed=1"]) == {"batch_size", "seed"}
        True
    """
    return {
        argument[2:].partition("=")[0].replace("-", "_")
        for argument in arguments
        if argument.startswith("--")
    }


def last_value(name: str, arguments: Sequence[str]) -> str | None:
    """Return the last value of a flag on which the defaults of the others depend, if it is there.

    Example:
        >>> last_value("recipe", ["--recipe", "conv-dae", "--seed=1"])
        'conv-dae'
    """
    value, wanted = None, f"--{name}".replace("_", "-")
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        flag, equals, text = argument.partition("=")
        if flag.replace("_", "-") == wanted:
            value = text if equals else following
    return value


def _unchecked(settings: type, values: Mapping[str, object]) -> Any:
    """Return an instance that holds values, or the defaults, and was not checked.

    Each field must have a default.
    """
    made: Any = object.__new__(settings)
    hints = typing.get_type_hints(settings)
    value: Any
    for field in dataclasses.fields(settings):
        if dataclasses.is_dataclass(hints[field.name]):
            value = _unchecked(hints[field.name], values)
        else:
            value = values.get(field.name, field.default)
        object.__setattr__(made, field.name, value)
    return made
