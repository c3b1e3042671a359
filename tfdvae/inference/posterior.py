"""Tasks that need codes which are distributions: several clean images that one may show."""

import abc
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfdvae._utils import checks, room
from tfdvae.config.tasks import MOST_SAMPLES, SAMPLES
from tfdvae.data.patches import oriented, restored
from tfdvae.inference import graphs, tiles
from tfdvae.inference.image_arrays import ImageFormat
from tfdvae.inference.record import Record
from tfdvae.models import posterior
from tfdvae.models.inference_mixin import InferenceMixin


class Sampler:
    """Draws the posterior of images of all sizes that a model takes.

    Where the model asks for several `orientations` of an image, draws take turns in them. Images of
    more than `limits.whole_pixels` are drawn in tiles, which show no seams.

    Args:
        core: computes what is drawn.
    """

    def __init__(self, core: InferenceMixin):
        self.core = core

    def draws(
        self, images: np.ndarray, samples: int, seed: int, least: int = 1
    ) -> Iterator[np.ndarray]:
        """Return an iterator over draws of all images, float32 (N, H, W, C) each.

        Arguments are those of `models.posterior.draws`, the images checked.
        """
        posterior.require(self.core)
        checks.integer("samples", samples, least)
        checks.integer("seed", seed, 0, 2**63 - 1)
        posterior.code_shape(self.core, images.shape[1:3])
        return self._draws(images, samples, seed)

    def _draws(self, images: np.ndarray, samples: int, seed: int) -> Iterator[np.ndarray]:
        size, reach = images.shape[1:3], None
        if size != self.core.image_shape[:2] and not tiles.fits(size):
            channels = self.core.image_shape[-1] + self.core.code_shape[-1]
            reach = tiles.measure_reach(self._of_joined, channels)
        for number in range(samples):
            yield self._draw(images, seed, number, reach)

    def _draw(self, images: np.ndarray, seed: int, number: int, reach: int | None) -> np.ndarray:
        way = number % (self.core.orientations or 1)
        turned = np.ascontiguousarray(oriented(images, way))
        size = turned.shape[1:3]
        noise = posterior.noise(posterior.code_shape(self.core, size), seed, number)
        if reach is None:
            made = posterior.decoded(self.core, turned, noise)
        else:
            joined = (np.concatenate([image, noise], axis=-1) for image in turned)
            made = np.stack([tiles.cut(self._of_joined, each, reach) for each in joined])
        return np.ascontiguousarray(restored(made, way))

    def _of_joined(self, joined: np.ndarray) -> np.ndarray:
        """Return the draw of images that are joined with the noise of their codes."""
        channels = self.core.image_shape[-1]
        return posterior.decoded(self.core, joined[..., :channels], joined[..., channels:])


class FromPosterior(abc.ABC):
    """The methods of a `TrainedModel` that draw images of a VAE or DVAE."""

    core: InferenceMixin
    record: Record
    format: ImageFormat
    sampler: Sampler

    @abc.abstractmethod
    def batch(self, images: Any, larger: bool = False) -> np.ndarray:
        """Return an array of images as a float32 batch (N, H, W, C) in [0, 1]."""

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Return `count` new images of a VAE or DVAE, float32 (count, H, W, C) in [0, 1].

        The same seed gives the same images.

        Raises:
            ValueError: a model without a prior.
        """
        self.record.say_empty_code()
        return self.core.sample(count, seed)

    def sample_around(self, images: Any, count: int = 8, seed: int = 0) -> np.ndarray:
        """Return several clean images that each noisy one may show: draws of the posterior.

        They are expected images, without noise. The same seed gives the same draws of an image,
        whatever images are beside it.

        Args:
            images: an array, of any size where the model takes it.
            count: draws of each image.
            seed: root seed.

        Returns:
            float32 (N, count, H, W, C) in [0, 1], of a single image (count, H, W, C).

        Raises:
            TypeError, ValueError: images that do not fit, or a model that is not variational.

        Example:
            >>> model.sample_around(noisy[0], count=4).shape
            (4, 28, 28, 1)
        """
        checks.integer("count", count, 1)
        batch = self._batch(images)
        room.check_memory("count", count, 2 * count * batch.nbytes, " Give fewer images.")
        drawn = np.stack([*self.sampler.draws(batch, count, seed)], axis=1)
        return drawn[0] if self.format.is_single(np.asarray(images)) else drawn

    def uncertainty(self, images: Any, samples: int = SAMPLES, seed: int = 0) -> np.ndarray:
        """Return how far the clean images that a noisy one may show differ, pixel by pixel.

        It is the standard deviation over draws of the posterior, in units of the pixel range, of
        the image and not of its noise.

        Args:
            images: an array, of any size where the model takes it.
            samples: draws of each image, 2 to 1,000,000.
            seed: root seed.

        Returns:
            float32 (N, H, W, C), of a single image (H, W, C).

        Raises:
            TypeError, ValueError: images that do not fit, or a model that is not variational.

        Example:
            >>> low, high = clean - 1.96 * spread, clean + 1.96 * spread
        """
        checks.integer("samples", samples, 2, MOST_SAMPLES)
        spread = self.mean_and_spread(images, samples, seed)[1]
        return spread[0] if self.format.is_single(np.asarray(images)) else spread

    def mean_and_spread(
        self, images: Any, samples: int = SAMPLES, seed: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of the same draws, float32 (N, H, W, C) each.

        The mean is what `denoise` returns, the deviation `uncertainty`, for the price of one.
        """
        checks.integer("samples", samples, 1, MOST_SAMPLES)
        return posterior.mean_and_spread(self.sampler.draws(self._batch(images), samples, seed))

    def _batch(self, images: Any) -> np.ndarray:
        posterior.require(self.core)
        self.record.say_empty_code()
        if graphs.is_lazy(images):
            raise TypeError("`images` must be an array where images are drawn; got a dataset.")
        return self.batch(images, larger=self.core.any_size)
