"""Settings of the generative model, its training and the images that it makes."""

import dataclasses
from typing import Annotated

import tyro

from tfdvae import corruptions, registry
from tfdvae._utils import checks
from tfdvae.config.group import Group, one_of
from tfdvae.config.likelihood import split_likelihood
from tfdvae.config.objective import OBJECTIVES, check_likelihood

SAMPLINGS = ("posterior", "prior")
SCHEDULES = ("constant", "cosine")
DEFAULT_CORRUPTION = "gaussian:0.1"


@dataclasses.dataclass(frozen=True)
class GeneratorConfig(Group):
    """The generative model, its training and the synthetic images that it makes.

    Example:
        >>> GeneratorConfig(model="dae").chosen_network
        'residual_conv'
    """

    model: Annotated[str, one_of(*registry.MODELS.names(plugins=False))] = "dvae"
    """Autoencoder, denoising autoencoder, variational autoencoder or denoising variational
    autoencoder."""
    network: Annotated[str | None, one_of(*registry.NETWORKS.names(plugins=False))] = None
    """Encoder and decoder. Default: residual_conv for ae and dae; mlp, as published, for vae and
    dvae."""
    corruption: Annotated[str | None, tyro.conf.arg(metavar="KIND:LEVEL")] = None
    """Corruption that the model injects afresh at every step. Default: gaussian:0.1 for dae and
    dvae; ae and vae have none."""
    objective: Annotated[str | None, one_of(*OBJECTIVES)] = None
    """What the model reconstructs: the image as the dataset gives it (observed); its own corrupted
    input (corrupted); without clean images, noise of the level of --corruption is removed from
    images that have it (recorrupted), hidden pixels are found from those around them (masked), or
    pixels from those beside them (paired). Default: observed; of noisy images (--noisy-train,
    --noise) what their noise allows."""
    likelihood: Annotated[
        str | None, tyro.conf.arg(metavar="{bernoulli,gaussian:SIGMA,linear:SIGMA,mse}")
    ] = None
    """What the reconstruction loss is: bernoulli is binary cross-entropy, for pixels in [0, 1];
    gaussian:SIGMA squared error in nats, and linear:SIGMA of a network that returns images
    themselves; mse (ae, dae) the mean squared error. Default: bernoulli; linear:1 for ae and dae
    with unet, or where the objective is recorrupted, masked or paired; the noise of its targets,
    linear:SIGMA, for dvae where it learns from noisy images alone."""
    epochs: int = 60
    """Epochs of the generative model."""
    patience: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Stop the generative model when its loss on held-out training images has not fallen for so
    many epochs, and keep the weights of the best epoch. Default: all epochs are trained."""
    batch_size: int = 128
    """Images a step of the generative model."""
    learning_rate: float = 1e-3
    """Adam's learning rate for the generative model."""
    beta_1: float = 0.9
    """Adam's decay of the mean gradient, for the generative model."""
    schedule: Annotated[str, one_of(*SCHEDULES)] = "constant"
    """Learning rate of the generative model over its steps: constant, or falling to 0 along half a
    cosine."""
    latent_dim: int = 4
    """Latent units; of residual_conv, slim too, and spatial_unet channels of the code.
    pooled_conv has none as an ae or dae: its code is its last layer."""
    beta: float = 1.0
    """Weight of the KL divergence (vae, dvae)."""
    beta_warmup: int = 0
    """Epochs over which the weight of the KL divergence rises linearly from 0 to --beta (vae,
    dvae)."""
    corruption_samples: int = 1
    """Corrupted copies of each image in a step (dae, dvae)."""
    latent_samples: int = 1
    """Latent draws for each corrupted copy in a step (vae, dvae)."""
    samples_per_image: int = 2
    """Synthetic images for each training image."""
    sampling: Annotated[str, one_of(*SAMPLINGS)] = "posterior"
    """Where synthetic images of a vae or dvae come from: the posterior of each image, or a
    Gaussian fitted to the codes of each class. A dae reconstructs corrupted images; an ae makes
    none."""
    corrupt_before_encoding: bool = False
    """Corrupt images before encoding them for synthetic ones: the posterior of the denoising bound
    itself (dvae)."""
    init_from: Annotated[str | None, tyro.conf.arg(metavar="RUN")] = None
    """Start from the weights of a trained model: a run folder or a .keras file."""

    def __post_init__(self) -> None:
        checks.texts(self)
        registry.MODELS.get(self.model)
        checks.choice("schedule", self.schedule, SCHEDULES)
        if self.network is not None:
            registry.NETWORKS.get(self.network)
        if self.objective is not None:
            checks.choice("objective", self.objective, OBJECTIVES)
        checks.choice("sampling", self.sampling, SAMPLINGS)
        self.check_integers("epochs", "patience", "batch_size", "latent_dim")
        self.check_integers("corruption_samples", "latent_samples", "samples_per_image")
        self.check_switches("corrupt_before_encoding")
        self._check_numbers()
        self._check_model()

    def _check_numbers(self) -> None:
        self.keep("beta_warmup", checks.integer("beta_warmup", self.beta_warmup, 0))
        if self.beta_warmup > self.epochs:
            raise ValueError(
                f"`beta_warmup` must not exceed `epochs` ({self.epochs}); got {self.beta_warmup}."
            )
        rate = checks.number("learning_rate", self.learning_rate, 0, above_low=True)
        self.keep("learning_rate", float(rate))
        self.keep("beta_1", float(checks.number("beta_1", self.beta_1, 0, 1)))
        if self.beta_1 == 1:
            raise ValueError("`beta_1` must be below 1; got 1.")
        self.keep("beta", float(checks.number("beta", self.beta, 0)))

    def _check_model(self) -> None:
        """Refuse settings that the chosen model has no use for."""
        if not self.network_spec.encodes and self.variational:
            raise ValueError(
                f"`network` {self.network} is for ae and dae: it has no code that could be a "
                f"distribution; got {self.model}."
            )
        if self.likelihood is not None:
            self._check_likelihood(self.likelihood)
        if self.corruption is not None:
            corruption = corruptions.parse(self.corruption)
            if not self.denoising and corruption.level > 0:
                variant = registry.corrupting_variant(self.model)
                hint = f" With one it is `{variant}`." if variant else ""
                raise ValueError(f"a {self.model} has no `corruption`; got {corruption}.{hint}")
        for trait, names in (
            ("denoising", ("corruption_samples", "objective")),
            ("variational", ("beta", "beta_warmup", "latent_samples", "sampling")),
        ):
            for name in () if getattr(self, trait) else self.changed(*names):
                if getattr(self, name) == "observed":
                    continue  # what these models reconstruct anyway
                raise ValueError(
                    f"`{name}` is for models {registry.listed_models(trait)}; got "
                    f"{getattr(self, name)!r} with {self.model}."
                )
        if self.corrupt_before_encoding and not (
            self.denoising and self.variational and self.sampling == "posterior"
        ):
            raise ValueError(
                "`corrupt_before_encoding` is for posterior samples of model dvae, with a "
                "corruption."
            )

    def _check_likelihood(self, likelihood: str) -> None:
        """Refuse a likelihood that the model, its network or its objective cannot have."""
        kind, sigma = split_likelihood(likelihood)
        self.keep("likelihood", kind if sigma is None else f"{kind}:{sigma!r}")
        if self.variational and kind == "mse":
            raise ValueError(
                "`likelihood` mse is no likelihood, so a vae or dvae cannot weigh it against its "
                "KL divergence; take gaussian:SIGMA."
            )
        check_likelihood(self.objective, kind)
        if not self.network_spec.encodes and kind != "linear":
            raise ValueError(
                f"`likelihood` must be linear:SIGMA with `network` {self.network}, which "
                f"returns images themselves; got {self.likelihood}."
            )

    @property
    def chosen_network(self) -> str:
        """The network: `network`, or what stands for its default."""
        return self.network or self.model_spec.default_network

    @property
    def model_spec(self) -> registry.ModelSpec:
        """What the model can do."""
        return registry.MODELS.get(self.model)

    @property
    def network_spec(self) -> registry.NetworkSpec:
        """What the network can do."""
        return registry.NETWORKS.get(self.chosen_network)

    @property
    def latent_units(self) -> int:
        """Latent units of the code; 0 where the code is an image or a layer of the network."""
        return self.latent_dim if self.network_spec.has_units(self.variational) else 0

    @property
    def variational(self) -> bool:
        """Whether the code is a distribution."""
        return self.model_spec.variational

    @property
    def denoising(self) -> bool:
        """Whether the model corrupts its input."""
        return self.model_spec.denoising
