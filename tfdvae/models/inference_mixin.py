"""What a trained model does with arrays, whether it is a Keras model or was loaded from a SavedModel."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import checks, chunks, limits, seeds
from tfdvae.models import likelihoods


class Verbs:
    """Verbs on arrays, in batches, by graphs.

    Attributes:
        image_shape: (H, W, C).
        code_shape: of one image.
        variational: whether codes are distributed, so that the model can be sampled.
        corruption: what the model injected in training.
        likelihood: of pixels.
        graphs: `call`, `encode_images`, `decode_codes`, and of a variational model `posterior`: functions of tensors.
    """

    image_shape: tuple[int, int, int]
    code_shape: tuple[int, ...]
    variational: bool
    corruption: corruptions.Corruption
    likelihood: likelihoods.Bernoulli | likelihoods.Gaussian | likelihoods.MeanSquaredError
    graphs: dict[str, Callable]

    @property
    def batch_rows(self) -> int:
        """Images at a time in the verbs on arrays: 256, or fewer where they are large."""
        most = limits.current().batch_images
        return chunks.batch_rows(4 * math.prod(self.image_shape), most)

    def checked(self, name: str, value, scale: str = "noisy", any_size: bool = False) -> np.ndarray:
        """Return images as float32, checked; a likelihood that is not one of pixels in [0, 1] leaves their scale to the user."""
        shape = None if any_size else self.image_shape
        return checks.images(
            name, value, shape, scale=scale if self.likelihood.kind == "bernoulli" else "free"
        )

    def denoise(self, images, batch_size: int | None = None) -> np.ndarray:
        """Return the reconstruction of each image.

        Args:
            images: (N, H, W, C) in [0, 1], which noise may exceed.
            batch_size: images at a time. Default: 256, or fewer where they are large.

        Returns:
            float32 (N, H, W, C) in [0, 1].

        Raises:
            ValueError: images with NaN, of the wrong shape or range.
        """
        return self._in_batches("call", self.checked("images", images), batch_size)

    def encode(self, images, batch_size: int | None = None) -> np.ndarray:
        """Return the code of each image, float32 (N, *code_shape); arguments and errors as in `denoise`."""
        return self._in_batches("encode_images", self.checked("images", images), batch_size)

    def decode(self, codes, batch_size: int | None = None) -> np.ndarray:
        """Return the image of each code.

        Args:
            codes: (N, *code_shape), finite.
            batch_size: codes at a time. Default: 256, or fewer where images are large.

        Returns:
            float32 (N, H, W, C) in [0, 1].

        Raises:
            ValueError: codes with NaN or of the wrong shape.
        """
        codes = np.asarray(codes, dtype=np.float32)
        if codes.shape[1:] != self.code_shape or not len(codes):
            raise ValueError(
                f"`codes` must have shape (N, {', '.join(map(str, self.code_shape))}); got {codes.shape}."
            )
        if not np.isfinite(codes).all():
            raise ValueError("`codes` must be finite; got NaN or infinite values.")
        return self._in_batches("decode_codes", codes, batch_size)

    def _in_batches(self, graph, array, batch_size):
        return in_batches(
            self.graphs[graph],
            array,
            batch_size=self.batch_rows if batch_size is None else batch_size,
        )

    def prior_codes(self, count: int, seed: int = 0) -> Iterator[np.ndarray]:
        """Return `count` draws of the prior N(0, I) in pieces of at most 64 MiB of images, float64 (n, *code_shape).

        Raises:
            ValueError: a model without a prior (AE or DAE).
        """
        if not self.variational:
            raise ValueError("only a VAE or DVAE has a prior to be sampled; an AE or DAE has none.")
        generator = seeds.generator(checks.integer("seed", seed, 0), "prior samples")
        places = chunks.pieces(
            checks.integer("count", count, 1), 4 * math.prod(self.image_shape), self.batch_rows
        )
        return (
            generator.standard_normal((place.stop - place.start, *self.code_shape))
            for place in places
        )

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Return `count` images decoded from `prior_codes`, float32 (count, H, W, C) in [0, 1]; errors as there."""
        return np.concatenate([self.decode(codes) for codes in self.prior_codes(count, seed)])


def in_batches(function, *arrays: np.ndarray, batch_size: int) -> np.ndarray:
    """Return `function` of arrays of equal length, computed batch by batch and put together again."""
    starts = range(0, len(arrays[0]), checks.integer("batch_size", batch_size, 1))
    return np.concatenate(
        [function(*(tf.constant(a[i : i + batch_size]) for a in arrays)).numpy() for i in starts]
    )
