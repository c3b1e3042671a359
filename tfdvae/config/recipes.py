"""Named sets of defaults for `tfdvae train`."""

from tfdvae._utils import checks

RECIPES: dict[str, dict[str, object]] = {
    # The Keras DAE of OpenGenus as published; `--network pooled_conv` repairs its batch
    # normalization.
    "opengenus": {
        "model": "dae",
        "network": "pooled_conv_inference",
        "corruption": "clipped_gaussian:0.1",
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


def recipe_settings(name: str, own_noise: bool = False) -> dict[str, object]:
    """Return the settings of a recipe, by their flat names.

    Args:
        name: of the recipe.
        own_noise: whether the model learns from the noise that the images have: from pairs of a
            noisy and a clean image, or from noisy images alone. The corruption of the recipe is
            then left out.

    Raises:
        ValueError: no such recipe; the nearest names are suggested.

    Example:
        >>> recipe_settings("conv-dae")["corruption"]
        'clipped_gaussian:0.1'
        >>> "corruption" in recipe_settings("conv-dae", own_noise=True)
        False
    """
    settings = RECIPES[checks.choice("recipe", name, RECIPES)]
    left_out = ("corruption",) if own_noise else ()
    return {key: value for key, value in settings.items() if key not in left_out}
