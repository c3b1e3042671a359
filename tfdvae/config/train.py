"""Settings of `tfdvae train`, and what other settings share with them."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import tyro

from tfdvae import corruptions
from tfdvae._utils import checks, files

MODELS = ("ae", "dae", "vae", "dvae")
NETWORKS = (
    "mlp",
    "strided_conv",
    "pooled_conv",
    "pooled_conv_inference",
    "slim_residual_conv",
    "residual_conv",
    "wide_residual_conv",
)
TARGETS = ("observed", "corrupted")
PROTOCOLS = ("equal_steps", "equal_epochs")
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
SAMPLINGS = ("posterior", "prior")
SCHEDULES = ("constant", "cosine")
DEFAULT_CORRUPTION = "gaussian:0.1"
DEFAULT_N_TRAIN = 5000
RECIPES: dict[str, dict[str, object]] = {
    # the Keras DAE of OpenGenus as published; `--network pooled_conv` mends its batch normalisation
    "opengenus": {"model": "dae", "network": "pooled_conv_inference", "corruption": "clipped_gaussian:0.1", "likelihood": "mse",
                  "epochs": 20, "batch_size": 64, "learning_rate": 3e-6, "beta_1": 0.99},
    "conv-dae": {"model": "dae", "network": "residual_conv", "latent_dim": 16, "corruption": "clipped_gaussian:0.1", "epochs": 20, "batch_size": 32,
                 "learning_rate": 2e-3, "schedule": "cosine"},
}  # fmt: skip


def one_of(*values: str):
    return tyro.conf.arg(metavar="{" + ",".join(values) + "}")


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """Train a denoising generative model on few images and measure what its synthetic images are worth to a classifier."""

    recipe: Annotated[str | None, one_of(*RECIPES)] = None
    """Named set of defaults: opengenus, a published convolutional DAE as it is; conv-dae, one that works. Any other flag wins over it."""
    model: Annotated[str, one_of(*MODELS)] = "dvae"
    """Autoencoder, denoising autoencoder, variational autoencoder or denoising variational autoencoder."""
    network: Annotated[str | None, one_of(*NETWORKS)] = None
    """Encoder and decoder. Default: residual_conv for ae and dae; mlp, as published, for vae and dvae."""
    dataset: Annotated[str, tyro.conf.arg(metavar="NAME|PATH")] = "auto"
    """TFDS image-classification set by its TFDS name, `digits` (embedded), a folder of images, or an .npz file of arrays. auto: fashion_mnist where it is cached, in the data folder or can be downloaded, otherwise digits."""
    noisy_dir: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder with a noisy image for each one in the folder --dataset, of the same name: a dae or dvae learns to turn these into those (with --no-classifier)."""
    image_size: Annotated[tuple[int, ...] | None, tyro.conf.arg(metavar="HEIGHT [WIDTH]")] = None
    """Resize the images of a folder to this height and width; one number is both."""
    skip_unreadable: bool = False
    """Leave out images of a folder that cannot be read, and say which."""
    data_dir: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder with the official archives of the dataset (or with such folders, each named like its dataset). Where it is not given, the environment variable TFDVAE_DATA_DIR."""
    n_train: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Number of training images: a random subset with the class proportions of the whole. Default: 5000, or all if fewer."""
    noisy_train: bool = False
    """Corrupt the training images once before anything sees them (observed noise)."""
    train_noise: Annotated[str, tyro.conf.arg(metavar="KIND:LEVEL")] = "gaussian:0.1"
    """The observed noise of --noisy-train (see `tfdvae corruptions`)."""
    corruption: Annotated[str | None, tyro.conf.arg(metavar="KIND:LEVEL")] = None
    """Corruption that the model injects afresh at every step. Default: gaussian:0.1 for dae and dvae; ae and vae have none."""
    target: Annotated[str, one_of(*TARGETS)] = "observed"
    """What the model reconstructs: the image as the dataset gives it, or its own corrupted input."""
    likelihood: Annotated[str, tyro.conf.arg(metavar="{bernoulli,gaussian:SIGMA,mse}")] = (
        "bernoulli"
    )
    """What the reconstruction loss is: bernoulli is binary cross-entropy, for pixels in [0, 1]; gaussian:SIGMA squared error in nats; mse (ae, dae) the mean squared error."""
    epochs: int = 60
    """Epochs of the generative model."""
    batch_size: int = 128
    """Images a step of the generative model."""
    learning_rate: float = 1e-3
    """Adam's learning rate for the generative model."""
    beta_1: float = 0.9
    """Adam's decay of the mean gradient, for the generative model."""
    schedule: Annotated[str, one_of(*SCHEDULES)] = "constant"
    """Learning rate of the generative model over its steps: constant, or falling to 0 along half a cosine."""
    latent_dim: int = 4
    """Latent units; of residual_conv, slim and wide too, channels of the code. pooled_conv has none as an ae or dae: its code is its last layer."""
    beta: float = 1.0
    """Weight of the KL divergence (vae, dvae)."""
    beta_warmup: int = 0
    """Epochs over which the weight of the KL divergence rises linearly from 0 to --beta (vae, dvae)."""
    corruption_samples: int = 1
    """Corrupted copies of each image in a step (dae, dvae)."""
    latent_samples: int = 1
    """Latent draws for each corrupted copy in a step (vae, dvae)."""
    samples_per_image: int = 2
    """Synthetic images for each training image."""
    sampling: Annotated[str, one_of(*SAMPLINGS)] = "posterior"
    """Where synthetic images of a vae or dvae come from: the posterior of each image, or a Gaussian fitted to the codes of each class. A dae reconstructs corrupted images; an ae makes none."""
    corrupt_before_encoding: bool = False
    """Corrupt images before encoding them for synthetic ones: the posterior of the denoising bound itself (dvae)."""
    no_classifier: bool = False
    """Stop after the generative model and its synthetic images: train and test no classifier."""
    protocol: Annotated[str, one_of(*PROTOCOLS)] = "equal_steps"
    """Train each classifier for as many steps as the others, or for as many epochs (as published; more images are then also more steps)."""
    classifier_steps: int = 1200
    """Steps of each classifier (equal_steps)."""
    classifier_epochs: int = 7
    """Epochs of each classifier (equal_epochs)."""
    test_noise: Annotated[tuple[str, ...], tyro.conf.arg(metavar="LEVEL [LEVEL ...]")] = (
        "0",
        "0.025",
        "0.05",
        "0.075",
        "0.1",
    )
    """Corruptions of the test images: a number is the standard deviation of Gaussian noise, KIND:LEVEL is any other."""
    seed: int = 0
    """Root seed of every random choice."""
    precision: Annotated[str, one_of(*PRECISIONS)] = "float32"
    """float32, or mixed precision with the named type for activations."""
    threads: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Threads to compute with. Default: the cores of this machine. Results repeat bit for bit at one number of threads."""
    init_from: Annotated[str | None, tyro.conf.arg(metavar="RUN")] = None
    """Start from the weights of a trained model: a run folder or a .keras file."""
    output: Annotated[str | None, tyro.conf.arg(metavar="DIR")] = None
    """The run folder itself. Default: a new folder in saved_models/."""
    resume: Annotated[str | None, tyro.conf.arg(metavar="RUN")] = None
    """Go on with an interrupted run; its own settings hold."""
    debug: bool = False
    """Show the whole traceback of an error."""

    def __post_init__(self):
        if self.recipe is not None:
            values = RECIPES[checks.choice("recipe", self.recipe, RECIPES)]
            if not any(getattr(self, name) == value for name, value in values.items()):
                raise ValueError(
                    f"`recipe` alone sets nothing: take TrainConfig.of_recipe({self.recipe!r}, ...)."
                )
        checks.choice("model", self.model, MODELS)
        checks.choice("schedule", self.schedule, SCHEDULES)
        if self.network is not None:
            checks.choice("network", self.network, NETWORKS)
        checks.choice("target", self.target, TARGETS)
        checks.choice("protocol", self.protocol, PROTOCOLS)
        checks.choice("precision", self.precision, PRECISIONS)
        checks.choice("sampling", self.sampling, SAMPLINGS)
        for name in ("epochs", "batch_size", "latent_dim", "corruption_samples", "latent_samples", "samples_per_image",
                     "classifier_steps", "classifier_epochs"):  # fmt: skip
            self._set(name, checks.integer(name, getattr(self, name), 1))
        for name in ("n_train", "threads"):
            if getattr(self, name) is not None:
                self._set(name, checks.integer(name, getattr(self, name), 1))
        for name in (
            "noisy_train",
            "corrupt_before_encoding",
            "no_classifier",
            "skip_unreadable",
            "debug",
        ):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"`{name}` must be True or False; got {getattr(self, name)!r}.")
        self._set("beta_warmup", checks.integer("beta_warmup", self.beta_warmup, 0))
        if self.beta_warmup > self.epochs:
            raise ValueError(
                f"`beta_warmup` must not exceed `epochs` ({self.epochs}); got {self.beta_warmup}."
            )
        self._set("seed", checks.integer("seed", self.seed, 0, 2**63 - 1))
        self._set(
            "learning_rate",
            float(checks.number("learning_rate", self.learning_rate, 0, above_low=True)),
        )
        self._set("beta_1", float(checks.number("beta_1", self.beta_1, 0, 1)))
        if self.beta_1 == 1:
            raise ValueError("`beta_1` must be below 1; got 1.")
        self._set("beta", float(checks.number("beta", self.beta, 0)))
        self._set("likelihood", _likelihood(self.likelihood, self.variational))
        self._set("train_noise", str(corruptions.parse(self.train_noise, "train_noise")))
        self._set("test_noise", parsed_test_noise(self.test_noise))
        if self.image_size is not None:
            self._set("image_size", parsed_image_size(self.image_size))
        self._check_corruption()
        if self.noisy_dir is not None:
            self._check_pairs()
        if not self.noisy_train and self.train_noise != TrainConfig.train_noise:
            raise ValueError(
                f"`train_noise` is for `noisy_train`; got {self.train_noise} without it."
            )
        if not self.denoising and self.target != TrainConfig.target:
            raise ValueError(
                f"`target` is for models dae and dvae; got {self.target!r} with {self.model}."
            )
        if not self.variational:
            for name in ("beta", "beta_warmup", "latent_samples", "sampling"):
                if getattr(self, name) != getattr(TrainConfig, name):
                    raise ValueError(
                        f"`{name}` is for models vae and dvae; got {getattr(self, name)!r} with {self.model}."
                    )
        if self.corrupt_before_encoding and (self.model != "dvae" or self.sampling != "posterior"):
            raise ValueError("`corrupt_before_encoding` is for posterior samples of model dvae.")
        if self.resume is not None and self.output is not None:
            raise ValueError(
                "`output` cannot be given with `resume`: a run goes on in its own folder."
            )

    def _set(self, name: str, value: object) -> None:
        """Keep a value in its plain form, once, while the frozen settings are made."""
        object.__setattr__(self, name, value)

    @classmethod
    def of_recipe(cls, recipe: str, **settings) -> "TrainConfig":
        """Return the settings of a recipe, but for those given.

        Raises:
            ValueError: unknown recipe, or settings that do not fit.
        """
        return cls(
            **{**RECIPES[checks.choice("recipe", recipe, RECIPES)], **settings, "recipe": recipe}
        )

    def _check_corruption(self):
        corruption = self.injected
        if self.denoising and corruption.level == 0 and self.noisy_dir is None:
            plain = self.model.replace("d", "", 1)
            raise ValueError(
                f"a {self.model} needs a `corruption` with a level above 0; got {corruption}. Without one it is `{plain}`."
            )
        if not self.denoising and corruption.level > 0:
            raise ValueError(
                f"a {self.model} has no `corruption`; got {corruption}. With one it is `d{self.model}`."
            )
        if not self.denoising and self.corruption_samples != 1:
            raise ValueError(
                f"`corruption_samples` is for models dae and dvae; got {self.corruption_samples} with {self.model}."
            )

    def _check_pairs(self):
        if not self.denoising or not self.no_classifier:
            raise ValueError(
                f"`noisy_dir` is for models dae and dvae with `no_classifier`; got {self.model}, `no_classifier` {self.no_classifier}."
            )
        if self.noisy_train or self.injected.level > 0:
            raise ValueError(
                "`noisy_train` and `corruption` cannot be given with `noisy_dir`: the images are noisy as they are."
            )
        for name in (
            "target",
            "corruption_samples",
            "samples_per_image",
            "sampling",
            "corrupt_before_encoding",
        ):
            if getattr(self, name) != getattr(TrainConfig, name):
                raise ValueError(
                    f"`{name}` cannot be given with `noisy_dir`; got {getattr(self, name)!r}."
                )
        if self.test_noise != parsed_test_noise(TrainConfig.test_noise):
            listed = ", ".join(self.test_noise)
            raise ValueError(
                f"`test_noise` cannot be given with `noisy_dir`, whose test images are noisy as they are; got {listed}."
            )

    @property
    def chosen_network(self) -> str:
        """The network: `network`, or what stands for its default."""
        return self.network or ("mlp" if self.variational else "residual_conv")

    @property
    def injected(self) -> corruptions.Corruption:
        """The corruption that the model injects: `corruption`, or what stands for its default."""
        default = DEFAULT_CORRUPTION if self.denoising and self.noisy_dir is None else "none"
        return corruptions.parse(default if self.corruption is None else self.corruption)

    @property
    def variational(self) -> bool:
        return self.model in ("vae", "dvae")

    @property
    def denoising(self) -> bool:
        return self.model in ("dae", "dvae")

    @property
    def own_images(self) -> dict:
        """What `sources.load` and `sources.check` take for folders of images."""
        return {
            "noisy_dir": self.noisy_dir,
            "image_size": self.image_size,
            "skip_unreadable": self.skip_unreadable,
        }

    @property
    def dataset_name(self) -> str:
        """The dataset as titles name it: of a path the last part."""
        return Path(self.dataset).name if Path(self.dataset).is_absolute() else self.dataset

    @property
    def condition(self) -> str:
        """What the training images are: `clean`, or `noisy` by themselves or by `noisy_train`."""
        return "noisy" if self.noisy_train or self.noisy_dir is not None else "clean"

    @property
    def makes_images(self) -> bool:
        """Whether the model makes synthetic images: not a plain autoencoder, and not one trained on pairs."""
        return self.model != "ae" and self.noisy_dir is None

    @property
    def training_sets(self) -> tuple[str, ...]:
        """What classifiers are trained on, as in the column `augmentation`: empty with `no_classifier`."""
        if self.no_classifier:
            return ()
        return ("limited",) if self.model == "ae" else ("limited", self.model)

    def identity(self) -> str:
        """Return a name made from the settings that a result depends on, and from nothing else.

        Of images and models of one's own these are the paths: what is there may change (`environment.json` has marks of it).
        """
        settings = dataclasses.asdict(self)
        for name in ("data_dir", "output", "resume", "debug"):
            del settings[name]
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.model}-{self.dataset_name}-{self.condition}-seed{self.seed}-{digest}"

    def to_dict(self) -> dict:
        """Return the settings as a dictionary that JSON can hold."""
        return {**dataclasses.asdict(self), "test_noise": list(self.test_noise)}

    def origin(self, given: Iterable[str] = ()) -> dict[str, str]:
        """Return where each setting comes from: `given`, `recipe` or `default`.

        Args:
            given: names of settings that were given, also where they were given the value that they had anyway.
        """
        recipe = RECIPES[self.recipe] if self.recipe is not None else {}

        def of(name: str) -> str:
            if name in given:
                return "given"
            value = getattr(self, name)
            if name in recipe and value == recipe[name]:
                return "recipe"
            return "default" if value == getattr(TrainConfig, name) else "given"

        return {field.name: of(field.name) for field in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, settings: dict) -> "TrainConfig":
        """Return the settings that a dictionary from JSON holds.

        Raises:
            ValueError: not a dictionary, an unknown or missing key, or a value out of range.
        """
        if not isinstance(settings, dict):
            raise ValueError(f"settings must be a dictionary; got {type(settings).__name__}.")
        known = [field.name for field in dataclasses.fields(cls)]
        for key in settings:
            checks.choice("setting", key, known)
        if missing := [key for key in known if key not in settings]:
            raise ValueError(f"settings lack {', '.join(missing)}.")
        return cls(**settings)

    @classmethod
    def of_run(cls, folder: Path, asked: "TrainConfig | None" = None) -> "TrainConfig":
        """Return the settings of the run in `folder`.

        Args:
            folder: run folder.
            asked: what was asked for besides: it may name another data folder, and nothing else that the run does not have.

        Raises:
            FileNotFoundError: the folder holds no run.
            ValueError: `asked` has a setting that is neither the default nor the run's, or `config.json` is not as a run writes it.
        """
        if not (folder / "config.json").is_file():
            raise FileNotFoundError(
                f"`resume` {folder} is not a run folder: it has no config.json."
            )
        stored = files.read_json(folder / "config.json")
        config = cls.from_dict(
            {key: value for key, value in stored.items() if key != "origin"}
            if isinstance(stored, dict)
            else stored
        )
        if asked is None:
            return config
        default = cls()
        for name in [
            field.name
            for field in dataclasses.fields(cls)
            if field.name not in ("data_dir", "resume", "debug")
        ]:
            value, kept = getattr(asked, name), getattr(config, name)
            if value not in (getattr(default, name), kept):
                raise ValueError(
                    f"a resumed run keeps its own settings, and its `{name}` is {kept!r}; got {value!r}."
                )
        return (
            config
            if asked.data_dir is None
            else dataclasses.replace(config, data_dir=asked.data_dir)
        )


def parsed_test_noise(
    levels: tuple[str, ...] | list[str], argument: str = "test_noise"
) -> tuple[str, ...]:
    if not isinstance(levels, (tuple, list)) or not levels:
        raise ValueError(f"`{argument}` must be a list of levels, at least one; got {levels!r}.")
    tests = [corruptions.parse(item, argument) for item in levels]
    tests = ["none" if corruption.level == 0 else str(corruption) for corruption in tests]
    if len(set(tests)) < len(tests):
        raise ValueError(f"`{argument}` must not repeat a level; got {', '.join(tests)}.")
    return tuple(tests)


def parsed_image_size(sizes: tuple[int, ...] | list[int]) -> tuple[int, int]:
    if not isinstance(sizes, (tuple, list)) or len(sizes) not in (1, 2):
        raise ValueError(
            f"`image_size` must be one or two whole numbers, height and width; got {sizes!r}."
        )
    height, width = (checks.integer("image_size", size, 1, 8192) for size in (*sizes, sizes[0])[:2])
    return height, width


def _likelihood(text: str, variational: bool) -> str:
    kind, _, sigma = str(text).partition(":")
    checks.choice("likelihood", kind, ("bernoulli", "gaussian", "mse"))
    if variational and kind == "mse":
        raise ValueError(
            "`likelihood` mse is no likelihood, so a vae or dvae cannot weigh it against its KL divergence; take gaussian:SIGMA."
        )
    if kind != "gaussian" and text == kind:
        return text
    try:
        if kind != "gaussian":
            raise ValueError
        return f"{kind}:{float(checks.number('sigma of the gaussian likelihood', float(sigma), 0, above_low=True))!r}"
    except ValueError:
        raise ValueError(
            f"`likelihood` must be bernoulli, gaussian:SIGMA with SIGMA above 0, or mse; got {text!r}."
        ) from None


def data_folder(data_dir: str | None) -> Path | None:
    """Return the folder of `--data-dir`, else the one of TFDVAE_DATA_DIR, else None."""
    folder = data_dir if data_dir is not None else os.environ.get("TFDVAE_DATA_DIR") or None
    return None if folder is None else Path(folder).expanduser()
