"""`tfdvae augment`."""

from pathlib import Path

from tfdvae.cli import tasks
from tfdvae.cli.registry import register_command
from tfdvae.config import AugmentConfig
from tfdvae.image_io import manifest, writer


@register_command("augment", AugmentConfig)
def augment(config: AugmentConfig) -> int:
    """Write labelled synthetic images."""
    nested = not Path(config.input).expanduser().is_dir()
    source, output = tasks.paths(config.model, config.input, config.output, nested=nested)
    writer.check_output(source, output, config.overwrite)
    if source.is_dir():
        manifest.check(output, config.overwrite)
    model = tasks.load(config.model, config.threads, config.white, config.background)
    from tfdvae.inference.on_disk import generating

    tally = generating.augment(
        model,
        source,
        output,
        config.per_image,
        config.seed,
        config.include_originals,
        config.overwrite,
    )
    return tasks.report(tally, source, output, model, config.per_image + config.include_originals)
