"""`tfdvae export`."""

import logging
from pathlib import Path

from tfdvae._utils import checks, files
from tfdvae.cli import tasks
from tfdvae.cli.registry import register_command
from tfdvae.config import ExportConfig
from tfdvae.inference import model_files

logger = logging.getLogger(__name__)


@register_command("export", ExportConfig)
def export(config: ExportConfig) -> None:
    """Write a model for use without tfdvae."""
    found = model_files.find(config.model)
    if found is not None and (found.is_dir() or found.suffix.lower() == ".onnx"):
        raise ValueError(
            f"`model` {config.model} is exported already; give the run folder or the .keras file "
            "that it was made from."
        )
    name = Path(config.model).expanduser().resolve().name.removesuffix(".keras")
    default = f"{name}.onnx" if config.format == "onnx" else f"{name}-saved_model"
    output = Path(config.output or checks.text("output", default)).expanduser()
    if config.format == "onnx" and output.suffix.lower() != ".onnx":
        raise ValueError(f"`output` {output} must have the suffix .onnx.")
    if output.exists() and not config.overwrite:
        raise FileExistsError(f"`output` {output} exists; --overwrite replaces it.")
    files.check_writable("output", output)
    model = tasks.load(config.model, config.threads)
    from tfdvae.inference import exporting

    exporting.export(model, output, config.format)
    logger.info(f"{config.format} of {config.model} in {output}")
