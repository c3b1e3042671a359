"""The precision of the classifiers of a study."""

from __future__ import annotations

from tfdvae._utils import processor
from tfdvae.config import AUTO
from tfdvae.studies import runner
from tfdvae.studies.settings import StudyConfig


def chosen(name: str, config: StudyConfig, asked: str, published: bool = True) -> str:
    """Return the precision that was asked for, that of the study in the folder, or the fastest.

    Args:
        name: of the study.
        config: its settings.
        asked: its setting `precision`.
        published: the classifier is the published one; others are trained with float32.

    Example:
        >>> chosen("augmentation", config, "auto")
        'bfloat16'
    """
    if asked == AUTO:
        kept = runner.kept_settings(runner.study_folder(name, config)) or {}
        units = published and processor.has_bfloat16()
        return kept.get("precision") or processor.chosen_precision(AUTO, units)
    if config.cell is not None or not published:
        return asked
    return processor.chosen_precision(asked, processor.has_bfloat16())
