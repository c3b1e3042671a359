"""The commands: a table from a name to settings and a function. TensorFlow is not imported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tfdvae._utils.registry import Registry, resolve
from tfdvae.cli.commands import HOMES

Function = TypeVar("Function", bound=Callable[..., int | None])

SAME_COMMAND = "Run the same command again to continue."


@dataclass(frozen=True)
class Command:
    """A command of `tfdvae`.

    Attributes:
        name: first word after `tfdvae`.
        settings: frozen dataclass with a flag for each field. The fields' docstrings are the help.
        function: takes the settings and returns the exit status, None for 0; or its place as
            `module:function`.
        summary: one sentence for the list of commands.
        resumes: what is told after Ctrl-C, such as how to go on.
        parse: takes the arguments after the name and returns the arguments of `function`; None for
            the settings that the flags give.
    """

    name: str
    settings: type
    function: Callable[..., int | None] | str
    summary: str
    resumes: str = ""
    parse: Callable[[Sequence[str]], tuple[Any, ...]] | None = None

    def run(self, arguments: Sequence[str]) -> int:
        """Run the command on the arguments after its name and return the exit status."""
        if self.parse is None:
            from tfdvae.cli import flags  # and tyro

            parsed: tuple[Any, ...] = (
                flags.parse(self.settings, arguments, prog=f"tfdvae {self.name}"),
            )
        else:
            parsed = self.parse(arguments)
        return resolve(self.function)(*parsed) or 0


COMMANDS: Registry[Command] = Registry("command", homes=HOMES)


def register_command(
    name: str,
    settings: type,
    *,
    summary: str = "",
    resumes: str = "",
    parse: Callable[[Sequence[str]], tuple[Any, ...]] | None = None,
) -> Callable[[Function], Function]:
    """Return a decorator that makes a function the command `tfdvae NAME`.

    A package registers its commands in a module that is an entry point of the group `tfdvae`. The
    module should import TensorFlow within the function alone, so that errors are told at once. A
    `ValueError` or `OSError` of the function becomes a short message and exit status 2.

    Args:
        name: of the command.
        settings: frozen dataclass with a flag for each field.
        summary: one sentence; by default the first line of the settings' docstring.
        resumes: what is told after Ctrl-C.
        parse: as for `Command`.

    Raises:
        ValueError: another command has the name.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class CountConfig:
        ...     "Count the images of a folder."
        ...     input: tyro.conf.Positional[str]
        >>> @tfdvae.register_command("count", CountConfig)
        ... def count(config):
        ...     logging.getLogger("tfdvae").info("%d", len(list(Path(config.input).iterdir())))
    """

    def register(function: Function) -> Function:
        line = summary or (settings.__doc__ or "").strip().partition("\n")[0]
        COMMANDS.add(name, Command(name, settings, function, line, resumes, parse))
        return function

    return register
