"""`tfdvae impute`."""

from pathlib import Path

from tfdvae.cli import tasks
from tfdvae.cli.registry import SAME_COMMAND, register_command
from tfdvae.config import ImputeConfig
from tfdvae.image_io import writer


@register_command("impute", ImputeConfig, resumes=SAME_COMMAND)
def impute(config: ImputeConfig) -> int:
    """Fill in missing pixels of images on disk."""
    nested = not Path(config.input).expanduser().is_dir()
    source, output = tasks.paths(
        config.model, config.input, config.output, nested=nested, mask=config.mask
    )
    writer.check_output(source, output, config.overwrite)
    model = tasks.load(config.model, config.threads, config.white, config.background)
    from tfdvae.inference.on_disk import rewriting

    mask = None if config.mask is None else Path(config.mask).expanduser()
    tally = rewriting.impute(model, source, output, mask, config.overwrite)
    return tasks.report(tally, source, output, model)
