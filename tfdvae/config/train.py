"""Settings of `tfdvae train`: four groups, which flags, `config.json` and `of` name flatly."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from tfdvae import corruptions
from tfdvae._utils import checks, records
from tfdvae.config import fit
from tfdvae.config.classifier import CNN, ClassifierConfig
from tfdvae.config.data import DataConfig
from tfdvae.config.generator import DEFAULT_CORRUPTION, GeneratorConfig
from tfdvae.config.group import Group, one_of
from tfdvae.config.objective import (
    HIDING,
    OF_NOISY_IMAGES,
    Choice,
    choose,
    target_likelihood,
)
from tfdvae.config.recipes import RECIPES, recipe_settings
from tfdvae.config.run import RunConfig
from tfdvae.config.sets import RECOMMENDED, learned_views

GROUPS: dict[str, type[Group]] = {
    "data": DataConfig,
    "generator": GeneratorConfig,
    "classifier": ClassifierConfig,
    "run": RunConfig,
}
# Settings that no result depends on.
INCIDENTAL = ("data_dir", "output", "resume", "debug", "quiet")
# Settings that `config.json` of 0.1.0 lacks.
SINCE_0_1_0: tuple[str, ...] = ("patience", "quiet", "white", "background", "noise", "distribute")
SINCE_0_1_0 += ("sets", "denoiser_steps", "classifier")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Train a generative model on few images and measure what its images are worth to a classifier.

    Example:
        >>> TrainConfig.of(model="dae", seed=3).run.seed
        3
        >>> TrainConfig(generator=GeneratorConfig(model="vae")).to_dict()["model"]
        'vae'
    """

    recipe: Annotated[str | None, one_of(*RECIPES)] = None
    """Named set of defaults: opengenus, a published convolutional DAE as it is; conv-dae, one that
    works. Any other flag wins over it."""
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    generator: GeneratorConfig = dataclasses.field(default_factory=GeneratorConfig)
    classifier: ClassifierConfig = dataclasses.field(default_factory=ClassifierConfig)
    run: RunConfig = dataclasses.field(default_factory=RunConfig)

    def __post_init__(self) -> None:
        fit.check(self)

    @classmethod
    def of(cls, **settings: Any) -> "TrainConfig":
        """Return the settings that flat names give; the others are those of `recipe` or defaults.

        The corruption of a recipe is left out where the model learns from the noise that the
        images have.

        Raises:
            TypeError: a value of the wrong type.
            ValueError: an unknown name, or values that do not fit.

        Example:
            >>> TrainConfig.of(model="vae", dataset="digits").generator.chosen_network
            'mlp'
            >>> TrainConfig.of(recipe="conv-dae", epochs=3).generator.batch_size
            32
        """
        if (recipe := settings.get("recipe")) is not None:
            settings = recipe_settings(recipe, settings) | settings
        return cls().replace(**settings)

    def replace(self, **settings: Any) -> "TrainConfig":
        """Return these settings with others in their place, by their flat names.

        Raises:
            TypeError: a value of the wrong type.
            ValueError: an unknown name, or values that do not fit.

        Example:
            >>> TrainConfig().replace(seed=3).run.seed
            3
        """
        for name in settings:
            checks.choice("setting", name, setting_names())
        changed: dict[str, Any] = {
            group: dataclasses.replace(
                getattr(self, group),
                **{name: settings[name] for name in kind.names() if name in settings},
            )
            for group, kind in GROUPS.items()
        }
        return dataclasses.replace(self, recipe=settings.get("recipe", self.recipe), **changed)

    def settings(self) -> dict[str, Any]:
        """Return all settings by their flat names."""
        flat = {"recipe": self.recipe}
        for group, kind in GROUPS.items():
            flat |= {name: getattr(getattr(self, group), name) for name in kind.names()}
        return flat

    @property
    def choice(self) -> Choice:
        """The objective: `objective`, or what stands for its default; and why.

        Where the noise is yet to be estimated (`noise` auto) it is `observed` until then.
        """
        asked, noise = self.generator.objective, self.data.known_noise
        noisy = noise is not None or self.data.noise is not None
        if not self.generator.denoising or self.data.noisy_dir is not None:
            return Choice("observed")
        if asked is not None:
            return Choice(asked, "the settings say so" if noisy else "")
        if noise is None:
            return Choice("observed")
        return choose(noise, self.generator.corruption, self.generator.likelihood)

    @property
    def chosen_objective(self) -> str:
        """The objective: `objective`, or what stands for its default."""
        return self.choice.objective

    @property
    def chosen_likelihood(self) -> str:
        """The likelihood: `likelihood`, or what stands for its default."""
        generator, objective = self.generator, self.chosen_objective
        if generator.likelihood is not None:
            return generator.likelihood
        if not generator.variational:
            clips = generator.network_spec.encodes and objective not in OF_NOISY_IMAGES
            return "bernoulli" if clips else "linear:1.0"
        noise = self.injected if objective == "recorrupted" else self.data.known_noise
        if objective not in OF_NOISY_IMAGES or noise is None:
            return "bernoulli"
        return target_likelihood(objective, noise.level)

    @property
    def injected(self) -> corruptions.Corruption:
        """The corruption that the model injects: `corruption`, or what stands for its default."""
        if self.generator.corruption is not None:
            return corruptions.parse(self.generator.corruption)
        objective, pairs = self.chosen_objective, self.data.noisy_dir is not None
        if pairs or objective in HIDING or not self.generator.denoising:
            return corruptions.parse("none")
        noise = self.data.known_noise if objective == "recorrupted" else None
        return corruptions.parse(DEFAULT_CORRUPTION) if noise is None else noise

    @property
    def returns_its_input(self) -> bool:
        """Whether nothing can be learned: input and target are equal, and no code is between."""
        equal = self.chosen_objective == "corrupted" or not self.generator.denoising
        return equal and not self.generator.network_spec.encodes

    @property
    def makes_images(self) -> bool:
        """Whether the model makes synthetic images: none of pairs, none without randomness."""
        random = self.generator.variational or self.injected.level > 0
        return self.generator.model_spec.generates and random and self.data.noisy_dir is None

    @property
    def training_sets(self) -> tuple[str, ...]:
        """What classifiers are trained on, as in the column `augmentation`, if there are any."""
        if self.classifier.no_classifier:
            return ()
        if self.classifier.sets is not None:
            return self.classifier.sets
        known = self.data.noisy_train and isinstance(self.data.known_noise, corruptions.Gaussian)
        mixed = RECOMMENDED if known and self.classifier.protocol == "equal_steps" else ()
        return (*self.published_sets, *mixed)

    @property
    def published_sets(self) -> tuple[str, ...]:
        """The sets that 0.1.0 trained classifiers on: the images, and with those of the model."""
        return ("limited", self.generator.model) if self.makes_images else ("limited",)

    def identity(self) -> str:
        """Return a name made from the settings that a result depends on, and from nothing else.

        Of images and models of one's own these are the paths: the files there may change
        (`environment.json` has their checksums). Settings that 0.1.0 did not have count where they
        are not at their default, so that a run of 0.1.0 keeps its name.
        """
        default = TrainConfig().settings()
        settings = {
            name: value
            for name, value in self.settings().items()
            if name not in INCIDENTAL and not (name in SINCE_0_1_0 and value == default[name])
        }
        for name in ("sets", "denoiser_steps", "objective", "classifier"):
            settings.pop(name, None)
        if self.classifier.own:
            settings["classifier"] = self.classifier.own
        if self.training_sets not in ((), self.published_sets):
            settings["sets"] = self.training_sets
        if learned_views(self.training_sets):
            settings["denoiser_steps"] = self.classifier.chosen_denoiser_steps
        settings["target"] = self.chosen_objective  # as 0.1.0 called it
        settings["likelihood"] = self.chosen_likelihood
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
        data = self.data
        return f"{self.generator.model}-{data.title}-{data.condition}-seed{self.run.seed}-{digest}"

    def to_dict(self) -> dict[str, Any]:
        """Return the settings by their flat names, as JSON can hold them."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in self.settings().items()
        }

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "TrainConfig":
        """Return the settings that a dictionary from JSON holds, also one that 0.1.0 wrote.

        Raises:
            ValueError: not a dictionary, an unknown or missing key, or a value out of range.
        """
        if not isinstance(settings, dict):
            raise ValueError(f"settings must be a dictionary; got {type(settings).__name__}.")
        if "target" in settings:  # as 0.1.0 called it
            settings = {**settings, "objective": settings["target"]}
            del settings["target"]
        for name in settings:
            checks.choice("setting", name, setting_names())
        needed = [name for name in setting_names() if name not in SINCE_0_1_0]
        if missing := [name for name in needed if name not in settings]:
            raise ValueError(f"settings lack {', '.join(missing)}.")
        config = cls().replace(**{"classifier": CNN, **settings})
        if "sets" in settings or config.classifier.no_classifier:
            return config
        return config.replace(sets=config.published_sets)

    def origin(self, given: Iterable[str] = ()) -> dict[str, str]:
        """Return where each setting comes from: `given`, `config`, `recipe` or `default`.

        Args:
            given: names of settings that were given, also where they were given the value that
                they had anyway; or a mapping from these names to `given` or, for those from a file
                of settings, `config`.
        """
        recipe = RECIPES[self.recipe] if self.recipe is not None else {}
        default = TrainConfig().settings()

        def of(name: str, value: object) -> str:
            if name in given:
                return given[name] if isinstance(given, Mapping) else "given"
            if name in recipe and value == recipe[name]:
                return "recipe"
            return "default" if value == default[name] else "given"

        return {name: of(name, value) for name, value in self.settings().items()}

    @classmethod
    def of_run(cls, folder: Path) -> "TrainConfig":
        """Return the settings of the run in `folder`.

        Raises:
            FileNotFoundError: the folder holds no run.
            ValueError: `config.json` is damaged, or a newer version of tfdvae made the run.
        """
        if not (folder / "config.json").is_file():
            raise FileNotFoundError(
                f"`resume` {folder} is not a run folder: it has no config.json."
            )
        records.check_maker(folder)
        remedy = "Bring it back, or begin a new run."
        path = folder / "config.json"
        stored = records.read(path, {}, remedy, {"origin": dict})
        stored.pop("origin", None)
        try:
            return cls.from_dict(stored)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"the settings in {path} cannot be used here: {error} It is damaged, or what it "
                f"names is not installed. {remedy}"
            ) from None


def setting_names() -> tuple[str, ...]:
    """Return the flat names of all settings of `tfdvae train`."""
    return ("recipe", *(name for kind in GROUPS.values() for name in kind.names()))
