"""The model that settings describe."""

import keras

from tfdvae.config import TrainConfig
from tfdvae.config.objective import HIDING, OF_NOISY_IMAGES
from tfdvae.config.tasks import SAMPLES
from tfdvae.models import network_checks, networks
from tfdvae.models.base import DenoisingModel


def build_generator(
    config: TrainConfig, image_shape: tuple[int, int, int], steps_per_epoch: int = 0
) -> DenoisingModel:
    """Return the model that a configuration describes, compiled with Adam.

    What the model can do, as its `ModelSpec` says, decides which settings its class is given.

    Args:
        config: settings.
        image_shape: (H, W, C).
        steps_per_epoch: turns epochs of KL warm-up and of the learning rate's schedule into steps.

    Raises:
        ValueError: images of a size that the network cannot take.

    Example:
        >>> build_generator(TrainConfig.of(model="vae"), (28, 28, 1)).count_params()
        236312
    """
    c, dtype, objective = config.generator, config.run.keras_dtype, config.chosen_objective
    spec, seed = c.model_spec, config.run.seed
    of_network = {}
    if not c.network_spec.encodes and networks.takes(c.chosen_network, "residual"):
        of_network["residual"] = objective not in HIDING
    encoder, decoder = networks.build(
        c.chosen_network,
        image_shape,
        c.latent_dim,
        variational=spec.variational,
        seed=seed,
        dtype=dtype,
        **of_network,
    )
    options = {
        "likelihood": config.chosen_likelihood,
        "seed": seed,
        "dtype": dtype,
        "name": c.model,
    }
    if spec.denoising:
        options |= {
            "corruption": str(config.injected),
            "objective": objective,
            "corruption_samples": c.corruption_samples,
        }
    if spec.variational:
        options |= {
            "beta": c.beta,
            "beta_warmup_steps": c.beta_warmup * steps_per_epoch,
            "latent_samples": c.latent_samples,
        }
    if network_checks.takes_any_size(encoder):
        options["image_shape"] = image_shape
    model = spec.load_class()(encoder, decoder, **options, **spec.options)
    model.white, model.background = config.data.white, config.data.background
    if spec.variational and objective in OF_NOISY_IMAGES and None in model.taken_code_shape[:2]:
        model.posterior_samples = SAMPLES  # their mean is nearer to the clean image
    rate = c.learning_rate
    if c.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, max(1, c.epochs * steps_per_epoch))
    model.compile(optimizer=keras.optimizers.Adam(rate, beta_1=c.beta_1))
    return model
