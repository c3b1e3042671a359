"""Named members of one kind, such as corruptions: those of tfdvae and those of other packages."""

import importlib
import importlib.metadata
import logging
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

logger = logging.getLogger(__name__)

PLUGINS = "tfdvae"  # group of entry points
_loaded = False
Member = TypeVar("Member")


class Registry(Generic[Member]):
    """Members of one kind by name, in the order in which they were registered.

    A plugin that cannot be imported is a NOTE; an `ImportError` only where the member that is asked
    for is not there, since it may be the plugin's.

    Args:
        kind: what the members are, as messages name it.
        package: package whose modules register the members of tfdvae itself. It is imported when
            a member is first asked for; None where they are registered already.
        homes: module that registers a member of tfdvae itself, by the member's name, where it is
            to be imported only when that member, or all, are asked for.

    Example:
        >>> registry: Registry[int] = Registry("number")
        >>> registry.add("one", 1)
        1
        >>> registry.get("one")
        1
    """

    def __init__(
        self, kind: str, package: str | None = None, homes: Mapping[str, str] | None = None
    ):
        self.kind = kind
        self._package = package
        self._homes = homes or {}
        self._members: dict[str, Member] = {}

    def _import_package(self) -> None:
        package, self._package = self._package, None
        if package is not None:
            import_modules(package)

    def add(self, name: str, member: Member) -> Member:
        """Register a member and return it.

        Raises:
            ValueError: another member has the name.
        """
        if name in self._homes and name not in self._members:
            importlib.import_module(self._homes[name])  # no other may have the name
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
        if name not in self:
            from tfdvae._utils import checks  # NumPy, which a list of names does not need

            checks.choice(argument or self.kind, name, dict(self.items(plugins=False)))
        return self._members[name]

    def names(self, plugins: bool = True) -> tuple[str, ...]:
        """Return the names of all members.

        Args:
            plugins: whether packages that were not imported yet are asked for theirs.
        """
        return tuple(member for member, _ in self.items(plugins))

    def items(self, plugins: bool = True) -> tuple[tuple[str, Member], ...]:
        """Return the names and members; `plugins` as in `names`."""
        for module in self._homes.values():
            importlib.import_module(module)
        found = self.registered(plugins)
        return tuple({name: found[name] for name in (*self._homes, *found)}.items())

    def registered(self, plugins: bool = True) -> dict[str, Member]:
        """Return the members whose modules were imported; `plugins` as in `names`."""
        self._import_package()
        if plugins:
            try:
                load_plugins()
            except ImportError as error:
                logger.warning("NOTE: %s", error)
        return dict(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter([member for _, member in self.items()])

    def __contains__(self, name: object) -> bool:
        self._import_package()
        if name in self._homes and name not in self._members:
            importlib.import_module(self._homes[str(name)])
        if name not in self._members:
            try:
                load_plugins()
            except ImportError as error:
                if name not in self._members:
                    raise
                logger.warning("NOTE: %s", error)
        return name in self._members


def import_modules(package: str) -> None:
    """Import a package and all of its modules, which register what they define."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")


def resolve(place: object) -> Any:
    """Return the object that `module:name` stands for; anything but text is returned as it is.

    Example:
        >>> resolve("math:sqrt")(4)
        2.0

    Raises:
        ValueError: text that is not `module:name`.
        ImportError, AttributeError: no such module or name.
    """
    if not isinstance(place, str):
        return place
    module, colon, name = place.partition(":")
    if not (module and colon and name):
        raise ValueError(f"{place!r} must be module:name, such as math:sqrt.")
    return getattr(importlib.import_module(module), name)


def load_plugins() -> None:
    """Import the modules that installed packages name as entry points of the group `tfdvae`, once.

    They register what they have: corruptions, networks, models, sources, commands or studies.

    Raises:
        ImportError: a module cannot be imported; it is named, and the others are imported.
    """
    global _loaded
    if _loaded:
        return
    _loaded = True
    failed: dict[str, BaseException] = {}
    for point in importlib.metadata.entry_points(group=PLUGINS):
        try:
            point.load()
        except (Exception, SystemExit) as error:
            failed[f"{point.name} ({point.value})"] = error
    if failed:
        (name, reason), *rest = failed.items()
        others = f"; nor can {', '.join(other for other, _ in rest)}" if rest else ""
        raise ImportError(
            f"the plugin {name} of tfdvae cannot be imported: {reason}{others}"
        ) from reason
