"""Draws of the posterior: several clean images that one noisy image may show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from tfdvae._utils import checks, chunks, limits, seeds
from tfdvae.config.tasks import MOST_SAMPLES

if TYPE_CHECKING:
    from tfdvae.models.inference_mixin import InferenceMixin


def require(model: InferenceMixin) -> None:
    """Refuse a model whose codes are no distributions.

    Raises:
        ValueError: an AE or DAE.
    """
    model.require_whole()
    if not model.variational:
        raise ValueError(
            "only a VAE or DVAE has a posterior, from which images could be drawn; an AE or DAE "
            "has none."
        )


def draws(
    model: InferenceMixin, images: np.ndarray, samples: int, seed: int, least: int = 1
) -> Iterator[np.ndarray]:
    """Return draws of the posterior of images, decoded: expected images, without noise.

    Args:
        model: variational.
        images: as `InferenceMixin.denoise` takes them.
        samples: draws of each image, at most 1,000,000.
        seed: root seed.
        least: number of draws.

    Returns:
        An iterator over the draws, float32 (N, H, W, C) in [0, 1] each.

    Raises:
        TypeError, ValueError: images or settings that do not fit, or a model that is not
            variational.
    """
    require(model)
    checks.integer("samples", samples, least, MOST_SAMPLES)
    checks.integer("seed", seed, 0, 2**63 - 1)
    checked = model.check_images("images", images, any_size=model.any_size)
    shape = code_shape(model, checked.shape[1:3])
    return (decoded(model, checked, noise(shape, seed, number)) for number in range(samples))


def noise(shape: tuple[int, ...], seed: int, number: int) -> np.ndarray:
    """Return the standard normal numbers of a draw, float32.

    They depend on the seed, the number of the draw and the shape alone, so that what is drawn of an
    image does not depend on the images beside it.

    Args:
        shape: of a code.
        seed: root seed.
        number: of the draw, from 0.
    """
    generator = seeds.generator(seed, f"posterior draw {number}")
    return generator.standard_normal(shape, np.float32)


def decoded(model: InferenceMixin, images: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the images of the codes mean + standard deviation * `drawn`.

    Args:
        model: variational.
        images: float32 (N, H, W, C), checked.
        drawn: standard normal numbers, of the shape of one code, or of the codes of all images.

    Returns:
        float32 (N, H, W, C) in [0, 1].
    """

    def decode(batch: np.ndarray, numbers: np.ndarray) -> tf.Tensor:
        mean, deviation = model.graphs["posterior"](tf.constant(batch))
        return model.graphs["decode_codes"](mean + deviation * numbers)

    rows = chunks.batch_rows(images[0].nbytes, limits.current().batch_images)
    numbers = np.broadcast_to(drawn, (len(images), *drawn.shape[-len(model.code_shape) :]))
    starts = range(0, len(images), rows)
    made = [decode(images[at : at + rows], numbers[at : at + rows]).numpy() for at in starts]
    return np.concatenate(made)


def code_shape(model: InferenceMixin, size: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the code of an image of a height and width.

    Raises:
        ValueError: it is not the model's, and codes are not as large as images.
    """
    if size == model.image_shape[:2]:
        return model.code_shape
    if None not in model.taken_code_shape[:2]:
        height, width, _ = model.image_shape
        raise ValueError(
            f"`images` must be {height}x{width}, since codes of this model are not as large as its "
            f"images; got {size[0]}x{size[1]}."
        )
    return (*size, model.code_shape[-1])


def mean_and_spread(drawn: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation over draws, which come one by one, float32.

    The deviation is that of a sample, with n - 1 in its denominator; of one draw it is 0.

    Args:
        drawn: at least one, all of one shape.

    Example:
        >>> mean_and_spread(iter([np.array([1.0]), np.array([3.0])]))
        (array([2.], dtype=float32), array([1.4142135], dtype=float32))
    """
    mean: np.ndarray = np.zeros((), np.float32)
    squares: np.ndarray = mean
    for count, draw in enumerate(drawn, 1):
        away = draw - mean
        mean = mean + away / np.float32(count)
        squares = squares + away * (draw - mean)  # the mean before and after (Welford 1962)
    return mean.astype(np.float32), np.sqrt(squares / max(1, count - 1)).astype(np.float32)
