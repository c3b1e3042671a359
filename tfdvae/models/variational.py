"""Variational and denoising variational autoencoder."""

from typing import Any

import keras
import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import checks
from tfdvae.models import likelihoods
from tfdvae.models.base import DenoisingModel, mean_over_copies, repeated


def kl_weight(step: tf.Tensor | None, beta: float, warmup_steps: int) -> tf.Tensor | float:
    """Return the weight of the KL divergence after `step` optimizer steps.

    It rises linearly from 0 to `beta` over `warmup_steps`.

    Args:
        step: steps taken; None for the final weight.
        beta: final weight.
        warmup_steps: 0 for `beta` from the start.
    """
    if step is None or warmup_steps == 0:
        return beta
    return beta * tf.minimum(1.0, tf.cast(step, tf.float32) / warmup_steps)


class VariationalModel(DenoisingModel):
    """Base of `VAE` and `DVAE`: the loss with its KL divergence, the posterior and the prior.

    Arguments are those of `DVAE`.
    """

    variational = True
    loss_names = ("loss", "reconstruction_loss", "kl_loss")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        corruption: str | corruptions.Corruption,
        objective: str,
        likelihood: str | likelihoods.Likelihood,
        beta: float,
        beta_warmup_steps: int,
        corruption_samples: int,
        latent_samples: int,
        seed: int,
        **kwargs: Any,
    ):
        super().__init__(
            encoder, decoder, corruption, objective, likelihood, corruption_samples, seed, **kwargs
        )
        if isinstance(self.likelihood, likelihoods.MeanSquaredError):
            raise ValueError(
                "`likelihood` mse is no likelihood that a KL divergence could be weighed against; "
                "take gaussian:SIGMA."
            )
        self.beta = checks.number("beta", beta, 0)
        self.beta_warmup_steps = checks.integer("beta_warmup_steps", beta_warmup_steps, 0)
        self.latent_samples = checks.integer("latent_samples", latent_samples, 1)

    def posterior(self, images: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Return mean and standard deviation of q(z | image) as tensors, float32 (N, *code_shape).

        The log-variance is held within [-30, 20].
        """
        mean, log_variance = self.encoder(images, training=training)
        return tf.cast(mean, tf.float32), tf.exp(0.5 * _bounded(log_variance))

    def losses_per_image(
        self,
        inputs: tf.Tensor,
        target: tf.Tensor | None,
        seed: tf.Tensor,
        step: tf.Tensor | None,
        training: bool,
    ) -> dict[str, tf.Tensor]:
        """Return `loss`, `reconstruction_loss` and `kl_loss` of each image."""
        corruption_seed, latent_seed = tf.unstack(tf.random.split(seed, 2))
        corrupted, aims, weights = self.corrupt(inputs, target, corruption_seed)
        mean, log_variance = self.encoder(corrupted, training=training)
        mean, log_variance = tf.cast(mean, tf.float32), _bounded(log_variance)
        # Every tensor is used at most twice: three gradient terms would be summed in varying order,
        # and runs would not repeat.
        sigma = tf.exp(0.5 * log_variance)
        units = tuple(range(1, len(self.code_shape) + 1))
        kl = 0.5 * tf.reduce_sum(tf.square(mean) + tf.square(sigma) - log_variance - 1, axis=units)
        draws = self.latent_samples
        noise = tf.random.stateless_normal(
            tf.concat([[tf.shape(mean)[0] * draws], tf.shape(mean)[1:]], 0), latent_seed
        )
        codes = repeated(mean, draws) + repeated(sigma, draws) * noise
        nll = self.likelihood.nll(
            repeated(aims, draws),
            self.decoder(codes, training=training),
            None if weights is None else repeated(weights, draws),
        )
        copies = self.copies(target)
        kl = mean_over_copies(kl, copies)
        reconstruction = mean_over_copies(nll, copies * draws)
        weight = kl_weight(step, self.beta, self.beta_warmup_steps)
        return {
            "loss": reconstruction + weight * kl,
            "reconstruction_loss": reconstruction,
            "kl_loss": kl,
        }

    def encode_images(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the posterior mean of each image as a tensor, float32 (N, *code_shape)."""
        return tf.cast(self.encoder(images, training=training)[0], tf.float32)

    def sample_images(self, count: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return images decoded from draws of the prior N(0, I).

        They are a tensor, float32 (count, H, W, C) in [0, 1].

        Args:
            count: number of images, may be a tensor.
            seed: int32 (2,); the same seed gives the same images.
        """
        return self.decode_codes(
            tf.random.stateless_normal(tf.concat([[count], self.code_shape], 0), seed)
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as JSON can hold them."""
        return {
            **super().get_config(),
            "beta": self.beta,
            "beta_warmup_steps": self.beta_warmup_steps,
            "latent_samples": self.latent_samples,
        }


def _bounded(log_variance: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(tf.cast(log_variance, tf.float32), -30.0, 20.0)


@keras.saving.register_keras_serializable(package="tfdvae", name="VAE")
class VAE(VariationalModel):
    """Variational autoencoder (Kingma and Welling 2014).

    The loss is reconstruction + beta * KL in nats per image: the negative log-likelihood of the
    target, averaged over draws of q(z | image), and KL(q(z | image) || N(0, I)), each summed over
    pixels or units.

    Args:
        encoder: Keras model from images (N, H, W, C) to two outputs, mean and log-variance of the
            code.
        decoder: Keras model from the code to logits (N, H, W, C).
        likelihood: `bernoulli` or `gaussian:SIGMA`.
        beta: weight of the KL divergence; 1 is the evidence bound.
        beta_warmup_steps: optimizer steps over which the weight rises linearly from 0.
        latent_samples: draws of the code in a step.
        seed: root seed of all noise.
        **kwargs: `image_shape`, where the encoder does not know it, and what `keras.Model` takes.

    Raises:
        TypeError, ValueError: networks that do not fit, or settings out of range.

    Example:
        >>> from tfdvae.models import networks
        >>> model = tfdvae.VAE(*networks.build("mlp", (28, 28, 1), 4, variational=True))
        >>> model.compile(optimizer="adam")
        >>> model.fit(images, epochs=60)
        >>> new = model.sample(16, seed=0)
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        likelihood: str | likelihoods.Likelihood = "bernoulli",
        beta: float = 1.0,
        beta_warmup_steps: int = 0,
        latent_samples: int = 1,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(
            encoder,
            decoder,
            "none",
            "observed",
            likelihood,
            beta,
            beta_warmup_steps,
            1,
            latent_samples,
            seed,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, as JSON can hold them."""
        config = super().get_config()
        for fixed in ("corruption", "objective", "corruption_samples"):
            del config[fixed]
        return config


@keras.saving.register_keras_serializable(package="tfdvae", name="DVAE")
class DVAE(VariationalModel):
    """Denoising variational autoencoder (Im et al. 2017).

    Reference: Denoising Criterion for Variational Auto-Encoding Framework. The loss is the negative
    denoising variational bound in nats per image,
    -E_{p(x~ | x)} E_{q(z | x~)} [log p(x, z) - log q(z | x~)], estimated as the average over
    `corruption_samples` corrupted copies and `latent_samples` draws for each; more of them lower
    the variance of the estimate.

    Args:
        encoder: Keras model from images (N, H, W, C) to mean and log-variance of the code.
        decoder: Keras model from the code to logits (N, H, W, C).
        corruption: what is injected, `kind:level`.
        objective: what is reconstructed, and from what, as for `DAE`. With `recorrupted` and a
            `gaussian` or `linear` likelihood of the noise's level it is DivNoising (Prakash et al.
            2021) with the denoising criterion.
        likelihood, beta, beta_warmup_steps, latent_samples, seed: as for `VAE`.
        corruption_samples: corrupted copies of each image in a step.
        **kwargs: `image_shape`, where the encoder does not know it, and what `keras.Model` takes.

    Raises:
        TypeError, ValueError: networks that do not fit, or settings out of range.

    Example:
        >>> from tfdvae.models import networks
        >>> pair = networks.build("mlp", (28, 28, 1), 4, variational=True)
        >>> model = tfdvae.DVAE(*pair, corruption="gaussian:0.1", seed=0)
        >>> model.compile(optimizer="adam")
        >>> model.fit(images, epochs=60)
        >>> made = tfdvae.Augmenter(model).generate(images, labels, per_image=2)
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        corruption: str | corruptions.Corruption = "gaussian:0.1",
        objective: str = "observed",
        likelihood: str | likelihoods.Likelihood = "bernoulli",
        beta: float = 1.0,
        beta_warmup_steps: int = 0,
        corruption_samples: int = 1,
        latent_samples: int = 1,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(
            encoder,
            decoder,
            corruption,
            objective,
            likelihood,
            beta,
            beta_warmup_steps,
            corruption_samples,
            latent_samples,
            seed,
            **kwargs,
        )
