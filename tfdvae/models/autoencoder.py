"""Autoencoder and denoising autoencoder."""

import keras

from tfdvae.models.base import DenoisingModel, mean_over_copies


@keras.saving.register_keras_serializable(package="tfdvae", name="DAE")
class DAE(DenoisingModel):
    """Denoising autoencoder (Vincent et al. 2008); without corruption a plain autoencoder.

    The loss is the negative log-likelihood of the target given the decoded code of the corrupted image, in nats per
    image, averaged over the corrupted copies.

    Args:
        encoder: Keras model from images (N, H, W, C) to one code.
        decoder: Keras model from the code to logits (N, H, W, C).
        corruption: what is injected, `kind:level` or `none`.
        target: `observed` (the image given) or `corrupted` (the model's own corrupted input, as in the noise study).
        likelihood: `bernoulli` or `gaussian:SIGMA`.
        corruption_samples: corrupted copies of each image in a step.
        seed: root seed of all noise.

    Raises:
        TypeError, ValueError: networks that do not fit, or settings out of range.
    """

    variational = False
    loss_names = ("loss", "reconstruction_loss")

    def __init__(
        self,
        encoder,
        decoder,
        corruption="gaussian:0.1",
        target="observed",
        likelihood="bernoulli",
        corruption_samples=1,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            encoder, decoder, corruption, target, likelihood, corruption_samples, seed, **kwargs
        )

    def losses_per_image(self, inputs, target, seed, step, training):
        corrupted, aims = self.corrupt(inputs, target, seed)
        nll = self.likelihood.nll(
            aims, self.decoder(self.encoder(corrupted, training=training), training=training)
        )
        reconstruction = mean_over_copies(nll, self.copies(target))
        return {"loss": reconstruction, "reconstruction_loss": reconstruction}
