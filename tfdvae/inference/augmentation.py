"""Labelled synthetic images from a trained model."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tfdvae._utils import checks, chunks, seeds
from tfdvae.data import pipelines
from tfdvae.models.inference_mixin import Verbs, in_batches


class Synthetic(NamedTuple):
    """Synthetic images.

    Attributes:
        images: float32 (M, H, W, C) in [0, 1].
        labels: int64 (M,).
        source: int64 (M,), the position of the image that each was made from; -1 where it was made from none.
    """

    images: np.ndarray
    labels: np.ndarray
    source: np.ndarray


def _posterior(model, per_image, seed, corrupt_before_encoding) -> Callable:
    """Decoded draws of q(z | x), as published; of q(z | corrupted x) with `corrupt_before_encoding`."""
    generators = [
        seeds.generator(seed, f"augmentation/posterior/{copy}") for copy in range(per_image)
    ]

    def draw(batch, batch_noise):
        mean, sigma = model.graphs["posterior"](batch)
        return model.graphs["decode_codes"](mean + sigma * batch_noise)

    def make(images, index, copy):
        inputs = _corrupted(model, images, index, copy, seed) if corrupt_before_encoding else images
        noise = generators[copy].standard_normal((len(index), *model.code_shape), np.float32)
        return in_batches(draw, inputs, noise, batch_size=model.batch_rows)

    return make


def _reconstruction(model, per_image, seed, corrupt_before_encoding) -> Callable:
    """decode(encode(corrupt(x))), with a fresh corruption for each copy."""

    def make(images, index, copy):
        return in_batches(
            model.graphs["call"],
            _corrupted(model, images, index, copy, seed),
            batch_size=model.batch_rows,
        )

    return make


def _prior(model, images, labels, per_image, seed) -> Iterator[Synthetic]:
    """Decoded draws of a Gaussian with mean and covariance of the aggregate posterior of each class."""
    both = in_batches(
        lambda batch: tf.stack(model.graphs["posterior"](batch), axis=1),
        images,
        batch_size=model.batch_rows,
    )
    both = both.reshape(len(images), 2, -1).astype(np.float64)
    codes, made_labels = [], []
    for label in np.unique(labels):
        mean, sigma = both[labels == label, 0], both[labels == label, 1]
        deviation = mean - mean.mean(axis=0)
        covariance = deviation.T @ deviation / len(mean) + np.diag(np.square(sigma).mean(axis=0))
        count = per_image * len(mean)
        standard = seeds.generator(seed, f"augmentation/prior/{label}").standard_normal(
            (count, mean.shape[1])
        )
        codes.append(mean.mean(axis=0) + standard @ np.linalg.cholesky(covariance).T)
        made_labels.append(np.full(count, label))
    codes = np.concatenate(codes).reshape(-1, *model.code_shape)
    made_labels = np.concatenate(made_labels)
    for piece in chunks.pieces(len(codes), images[0].nbytes, model.batch_rows):
        yield Synthetic(
            model.decode(codes[piece]), made_labels[piece], np.full(len(made_labels[piece]), -1)
        )


_OF_IMAGES = {"posterior": _posterior, "reconstruction": _reconstruction}


def draw(model: Verbs, images, seed):
    """Return a synthetic image for each image as a tensor, in the default way of the model, for use in a graph.

    Args:
        model: that makes them.
        images: tensor float32 (N, H, W, C).
        seed: int32 (2,).
    """
    if not model.variational:
        return model.graphs["call"](model.corruption(images, seed))
    mean, sigma = model.graphs["posterior"](images)
    return model.graphs["decode_codes"](
        mean + sigma * tf.random.stateless_normal(tf.shape(mean), seed)
    )


class Augmenter:
    """Makes labelled synthetic images with a trained model.

    Args:
        model: `DAE`, `VAE` or `DVAE`.
        method: `posterior` (as published: each image gives draws of q(z | image), decoded, with its label), `prior`
            (draws of a Gaussian fitted to the codes of each class), or `reconstruction` (of freshly corrupted images; the only
            one for a DAE). Default: `posterior` for a VAE or DVAE, `reconstruction` for a DAE.
        corrupt_before_encoding: with `posterior`, corrupt each image as in training before it is encoded: the posterior of
            the denoising bound itself. Otherwise the image is encoded as it is.

    Raises:
        ValueError: a plain autoencoder, which gives but one image for each; a method that the model does not have.
    """

    def __init__(
        self, model: Verbs, method: str | None = None, corrupt_before_encoding: bool = False
    ):
        if not isinstance(model, Verbs):
            raise TypeError(f"`model` must be a DAE, VAE or DVAE; got {type(model).__name__}.")
        if not model.variational and model.corruption.level == 0:
            raise ValueError(
                "a plain autoencoder makes no synthetic images: it has nothing random, so each image gives one and the same reconstruction."
            )
        allowed = ("posterior", "prior") if model.variational else ("reconstruction",)
        self.model = model
        self.method = checks.choice("method", allowed[0] if method is None else method, allowed)
        if corrupt_before_encoding and (self.method != "posterior" or model.corruption.level == 0):
            raise ValueError("`corrupt_before_encoding` is for posterior samples of a DVAE.")
        self.corrupt_before_encoding = corrupt_before_encoding

    def generate(self, images, labels, per_image: int = 2, seed: int = 0) -> Synthetic:
        """Return `per_image` synthetic images for each image: (images, labels, source).

        Args:
            images: (N, H, W, C) in [0, 1], which noise may exceed.
            labels: whole numbers (N,).
            per_image: synthetic images for each image.
            seed: root seed; the same seed gives the same images, whatever else was made before.

        Raises:
            TypeError, ValueError: images or labels of the wrong type, shape or range.
        """
        return Synthetic(
            *map(np.concatenate, zip(*self.pieces(images, labels, per_image, seed), strict=True))
        )

    def pieces(self, images, labels, per_image: int = 2, seed: int = 0) -> Iterator[Synthetic]:
        """Yield what `generate` returns in pieces of at most 64 MiB (or one image); memory-mapped float32 `images` are read as they are needed."""
        images = self.model.checked("images", images)
        labels = checks.labels("labels", labels, len(images))
        checks.integer("per_image", per_image, 1)
        checks.integer("seed", seed, 0)
        if self.method == "prior":
            yield from _prior(self.model, images, labels, per_image, seed)
            return
        make = self.maker(per_image, seed)
        for copy in range(per_image):
            for piece in chunks.pieces(len(images), images[0].nbytes, self.model.batch_rows):
                yield Synthetic(
                    make(images[piece], index := np.arange(piece.start, piece.stop), copy),
                    labels[piece],
                    index,
                )

    def maker(
        self, per_image: int, seed: int
    ) -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
        """Return a function (images, index, copy) that makes one synthetic image for each image, for methods `posterior` and `reconstruction`.

        Images are float32 (n, H, W, C), `index` is their place among all images and `copy` runs from 0 to `per_image`. For each copy the function
        takes all images in order, in parts of any size; `generate` then gives the same.
        """
        return _OF_IMAGES[self.method](self.model, per_image, seed, self.corrupt_before_encoding)


def _corrupted(model, images, index, copy, seed):
    return pipelines.freeze_noise(
        images, index, model.corruption, seed, f"augmentation/corruption/{copy}"
    )
