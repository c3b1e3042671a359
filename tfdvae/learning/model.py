"""The model that learns from noisy pictures alone, and how it is trained."""

from collections.abc import Sequence
from typing import TypeVar

import keras
import numpy as np

from tfdvae.config.objective import HIDING, target_likelihood
from tfdvae.config.tasks import SAMPLES
from tfdvae.data.image_dataset import to_unit
from tfdvae.data.patches import ORIENTATIONS
from tfdvae.fitting import training
from tfdvae.models import networks
from tfdvae.models.autoencoder import DAE
from tfdvae.models.base import DenoisingModel
from tfdvae.models.variational import DVAE

Model = TypeVar("Model", bound=DenoisingModel)

STEPS = 2400
"""Training steps that usually suffice."""

PATCH = 64
"""Side of a patch in pixels, unless another one is asked for or pictures are smaller."""

_PIXELS = 65536  # of a batch
_RATE = 1e-3
_BETA = 0.03  # weight of the KL divergence of a DVAE, see `build_dvae`


def patch_size(pictures: Sequence[np.ndarray], wanted: int | None = None) -> int:
    """Return the side of the patches: the one that is wanted, or `PATCH`, or less for small ones.

    Args:
        pictures: (H, W, C) each.
        wanted: a side, which no picture may fall short of.

    Raises:
        ValueError: a picture is smaller than what is wanted.
    """
    least = min(min(picture.shape[:2]) for picture in pictures)
    if wanted is None:
        return min(PATCH, least)
    if wanted > least:
        raise ValueError(
            f"`patch_size` must be at most {least}, the least side of the pictures to learn from "
            f"without what is held out of them; got {wanted}."
        )
    return wanted


def batch_size(patch: int) -> int:
    """Return how many patches a step has: as many as have about 65,536 pixels."""
    return max(1, _PIXELS // patch**2)


def build(
    objective: str,
    corruption: str,
    shape: tuple[int, int, int],
    moments: tuple[float, float],
    seed: int,
    steps: int,
    dtype: str = "float32",
) -> DAE:
    """Return a DAE on a U-Net, compiled with Adam and a rate that falls to 0 over the steps.

    What it makes is the mean over eight orientations of the image.

    Args:
        objective: of `OBJECTIVES`.
        corruption: the noise of the pictures under `recorrupted`; what is injected
            into clean pictures under `observed`; `none` for the objectives that hide pixels.
        shape: (H, W, C) of a patch.
        moments: mean and standard deviation of the pictures, see `moments_of`.
        seed: root seed.
        steps: of the training.
        dtype: Keras dtype policy of the network; loss, weights and output are float32.

    Example:
        >>> model = build("masked", "none", (64, 64, 1), moments_of(pictures), seed=0, steps=2400)
    """
    mean, deviation = moments
    pair = networks.build(
        "unet",
        shape,
        1,
        variational=False,
        seed=seed,
        dtype=dtype,
        residual=objective not in HIDING,
        mean=mean,
        deviation=deviation,
    )
    model = DAE(
        *pair,
        corruption=corruption,
        objective=objective,
        likelihood=f"linear:{deviation:.6g}",
        seed=seed,
        image_shape=shape,
        name="dae",
    )
    return _compiled(model, steps)


def in_float32(trained: DAE, empty: DAE) -> DAE:
    """Return a model built with float32 that has all that a trained one learned.

    Args:
        trained: a model of `build`, with any dtype.
        empty: one of the same settings with float32.

    Example:
        >>> model = in_float32(model, build(*settings))
    """
    training.copy_state(trained, empty)
    empty.frames = trained.frames
    return empty


def build_dvae(
    level: float,
    shape: tuple[int, int, int],
    moments: tuple[float, float],
    seed: int,
    steps: int,
) -> DVAE:
    """Return a DVAE that learns from pictures with Gaussian noise alone, compiled like `build`.

    It learns y - n / a from y + a n (`recorrupted`), and the noise of this target, s sqrt(1 + 1 /
    a^2), is its likelihood: DivNoising (Prakash et al. 2021) with the denoising criterion. What it
    makes is the mean of draws of its posterior.

    The weight of the KL divergence is below 1. The code comes from another version of the picture
    than the target, with less noise. With 1 it would drop whatever is weaker than the noise of the
    target, which blurs the mean: draws differ by about that noise times the root of the weight.
    With less the mean is nearer to the clean picture, and intervals from the draws are narrower.

    Args:
        level: standard deviation s of the noise.
        shape: (H, W, C) of a patch.
        moments: mean and standard deviation of the pictures, see `moments_of`.
        seed: root seed.
        steps: of the training.

    Example:
        >>> model = build_dvae(0.1, (28, 28, 1), moments_of(images), seed=0, steps=2400)
    """
    mean, deviation = moments
    pair = networks.build(
        "spatial_unet",
        shape,
        shape[-1],
        variational=True,
        seed=seed,
        mean=mean,
        deviation=deviation,
    )
    model = DVAE(
        *pair,
        corruption=f"gaussian:{float(level)!r}",
        objective="recorrupted",
        likelihood=target_likelihood("recorrupted", level),
        beta=_BETA,
        seed=seed,
        image_shape=shape,
        name="dvae",
    )
    model.posterior_samples = SAMPLES
    return _compiled(model, steps)


def _compiled(model: Model, steps: int) -> Model:
    model.orientations = ORIENTATIONS
    rate = keras.optimizers.schedules.CosineDecay(_RATE, steps)
    model.compile(optimizer=keras.optimizers.Adam(rate))
    return model


def moments_of(pictures: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return mean and standard deviation of all values, integers scaled to [0, 1].

    Args:
        pictures: (H, W, C) each, or images (N, H, W, C).
    """
    count = total = squares = 0.0
    for picture in pictures:
        values = to_unit(np.asarray(picture)).astype(np.float64)
        count, total = count + values.size, total + values.sum()
        squares += np.square(values).sum()
    mean = total / count
    return float(mean), float(np.sqrt(max(squares / count - mean**2, 1e-12)))
