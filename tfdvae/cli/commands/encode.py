"""`tfdvae encode`."""

from tfdvae.cli import tasks
from tfdvae.cli.registry import register_command
from tfdvae.config import EncodeConfig
from tfdvae.image_io import writer


@register_command("encode", EncodeConfig)
def encode(config: EncodeConfig) -> int:
    """Write the codes of images on disk."""
    source, output = tasks.paths(config.model, config.input, config.output)
    writer.check_file(output, (".npz",), config.overwrite)
    model = tasks.load(config.model, config.threads, config.white, config.background)
    from tfdvae.inference.on_disk import measuring

    return tasks.report(measuring.encode(model, source, output), source, output, model)
