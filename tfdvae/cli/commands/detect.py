"""`tfdvae detect`."""

from pathlib import Path

from tfdvae.cli import tasks
from tfdvae.cli.registry import register_command
from tfdvae.config import DetectConfig
from tfdvae.image_io import writer


@register_command("detect", DetectConfig)
def detect(config: DetectConfig) -> int:
    """Write the anomaly scores of images on disk."""
    source, output = tasks.paths(config.model, config.input, config.output, normal=config.normal)
    writer.check_file(output, (".csv",), config.overwrite)
    model = tasks.load(config.model, config.threads, config.white, config.background)
    from tfdvae.inference.on_disk import measuring

    normal = None if config.normal is None else Path(config.normal).expanduser()
    tally = measuring.detect(model, source, output, normal, config.false_positive_rate)
    return tasks.report(tally, source, output, model)
