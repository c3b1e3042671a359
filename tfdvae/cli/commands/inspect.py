"""`tfdvae inspect`."""

import dataclasses
import json
import logging
import tempfile
from pathlib import Path
from typing import Annotated

import tyro

from tfdvae._utils import checks, files
from tfdvae.cli import starting
from tfdvae.cli.registry import register_command
from tfdvae.image_io import writer

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class InspectConfig:
    """Tell what is in a folder or file of images, and what each command would do with it."""

    path: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PATH")]
    """A folder of images, an image, or an .npz or .npy file of arrays."""
    json: bool = False
    """Write JSON, with the names of all images that are told of."""
    figure: Annotated[str | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Draw the noise to this file: its variance by brightness, and how far pixels share it."""
    debug: bool = False
    """Show the whole traceback of an error."""
    quiet: bool = False
    """Show errors and notes alone: no progress and no results."""

    def __post_init__(self) -> None:
        checks.texts(self)
        if self.figure is not None and Path(self.figure).suffix.lower() != ".png":
            raise ValueError(f"`figure` must end in .png; got {self.figure}.")


@register_command("inspect", InspectConfig)
def inspect(config: InspectConfig) -> None:
    """Show what is in a folder or file."""
    from tfdvae.inspection import noise, report
    from tfdvae.inspection.scan import scan

    path = Path(config.path).expanduser()
    figure = None if config.figure is None else Path(config.figure).expanduser()
    if figure is not None:
        _check_figure(figure, config.path)
    with tempfile.TemporaryDirectory() as scratch:
        found = scan(path, Path(scratch))
        with starting.tensorflow():
            from tfdvae.inspection.outcomes import outcomes
        asked, notes = outcomes(found, Path(scratch))
    if config.json:
        logger.info(json.dumps(report.to_values(found, asked, notes), indent=2))
    else:
        logger.info(report.to_text(found, asked))
        for note in notes:
            logger.warning("NOTE: %s", note)
    if figure is not None:
        noise.draw(found, figure)


def _check_figure(figure: Path, path: str) -> None:
    """Refuse a place for the figure where something else would be lost, or that is inspected."""
    writer.check_apart(figure, False, {"path": path}, "figure")
    files.check_plain("figure", figure)
    files.check_writable("figure", figure)
