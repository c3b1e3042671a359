"""Labelled synthetic images from a trained model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfdvae._utils import checks, chunks, room, seeds
from tfdvae.data import pipelines
from tfdvae.inference import graphs
from tfdvae.models.inference_mixin import InferenceMixin, in_batches

if TYPE_CHECKING:
    import keras

    from tfdvae.inference.trained_model import TrainedModel

Maker = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


class Synthetic(NamedTuple):
    """Synthetic images.

    Attributes:
        images: float32 (M, H, W, C) in [0, 1].
        labels: int64 (M,).
        parent_index: int64 (M,), the position of the image that each was made from; -1 where it was
            made from none.
    """

    images: np.ndarray
    labels: np.ndarray
    parent_index: np.ndarray


class Augmenter:
    """Makes labelled synthetic images with a trained model.

    Args:
        model: whatever `tfdvae.load` takes: a path, the name of a model that comes with tfdvae, a
            `DAE`, `VAE` or `DVAE`, or a `TrainedModel`.
        method: `posterior` (as published: each image gives draws of q(z | image), decoded, with its
            label), `prior` (draws of a Gaussian fitted to the codes of each class), or
            `reconstruction` (of freshly corrupted images; the only one for a DAE). Default:
            `posterior` for a VAE or DVAE, `reconstruction` for a DAE.
        corrupt_before_encoding: with `posterior`, corrupt each image as in training before it is
            encoded: the posterior of the denoising bound itself. Otherwise the clean or observed
            image is encoded.

    Raises:
        FileNotFoundError, TypeError: as `tfdvae.load`.
        ValueError: a plain autoencoder, which gives but one image for each; a method that the model
            does not have.

    Example:
        >>> made = Augmenter("clothing-dvae").generate(images, labels, per_image=2, seed=0)
        >>> made.images.shape == (2 * len(images), 28, 28, 1)
        True
        >>> dataset.map(Augmenter("clothing-dvae").map_function(seed=0))
    """

    def __init__(
        self,
        model: str | Path | keras.Model | TrainedModel,
        method: str | None = None,
        corrupt_before_encoding: bool = False,
    ):
        from tfdvae.inference.loading import load

        loaded = load(model)
        loaded.record.say_empty_code()
        core = loaded.core
        core.require_whole()
        if not core.variational and core.corruption.level == 0:
            raise ValueError(
                "a plain autoencoder makes no synthetic images, nor does a dae without a "
                "corruption: it has nothing random, so each image gives one and the same "
                "reconstruction."
            )
        allowed = ("posterior", "prior") if core.variational else ("reconstruction",)
        self.core = core
        self.white = loaded.white
        self.method = checks.choice("method", allowed[0] if method is None else method, allowed)
        if corrupt_before_encoding and (self.method != "posterior" or core.corruption.level == 0):
            raise ValueError("`corrupt_before_encoding` is for posterior samples of a DVAE.")
        self.corrupt_before_encoding = corrupt_before_encoding

    def generate(
        self, images: np.ndarray, labels: np.ndarray, per_image: int = 2, seed: int = 0
    ) -> Synthetic:
        """Return `per_image` synthetic images for each image.

        Args:
            images: (N, H, W, C) in [0, 1], which noise may exceed.
            labels: whole numbers (N,).
            per_image: synthetic images for each image.
            seed: root seed; the same seed gives the same images, whatever else was made before.

        Raises:
            TypeError, ValueError: images or labels of the wrong type, shape or range, or synthetic
                images that would not fit into memory.
        """
        images = self.core.check_images("images", images)
        needed = 8 * checks.integer("per_image", per_image, 1) * images.size
        room.check_memory("per_image", per_image, needed, " `pieces` makes them piece by piece.")
        parts = zip(*self.pieces(images, labels, per_image, seed), strict=True)
        return Synthetic(*map(np.concatenate, parts))

    def pieces(
        self, images: np.ndarray, labels: np.ndarray, per_image: int = 2, seed: int = 0
    ) -> Iterator[Synthetic]:
        """Yield what `generate` returns in pieces of at most 64 MiB, or one image.

        Memory-mapped float32 `images` are read as they are needed.
        """
        images = self.core.check_images("images", images)
        labels = checks.labels("labels", labels, len(images))
        checks.integer("per_image", per_image, 1)
        checks.integer("seed", seed, 0)
        if self.method == "prior":
            yield from _sample_classes(self.core, images, labels, per_image, seed)
            return
        make = self.maker(seed)
        for copy in range(per_image):
            for piece in chunks.pieces(len(images), images[0].nbytes, self.core.batch_rows):
                index = np.arange(piece.start, piece.stop)
                yield Synthetic(make(images[piece], index, copy), labels[piece], index)

    def maker(self, seed: int) -> Maker:
        """Return a function (images, index, copy) that makes one synthetic image for each image.

        It is for methods `posterior` and `reconstruction`. Images are float32 (n, H, W, C), `index`
        is their place among all images and `copy` is 0 for the first one of each. For each copy the
        function takes all images in order, in parts of any size; `generate` then gives the same.
        """
        if self.method == "posterior":
            return _posterior_maker(self.core, seed, self.corrupt_before_encoding)
        return _reconstruction_maker(self.core, seed)

    def map_function(self, seed: int = 0) -> Callable:
        """Return a function for `tf.data.Dataset.map` that makes a synthetic image of each image.

        It draws afresh each time. Elements are images or tuples that begin with images, (H, W, C)
        or (N, H, W, C), uint8, uint16 or floats in [0, 1]; all else, such as labels, stays as it
        is.

        Args:
            seed: of a generator of its own; draws repeat where `map` runs one call at a time.

        Raises:
            ValueError: method `prior`, whose images are made from no image.

        Example:
            >>> dataset.map(Augmenter(model).map_function(seed=0))
        """
        if self.method == "prior":
            raise ValueError(
                "`method` must be posterior or reconstruction for a map function; "
                "the images of prior are made from no image."
            )
        generator = tf.random.Generator.from_seed(checks.integer("seed", seed, 0, 2**63 - 1))

        def draw(images: tf.Tensor) -> tf.Tensor:
            return self._draw(images, tf.cast(generator.make_seeds(1)[:, 0], tf.int32))

        return graphs.map_function(self.core, draw, white=self.white)

    def _draw(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return a synthetic image of each image in a graph, float32 (N, H, W, C)."""
        core = self.core
        if self.method == "reconstruction":
            return core.graphs["call"](core.corruption(images, seed))
        if self.corrupt_before_encoding:
            seed, corruption_seed = tf.unstack(tf.random.split(seed, 2))
            images = core.corruption(images, corruption_seed)
        mean, sigma = core.graphs["posterior"](images)
        codes = mean + sigma * tf.random.stateless_normal(tf.shape(mean), seed)
        return core.graphs["decode_codes"](codes)


