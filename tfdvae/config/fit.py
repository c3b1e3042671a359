"""Which settings of `tfdvae train` fit one another, where they are of several groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfdvae import registry
from tfdvae.config.classifier import CNN, RESNET, ClassifierConfig
from tfdvae.config.generator import GeneratorConfig
from tfdvae.config.objective import HIDING, check_noise
from tfdvae.config.recipes import RECIPES, recipe_settings
from tfdvae.config.sets import (
    SETS,
    generator_of,
    has_equal_epochs,
    is_ceiling,
    learned_views,
    needs_noise,
)
from tfdvae.corruptions import Gaussian, Poisson

if TYPE_CHECKING:
    from tfdvae.config.train import TrainConfig

WITHOUT_PAIRS = (  # settings of the generator that make no sense with pairs
    "objective",
    "corruption_samples",
    "samples_per_image",
    "sampling",
    "corrupt_before_encoding",
)


def check(config: TrainConfig) -> None:
    """Refuse settings that do not fit one another.

    Raises:
        ValueError: saying which.
    """
    if config.recipe is not None:
        _check_recipe(config, config.recipe)
    if config.data.noisy_dir is not None:
        _check_pairs(config)
    _check_noise(config)
    _check_code(config)
    _check_sets(config)
    if config.run.distribute != "none" and config.generator.patience is not None:
        raise ValueError("`patience` cannot be given with `distribute`.")


def _check_recipe(config: TrainConfig, recipe: str) -> None:
    settings = config.settings()
    if not any(settings[name] == value for name, value in recipe_settings(recipe).items()):
        raise ValueError(
            f"`recipe` alone sets nothing: take TrainConfig.of(recipe={recipe!r}, ...)."
        )


def _check_noise(config: TrainConfig) -> None:
    """Refuse an objective without the noise that it asks for, and denoising without any."""
    objective, generator = config.chosen_objective, config.generator
    noisy = config.data.noisy_train or config.data.noise is not None
    if objective == "recorrupted" and not noisy and generator.corruption is None:
        raise ValueError(
            "`corruption` must be given with `objective` recorrupted: gaussian:LEVEL or "
            "poisson:LEVEL, of the noise that the images have."
        )
    check_noise(objective, config.injected)
    known, photons = config.data.known_noise, isinstance(config.injected, Poisson)
    if objective == "recorrupted" and photons and not isinstance(known, Poisson | None):
        raise ValueError(
            f"`corruption` {config.injected} divides photons with `objective` recorrupted, which "
            f"images with {known} are not made of."
        )
    if generator.corrupt_before_encoding and objective in HIDING:
        raise ValueError(
            "`corrupt_before_encoding` is for posterior samples of model dvae, with a corruption; "
            f"the objective is {objective}, which injects none."
        )
    hiding = config.data.noisy_dir is not None or objective in HIDING
    if not hiding and generator.denoising and config.injected.level == 0:
        spec = generator.model_spec
        hint = f" Without one it is `{spec.plain}`." if spec.plain else ""
        raise ValueError(
            f"a {spec.name} needs a `corruption` with a level above 0; got {config.injected}.{hint}"
        )


def _check_code(config: TrainConfig) -> None:
    """Refuse a size of the code where there is no code, unless a recipe has it."""
    generator, recipe = config.generator, RECIPES.get(config.recipe or "", {})
    given = generator.latent_dim not in (GeneratorConfig.latent_dim, recipe.get("latent_dim"))
    if given and not generator.network_spec.encodes:
        raise ValueError(
            f"`latent_dim` cannot be given with `network` {generator.network}, which has no code; "
            f"got {generator.latent_dim}."
        )


def _check_sets(config: TrainConfig) -> None:
    """Refuse training sets that the images, the model or the protocol does not allow."""
    noise, model = config.data.known_noise, config.generator.model
    asked = config.classifier
    for name in asked.changed("classifier", "denoiser_steps") if asked.no_classifier else ():
        if getattr(asked, name) not in (CNN, RESNET):  # as a run has kept it
            raise ValueError(f"`{name}` cannot be given with `no_classifier`.")
    if asked.denoiser_steps is not None and not learned_views(config.training_sets):
        raise ValueError(
            "`denoiser_steps` is for `sets` whose images a model denoises, such as denoised; got "
            f"{', '.join(config.training_sets)}."
        )
    for name in config.classifier.sets or ():
        if (maker := generator_of(name)) and (maker != model or not config.makes_images):
            made = f"{model}, the model" if config.makes_images else f"none, as with this {model}"
            raise ValueError(f"`sets` must be of images of {made}; got {name}.")
        if needs_noise(name) and not isinstance(noise, Gaussian):
            raise ValueError(
                f"`sets` {name} is for images with Gaussian noise of a known level: give "
                "`noisy_train`, or `noise` its standard deviation."
            )
        if is_ceiling(name) and not config.data.noisy_train:
            raise ValueError(
                f"`sets` {name} is made from clean images: it needs `noisy_train`, which adds "
                "noise to them."
            )
        if config.run.distribute != "none" and name in SETS and SETS[name].agreeing:
            raise ValueError(
                f"`sets` {name} cannot be given with `distribute`: the two of an image that are to "
                "agree would be on two devices."
            )
        if config.classifier.protocol == "equal_epochs" and not has_equal_epochs(name):
            reason = "has as many images as limited, so that equal epochs are equal steps"
            if generator_of(name):
                reason = "is trained for equal steps alone"
            raise ValueError(f"`sets` {name} {reason}: give `protocol` equal_steps.")


def _check_pairs(config: TrainConfig) -> None:
    """Refuse settings that make no sense with pairs of a noisy and a clean image."""
    generator, no_classifier = config.generator, config.classifier.no_classifier
    if not generator.denoising or not no_classifier:
        raise ValueError(
            f"`noisy_dir` is for models {registry.listed_models('denoising')} with "
            f"`no_classifier`; got {generator.model}, `no_classifier` {no_classifier}."
        )
    if config.injected.level > 0:
        raise ValueError(
            "`corruption` cannot be given with `noisy_dir`, whose images are noisy already."
        )
    for name in generator.changed(*WITHOUT_PAIRS):
        if (value := getattr(generator, name)) != "observed":  # which it is anyway
            raise ValueError(f"`{name}` cannot be given with `noisy_dir`; got {value!r}.")
    if config.classifier.test_noise != ClassifierConfig().test_noise:
        raise ValueError(
            "`test_noise` cannot be given with `noisy_dir`, whose test images are noisy "
            f"already; got {', '.join(config.classifier.test_noise)}."
        )
