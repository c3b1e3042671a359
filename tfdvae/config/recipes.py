"""Named sets of defaults for `tfdvae train`."""

from collections.abc import Mapping

from tfdvae import corruptions
from tfdvae._utils import checks
from tfdvae.config.data import DataConfig
from tfdvae.config.objective import OF_NOISY_IMAGES, for_noise

RECIPES: dict[str, dict[str, object]] = {
    # The Keras DAE of OpenGenus as published; `--network pooled_conv` repairs its batch
    # normalization.
    "opengenus": {
        "model": "dae",
        "network": "pooled_conv_inference",
        "corruption": "clipped_gaussian:0.1",
        "objective": "observed",
        "likelihood": "mse",
        "epochs": 20,
        "batch_size": 64,
        "learning_rate": 3e-6,
        "beta_1": 0.99,
    },
    "conv-dae": {
        "model": "dae",
        "network": "residual_conv",
        "latent_dim": 16,
        "corruption": "clipped_gaussian:0.1",
        "epochs": 20,
        "batch_size": 32,
        "learning_rate": 2e-3,
        "schedule": "cosine",
    },
}

RECIPE_SUMMARIES = {
    "opengenus": "A published convolutional DAE (OpenGenus), with its settings.",
    "conv-dae": "A convolutional DAE that denoises well.",
}


def recipe_settings(name: str, given: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the settings of a recipe, by their flat names.

    Its corruption is left out where the model learns from the noise that the images have: from
    pairs of a noisy and a clean image, or from noisy images alone.

    Args:
        name: of the recipe.
        given: settings that are given beside it, by their flat names.

    Raises:
        ValueError: no such recipe; the nearest names are suggested.

    Example:
        >>> recipe_settings("conv-dae")["corruption"]
        'clipped_gaussian:0.1'
        >>> "corruption" in recipe_settings("conv-dae", {"objective": "masked"})
        False
    """
    settings = RECIPES[checks.choice("recipe", name, RECIPES)]
    left_out = ("corruption",) if _learns_from_noise(settings | dict(given or {})) else ()
    return {key: value for key, value in settings.items() if key not in left_out}


def _learns_from_noise(settings: Mapping[str, object]) -> bool:
    """Tell whether a model learns from the noise that the images have, given flat settings."""
    if settings.get("noisy_dir") is not None:
        return True
    if settings.get("objective") is not None:
        return settings["objective"] in OF_NOISY_IMAGES
    if settings.get("likelihood") == "bernoulli":
        return False
    noise = str(settings.get("train_noise", DataConfig.train_noise))
    known = settings.get("noisy_train") and for_noise(corruptions.parse(noise, "train_noise"))[0]
    return bool(known) or settings.get("noise") is not None
