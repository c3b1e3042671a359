"""`tfdvae denoise`."""

from pathlib import Path

from tfdvae.cli import tasks
from tfdvae.cli.registry import SAME_COMMAND, register_command
from tfdvae.config import DenoiseConfig
from tfdvae.image_io import writer


@register_command("denoise", DenoiseConfig, resumes=SAME_COMMAND)
def denoise(config: DenoiseConfig) -> int:
    """Denoise images on disk."""
    nested = not Path(config.input).expanduser().is_dir()
    source, output = tasks.paths(config.model, config.input, config.output, nested=nested)
    writer.check_output(source, output, config.overwrite)
    model = tasks.load(config.model, config.threads, config.white, config.background)
    from tfdvae.inference.on_disk import rewriting

    tally = rewriting.denoise(model, source, output, config.overwrite)
    return tasks.report(tally, source, output, model)
