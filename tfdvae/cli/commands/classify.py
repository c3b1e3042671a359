"""`tfdvae classify`."""

import logging
from pathlib import Path

from tfdvae._utils import files
from tfdvae.cli import starting
from tfdvae.cli.registry import SAME_COMMAND, register_command
from tfdvae.config.classify import ClassifyConfig
from tfdvae.data import sources

logger = logging.getLogger(__name__)


@register_command("classify", ClassifyConfig, resumes=SAME_COMMAND)
def classify(config: ClassifyConfig) -> None:
    """Train a classifier, with the augmentation that is best in cross-validation."""
    files.check_writable("output", Path(config.output).expanduser())
    with starting.tensorflow():
        sources.check(config.dataset, config.data_dir, **config.own_images)
        from tfdvae.classifying import job
    folder = job.run(config)
    logger.info("Report: %s", folder / "report.html")
