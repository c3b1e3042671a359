"""Named members of one kind, such as corruptions: those of tfdvae and those of other packages."""

import importlib.metadata
from collections.abc import Iterator
from typing import Generic, TypeVar

from tfdvae._utils import checks

PLUGINS = "tfdvae"  # group of entry points
_loaded = False
Member = TypeVar("Member")


class Registry(Generic[Member]):
    """Members of one kind by name, in the order in which they were registered.

    Args:
        kind: what the members are, as messages name it.

    Example:
        >>> registry: Registry[int] = Registry("number")
        >>> registry.add("one", 1)
        1
        >>> registry.get("one")
        1
    """

    def __init__(self, kind: str):
        self.kind = kind
        self._members: dict[str, Member] = {}

    def add(self, name: str, member: Member) -> Member:
        """Register a member and return it.

        Raises:
            ValueError: another member has the name.
        """
        if self._members.get(name, member) is not member:
            raise ValueError(
                f"there is a {self.kind} called {name!r} already; choose another name."
            )
        self._members[name] = member
        return member

    def get(self, name: str, argument: str | None = None) -> Member:
        """Return the member of that name.

        Args:
            name: of the member.
            argument: name used in messages; by default the kind.

        Raises:
            ValueError: no such member; the nearest names are suggested.
        """
        if name not in self._members:
            load_plugins()
        return self._members[checks.choice(argument or self.kind, name, self._members)]

    def names(self) -> tuple[str, ...]:
        """Return the names of all members."""
        load_plugins()
        return tuple(self._members)

    def __iter__(self) -> Iterator[Member]:
        load_plugins()
        return iter(tuple(self._members.values()))

    def __contains__(self, name: object) -> bool:
        load_plugins()
        return name in self._members


def load_plugins() -> None:
    """Import the modules that installed packages name as entry points of the group `tfdvae`, once.

    They register what they have: corruptions, networks, models, sources, commands or studies.

    Raises:
        ImportError: a module cannot be imported; it is named.
    """
    global _loaded
    if _loaded:
        return
    _loaded = True
    for point in importlib.metadata.entry_points(group=PLUGINS):
        try:
            point.load()
        except Exception as error:
            raise ImportError(
                f"the plugin {point.name} ({point.value}) of tfdvae cannot be imported: {error}"
            ) from error
