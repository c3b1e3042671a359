"""The commands that list what there is: models, corruptions and recipes."""

import dataclasses
import logging

from tfdvae import corruptions
from tfdvae.cli.registry import register_command
from tfdvae.config import RECIPES
from tfdvae.inference import shipped

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class ModelsConfig:
    """List the trained models that come with tfdvae."""


@dataclasses.dataclass(frozen=True)
class CorruptionsConfig:
    """List the corruptions: name, what it does, what its level measures."""


@dataclasses.dataclass(frozen=True)
class RecipesConfig:
    """List the recipes of `tfdvae train`: name, what each is, its settings."""


@register_command("models", ModelsConfig)
def models(config: ModelsConfig) -> None:
    """Show the card of each model that comes with tfdvae."""
    logger.info("\n\n".join(shipped.cards()))


@register_command("corruptions", CorruptionsConfig)
def list_corruptions(config: CorruptionsConfig) -> None:
    """Show each corruption with the unit of its level."""
    for kind in corruptions.KINDS:
        example = kind.kind if kind is corruptions.NoCorruption else f"{kind.kind}:LEVEL"
        logger.info("%-24s%s", example, (kind.__doc__ or "").splitlines()[0])
        logger.info("%-24slevel: %s", "", kind.unit)


@register_command("recipes", RecipesConfig)
def recipes(config: RecipesConfig) -> None:
    """Show each recipe with its settings as flags."""
    for name, values in RECIPES.items():
        logger.info(name)
        logger.info(
            "    %s",
            " ".join(f"--{key.replace('_', '-')} {value}" for key, value in values.items()),
        )
