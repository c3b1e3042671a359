"""The commands that list what there is: models, networks, corruptions and recipes."""

import dataclasses
import logging
import textwrap
from typing import Any

from tfdvae import corruptions
from tfdvae.cli.registry import register_command
from tfdvae.config import RECIPE_SUMMARIES, RECIPES
from tfdvae.inference import shipped
from tfdvae.registry import MODELS, NETWORKS

logger = logging.getLogger(__name__)

_INDENTED: Any = {
    "initial_indent": 24 * " ",
    "subsequent_indent": 24 * " ",
    "break_on_hyphens": False,
}


@dataclasses.dataclass(frozen=True)
class ModelsConfig:
    """List the trained models that come with tfdvae."""


@dataclasses.dataclass(frozen=True)
class NetworksConfig:
    """List the networks: name, what each is, what it can do, whose default it is."""


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


@register_command("networks", NetworksConfig)
def networks(config: NetworksConfig) -> None:
    """Show each network with its traits."""
    for name, network in NETWORKS.items():
        logger.info("%-24s%s", name, network.summary)
        traits = [
            "denoises images of any size"
            if not network.encodes
            else "denoises larger images in tiles"
            if network.tiles
            else "needs images of the size that it was trained on",
        ]
        if not network.encodes:
            traits.append("no code: for ae and dae")
        elif not network.tiles and not network.latent_units:
            traits.append("latent units with vae and dvae alone")
        elif not network.tiles:
            traits.append("latent units")
        users = [model for model, spec in MODELS.items() if spec.default_network == name]
        if users:
            traits.append(f"default of {', '.join(users)}")
        logger.info("%-24s%s", "", "; ".join(traits))


@register_command("corruptions", CorruptionsConfig)
def list_corruptions(config: CorruptionsConfig) -> None:
    """Show each corruption with the unit of its level and its reference."""
    for kind in corruptions.KINDS:
        example = kind.kind if kind is corruptions.NoCorruption else f"{kind.kind}:LEVEL"
        logger.info("%-24s%s", example, (kind.__doc__ or "").splitlines()[0])
        logger.info("%-24slevel: %s", "", kind.unit)
        logger.info("%-24sreference: %s", "", kind.reference)


@register_command("recipes", RecipesConfig)
def recipes(config: RecipesConfig) -> None:
    """Show each recipe with its settings as flags."""
    for name, values in RECIPES.items():
        settings = [f"--{key.replace('_', '-')} {value}" for key, value in values.items()]
        logger.info("%-24s%s", name, RECIPE_SUMMARIES[name])
        logger.info(textwrap.fill(" ".join(settings), 100, **_INDENTED))
