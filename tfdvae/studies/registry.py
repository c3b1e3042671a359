"""The studies by name: their settings and what runs them. No TensorFlow is imported here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tfdvae._utils.registry import Registry, resolve

if TYPE_CHECKING:
    from tfdvae.studies.settings import StudyConfig

Settings = TypeVar("Settings", bound="type[StudyConfig]")


@dataclass(frozen=True)
class StudySpec:
    """A study as the command line lists it.

    Attributes:
        name: on the command line, in rows, and of the default folder, `results/NAME`.
        settings: its settings, a frozen dataclass derived from `StudyConfig`.
        function: runs the study, given its settings, and returns its folder; or its place,
            `module:function`, which is imported when the study is run.
        report: writes the reports of a folder from its rows, given the folder; or its place.
        summary: one sentence.
    """

    name: str
    settings: type[StudyConfig]
    function: str | Callable[[Any], Path]
    report: str | Callable[[Path], None]
    summary: str

    def run(self, config: StudyConfig) -> Path:
        """Run the study and return its folder."""
        return resolve(self.function)(config)

    def write_report(self, folder: Path) -> None:
        """Write the reports of a folder that has the rows of this study; nothing is computed."""
        resolve(self.report)(folder)


STUDIES: Registry[StudySpec] = Registry("study")


def register_study(
    name: str,
    *,
    function: str | Callable[[Any], Path],
    report: str | Callable[[Path], None],
) -> Callable[[Settings], Settings]:
    """Register a study by decorating the class of its settings.

    The study is then a command, `tfdvae study NAME`, with a flag for each field of the settings.
    The first line of the class's docstring says what the study is about. A package registers its
    studies in a module that is an entry point of the group `tfdvae`.

    Args:
        name: of the study.
        function: takes the settings, computes the study (`runner.run_study` does most of it) and
            returns its folder; or its place, `module:function`: TensorFlow is then imported late.
        report: takes a folder with `rows.csv`, writes `report.md` and `report.html`; or its place.

    Raises:
        ValueError: another study has this name.
        TypeError: the class is no `StudyConfig`, or has no docstring.

    Example:
        >>> @tfdvae.register_study("mine", function="mine:run", report="mine:write_report")
        ... @dataclasses.dataclass(frozen=True)
        ... class MineConfig(StudyConfig):
        ...     "Tell whether it works."
        ...     epochs: int = 10
    """

    def register(settings: Settings) -> Settings:
        from tfdvae.studies.settings import StudyConfig

        if not (isinstance(settings, type) and issubclass(settings, StudyConfig)):
            raise TypeError(f"the settings of study {name!r} must be a StudyConfig.")
        if not settings.__doc__:
            raise TypeError(f"the settings of study {name!r} must have a docstring, its summary.")
        summary = settings.__doc__.strip().splitlines()[0]
        STUDIES.add(name, StudySpec(name, settings, function, report, summary))
        return settings

    return register
