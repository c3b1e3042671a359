"""`tfdvae sample`."""

import logging
from pathlib import Path

from tfdvae._utils import files
from tfdvae.cli import tasks
from tfdvae.cli.registry import register_command
from tfdvae.config import SampleConfig
from tfdvae.image_io import listing, manifest, reader, writer
from tfdvae.inference import model_files

logger = logging.getLogger(__name__)


@register_command("sample", SampleConfig)
def sample(config: SampleConfig) -> None:
    """Draw new images."""
    model_files.find(config.model)
    if config.around is not None and not Path(config.around).expanduser().is_file():
        raise FileNotFoundError(f"`around` {config.around} is no file.")
    output = Path(config.output).expanduser()
    if reader.is_array(output):
        writer.check_file(output, reader.ARRAYS, config.overwrite)
    elif output.suffix.lower() in listing.SUFFIXES:
        raise ValueError(
            f"`output` {output} must be a folder, or a file {' or '.join(reader.ARRAYS)}."
        )
    else:
        manifest.check(output, config.overwrite)
    files.check_writable("output", output)
    model = tasks.load(config.model, config.threads)
    from tfdvae.inference.on_disk import drawing

    drawn = output, config.count, config.seed, config.overwrite
    if config.around is None:
        drawing.sample(model, *drawn)
    else:
        drawing.sample_around(model, Path(config.around).expanduser(), *drawn)
    noun = "image" if config.count == 1 else "images"
    logger.info(f"{config.count:,} {noun} in {output}")
