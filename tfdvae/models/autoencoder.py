"""Autoencoder and denoising autoencoder."""

from typing import Any

import keras
import tensorflow as tf

from tfdvae import corruptions
from tfdvae.models import likelihoods
from tfdvae.models.base import DenoisingModel, mean_over_copies


@keras.saving.register_keras_serializable(package="tfdvae", name="DAE")
class DAE(DenoisingModel):
    """Denoising autoencoder (Vincent et al. 2008); without corruption a plain autoencoder.

    The loss is the negative log-likelihood of the target given the decoded code of the corrupted
    image, in nats per image, averaged over the corrupted copies.

    Args:
        encoder: Keras model from images (N, H, W, C) to one code.
        decoder: Keras model from the code to logits (N, H, W, C).
        corruption: what is injected, `kind:level` or `none`.
        objective: what is reconstructed, and from what: `observed` (the image given), `corrupted`
            (the model's own corrupted input, as in the noise study), or, to learn from noisy images
            alone, `recorrupted`, `masked` or `paired`; see `tfdvae.models.objectives.draw`.
        likelihood: `bernoulli`, `gaussian:SIGMA`, `linear:SIGMA` or `mse`.
        corruption_samples: corrupted copies of each image in a step.
        seed: root seed of all noise.
        **kwargs: `image_shape`, where the encoder does not know it, and what `keras.Model` takes.

    Raises:
        TypeError, ValueError: networks that do not fit, or settings out of range.

    Example:
        >>> from tfdvae.models import networks
        >>> pair = networks.build("residual_conv", (28, 28, 1), 4, variational=False)
        >>> model = tfdvae.DAE(*pair, corruption="gaussian:0.3,masking:0.5", seed=0)
        >>> model.compile(optimizer="adam")
        >>> model.fit(images, epochs=20)
        >>> clean = model.denoise(noisy)
    """

    variational = False
    loss_names = ("loss", "reconstruction_loss")

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        corruption: str | corruptions.Corruption = "gaussian:0.1",
        objective: str = "observed",
        likelihood: str | likelihoods.Likelihood = "bernoulli",
        corruption_samples: int = 1,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(
            encoder, decoder, corruption, objective, likelihood, corruption_samples, seed, **kwargs
        )

    def losses_per_image(
        self,
        inputs: tf.Tensor,
        target: tf.Tensor | None,
        seed: tf.Tensor,
        step: tf.Tensor | None,
        training: bool,
    ) -> dict[str, tf.Tensor]:
        """Return `loss` and `reconstruction_loss` of each image, which are the same."""
        corrupted, aims, weights = self.corrupt(inputs, target, seed)
        made = self.decoder(self.encoder(corrupted, training=training), training=training)
        nll = self.likelihood.nll(aims, made, weights)
        reconstruction = mean_over_copies(nll, self.copies(target))
        return {"loss": reconstruction, "reconstruction_loss": reconstruction}
