"""`tfdvae study NAME`."""

import dataclasses
import logging
from collections.abc import Sequence

from tfdvae._utils import checks
from tfdvae.cli import flags, settings_file, starting
from tfdvae.cli.registry import SAME_COMMAND, register_command
from tfdvae.data import sources
from tfdvae.studies.registry import STUDIES
from tfdvae.studies.settings import StudyConfig

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class StudyCommand:
    """Repeat a published study, or make one of tfdvae's own, over several seeds."""


def parse(arguments: Sequence[str]) -> tuple[str, StudyConfig | None]:
    """Return the name of a study and its settings; `list`, and none, where studies are listed.

    Flags win over the file of `--config`, this over what `--quick` stands for, this over defaults.

    Raises:
        FileNotFoundError: the file of `--config` is missing.
        ValueError, TypeError: no such study, or settings that do not fit.
    """
    summaries = {"list": "List the studies."} | {spec.name: spec.summary for spec in STUDIES}
    name = next(iter(arguments), "-")
    if name.startswith("-") or (name == "list" and len(arguments) > 1):
        flags.show_help(summaries, arguments, "tfdvae study", StudyCommand.__doc__ or "")
    if checks.choice("study", name, summaries) == "list":
        return name, None
    settings = STUDIES.get(name).settings
    path = flags.last_value("config", arguments)
    values = {} if path is None else settings_file.read(path, settings)
    if "quick" in flags.given(arguments) or values.get("quick"):
        values = {**settings.QUICK, **values}
    return name, flags.parse(
        settings, arguments[1:], prog=f"tfdvae study {name}", defaults=values, config_file=True
    )


@register_command("study", StudyCommand, parse=parse, resumes=SAME_COMMAND)
def study(name: str, config: StudyConfig | None) -> None:
    """Run a study, or list them."""
    if config is None:
        for spec in STUDIES:
            logger.info("%-14s%s", spec.name, spec.summary)
        return
    with starting.tensorflow():
        sources.check(config.dataset, config.data_dir, **config.own_images)
        import tfdvae.models.base  # noqa: F401
    STUDIES.get(name).run(config)
