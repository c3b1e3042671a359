"""Inference on arrays and tensors, for Keras models and for models loaded from a SavedModel."""

import abc
import logging
import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from tfdvae import corruptions
from tfdvae._utils import checks, chunks, limits, room, seeds, unit_range
from tfdvae.config.tasks import MOST_SAMPLES, SAMPLES
from tfdvae.models import likelihoods, posterior, tensor_checks

logger = logging.getLogger(__name__)


class InferenceMixin(abc.ABC):
    """Methods that use a trained model, computed by graphs batch by batch.

    Attributes:
        image_shape: (H, W, C).
        code_shape: of one image.
        variational: whether codes are distributions, so that the model can be sampled.
        has_code: whether there is a code: networks that only map images to images have none.
        any_size: whether images of any height and width can be denoised.
        corruption: what the model injected in training.
        likelihood: of pixels.
        white: the value that stood for white in the images that the model was trained on; None:
            the largest value of their type. The model itself takes images in [0, 1].
        background: `white` or `black`, what their transparent parts were put on; None: white.
        orientations: of an image, turned and mirrored, whose results `TrainedModel.denoise`
            averages; None: 1. A model that learned from hidden pixels gains by 8.
        posterior_samples: draws of the posterior of an image, whose mean `TrainedModel.denoise`
            returns; None: what the mean code is decoded to.
        frames: neighboring frames of a stack that are the channels of an image; None: 1.
        graphs: `call`, `encode_images`, `decode_codes`, and of a variational model `posterior`:
            functions of float32 tensors with any number of rows.
    """

    image_shape: tuple[int, int, int]
    code_shape: tuple[int, ...]
    variational: bool
    has_code: bool
    any_size: bool
    corruption: corruptions.Corruption
    likelihood: likelihoods.Likelihood
    white: float | None = None
    background: str | None = None
    orientations: int | None = None
    posterior_samples: int | None = None
    frames: int | None = None
    only_denoises: str = ""  # what to say where anything else is asked of it
    _noted: bool = False  # that images are on another scale

    @property
    @abc.abstractmethod
    def graphs(self) -> Mapping[str, Callable]:
        """The functions by name."""

    @property
    def batch_rows(self) -> int:
        """Images that are computed at a time: 256, or fewer where they are large."""
        return chunks.batch_rows(4 * math.prod(self.image_shape), limits.current().batch_images)

    def check_images(
        self, name: str, value: object, scale: str = "noisy", any_size: bool = False
    ) -> np.ndarray:
        """Return images as a checked array, float32 (N, H, W, C).

        Args:
            name: of the argument, for messages.
            value: images.
            scale: as for `checks.images`. It holds for models whose likelihood is of pixels in
                [0, 1] (`bernoulli`); with others values within [-10, 10] pass, with a NOTE where
                they do not look like images scaled to [0, 1], once a model.
            any_size: whether images of another height and width are accepted.

        Raises:
            TypeError: integers, or what is not numbers.
            ValueError: images with NaN, of the wrong shape or range.
        """
        given = checks.array(name, value, checks.IMPUTE_HINT)
        if given.dtype.kind in "ui":
            raise TypeError(
                f"`{name}` must hold floating point images in [0, 1]; got {given.dtype}. "
                "Scale integers first, such as images / 255."
            )
        shape = (None, None, self.image_shape[-1]) if any_size else self.image_shape
        if self.likelihood.unit_range:
            return checks.images(name, given, shape, scale=scale)
        images = checks.images(name, given, shape, scale="free")
        if not self._noted and not unit_range.noise_explains(images):
            self._noted = True
            logger.warning(
                f"NOTE: `{name}` do not look like images scaled to [0, 1]: they have values from "
                f"{images.min():g} to {images.max():g} and vary more than noise explains. The "
                "model returns images in [0, 1], and needs such ones unless it learned from others."
            )
        return images

    def check_tensor(self, images: tf.Tensor, may_be_nan: bool = False) -> tf.Tensor:
        """Return images (N, H, W, C) as a tensor whose values are checked as the graph runs.

        Args:
            images: float32.
            may_be_nan: whether values may be NaN, as missing pixels are.
        """
        known = tf.where(tf.math.is_nan(images), 0.0, images) if may_be_nan else images
        checked = tensor_checks.check_values(known, self.likelihood.unit_range)
        return tf.where(tf.math.is_nan(images), images, checked) if may_be_nan else checked

    def denoise(
        self,
        images: np.ndarray | tf.Tensor,
        batch_size: int | None = None,
        samples: int | None = None,
        seed: int = 0,
    ) -> np.ndarray | tf.Tensor:
        """Return the reconstruction of each image.

        Args:
            images: (N, H, W, C) in [0, 1], which noise may exceed, of the model's size unless it
                takes `any_size`; in a graph, such as that of `Dataset.map`, a float tensor of
                such a size.
            batch_size: images at a time. Default: 256, or fewer where they are large.
            samples: draws of the posterior of a VAE or DVAE, whose mean is returned. Default: what
                its mean code is decoded to.
            seed: of the draws.

        Returns:
            float32 (N, H, W, C) in [0, 1]; in a graph a tensor.

        Raises:
            TypeError: images that are not real numbers.
            ValueError: images with NaN, of the wrong shape or range.

        Example:
            >>> dataset.map(lambda images, labels: (model.denoise(images), labels))
        """
        if samples is not None:
            return posterior.mean_and_spread(posterior.draws(self, images, samples, seed))[0]
        if tf.is_symbolic_tensor(images):
            return self.graphs["call"](self._check_symbolic(images, self.taken_shape))
        checked = self.check_images("images", images, any_size=self.any_size)
        if batch_size is None:
            batch_size = chunks.batch_rows(checked[0].nbytes, limits.current().batch_images)
        return self._in_batches("call", checked, batch_size)

    def sample_around(self, images: np.ndarray, count: int = 8, seed: int = 0) -> np.ndarray:
        """Return draws of the posterior of each image, decoded: clean images that it may show.

        Args:
            images: as for `denoise`, an array.
            count: draws of each image.
            seed: root seed; draws of an image do not depend on the images beside it.

        Returns:
            float32 (N, count, H, W, C) in [0, 1].

        Raises:
            TypeError, ValueError: images that do not fit, or a model that is not variational.
        """
        checks.integer("count", count, 1, MOST_SAMPLES)
        return np.stack([*posterior.draws(self, images, count, seed)], axis=1)

    def uncertainty(self, images: np.ndarray, samples: int = SAMPLES, seed: int = 0) -> np.ndarray:
        """Return the standard deviation of draws of the posterior, float32 (N, H, W, C).

        It is in units of the pixel range, and without the noise of the likelihood. Arguments are
        those of `sample_around`, with at least 2 `samples` for its `count`.
        """
        return posterior.mean_and_spread(posterior.draws(self, images, samples, seed, 2))[1]

    def encode(
        self, images: np.ndarray | tf.Tensor, batch_size: int | None = None
    ) -> np.ndarray | tf.Tensor:
        """Return the code of each image, float32 (N, *code_shape), as `denoise` takes them."""
        self.require_code()
        if tf.is_symbolic_tensor(images):
            return self.graphs["encode_images"](self._check_symbolic(images, self.image_shape))
        return self._in_batches("encode_images", self.check_images("images", images), batch_size)

    def decode(
        self, codes: np.ndarray | tf.Tensor, batch_size: int | None = None
    ) -> np.ndarray | tf.Tensor:
        """Return the image of each code.

        Args:
            codes: (N, *code_shape), finite; in a graph a float tensor.
            batch_size: codes at a time. Default: 256, or fewer where images are large.

        Returns:
            float32 (N, H, W, C) in [0, 1]; in a graph a tensor.

        Raises:
            TypeError, ValueError: codes with text or NaN, or of the wrong shape.
        """
        self.require_code()
        if tf.is_symbolic_tensor(codes):
            return self.graphs["decode_codes"](tf.cast(codes, tf.float32))
        codes = tensor_checks.floats("codes", codes)
        if codes.shape[1:] != self.code_shape or not len(codes):
            wanted = ", ".join(map(str, self.code_shape))
            raise ValueError(f"`codes` must have shape (N, {wanted}); got {codes.shape}.")
        if not np.isfinite(codes).all():
            raise ValueError("`codes` must be finite; got NaN or infinite values.")
        return self._in_batches("decode_codes", codes, batch_size)

    @property
    def taken_shape(self) -> tuple[int | None, int | None, int]:
        """(H, W, C) of the images that batches may hold, H and W None where any size is taken."""
        return (None, None, self.image_shape[-1]) if self.any_size else self.image_shape

    @property
    def taken_code_shape(self) -> tuple[int | None, ...]:
        """Shape of the codes that batches may hold: any size where codes are as large as images."""
        as_large = self.any_size and self.code_shape[:2] == self.image_shape[:2]
        return (None, None, *self.code_shape[2:]) if as_large else self.code_shape

    def require_code(self) -> None:
        """Refuse a model without a code, whose network maps images to images."""
        self.require_whole()
        if not self.has_code:
            raise ValueError(
                "this model has no code: its network, such as unet, maps images to images. Models "
                "on other networks encode and compress."
            )

    def require_whole(self) -> None:
        """Refuse a model that only denoises, as that of an ONNX file."""
        if self.only_denoises:
            raise ValueError(self.only_denoises)

    def _check_symbolic(
        self, images: tf.Tensor, taken: tuple[int | None, int | None, int]
    ) -> tf.Tensor:
        """Return a tensor of a graph as float32: type and shape are checked now, values later."""
        if not images.dtype.is_floating:
            raise TypeError(
                f"`images` must be floats in [0, 1]; got {images.dtype.name}. "
                "Scale integers first, such as images / 255."
            )
        if not images.shape.is_compatible_with((None, *taken)):
            wanted = f"H, W, {taken[-1]}" if None in taken else ", ".join(map(str, taken))
            raise ValueError(f"`images` must have shape (N, {wanted}); got {images.shape}.")
        images = tf.ensure_shape(images, (None, *taken))
        return self.check_tensor(tf.cast(images, tf.float32))

    def _in_batches(self, graph: str, array: np.ndarray, batch_size: int | None) -> np.ndarray:
        rows = self.batch_rows if batch_size is None else batch_size
        return in_batches(self.graphs[graph], array, batch_size=rows)

    def prior_codes(self, count: int, seed: int = 0) -> Iterator[np.ndarray]:
        """Return `count` draws of the prior N(0, I), in pieces.

        A piece is float64 (n, *code_shape), for at most 64 MiB of images.

        Args:
            count: codes in all.
            seed: root seed.

        Raises:
            ValueError: a model without a prior (AE or DAE).
        """
        self.require_whole()
        if not self.variational:
            raise ValueError("only a VAE or DVAE has a prior to be sampled; an AE or DAE has none.")
        generator = seeds.generator(checks.integer("seed", seed, 0), "prior samples")
        places = chunks.each_piece(
            checks.integer("count", count, 1), 4 * math.prod(self.image_shape), self.batch_rows
        )
        return (
            generator.standard_normal((place.stop - place.start, *self.code_shape))
            for place in places
        )

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Return `count` new images, decoded from `prior_codes`.

        Returns:
            float32 (count, H, W, C) in [0, 1]; the same seed gives the same images.

        Raises:
            ValueError: a model without a prior (AE or DAE), or images that would not fit into
                memory.
        """
        pieces = self.prior_codes(count, seed)
        hint = " Draw fewer at a time, each time with another `seed`."
        room.check_memory("count", count, 8 * count * math.prod(self.image_shape), hint)
        return np.concatenate([self.decode(codes) for codes in pieces])


def in_batches(function: Callable, *arrays: np.ndarray, batch_size: int) -> np.ndarray:
    """Return `function` of arrays of equal length, computed batch by batch and concatenated."""
    starts = range(0, len(arrays[0]), checks.integer("batch_size", batch_size, 1))
    return np.concatenate(
        [function(*(tf.constant(a[i : i + batch_size]) for a in arrays)).numpy() for i in starts]
    )
