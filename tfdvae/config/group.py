"""What all groups of settings share."""

import ast
import dataclasses
import inspect
import textwrap
import typing
from typing import Annotated, Any

import tyro

from tfdvae._utils import checks


def one_of(*values: str) -> Any:
    """Return the annotation of a flag that takes one of some names, which its help lists."""
    return tyro.conf.arg(metavar="{" + ",".join(values) + "}")


class Group:
    """A frozen dataclass of settings that checks itself."""

    def keep(self, name: str, value: object) -> None:
        """Store a value in its plain form while the frozen settings are made."""
        object.__setattr__(self, name, value)

    def check_integers(self, *names: str) -> None:
        """Check settings that are whole numbers from 1, or None where that is their default.

        Raises:
            TypeError: not a whole number.
            ValueError: below 1.
        """
        for name in names:
            value = getattr(self, name)
            if value is not None or getattr(type(self), name) is not None:
                self.keep(name, checks.integer(name, value, 1))

    def check_switches(self, *names: str) -> None:
        """Check settings that are True or False.

        Raises:
            TypeError: one is neither.
        """
        for name in names:
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"`{name}` must be True or False; got {getattr(self, name)!r}.")

    def changed(self, *names: str) -> list[str]:
        """Return those of the named settings that are not at their default."""
        return [name for name in names if getattr(self, name) != getattr(type(self), name)]

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the settings in this group."""
        return tuple(field.name for field in dataclasses.fields(cls))  # type: ignore[arg-type]


def join_help_lines(settings: type) -> None:
    """Make the docstring of each setting one paragraph of help; tyro would keep its line breaks.

    Args:
        settings: dataclass; its fields may be dataclasses in turn. Its annotations are changed.
    """
    for kind in settings.__mro__:
        try:
            source = textwrap.dedent(inspect.getsource(kind))
        except (OSError, TypeError):  # made at run time, or built in
            continue
        definition = ast.parse(source).body[0]
        if not (isinstance(definition, ast.ClassDef) and dataclasses.is_dataclass(kind)):
            continue
        for field, text in zip(definition.body, definition.body[1:], strict=False):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(str(found))):
                    help = tyro.conf.arg(help=" ".join(found.split()))
                    kind.__annotations__[name] = Annotated[kind.__annotations__[name], help]
    for kind in typing.get_type_hints(settings).values():
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            join_help_lines(kind)