def labels_of_array(labels: Any) -> np.ndarray:
    """Return the labels that an array of images was given, one or more.

    Raises:
        TypeError: None.
    """
    if labels is None:
        raise TypeError(
            "`labels` must hold whole numbers, one an image; got None. Where images have no "
            "classes give np.zeros(len(images), int)."
        )
    return np.atleast_1d(checks.array("labels", labels))


def augment_lazily(
    model: TrainedModel, images: Any, labels: Any, per_image: int, seed: int, method: str | None
) -> tf.data.Dataset:
    """Return a dataset of synthetic images; see `TrainedModel.augment`.

    Raises:
        TypeError: a tensor of a graph.
        ValueError: labels or a method, which an array has; `per_image` out of range.
    """
    if not isinstance(images, tf.data.Dataset):
        raise TypeError(
            "`images` must be an array or a dataset; in a graph take "
            "dataset.map(tfdvae.Augmenter(model).map_function())."
        )
    if labels is not None or method is not None:
        raise ValueError(
            "`labels` and `method` must be left out for a dataset, whose labels are in its tuples."
        )
    repeated = images.repeat(checks.integer("per_image", per_image, 1, 2**63 - 1))
    return repeated.map(Augmenter(model).map_function(seed))


def _posterior_maker(model: InferenceMixin, seed: int, corrupt_before_encoding: bool) -> Maker:
    """Return a maker of decoded draws of q(z | x), as published, or of q(z | corrupted x)."""
    generators: dict[int, np.random.Generator] = {}

    def draw(batch: tf.Tensor, batch_noise: tf.Tensor) -> tf.Tensor:
        mean, sigma = model.graphs["posterior"](batch)
        return model.graphs["decode_codes"](mean + sigma * batch_noise)

    def make(images: np.ndarray, index: np.ndarray, copy: int) -> np.ndarray:
        inputs = _corrupt(model, images, index, copy, seed) if corrupt_before_encoding else images
        if copy not in generators:
            generators[copy] = seeds.generator(seed, f"augmentation/posterior/{copy}")
        noise = generators[copy].standard_normal((len(index), *model.code_shape), np.float32)
        return in_batches(draw, inputs, noise, batch_size=model.batch_rows)

    return make


def _reconstruction_maker(model: InferenceMixin, seed: int) -> Maker:
    """Return a maker of decode(encode(corrupt(x))), with a fresh corruption for each copy."""

    def make(images: np.ndarray, index: np.ndarray, copy: int) -> np.ndarray:
        corrupted = _corrupt(model, images, index, copy, seed)
        return in_batches(model.graphs["call"], corrupted, batch_size=model.batch_rows)

    return make


def _corrupt(
    model: InferenceMixin, images: np.ndarray, index: np.ndarray, copy: int, seed: int
) -> np.ndarray:
    purpose = f"augmentation/corruption/{copy}"
    return pipelines.freeze_noise(images, index, model.corruption, seed, purpose)


def _sample_classes(
    model: InferenceMixin, images: np.ndarray, labels: np.ndarray, per_image: int, seed: int
) -> Iterator[Synthetic]:
    """Yield decoded draws of a Gaussian for each class.

    It has mean and covariance of the aggregate posterior of the images of the class.

    Raises:
        ValueError: codes that would not fit into memory.
    """
    needed = 24 * per_image * len(images) * math.prod(model.code_shape)
    room.check_memory("per_image", per_image, needed, " Make fewer, with other seeds for more.")
    both = in_batches(
        lambda batch: tf.stack(model.graphs["posterior"](batch), axis=1),
        images,
        batch_size=model.batch_rows,
    )
    both = both.reshape(len(images), 2, -1).astype(np.float64)
    drawn, classes = [], []
    for label in np.unique(labels):
        mean, sigma = both[labels == label, 0], both[labels == label, 1]
        deviation = mean - mean.mean(axis=0)
        covariance = deviation.T @ deviation / len(mean) + np.diag(np.square(sigma).mean(axis=0))
        count = per_image * len(mean)
        generator = seeds.generator(seed, f"augmentation/prior/{label}")
        standard = generator.standard_normal((count, mean.shape[1]))
        drawn.append(mean.mean(axis=0) + standard @ np.linalg.cholesky(covariance).T)
        classes.append(np.full(count, label))
    codes = np.concatenate(drawn).reshape(-1, *model.code_shape)
    made_labels = np.concatenate(classes)
    for piece in chunks.pieces(len(codes), images[0].nbytes, model.batch_rows):
        made = made_labels[piece]
        yield Synthetic(model.decode(codes[piece]), made, np.full(len(made), -1))
