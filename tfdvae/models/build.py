"""The main job as a list of stages. A run killed at any moment goes on with the first stage that is not done."""

import keras

from tfdvae.config import PRECISIONS, TrainConfig
from tfdvae.models import networks
from tfdvae.models.base import DenoisingModel


def build_generator(
    config: TrainConfig, image_shape: tuple[int, int, int], steps_per_epoch: int = 0
) -> DenoisingModel:
    """Return the model that a configuration describes, compiled with Adam.

    Args:
        config: settings.
        image_shape: (H, W, C).
        steps_per_epoch: turns epochs of KL warm-up and of the learning rate's schedule into steps.
    """
    c = config
    dtype = PRECISIONS[c.run.precision]
    pair = networks.build(
        c.generator.chosen_network,
        image_shape,
        c.generator.latent_dim,
        variational=c.generator.variational,
        seed=c.run.seed,
        dtype=dtype,
    )
    own = {
        "likelihood": c.generator.likelihood,
        "seed": c.run.seed,
        "dtype": dtype,
        "name": c.generator.model,
    }
    corrupting = {
        "corruption": str(c.injected),
        "target": c.generator.target,
        "corruption_samples": c.generator.corruption_samples,
    }
    bound = {
        "beta": c.generator.beta,
        "beta_warmup_steps": c.generator.beta_warmup * steps_per_epoch,
        "latent_samples": c.generator.latent_samples,
    }
    spec = c.generator.model_spec
    options = own | (corrupting if spec.denoising else {}) | (bound if spec.variational else {})
    model = spec.load_class()(*pair, **options, **spec.options)
    rate = c.generator.learning_rate
    if c.generator.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            rate, max(1, c.generator.epochs * steps_per_epoch)
        )
    model.compile(optimizer=keras.optimizers.Adam(rate, beta_1=c.generator.beta_1))
    return model
